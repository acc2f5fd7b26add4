"""`coldframe keys` as it is typed, on a fake kernel; tests/kernel does the same on real ones."""

import base64
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe.cli.keys import COMMANDS, chosen_key
from coldframe.cli.main import main
from coldframe.core import process
from coldframe.engines.keyring import SESSION
from coldframe.engines.keyring.fake import FakeKernel, FakeProcess
from coldframe.keys.loading import loaded_here

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeProcess:
    process = FakeKernel(clock=lambda: 0.0).process()
    monkeypatch.setattr(chosen_key, "service", lambda: process)
    monkeypatch.setattr(chosen_key, "converter", lambda: loaded_here(process))
    return process


@pytest.fixture
def keys(kernel: FakeProcess, capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    def run(*words: str | Path) -> tuple[int, str, str]:
        code = main(["keys", *map(str, words)])
        printed = capfdbinary.readouterr()
        return code, printed.out.decode(), printed.err.decode()

    return run


@pytest.fixture(scope="module")
def secret() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def key_file(secret: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    path = tmp_path / "id_rsa"
    path.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    path.chmod(0o600)
    return path


def test_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["keys", "--help"])
    printed = capsys.readouterr().out
    assert all(name in printed for name in COMMANDS)
    with pytest.raises(SystemExit) as ended:
        main(["keys"])
    assert ended.value.code == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["keys", name, "--help"])
    assert ended.value.code == 0
    assert f"usage: coldframe keys {name}" in capsys.readouterr().out


def test_add_writes_the_pseudo_key_beside_the_file(keys: Command, key_file: Path) -> None:
    (key_file.parent / "id_rsa.pub").write_text("ssh-rsa AAAA alice@example\n", encoding="ascii")
    code, out, _ = keys("add", key_file, "myssh", "@s", "--pseudo-key")
    assert code == 0
    assert f"{key_file}_keyring" in out
    code, out, _ = keys("pseudo-key", f"{key_file}_keyring", "--read")
    assert (code, "held and used in the kernel" in out, "alice@example" in out) == (0, True, True)
    code, _, err = keys("add", key_file, "myssh", "--pseudo-key")
    assert (code, "File exists" in err) == (1, True)


def test_without_a_session_keyring_nothing_is_added(
    keys: Command, kernel: FakeProcess, key_file: Path
) -> None:
    del kernel.held[SESSION]
    code, out, err = keys("add", key_file, "myssh")
    assert (code, out) == (1, "")
    assert "coldframe keys session" in err
    assert "@u" in err
    assert not any(entry.type == "asymmetric" for entry in kernel.entries())


@pytest.mark.parametrize("keyring", ["@p", "@t"])
def test_a_keyring_that_ends_with_the_command_is_refused(keys: Command, key_file: Path, keyring: str) -> None:
    code, _, err = keys("add", key_file, "myssh", keyring)
    assert (code, "ends with this command" in err) == (1, True)


def test_files_that_others_can_read_are_named(keys: Command, key_file: Path) -> None:
    key_file.chmod(0o644)
    assert f"chmod 600 {key_file}" in keys("add", key_file, "myssh")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "/nowhere/id_rsa", "x"], "No such file"),
        (["add", __file__, "x"], "no private key"),
        (["add", __file__, "x", "@x"], "names no keyring"),
        (["add", __file__, "x", "--certificate"], "no X.509 certificate"),
        (["sign", "absent"], "'absent': there is no such key"),
        (["sign", "99999999"], "there is no such key"),
        (["pseudo-key", __file__, "--read"], "begins with"),
        (["show", "%:absent"], "there is no such key"),
        (["search", "absent", "--keyring", "@u"], "there is no such key"),
        (["search", "absent"], "'absent': there is no such key"),
        (["remove", "absent"], "there is no such key"),
    ],
)
def test_bad_words_get_a_sentence(keys: Command, words: list[str], said: str) -> None:
    code, out, err = keys(*words)
    assert (code, out) == (1, "")
    assert said in err
    assert err.startswith("coldframe: ")
    assert "Traceback" not in err


