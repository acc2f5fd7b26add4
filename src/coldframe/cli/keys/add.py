"""`coldframe keys add FILE NAME`: a private key goes into the kernel, and no process of ours keeps it."""

import argparse
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from coldframe.cli.keys import chosen_key

if TYPE_CHECKING:
    from coldframe.keys import Key, Keyring


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "file",
        metavar="FILE",
        help="private key: PKCS#8, PKCS#1 or OpenSSH, encrypted or not; - for the input",
    )
    parser.add_argument("name", metavar="NAME", help="the name that the key gets in the kernel")
    parser.add_argument(
        "keyring", metavar="KEYRING", nargs="?", default="@s", help="@s (default), @u, %%:NAME, a serial ..."
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--certificate", action="store_true", help="FILE is an X.509 certificate: its public key is added"
    )
    kind.add_argument(
        "--secret", action="store_true", help="FILE is any secret, up to 32767 bytes, which can be read again"
    )
    kind.add_argument(
        "--logon", action="store_true", help="like --secret, but never given out again; NAME is word:rest"
    )
    parser.add_argument(
        "--timeout", type=chosen_key.duration, default=0, metavar="TIME", help="let it expire: 15m, 8h, 7d"
    )
    parser.add_argument(
        "--pseudo-key",
        metavar="PATH",
        nargs="?",
        const="",
        help="write the pseudo-private-key file too (default: FILE_keyring)",
    )


def run(chosen: argparse.Namespace) -> int:
    """Load the key and say what is known of it."""
    from coldframe import keys

    ring = keys.named(chosen.keyring, chosen_key.service())
    if chosen.keyring in {"@p", "@t"}:
        print(
            f"coldframe: {chosen.keyring} ends with this command, and the key with it; use @s or @u",
            file=sys.stderr,
        )
        return 1
    if chosen.keyring == "@s" and keys.session_is_default(ring.service):
        print(
            "coldframe: this shell has no session keyring, so the key would be gone when this command ends. Start one: "
            "coldframe keys session; or keep the key in the user's keyring: coldframe keys add FILE NAME @u",
            file=sys.stderr,
        )
        return 1
    if chosen.certificate or chosen.secret or chosen.logon:
        return _other(chosen, ring)
    # The child reads the input itself: what comes in there never passes through this process.
    source: Path | keys.OpenFile = keys.OpenFile(0) if chosen.file == "-" else Path(chosen.file)
    converter = chosen_key.converter()
    loaded = keys.load(
        source, chosen.name, ring, passphrase=keys.ASK, timeout=chosen.timeout, convert=converter
    )
    for remark in loaded.remarks:
        print(f"coldframe: {remark}", file=sys.stderr)
    print(
        f"{loaded.key.serial}  {loaded.algorithm} {loaded.bits}, held and used in the kernel, in {chosen.keyring}"
    )
    _usable(loaded.key, chosen.keyring)
    _file_remains(chosen.file, encrypted=loaded.encrypted)
    if chosen.pseudo_key is None:
        print(f"for a patched ssh: coldframe keys pseudo-key {chosen.name} PATH")
        return 0
    comment = loaded.comment or _comment_beside(chosen.file)
    path = Path(
        chosen.pseudo_key or (f"{chosen.file}_keyring" if chosen.file != "-" else f"{chosen.name}_keyring")
    )
    from coldframe.keys import pseudo_key

    pseudo_key.save(keys.PseudoKey(chosen.name, loaded.public, comment), path)
    print(f"{path}  pseudo-private-key file: the key's name, nothing secret")
    return 0


def _other(chosen: argparse.Namespace, ring: "Keyring") -> int:
    from coldframe.keys import NotAPrivateKey

    content = bytearray(chosen_key.content(chosen.file))
    if chosen.certificate:
        key: Key = ring.add_certificate(_der(bytes(content)), chosen.name)
        kept = "public key"
    else:
        if not content:
            raise NotAPrivateKey("there is nothing to keep: the input is empty")
        key = ring.add_secret(chosen.name, content, readable=chosen.secret)
        content[:] = bytes(len(content))
        kept = (
            "held in the kernel, read when used"
            if chosen.secret
            else "held in the kernel and never given out"
        )
    if chosen.timeout:
        key.expire_in(chosen.timeout)
    print(f"{key.serial}  {kept}, in {chosen.keyring}")
    _usable(key, chosen.keyring)
    return 0


def _der(content: bytes) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from coldframe.keys import NotAPrivateKey

    try:
        load = x509.load_pem_x509_certificate if b"-----BEGIN" in content else x509.load_der_x509_certificate
        return load(content).public_bytes(Encoding.DER)
    except ValueError:
        raise NotAPrivateKey("this is no X.509 certificate in PEM or DER") from None


def _usable(key: "Key", keyring: str) -> None:
    """Say so when the new key lies where this session cannot use it."""
    from coldframe.keys import KeyringError

    try:
        key.service.search(key.service.keyring_id(-3), key.describe().type, key.describe().description)
    except KeyringError:
        print(
            f"coldframe: the key is in {keyring}, which this session cannot reach, so it cannot be used here: link it "
            f"(keyctl link {keyring} @s) or work in a new session (coldframe keys session)",
            file=sys.stderr,
        )


def _file_remains(name: str, *, encrypted: bool) -> None:
    """Remind of the file that is left, and of who can read it; what is in it only the child has seen."""
    if name == "-":
        return
    mode = stat.S_IMODE(Path(name).stat().st_mode)
    if mode & 0o077:
        print(f"coldframe: others can read {name} (mode {mode:04o}): chmod 600 {name}", file=sys.stderr)
    if not encrypted:
        print(
            f"coldframe: {name} still holds the private key, and is not encrypted: take it off this machine, or give it "
            f"a passphrase (ssh-keygen -p -f {name})",
            file=sys.stderr,
        )


def _comment_beside(name: str) -> str:
    """Return the comment of the public key beside a private one: an encrypted file does not show its own."""
    try:
        words = Path(f"{name}.pub").read_text(encoding="utf-8").split()
    except OSError:
        return ""
    return words[2] if len(words) > 2 else ""
