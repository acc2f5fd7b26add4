"""The kernel's calls for encrypted folders (<linux/fscrypt.h>), by ioctl: no library, no program."""

import ctypes
import os
import struct
from pathlib import Path

_SET_POLICY, _GET_POLICY = 0x800C6613, 0xC0096616
_ADD_KEY, _REMOVE_KEY, _KEY_STATUS = 0xC0506617, 0xC0406618, 0xC080661A
# Policies of version 2: the contents of files by AES-256-XTS, their names by AES-256-CTS and padded to 32 bytes.
_VERSION, _XTS, _CTS, _PAD_32 = 2, 1, 4, 3
_POLICY = struct.Struct("<BBBBB3x16s")
_NAMED = 2
# struct fscrypt_add_key_arg before the key itself, of fscrypt_remove_key_arg and of fscrypt_get_key_status_arg.
_ADD, _REMOVE, _STATUS = (
    struct.Struct("<II32sII32x"),
    struct.Struct("<II32sI20x"),
    struct.Struct("<II32s24x64x"),
)
_BUSY = 1
STATUSES = {1: "absent", 2: "present", 3: "incompletely removed"}


def set_policy(folder: Path, name: bytes) -> None:
    """Have everything that comes into an empty folder encrypted under the key of this name; raises OSError."""
    _ioctl(folder, _SET_POLICY, bytearray(_POLICY.pack(_VERSION, _XTS, _CTS, _PAD_32, 0, name)))


def policy_of(folder: Path) -> bytes:
    """Return the name of the key under which a folder is encrypted; raises OSError.

    ENODATA: it is not encrypted and could be. EOPNOTSUPP: this file system could, and is not made for it. ENOTTY: it cannot.
    """
    asked = bytearray(struct.pack("<Q", _POLICY.size) + bytes(_POLICY.size))
    _ioctl(folder, _GET_POLICY, asked)
    # Older policies have a name of eight bytes, which is none of ours.
    return bytes(asked[16:32]) if asked[8] == _VERSION else bytes(asked[12:20])


def add_key(folder: Path, key: bytes | bytearray) -> bytes:
    """Give the file system of a folder a key, which the kernel keeps until it is removed; return its name. Raises OSError."""
    asked = bytearray(_ADD.pack(_NAMED, 0, b"", len(key), 0)) + key
    try:
        _ioctl(folder, _ADD_KEY, asked)
        return bytes(asked[8:24])
    finally:
        asked[:] = bytes(len(asked))


def remove_key(folder: Path, name: bytes) -> bool:
    """Take a key from the file system of a folder; return whether files are open that can still be read. Raises OSError."""
    asked = bytearray(_REMOVE.pack(_NAMED, 0, name, 0))
    _ioctl(folder, _REMOVE_KEY, asked)
    return bool(_REMOVE.unpack(asked)[3] & _BUSY)


def status_of(folder: Path, name: bytes) -> str:
    """Return whether the file system of a folder has a key: one of STATUSES. Raises OSError."""
    asked = bytearray(_STATUS.pack(_NAMED, 0, name))
    _ioctl(folder, _KEY_STATUS, asked)
    return STATUSES[int.from_bytes(asked[64:68], "little")]


def _ioctl(folder: Path, request: int, asked: bytearray) -> None:
    """Make a call that changes `asked` where it lies: fcntl.ioctl would leave copies of keys behind."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        where = (ctypes.c_char * len(asked)).from_buffer(asked)
        if libc.ioctl(descriptor, ctypes.c_ulong(request), where) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)
