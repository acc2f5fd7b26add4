"""The messages of the agent protocol: their numbers, how one is taken apart, how an answer is put together."""

from enum import IntEnum
from typing import Final

from coldframe.keys.wire import WireError, number, string, take

LONGEST: Final = 256 * 1024


class Ask(IntEnum):
    """What clients ask."""

    IDENTITIES = 11
    SIGN = 13
    ADD = 17
    REMOVE = 18
    REMOVE_ALL = 19
    LOCK = 22
    UNLOCK = 23
    ADD_CONSTRAINED = 25
    EXTENSION = 27


class Tell(IntEnum):
    """What the agent answers."""

    FAILURE = 5
    SUCCESS = 6
    IDENTITIES = 12
    SIGNATURE = 14
    EXTENSION_FAILURE = 28
    EXTENSION = 29


FAILURE: Final = bytes([Tell.FAILURE])
SUCCESS: Final = bytes([Tell.SUCCESS])


class Reader:
    """Takes a message apart from its beginning to its end; every method raises WireError where it ends too early."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    @property
    def ended(self) -> bool:
        """Whether all of it has been taken."""
        return self._at == len(self._content)

    def string(self) -> bytes:
        """Take a string."""
        value, self._at = take(self._content, self._at)
        return value

    def text(self) -> str:
        """Take a string that is UTF-8."""
        try:
            return self.string().decode()
        except UnicodeDecodeError:
            raise WireError("a text is not UTF-8") from None

    def number(self) -> int:
        """Take a number of four bytes."""
        value, self._at = number(self._content, self._at)
        return value

    def byte(self) -> int:
        """Take a number of one byte."""
        if self.ended:
            raise WireError("it ends too early")
        self._at += 1
        return self._content[self._at - 1]

    def rest(self) -> bytes:
        """Take what is left."""
        value, self._at = self._content[self._at :], len(self._content)
        return value

    def end(self) -> None:
        """Raise WireError when something is left over."""
        if not self.ended:
            raise WireError("it goes on where it should end")


def identities(found: list[tuple[bytes, str]]) -> bytes:
    """Answer with public keys and their comments."""
    listed = b"".join(string(blob) + string(comment.encode()) for blob, comment in found)
    return bytes([Tell.IDENTITIES]) + len(found).to_bytes(4, "big") + listed


def signature(made: bytes) -> bytes:
    """Answer with a signature."""
    return bytes([Tell.SIGNATURE]) + string(made)
