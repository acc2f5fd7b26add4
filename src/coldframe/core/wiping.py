"""Overwriting a secret that this process no longer needs, so that freed memory does not keep it."""

import ctypes

_HEADER = bytes.__basicsize__ - 1


def wipe(secret: bytes | bytearray) -> None:
    """Overwrite a secret where it lies; the object must be the caller's alone, made a moment ago and used no more.

    Python has no way to do it to `bytes`, which programs share; CPython keeps them in one piece behind a header of fixed size.
    Objects of one byte or none are shared by the interpreter and are left.
    """
    if isinstance(secret, bytearray):
        secret[:] = bytes(len(secret))
    elif len(secret) > 1:
        ctypes.memset(id(secret) + _HEADER, 0, len(secret))
