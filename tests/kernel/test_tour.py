"""`coldframe tour 3` tells its story to the end on a real kernel."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe.cli.main import main
from coldframe.core import process
from coldframe.engines.keyring import Kernel
from tests.kernel.ssh import install


def test_the_story(
    kernel: Kernel,
    key_file: Path,
    private_key: rsa.RSAPrivateKey,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    install()
    run = process.run

    def quickly(words: list[str | Path], **options: bool) -> subprocess.CompletedProcess[str]:
        """Take a key that is made already: ssh-keygen needs a minute where every instruction is emulated."""
        if words[0] != "ssh-keygen":
            return run(words, **options)
        file = Path(words[-1])
        shutil.copy(key_file, file)
        encoding, form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        file.with_suffix(".pub").write_bytes(private_key.public_key().public_bytes(encoding, form))
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(process, "run", quickly)
    code = main(["tour", "3"])
    told = capfd.readouterr()
    assert code == 0, told
    for step in (
        "256 equal bytes",
        "without the file",
        "EACCES",
        "gone from the kernel",
        "logged in, by an ssh that knows nothing of it",
        "the agent is killed, and its key gone",
        "Permission denied",
        "EKEYEXPIRED",
        "EOPNOTSUPP",
    ):
        assert step in told.out, told.out
