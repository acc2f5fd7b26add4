"""Keys of type encrypted: random bytes that the kernel makes, and gives out only sealed under another key."""

from coldframe.keys.key import Key
from coldframe.keys.rings import Keyring


def make(ring: Keyring, description: str, master: str, size: int = 32) -> Key:
    """Have the kernel make `size` random bytes, sealed under a key of type user named `master`.

    What is read of the key is its sealed form, to be kept in a file and taken back with `take`. At rest it is as safe
    as the master is. Raises a KeyringError.
    """
    words = f"new user:{master} {size}".encode()
    return Key(ring.service.add_key("encrypted", description, words, ring.number), ring.service)


def take(ring: Keyring, description: str, form: bytes) -> Key:
    """Add a key from its sealed form; raises a KeyringError when the master is not here, or the form was changed."""
    return Key(ring.service.add_key("encrypted", description, b"load " + form, ring.number), ring.service)
