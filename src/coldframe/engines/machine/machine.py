"""Running one command in a machine: QEMU with emulated instructions, this machine's files read-only over virtiofs."""

import contextlib
import os
import shlex
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from coldframe.core import process
from coldframe.engines.machine.errors import MachineFailed
from coldframe.engines.machine.initramfs import DONE, UNPRIVILEGED, UP, initramfs
from coldframe.engines.machine.kernels import DebianKernel

_FOLDERS = (Path("/usr/lib/qemu"),)
_PROGRAMS = ("qemu-system-x86_64", "virtiofsd", "busybox")
# With twenty processes waiting for two cores a boot took over a minute; one that takes this long has failed.
_BOOT_SECONDS = 240
_MEGABYTES = 1024


class Errand(NamedTuple):
    """What to do in the machine: words of a command, in a folder, with an environment; it is root there."""

    words: list[str]
    folder: Path
    environment: Mapping[str, str] = {}
    seconds: float = 300


class Ended(NamedTuple):
    """How the command ended: its exit code, and all it printed."""

    code: int
    output: str


def missing() -> list[str]:
    """Return the programs that a machine needs and that are not here."""
    return [name for name in _PROGRAMS if process.find(name, *_FOLDERS) is None]


def run(kernel: DebianKernel, errand: Errand, say: Callable[[str], object] | None = None) -> Ended:
    """Boot, run the command, and return how it ended; `say` gets each line that it prints as it comes.

    A machine that does not come up is started once more; then, or when the command takes too long, it raises
    MachineFailed.
    """
    absent = missing()
    if absent:
        raise MachineFailed(
            f"{', '.join(absent)} is not on this machine; install it: coldframe engines install machine"
        )
    lines: list[str] = []
    for _ in range(2):
        with tempfile.TemporaryDirectory(prefix="coldframe-machine-") as name:
            place = Path(name)
            lines = []
            up = _boot(kernel, errand, place, lines, say)
            code = place / "errand" / "code"
            if up and code.is_file() and code.read_text(encoding="ascii").strip():
                return Ended(int(code.read_text(encoding="ascii")), "\n".join(lines))
            if up:
                raise MachineFailed(
                    f"the command did not end within {errand.seconds:g} s on Linux {kernel.release}; its last words:\n"
                    + "\n".join(lines[-15:])
                )
    raise MachineFailed(
        f"the machine with Linux {kernel.release} did not come up within {_BOOT_SECONDS} s, twice; its last words:\n"
        + "\n".join(lines[-15:])
    )


def _boot(
    kernel: DebianKernel, errand: Errand, place: Path, lines: list[str], say: Callable[[str], object] | None
) -> bool:
    """Run the machine to its end, or to the end of its time; tells whether it came up."""
    shared = place / "errand"
    shared.mkdir()
    (shared / "errand.sh").write_text(_script(errand), encoding="utf-8")
    first = place / "initramfs"
    first.write_bytes(initramfs(process.find("busybox") or Path(), kernel.modules))
    up, done = threading.Event(), False
    with (
        _served(Path("/"), place / "root.sock", "always"),
        _served(shared, place / "errand.sock", "none"),
        process.alongside(_command(kernel, place, first, errand.seconds + _BOOT_SECONDS)) as machine,
    ):
        assert machine.stdout is not None
        late = threading.Timer(_BOOT_SECONDS, lambda: None if up.is_set() else machine.kill())
        late.start()
        try:
            for line in machine.stdout:
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                if UP in text:
                    up.set()
                    lines.clear()
                    continue
                done = done or DONE in text
                if done:
                    continue
                lines.append(text)
                if say is not None and up.is_set():
                    say(text)
        finally:
            late.cancel()
        machine.wait()
    return up.is_set()


def _command(kernel: DebianKernel, place: Path, first: Path, seconds: float) -> list[str]:
    # `timeout` ends it also if this process is killed: nothing of it may be left behind.
    command = ["timeout", "--kill-after=5", f"{seconds:.0f}"]
    command += [str(process.find("qemu-system-x86_64")), "-accel", "tcg,thread=multi", "-machine", "q35"]
    command += ["-cpu", "max", "-smp", "1", "-m", str(_MEGABYTES), "-nographic", "-nodefaults", "-no-reboot"]
    command += [
        "-object",
        f"memory-backend-memfd,id=mem,size={_MEGABYTES}M,share=on",
        "-numa",
        "node,memdev=mem",
    ]
    for tag in ("root", "errand"):
        command += ["-chardev", f"socket,id={tag},path={place / tag}.sock"]
        command += ["-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]
    command += [
        "-device",
        "virtio-rng-pci",
        "-serial",
        "stdio",
        "-kernel",
        str(kernel.image),
        "-initrd",
        str(first),
    ]
    words = "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off"
    return [*command, "-append", words if os.geteuid() == 0 else f"{words} {UNPRIVILEGED}"]


@contextlib.contextmanager
def _served(folder: Path, address: Path, cache: str) -> Iterator[None]:
    """Serve a folder over virtiofs while the block lasts; the socket listens before the program that serves it starts."""
    program = process.find("virtiofsd", *_FOLDERS)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(address))
        listening.listen(1)
        number = listening.fileno()
        command = [str(program), f"--fd={number}", "-o", f"source={folder}", "-o", f"cache={cache}"]
        command += ["-o", "sandbox=chroot", "--thread-pool-size=1"]
        if os.geteuid() != 0:
            command = ["unshare", "--user", "--map-root-user", *command]
        with process.alongside(command, descriptors=[number]) as served:
            # What it prints must be read, or it would stop at a full pipe.
            assert served.stdout is not None
            reader = threading.Thread(target=served.stdout.read, daemon=True)
            reader.start()
            yield
            served.terminate()
            reader.join()


def _script(errand: Errand) -> str:
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/run/home",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        **errand.environment,
    }
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    return "\n".join(
        [*exports, f"cd {shlex.quote(str(errand.folder))}", f"exec {shlex.join(errand.words)}", ""]
    )
