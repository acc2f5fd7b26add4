"""Pseudo-private-key files, byte for byte as the published script writes them, and what is said of damaged ones."""

import base64
import subprocess
from pathlib import Path

import pytest

from coldframe.keys import NotAPseudoKey, PseudoKey, pseudo_key

VECTORS = Path(__file__).parent / "pseudo_keys"
DESCRIPTIONS = {"rsa2048": "myssh", "rsa4096": "myssh", "padfull": "k"}


def vector(name: str) -> tuple[PseudoKey, bytes]:
    kind, blob, comment = (VECTORS / f"{name}.pub").read_text(encoding="ascii").split()
    content = bytes.fromhex((VECTORS / f"{name}.pseudo-key.hex").read_text(encoding="ascii"))
    return PseudoKey(DESCRIPTIONS[name], f"{kind} {blob}", comment), content


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_files_are_the_published_ones(name: str) -> None:
    key, content = vector(name)
    assert pseudo_key.write(key) == content
    assert pseudo_key.decode(content) == key


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_the_text_is_what_base64_writes(name: str, tmp_path: Path) -> None:
    key, content = vector(name)
    pseudo_key.save(key, tmp_path / "file")
    text = (tmp_path / "file").read_text(encoding="ascii")
    lines = text.splitlines()
    body = subprocess.run(["base64"], input=content, capture_output=True, check=True).stdout.decode()
    begin, end = "-----BEGIN OPENSSH PRIVATE KEY-----\n", "-----END OPENSSH PRIVATE KEY-----\n"
    assert text == begin + body + end
    assert base64.b64decode("".join(lines[1:-1])) == content
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert pseudo_key.read(text) == key


def test_a_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text("the only copy", encoding="ascii")
    with pytest.raises(FileExistsError):
        pseudo_key.save(vector("rsa2048")[0], tmp_path / "id_rsa")
    assert (tmp_path / "id_rsa").read_text(encoding="ascii") == "the only copy"


@pytest.mark.parametrize("length", range(1, 17))
def test_every_length_of_padding_reads_back(length: int) -> None:
    key = vector("rsa2048")[0]._replace(description="x" * length, comment="")
    content = pseudo_key.write(key)
    assert pseudo_key.decode(content) == key
    assert content[-1] in range(1, 9)


def test_names_may_be_in_any_script() -> None:
    key = vector("rsa2048")[0]._replace(description="schlüssel", comment="鍵")
    assert pseudo_key.decode(pseudo_key.write(key)) == key


@pytest.mark.parametrize("end", [0, 10, 14, 20, 60, 300, -1])
def test_a_file_that_ends_too_early_says_so(end: int) -> None:
    with pytest.raises(NotAPseudoKey):
        pseudo_key.decode(vector("rsa2048")[1][:end])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"openssh-key-v1", b"openssh-key-v2", "openssh-key-v1"),
        (b"ssh-rsa-keyring", b"ssh-rsa-keyrinG", "ssh-rsa-keyrinG"),
        (b"\x01\x02\x03\x04\x01\x02\x03\x04", b"\x01\x02\x03\x04\x01\x02\x03\x05", "check numbers"),
        (b"none\0\0\0\4none", b"aes0\0\0\0\4none", "encrypted"),
        (b"\0\0\0\1\0\0\1\x1f", b"\0\0\0\2\0\0\1\x1f", "2 keys"),
    ],
)
def test_damage_is_named(old: bytes, new: bytes, said: str) -> None:
    content = vector("rsa2048")[1]
    assert old in content
    with pytest.raises(NotAPseudoKey, match=said):
        pseudo_key.decode(content.replace(old, new, 1))


def test_a_real_private_key_is_none(key_files: dict[str, Path]) -> None:
    with pytest.raises(NotAPseudoKey, match="type ssh-rsa, not ssh-rsa-keyring"):
        pseudo_key.read(key_files["openssh"].read_text(encoding="ascii"))
    with pytest.raises(NotAPseudoKey, match="this is a private key"):
        pseudo_key.read(key_files["openssh-encrypted"].read_text(encoding="ascii"))
    with pytest.raises(NotAPseudoKey, match="begins with"):
        pseudo_key.read(key_files["pkcs8"].read_text(encoding="ascii"))


def test_only_rsa_keys_have_one() -> None:
    with pytest.raises(NotAPseudoKey, match="only RSA"):
        pseudo_key.write(PseudoKey("k", "ssh-ed25519 AAAA", ""))
