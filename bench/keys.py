"""Compares signing with a key in the kernel to OpenSSL in the process, to ssh-agent and to our agent, in one run, as ratios.

Run: python -m bench.keys [--rounds 5] [--signatures 10]

Where the kernel takes no private keys it runs in a QEMU machine with Debian's kernel. There every instruction is
emulated, so times mean nothing and only ratios are printed with confidence: all contenders are emulated alike, round by
round in turn, and each number is a median.
"""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bench import machine
from coldframe import keys
from coldframe.core.config import default_cache_dir
from coldframe.engines import machine as emulated
from coldframe.engines.keyring.features import detect
from coldframe.keys.rings import start_session
from coldframe.keys.wire import string, take

BITS = (2048, 4096)
MESSAGE = b"a message to be signed" * 10
SERIES = "6.12"
ROOT = Path(__file__).resolve().parents[1]
Sign = Callable[[bytes], bytes]
_SIGN_REQUEST, _SIGN_RESPONSE, _SHA256 = 13, 14, 2


@contextlib.contextmanager
def openssl(path: Path) -> Iterator[Sign]:
    """The key in this process, as most programs have it."""
    key = serialization.load_pem_private_key(path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    yield lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256())


@contextlib.contextmanager
def kernel(path: Path) -> Iterator[Sign]:
    """The key in the kernel, by a system call of this process."""
    key = keys.load(path, path.name).key
    yield lambda message: key.sign(message, "sha256")


@contextlib.contextmanager
def _agent(path: Path, *command: object) -> Iterator[Sign]:
    """The key in an agent, which gets it from ssh-add and is asked over its socket."""
    with tempfile.TemporaryDirectory() as folder:
        address = Path(folder) / "agent"
        with subprocess.Popen([*map(str, command), "-D", "-a", address], stdout=subprocess.DEVNULL) as agent:
            try:
                add = ["ssh-add", "-q", path]
                environment = {**os.environ, "SSH_AUTH_SOCK": str(address)}
                while (
                    added := subprocess.run(
                        add, env=environment, capture_output=True, timeout=120, check=False
                    )
                ).returncode == 2:
                    time.sleep(0.1)  # 2: nobody listens there yet
                added.check_returncode()
                with over_agent(address, path) as sign:
                    yield sign
            finally:
                agent.terminate()


def ssh_agent(path: Path) -> contextlib.AbstractContextManager[Sign]:
    """The key in OpenSSH's agent, over its socket."""
    return _agent(path, "ssh-agent")


def coldframe_agent(path: Path) -> contextlib.AbstractContextManager[Sign]:
    """The key in the kernel, by `coldframe keys agent`, over its socket."""
    return _agent(path, Path(sys.executable).with_name("coldframe"), "keys", "agent")


# By name: what makes a function that signs with the key of a file. The first is the measure of the others.
CONTENDERS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Sign]]] = {
    "OpenSSL in the process": openssl,
    "kernel, system call": kernel,
    "ssh-agent, socket": ssh_agent,
    "coldframe agent, socket": coldframe_agent,
}


@contextlib.contextmanager
def over_agent(address: Path, path: Path) -> Iterator[Sign]:
    """Sign by any agent that has the key of a file, in the ssh-agent protocol."""
    blob = _public_blob(path)
    with socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(120)
        connected.connect(str(address))

        def sign(message: bytes) -> bytes:
            body = string(blob) + string(message) + _SHA256.to_bytes(4, "big")
            connected.sendall(string(bytes([_SIGN_REQUEST]) + body))
            answer = _received(connected, int.from_bytes(_received(connected, 4), "big"))
            if answer[0] != _SIGN_RESPONSE:
                raise RuntimeError(f"the agent answered {answer[0]}, not with a signature")
            signature, _ = take(answer, 1)
            _, at = take(signature, 0)
            return take(signature, at)[0]

        yield sign


def measure(path: Path, rounds: int, signatures: int) -> dict[str, list[float]]:
    """Milliseconds of each signature, in turns; every contender's first must be the same, byte for byte."""
    times: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with contextlib.ExitStack() as stack:
        signers = {name: stack.enter_context(make(path)) for name, make in CONTENDERS.items()}
        if len({sign(MESSAGE) for sign in signers.values()}) != 1:
            raise RuntimeError("the contenders make different signatures of the same message")
        for _ in range(rounds):
            for name, sign in signers.items():
                for _ in range(signatures):
                    begun = time.perf_counter()
                    sign(MESSAGE)
                    times[name].append((time.perf_counter() - begun) * 1000)
    return times


def report(folder: Path, rounds: int, signatures: int) -> None:
    """Measure every size of key and print one table."""
    rows = []
    for bits in BITS:
        times = measure(folder / f"rsa{bits}", rounds, signatures)
        first = machine.median(times[next(iter(CONTENDERS))])
        for name, taken in times.items():
            middle = machine.median(taken)
            rate = f"{first / middle:.2f}x"
            rows.append(
                [
                    f"RSA-{bits}, {name}",
                    rate,
                    f"{middle:.1f}",
                    f"{machine.percentile(taken, 0.99):.1f}",
                    f"{1000 / middle:.0f}",
                ]
            )
    print(machine.table(["signing, SHA-256", "speed", "median ms", "p99 ms", "per second"], rows))


def main() -> int:
    """Measure here, or in a machine whose kernel takes private keys."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--signatures", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="where the keys are, for the run in the machine")
    chosen = parser.parse_args()
    if chosen.folder is not None:
        start_session(keys.Kernel())
        report(chosen.folder, chosen.rounds, chosen.signatures)
        return 0
    with tempfile.TemporaryDirectory() as name:
        for bits in BITS:
            _make_key(Path(name) / f"rsa{bits}", bits)
        words = ["--rounds", str(chosen.rounds), "--signatures", str(chosen.signatures), "--folder", name]
        if detect(keys.Kernel()).private_keys:
            return subprocess.run([sys.executable, "-m", "bench.keys", *words], check=False).returncode
        found = emulated.fetch(SERIES, default_cache_dir())
        print(
            f"Linux {found.release} in a QEMU machine, every instruction emulated: compare, and do not quote times."
        )
        environment = {"PYTHONPATH": f"{ROOT}/src:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        errand = emulated.Errand([sys.executable, "-m", "bench.keys", *words], ROOT, environment, 900)
        return emulated.run(found, errand, lambda line: print(line, flush=True)).code


def _make_key(path: Path, bits: int) -> None:
    key = rsa.generate_private_key(65537, bits)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form))
    path.chmod(0o600)


def _public_blob(path: Path) -> bytes:
    import base64

    key = serialization.load_pem_private_key(path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return base64.b64decode(line.split()[1])


def _received(connected: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        part = connected.recv(length - len(content))
        if not part:
            raise RuntimeError("the agent hung up")
        content += part
    return content


if __name__ == "__main__":
    sys.exit(main())
