"""Secrets that an answer is to carry and that nothing is to keep: put in where the answer leaves, and wiped when it has left.

A handler puts a marker in a secret's place. Whatever serialises the answer copies markers around; the secret itself is in one
piece of memory, which is sent as it is and overwritten then.
"""

from coldframe.core.wiping import wipe


class Withheld:
    """The secrets of one answer, by their markers."""

    def __init__(self) -> None:
        self._secrets: dict[bytes, bytearray] = {}

    def add(self, marker: str, secret: bytearray) -> None:
        """Take a secret, which is wiped later; its marker has as many characters and no other place in the answer."""
        if len(marker) != len(secret):
            raise ValueError(f"a marker of {len(marker)} characters for a secret of {len(secret)}")
        self._secrets[marker.encode()] = secret

    def into(self, body: bytes) -> "SecretBody":
        """Return a serialised answer with the secrets in the markers' places."""
        room = bytearray(body)
        for marker, secret in self._secrets.items():
            at = room.find(marker)
            while at >= 0:
                room[at : at + len(marker)] = secret
                at = room.find(marker, at + 1)
            wipe(secret)
        made = bytes(room)
        wipe(room)
        return SecretBody(made)


class SecretBody:
    """A body in one chunk, which is overwritten when whoever sends it has sent it and closes this."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._given = False

    def __iter__(self) -> "SecretBody":
        """Return this."""
        return self

    def __next__(self) -> bytes:
        """Return all of it, once."""
        if self._given:
            raise StopIteration
        self._given = True
        return self._body

    def close(self) -> None:
        """Overwrite it."""
        wipe(self._body)