def test_signatures_are_base64_unless_they_go_to_a_file(
    keys: Command, key_file: Path, secret: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    keys("add", key_file, "myssh")
    message, signature = tmp_path / "message", tmp_path / "signature"
    message.write_bytes(b"a message")
    for scheme in ("pkcs1", "pss"):
        printed = keys("sign", "myssh", message, "--padding", scheme)[1]
        assert len(base64.b64decode(printed.strip(), validate=True)) == 256
        signature.write_text(printed, encoding="ascii")
        assert keys("verify", "myssh", signature, message, "--padding", scheme)[0] == 0
        keys("sign", "myssh", message, "--padding", scheme, "--output", signature)
        assert keys("verify", "myssh", signature, message, "--padding", scheme)[0] == 0
        message.write_bytes(b"another message")
        assert keys("verify", "myssh", signature, message, "--padding", scheme)[0] == 1
        message.write_bytes(b"a message")
    assert keys("sign", "myssh", message, "--hash", "md5")[0] == 1


def test_secrets(keys: Command, kernel: FakeProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def given(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    given(b"hunter2")
    code, out, _ = keys("add", "-", "token", "--secret", "--timeout", "15m")
    assert (code, "hunter2" in out) == (0, False)
    serial = int(out.split()[0])
    assert kernel.read(serial) == b"hunter2"
    given(b"hunter2")
    assert keys("add", "-", "noprefix", "--logon")[0] == 1
    given(b"hunter2")
    assert "never given out" in keys("add", "-", "app:token", "--logon")[1]
    given(b"")
    assert "the input is empty" in keys("add", "-", "token", "--secret")[2]
    shown = keys("show")[1]
    assert "user: token" in shown and "expires in 900s" in shown
    assert f"{serial}  user: token" in keys("search", "token", "--type", "user")[1]
    assert keys("timeout", "token", "0")[1].endswith("does not expire\n")
    assert keys("remove", "token")[0] == 0
    assert "user: token" not in keys("show")[1]


@pytest.mark.parametrize("text", ["", "x", "1.5", "-1", "10w", "99999999d", "٣"])
def test_what_is_no_time(keys: Command, text: str) -> None:
    with pytest.raises(SystemExit) as ended:
        keys("timeout", "k", text)
    assert ended.value.code == 2


def test_public_keys(keys: Command, key_file: Path, secret: rsa.RSAPrivateKey) -> None:
    keys("add", key_file, "myssh")
    encoding, form = serialization.Encoding, serialization.PublicFormat
    line = secret.public_key().public_bytes(encoding.OpenSSH, form.OpenSSH).decode()
    assert keys("public", "myssh")[1] == f"{line} myssh\n"
    assert keys("public", "myssh", "--comment", "alice")[1] == f"{line} alice\n"
    pem = secret.public_key().public_bytes(encoding.PEM, form.SubjectPublicKeyInfo).decode()
    assert keys("public", "myssh", "--format", "pem")[1] == pem


def test_the_doctor(keys: Command, kernel: FakeProcess) -> None:
    code, out, _ = keys("doctor")
    assert (code, "ok        private keys" in out) == (0, True)
    kernel.kernel.private_keys = False
    code, out, _ = keys("doctor")
    assert (code, "modprobe pkcs8_key_parser" in out) == (1, True)


def test_a_session_runs_a_command_with_and_without_dashes(
    keys: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def become(words: list[str], **_: object) -> None:
        ran.append([*map(str, words[1:])])
        raise SystemExit(0)

    monkeypatch.setattr(process, "become", become)
    for words in (["echo", "a"], ["--", "echo", "--", "b"]):
        with pytest.raises(SystemExit):
            keys("session", *words)
    assert ran == [["a"], ["--", "b"]]
