"""Stop 3: a private key goes into the kernel, signs there, comes never out, and ends with its holder."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from coldframe.cli.tour import ssh_login
from coldframe.cli.tour.guide import Guide, NotHere
from coldframe.core import process
from coldframe.keys import ASK, AsymmetricKey, Kernel, Keyring, KeyringError, doctor, load
from coldframe.keys.rings import start_session

_MESSAGE = b"a message of the tour\n"
_LONGEST = 30.0


def walk(guide: Guide) -> None:
    """Tell the story of the post: load, use, delete the file, kill the holder, see the key gone."""
    kernel = Kernel()
    with guide.step("What this kernel can do with keys"):
        _able(guide, kernel)
    # The tour's own session: what is in it ends with the tour, whatever happens.
    start_session(kernel)
    with tempfile.TemporaryDirectory(prefix="coldframe-tour-") as name:
        file = Path(name) / "id_rsa"
        with guide.step("A private key, as everybody has one: a file"):
            guide.command(f"ssh-keygen -t rsa -b 2048 -m PEM -f {file}")
            words = ["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-C", "tour"]
            process.run(["ssh-keygen", "-q", *words, "-f", file])
            guide.say(f"{file.stat().st_size} bytes that are the key, for whoever reads them")
        key = _into_the_kernel(guide, kernel, file)
        _signs(guide, key, file)
        _killed(guide, kernel, file)
        ssh_login.walk(guide, kernel, file)
        with guide.step("The file is deleted, and the key still signs"):
            signature = key.sign(_MESSAGE)
            file.unlink()
            guide.expect(key.sign(_MESSAGE) == signature, "the same signature without the file")
            guide.expect(
                _refusal(key.read) == "EOPNOTSUPP",
                "the kernel does not give the key out: EOPNOTSUPP",
            )
    _ends(guide, key)


def _able(guide: Guide, kernel: Kernel) -> None:
    findings = doctor.examine(kernel)
    guide.command("coldframe keys doctor")
    for finding in findings:
        guide.say(f"{finding.state:<8} {finding.title}: {finding.found}")
    broken = [finding for finding in findings if finding.state == doctor.BROKEN]
    if not broken:
        return
    from coldframe.engines import machine

    absent = machine.missing()
    instead = (
        "walk this stop in a QEMU machine with Debian's kernel: coldframe tour 3 --machine"
        if not absent
        else "with QEMU, this stop can be walked in a machine of its own: coldframe engines install machine, then "
        "coldframe tour 3 --machine"
    )
    raise NotHere(
        f"This kernel cannot hold private keys: {broken[0].found}.\nRemedy: {broken[0].remedy}.\nOr {instead}"
    )


def _into_the_kernel(guide: Guide, kernel: Kernel, file: Path) -> AsymmetricKey:
    from coldframe.keys.tree import walk as tree

    with guide.step("It goes into the kernel, by a process that ends"):
        guide.command(f"coldframe keys add {file} tour @s && coldframe keys show")
        loaded = load(file, "tour", Keyring(service=kernel), passphrase=ASK)
        for node in tree(Keyring(service=kernel)):
            kept = "" if node.kind == "keyring" else f"  {node.protection.value}"
            guide.say(
                f"{node.serial:>10} {node.permissions[:8]} {'   ' * node.depth}{node.kind}: {node.description}{kept}"
            )
        guide.expect(
            loaded.key.service.pkey_query(loaded.key.serial).bits == 2048, "an RSA key of 2048 bits is there"
        )
        public = file.with_suffix(".pub").read_text(encoding="utf-8").split()[1]
        guide.expect(loaded.public.split()[1] == public, "it is the file's: its public key says so")
        return loaded.key


def _signs(guide: Guide, key: AsymmetricKey, file: Path) -> None:
    with guide.step("It signs, and OpenSSL with the file signs the same, byte for byte"):
        message, theirs = file.with_name("message"), file.with_name("signature")
        message.write_bytes(_MESSAGE)
        for hash_name in ("sha256", "sha512"):
            begun = time.perf_counter()
            ours = key.sign(_MESSAGE, hash_name)
            took = time.perf_counter() - begun
            process.run(["openssl", "dgst", f"-{hash_name}", "-sign", file, "-out", theirs, message])
            guide.expect(
                ours == theirs.read_bytes(), f"{hash_name}: {len(ours)} equal bytes, {took * 1000:.1f} ms"
            )


def _killed(guide: Guide, kernel: Kernel, file: Path) -> None:
    with guide.step("A second program holds the key in a session of its own, and is killed"):
        holder: list[str | Path] = [sys.executable, "-m", "coldframe.cli.tour.key_holder", file]
        with process.alongside(holder) as running:
            assert running.stdout is not None
            serial = int(running.stdout.readline())
            guide.expect(_listed(kernel, serial), f"the kernel lists its key, {serial}")
            answer = _refusal(lambda: AsymmetricKey(serial, kernel).sign(_MESSAGE))
            guide.expect(answer == "EACCES", "the same user in another session may not use it: EACCES")
            guide.command(f"kill -9 {running.pid}")
            running.kill()
            running.wait()  # a process that nobody has waited for still holds its keyrings
            begun = time.perf_counter()
            while _listed(kernel, serial) and time.perf_counter() - begun < _LONGEST:
                guide.pause(0.01)
            guide.expect(
                not _listed(kernel, serial), f"gone from the kernel {time.perf_counter() - begun:.2f} s later"
            )


def _ends(guide: Guide, key: AsymmetricKey) -> None:
    with guide.step("The first key gets a time to live"):
        guide.command("coldframe keys timeout tour 1s")
        key.expire_in(1)
        begun = time.perf_counter()
        answer = ""
        while not answer and time.perf_counter() - begun < _LONGEST:
            answer = _refusal(lambda: key.sign(_MESSAGE))
            guide.pause(0.05)
        guide.expect(
            answer == "EKEYEXPIRED", f"after {time.perf_counter() - begun:.1f} s it signs no more: {answer}"
        )


def _listed(kernel: Kernel, serial: int) -> bool:
    return any(entry.serial == serial for entry in kernel.entries())


def _refusal(call: Callable[[], object]) -> str:
    """Return the name of the errno with which the kernel refuses, empty when it does not."""
    import errno

    try:
        call()
    except KeyringError as error:
        return "EOPNOTSUPP" if error.errno == errno.EOPNOTSUPP else errno.errorcode[error.errno]
    return ""
