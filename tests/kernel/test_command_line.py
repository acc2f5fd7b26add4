"""The command line on a real kernel, as it is typed: what it signs OpenSSL verifies, and the other way round."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coldframe.cli.main import main
from coldframe.engines.keyring import Kernel

COLDFRAME = Path(sys.executable).with_name("coldframe")
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keys(capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Runs `coldframe keys ...` in this process, whose keyrings it has, and returns exit code, output and errors."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        code = main(["keys", *map(str, words)])
        printed = capfdbinary.readouterr()
        return code, printed.out.decode(), printed.err.decode()

    return run


def openssl(*words: str | Path, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *map(str, words)], input=given, capture_output=True, check=True).stdout


def test_from_a_file_to_a_signature_that_openssl_verifies(
    session: Kernel, keys: Command, key_file: Path, tmp_path: Path
) -> None:
    message, signature, public, pseudo = (
        tmp_path / name for name in ("message", "signature", "public", "pseudo")
    )
    message.write_bytes(b"a message")
    code, out, err = keys("add", key_file, "myssh", "--pseudo-key", pseudo)
    assert (code, "RSA 2048, held and used in the kernel, in @s" in out) == (0, True), err
    assert "still holds the private key, and is not encrypted" in err
    public.write_text(keys("public", "myssh", "--format", "pem")[1], encoding="ascii")
    assert keys("sign", "myssh", message, "--hash", "sha512", "--output", signature)[0] == 0
    verify = ("dgst", "-sha512", "-verify", public, "-signature", signature, message)
    assert openssl(*verify) == b"Verified OK\n"
    assert keys("verify", "myssh", signature, message, "--hash", "sha512") == (
        0,
        "the signature is the key's\n",
        "",
    )
    assert keys("verify", "myssh", signature, message)[0] == 1
    oaep = ("-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256")
    secret = tmp_path / "secret"
    secret.write_bytes(
        openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", public, *oaep, given=b"for your eyes")
    )
    assert keys("decrypt", "myssh", secret)[1] == "for your eyes"
    shown = keys("show")[1]
    assert "\\_ asymmetric: myssh" in shown
    assert "held and used in the kernel (RSA 2048)" in shown
    assert "myssh: held and used in the kernel" in keys("pseudo-key", pseudo, "--read")[1]
    assert keys("timeout", "myssh", "8h")[1].endswith("expires in 28800 s\n")
    assert "expires in" in keys("show")[1]
    assert keys("remove", "myssh")[0] == 0
    code, _, err = keys("sign", "myssh", message)
    assert (code, "there is no such key here" in err) == (1, True)
    code, _, err = keys("pseudo-key", pseudo, "--read")
    assert (code, "not in the keyrings of this session" in err) == (1, True)


def test_an_encrypted_key_is_asked_for_on_the_terminal(
    session: Kernel, keys: Command, tmp_path: Path
) -> None:
    """The passphrase goes from the terminal to the child; the command's own process has neither it nor the key."""
    path = tmp_path / "id_rsa"
    make = ("-q", "-t", "rsa", "-b", "1024", "-N", "correct horse", "-C", "alice@example", "-f", str(path))
    subprocess.run(["ssh-keygen", *make], check=True)
    child, terminal = pty.fork()
    if child == 0:
        os.execv(COLDFRAME, [str(COLDFRAME), "keys", "add", str(path), "alices", "@s"])
    said = b""
    while b"Passphrase" not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, b"correct horse\n")
    try:
        while True:
            said += os.read(terminal, 1000)
    except OSError:
        pass  # the terminal is gone when the command is
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, said
    assert b"correct horse" not in said
    assert b"RSA 1024, held and used in the kernel" in said
    assert (
        keys("public", "alices")[1].split()[1]
        == path.with_suffix(".pub").read_text(encoding="ascii").split()[1]
    )


def test_a_key_that_this_session_cannot_reach_is_said_to_be_so(
    kernel: Kernel, keys: Command, key_file: Path, tmp_path: Path
) -> None:
    code, _, err = keys("add", key_file, "far", "@u")
    assert (code, "this session cannot reach" in err) == (0, True)
    code, _, err = keys("sign", "far", key_file)
    assert (code, "keyctl link @u @s" in err) == (1, True)
    # A session of the command's own reaches it.
    signature = tmp_path / "signature"
    words = ["keys", "session", COLDFRAME, "keys", "sign", "far", key_file, "--output", signature]
    subprocess.run([COLDFRAME, *words], check=True)
    assert signature.stat().st_size == 256
