"""Bringing a private key from a file into the kernel without ever having it in this process."""

import enum
import fcntl
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from coldframe.core import process
from coldframe.engines.keyring import PROCESS, SESSION, THREAD, USER_SESSION, KeyService
from coldframe.engines.keyring.errors import refused
from coldframe.keys.asymmetric import AsymmetricKey
from coldframe.keys.conversion import STORED_PERMISSIONS, Answer, Request
from coldframe.keys.errors import BY_NAME, LoadingFailed
from coldframe.keys.rings import Keyring, session_is_default


class Loaded(NamedTuple):
    """A key that was loaded, of kind asymmetric, or user when it is only stored; `public` is OpenSSH's one line without comment,
    `encrypted` whether the file is, `remarks` what could not be had. `certificate` and `constraints` come with a key
    that ssh-add sent (keys/agent).
    """

    key: AsymmetricKey
    kind: str
    algorithm: str
    bits: int
    public: str
    comment: str
    encrypted: bool
    remarks: list[str]
    certificate: bytes = b""
    constraints: bytes = b""


# The last number of a program's input, output and errors.
_STANDARD = 2
# Reading a file and making a key of it takes a tenth of a second; a file that never ends must not hold us for ever.
_SECONDS = 120
# Serves a request with a passphrase, and with descriptors that must be open for it.
Converter = Callable[[Request, bytes | None], Answer]


def in_child(request: Request, passphrase: bytes | None) -> Answer:
    """Have a process of its own do the conversion; raises LoadingFailed when it gives no answer."""
    if 0 <= request.descriptor <= _STANDARD:
        # Its own input, output and errors have these numbers: the file goes along under another one.
        copy = fcntl.fcntl(request.descriptor, fcntl.F_DUPFD_CLOEXEC, _STANDARD + 1)
        try:
            return in_child(msgspec.structs.replace(request, descriptor=copy), passphrase)
        finally:
            os.close(copy)
    command = [sys.executable, "-I", "-m", "coldframe.keys.conversion"]
    # The terminal's language is all that it needs from the environment.
    environment = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TERM") if name in os.environ}
    done = process.converse(
        command,
        said=msgspec.json.encode(request) + b"\n" + (passphrase or b""),
        environment=environment,
        descriptors=[request.descriptor] if request.descriptor >= 0 else [],
        timeout=None if request.ask else _SECONDS,
    )
    try:
        return msgspec.json.decode(done.stdout, type=Answer)
    except msgspec.DecodeError as error:
        # Only the kind of what went wrong: a library's words might hold what it was reading.
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        kind = "".join(last).partition(":")[0][:80]
        raise LoadingFailed(f"the process that loads keys ended with {done.returncode}: {kind}") from error


class Asking(enum.Enum):
    """Where a passphrase comes from that this process never has: the terminal, which the child asks."""

    TERMINAL = enum.auto()


ASK = Asking.TERMINAL


class OpenFile(NamedTuple):
    """A file or socket that is open here: its descriptor, and how many bytes of it to read (negative: all).

    `message`: what is read is no key file but a key as ssh-add sends it.
    """

    descriptor: int
    length: int = -1
    message: bool = False


def load(
    source: str | Path | OpenFile,
    description: str,
    keyring: Keyring | None = None,
    *,
    passphrase: bytes | Asking | None = None,
    stored: bool = False,
    timeout: int = 0,
    convert: Converter = in_child,
) -> Loaded:
    """Load a private key from a file into a keyring, by default the session's.

    With `passphrase=ASK` the child process asks on the terminal, so that this process never has it. `stored` also
    takes EC and Ed25519 keys, which the kernel keeps but cannot use; `timeout` lets the key expire after whole seconds.
    Raises KeyFileError and its kinds for what is wrong with the file, KeyringError for what the kernel refuses.
    """
    ring = keyring or Keyring()
    service = ring.service
    # The child has the session's keyrings, but neither the process's nor the thread's: the key is moved there.
    private = ring.number in {PROCESS, THREAD}
    scratch = _scratch(service) if private else None
    file = source if isinstance(source, OpenFile) else None
    request = Request(
        description,
        scratch.serial if scratch else ring.serial,
        path="" if isinstance(source, OpenFile) else str(Path(source).expanduser().absolute()),
        descriptor=file.descriptor if file else -1,
        length=file.length if file else -1,
        message=file is not None and file.message,
        ask=passphrase is ASK,
        stored=stored,
        permissions=0 if scratch else STORED_PERMISSIONS,
        timeout=timeout,
    )
    try:
        answer = convert(request, passphrase if isinstance(passphrase, bytes) else None)
        if answer.fault:
            raise BY_NAME[answer.fault](answer.text)
        if answer.errno:
            raise refused(answer.errno, answer.operation)
        key = AsymmetricKey(answer.serial, service)
        if scratch:
            scratch.move(key, ring)
            if answer.kind == "user":
                key.set_permissions(STORED_PERMISSIONS)
    finally:
        if scratch:
            service.unlink(scratch.serial, _shared(service))
    return Loaded(
        key,
        answer.kind,
        answer.algorithm,
        answer.bits,
        answer.public,
        answer.comment,
        answer.encrypted,
        answer.remarks,
        answer.certificate,
        answer.constraints,
    )


def _shared(service: KeyService) -> int:
    return USER_SESSION if session_is_default(service) else SESSION


def _scratch(service: KeyService) -> Keyring:
    return Keyring(_shared(service), service).add_keyring(f"coldframe:loading:{secrets.token_hex(8)}")


def loaded_here(service: KeyService) -> Converter:
    """Return a converter that works in this process, for tests with a fake kernel: a child would see the real one."""
    from coldframe.keys.conversion import content_of, convert
    from coldframe.keys.errors import KeyFileError

    def converter(request: Request, passphrase: bytes | None) -> Answer:
        try:
            return convert(service, request, content_of(request), passphrase)
        except KeyFileError as error:
            return Answer(fault=type(error).__name__, text=str(error))

    return converter
