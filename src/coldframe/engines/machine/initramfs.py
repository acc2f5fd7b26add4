"""The first files of the machine: a static busybox, the modules, and the program that brings this machine's files up."""

import gzip
import lzma
import stat
from pathlib import Path

from coldframe.engines.machine.errors import MachineFailed

UP = "coldframe machine: up"
DONE = "coldframe machine: done"
# On the kernel's command line: the files are served by a user who is not root. An overlay opens them in a way that only
# their owner may (O_NOATIME), so only /tmp, which has this user's files, can be written there.
UNPRIVILEGED = "coldframe.unprivileged"
# Where the errand lies, in the machine; /run is a file system of its own there, so nothing of this machine's is hidden.
ERRAND = "/run/coldframe"

_INIT = f"""#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /sys /dev /ro /rw /new
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for m in /modules/*; do $b insmod $m || echo "coldframe machine: $m is not taken"; done
$b mount -t virtiofs -o ro root /ro || echo "coldframe machine: this machine's files cannot be mounted"
$b mount -t tmpfs -o mode=0755 rw /rw
$b mkdir /rw/upper /rw/work
if $b grep -q {UNPRIVILEGED} /proc/cmdline; then
  $b mount --move /ro /new
  $b mount -t overlay -o lowerdir=/new/tmp,upperdir=/rw/upper,workdir=/rw/work tmp /new/tmp
else
  $b mount -t overlay -o lowerdir=/ro,upperdir=/rw/upper,workdir=/rw/work root /new
fi
for m in proc sys dev; do $b mount --move /$m /new/$m; done
$b mkdir -p /new/dev/pts /new/dev/shm
$b mount -t devpts devpts /new/dev/pts
$b mount -t tmpfs shm /new/dev/shm
$b mount -t tmpfs -o mode=0755 run /new/run
$b mkdir /new{ERRAND} /new/run/home
$b mount -t virtiofs errand /new{ERRAND} || echo "coldframe machine: the errand cannot be mounted"
$b ip link set lo up
$b hostname machine
echo "{UP}"
$b chroot /new /bin/sh {ERRAND}/errand.sh
echo $? > /new{ERRAND}/code
echo "{DONE}"
$b sync
$b poweroff -f
"""


def initramfs(busybox: Path, modules: list[Path]) -> bytes:
    """Return a compressed cpio archive; raises MachineFailed for a busybox that needs libraries."""
    program = busybox.read_bytes()
    if b"/lib64/ld-linux" in program[:4096]:
        raise MachineFailed(f"{busybox} needs shared libraries; install busybox-static in its place")
    files = [("bin", stat.S_IFDIR | 0o755, b""), ("modules", stat.S_IFDIR | 0o755, b"")]
    files += [("bin/busybox", stat.S_IFREG | 0o755, program), ("init", stat.S_IFREG | 0o755, _INIT.encode())]
    for module in modules:
        content = module.read_bytes()
        if module.suffix == ".xz":
            content = lzma.decompress(content)
        files.append((f"modules/{module.name.removesuffix('.xz')}", stat.S_IFREG | 0o644, content))
    archive = b"".join(_entry(number, *file) for number, file in enumerate(files, 1))
    return gzip.compress(archive + _entry(0, "TRAILER!!!", 0, b""), 1, mtime=0)


def _entry(number: int, name: str, mode: int, content: bytes) -> bytes:
    """Return one file as the format newc has it: a header of hexadecimal numbers, the name, the content, aligned to 4."""
    path = name.encode() + b"\0"
    numbers = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0]
    header = b"070701" + "".join(f"{value:08X}" for value in numbers).encode() + path
    return _aligned(header) + _aligned(content)


def _aligned(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)
