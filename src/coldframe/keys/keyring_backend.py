"""A backend for the package `keyring`: passwords in the kernel, found by every program that asks `keyring`.

They live in the user's keyring (@u), as long as the machine runs and the user has a process; they are never on a
disk. `COLDFRAME_KEYRING=@s` keeps them in the session's instead. As with every backend, any program of the same user
can ask for them.
"""

import errno
import os
from urllib.parse import quote

from keyring.backend import KeyringBackend
from keyring.compat import properties
from keyring.errors import PasswordDeleteError, PasswordSetError

from coldframe.engines.keyring import (
    PROCESS,
    Kernel,
    KeyNotFound,
    KeyringError,
    KeyService,
    Permission,
    permissions,
)
from coldframe.keys.rings import Keyring, named

# What the possessor may, and what any process of the user may: @u need not be linked into the session for it.
_PERMISSIONS = permissions(
    possessor=Permission.ALL,
    user=Permission.VIEW | Permission.READ | Permission.WRITE | Permission.SEARCH | Permission.SETATTR,
)


# A password that has expired or was revoked is none any more.
_ENDED = {errno.EKEYEXPIRED, errno.EKEYREVOKED}


class KernelKeyring(KeyringBackend):
    """Passwords as `user` keys, one for each service and user name."""

    # Below the desktops' stores, which outlive a restart of the machine, and above plain files.
    _PRIORITY = 0.9

    def __init__(self, service: KeyService | None = None, keyring: str | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._service = service or Kernel()
        self._keyring = keyring or os.environ.get("COLDFRAME_KEYRING", "@u")

    @properties.classproperty
    def priority(cls) -> float:  # noqa: N805 - a property of the class
        """Return how much this backend is to be preferred; raises RuntimeError where the kernel refuses."""
        try:
            Kernel().keyring_id(PROCESS, create=True)
        except KeyringError as error:
            raise RuntimeError(str(error)) from error
        return cls._PRIORITY

    def get_password(self, service: str, username: str) -> str | None:
        """Return a password, or None when there is none, or none any more."""
        try:
            found = self._ring.search("user", _description(service, username))
            return _unwrapped(found.read())
        except KeyringError as error:
            if isinstance(error, KeyNotFound) or error.errno in _ENDED:
                return None
            raise

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a password; raises PasswordSetError when the kernel refuses."""
        own = Keyring(PROCESS, self._service)
        try:
            # In @u a key may not be possessed, and then nobody could set its permissions: it gets them here first.
            key = own.add_secret(_description(service, username), _wrapped(password))
            key.set_permissions(_PERMISSIONS)
            self._ring.link(key)
            own.unlink(key)
        except KeyringError as error:
            raise PasswordSetError(str(error)) from error

    def delete_password(self, service: str, username: str) -> None:
        """Destroy a password; raises PasswordDeleteError when there is none."""
        try:
            self._ring.search("user", _description(service, username)).invalidate()
        except KeyringError as error:
            raise PasswordDeleteError(str(error)) from error

    @property
    def _ring(self) -> Keyring:
        return named(self._keyring, self._service)


def _description(service: str, username: str) -> str:
    return f"keyring:{quote(service, safe='')}:{quote(username, safe='')}"


def _wrapped(password: str) -> bytes:
    """Return what is stored: the password, behind a zero byte where the kernel would not take it as it is, being empty."""
    content = password.encode()
    return b"\0" + content if not content or content.startswith(b"\0") else content


def _unwrapped(content: bytes) -> str:
    return content.removeprefix(b"\0").decode()
