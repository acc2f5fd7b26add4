"""The only process that ever sees a private key: it reads the file, gives the key to the kernel, and ends.

`python -m coldframe.keys.conversion` takes one request on its input and answers in one line of JSON on its output. It
cannot be dumped or traced, and its memory, with all copies that libraries made of the key, is gone when it ends.
"""

import getpass
import os
import sys

import msgspec

from coldframe.engines.keyring import Kernel, KeyringError, KeyService
from coldframe.keys.errors import KeyFileError, LoadingFailed, NotAPrivateKey, PassphraseNeeded
from coldframe.keys.formats import read_private_key
from coldframe.keys.lockdown import lock_down


class Request(msgspec.Struct, frozen=True):
    """Which file to read (a path, or a descriptor that is open here), and where its key goes.

    Of a descriptor `length` bytes are read, or all when it is negative; `message` says that they are a key as ssh-add
    sends it. `ask` lets the process ask for the passphrase on the terminal. `stored` takes keys that the kernel cannot use too,
    and keeps them as a user key, with `permissions` if any are given. `timeout` is in seconds, 0 for none.
    """

    description: str
    keyring: int
    path: str = ""
    descriptor: int = -1
    length: int = -1
    message: bool = False
    ask: bool = False
    stored: bool = False
    permissions: int = 0
    timeout: int = 0


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The key that was added, or why none was: a KeyFileError by `fault`, or a KeyringError by `errno`."""

    serial: int = 0
    kind: str = ""
    algorithm: str = ""
    bits: int = 0
    public: str = ""
    comment: str = ""
    encrypted: bool = False
    remarks: list[str] = []
    certificate: bytes = b""
    constraints: bytes = b""
    fault: str = ""
    text: str = ""
    errno: int = 0
    operation: str = ""


# A key that is only stored: its possessor may view, read and find it, the user's other processes nothing.
STORED_PERMISSIONS = 0x0B000000
_AT_ONCE = 65536


def convert(service: KeyService, request: Request, content: bytearray, passphrase: bytes | None) -> Answer:
    """Give the key in a file's content to the kernel; raises a KeyFileError or a KeyringError."""
    if not request.message:
        return _convert(service, request, content, passphrase)
    from coldframe.keys.agent.received import lifetime, received

    if len(content) < request.length:
        raise LoadingFailed("the message of ssh-add ended early")
    came = received(content)
    timed = msgspec.structs.replace(request, timeout=lifetime(came.constraints) or request.timeout)
    answer = _convert(service, timed, came.file, None)
    content[:] = bytes(len(content))
    return msgspec.structs.replace(answer, certificate=came.certificate, constraints=came.constraints)


def _convert(service: KeyService, request: Request, content: bytearray, passphrase: bytes | None) -> Answer:
    private = read_private_key(content, passphrase, rsa_only=not request.stored)
    kind = "asymmetric" if private.algorithm == "RSA" else "user"
    try:
        serial = service.add_key(kind, request.description, private.pkcs8, request.keyring)
    finally:
        private.pkcs8[:] = bytes(len(private.pkcs8))
        content[:] = bytes(len(content))
    try:
        if request.timeout:
            service.set_timeout(serial, request.timeout)
        if kind == "user" and request.permissions:
            service.set_permissions(serial, request.permissions)
    except KeyringError:
        service.unlink(serial, request.keyring)
        raise
    _, algorithm, bits, public, comment, encrypted = private
    return Answer(serial, kind, algorithm, bits, public, comment, encrypted)


def content_of(request: Request) -> bytearray:
    """Read the file of a request: all of it, or of an open file (a socket, say) just as many bytes as it says."""
    descriptor = os.open(request.path, os.O_RDONLY | os.O_CLOEXEC) if request.path else request.descriptor
    content = bytearray()
    try:
        while request.length < 0 or len(content) < request.length:
            most = _AT_ONCE if request.length < 0 else min(_AT_ONCE, request.length - len(content))
            part = os.read(descriptor, most)
            if not part:
                break
            content += part
    finally:
        if request.path:
            os.close(descriptor)
    return content


def main() -> int:
    """Serve one request; the first line of the input is the request, what follows is the passphrase, if any."""
    remarks = lock_down()
    line, _, rest = sys.stdin.buffer.read().partition(b"\n")
    request = msgspec.json.decode(line, type=Request)
    try:
        answer = _serve(request, rest or None)
        answer = msgspec.structs.replace(answer, remarks=remarks)
    except KeyFileError as error:
        answer = Answer(fault=type(error).__name__, text=str(error))
    except KeyringError as error:
        answer = Answer(errno=error.errno, operation=error.operation)
    except OSError as error:
        # Of a message that could not be read nobody knows how much is left.
        fault = LoadingFailed if request.message else NotAPrivateKey
        answer = Answer(fault=fault.__name__, text=f"{request.path or 'the input'}: {error.strerror}")
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    sys.stdout.buffer.flush()
    return 0


def _serve(request: Request, passphrase: bytes | None) -> Answer:
    content = content_of(request)
    service = Kernel()
    try:
        return convert(service, request, bytearray(content), passphrase)
    except PassphraseNeeded:
        if not request.ask:
            raise
    try:
        asked = getpass.getpass(f"Passphrase of {request.path or 'the key'}: ")
    except EOFError as error:
        raise PassphraseNeeded(
            "this key has a passphrase, and there is no terminal to ask for it; run the command on one"
        ) from error
    return convert(service, request, content, asked.encode())


if __name__ == "__main__":
    code = main()
    # No cleaning up: whatever a library left in memory goes with the process, now.
    os._exit(code)
