"""Whether storage writes a page of 16 KiB whole or not at all: what the kernel and the file system say of a folder."""

import ctypes
import os
from pathlib import Path

import msgspec

PAGE = 16_384
_ZFS = 0x2FC12FC1
_AT_FDCWD, _WRITE_ATOMIC = -100, 0x0001_0000
# Where struct statx has stx_mask and the least and the greatest unit of an untorn write (linux/stat.h).
_MASK, _UNIT_MAX, _SIZE = 0, 180, 256


class Storage(msgspec.Struct, frozen=True):
    """What a folder's storage can do: the largest untorn write in bytes, and whether the engines' own writes are untorn."""

    kind: str
    unit: int
    trusted: bool
    said: str


def probe(folder: Path) -> Storage:
    """Ask the kernel about the storage of an existing folder or file.

    ZFS writes its records by copying them, so that a page of the record's size is never torn. Where a device can write
    untorn (ext4 with bigalloc, XFS), only writes that ask for it are, and the engines do not ask: necessary, not enough.
    """
    if _magic(folder) == _ZFS:
        record = os.statvfs(folder).f_bsize
        if record == PAGE:
            return Storage("zfs", record, trusted=True, said="ZFS with records of 16 KiB")
        return Storage(
            "zfs", record, trusted=False, said=f"ZFS with records of {record} bytes, not of {PAGE}"
        )
    unit = _atomic_unit(folder)
    if unit >= PAGE:
        text = f"the device can write {unit} bytes untorn, but the engine does not ask it to"
        return Storage("device", unit, trusted=False, said=text)
    return Storage("plain", unit, trusted=False, said="its storage does not write 16 KiB untorn")


def _atomic_unit(path: Path) -> int:
    """Return statx's stx_atomic_write_unit_max in bytes; 0 where the kernel or the file system has none."""
    statx = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
    if statx is None:
        return 0
    buffer = ctypes.create_string_buffer(_SIZE)
    if statx(_AT_FDCWD, os.fsencode(path), 0, _WRITE_ATOMIC, buffer) != 0:
        return 0
    mask = int.from_bytes(buffer.raw[_MASK : _MASK + 4], "little")
    return int.from_bytes(buffer.raw[_UNIT_MAX : _UNIT_MAX + 4], "little") if mask & _WRITE_ATOMIC else 0


def _magic(path: Path) -> int:
    """Return the number that statfs has for the kind of a file system; 0 where it cannot be asked."""
    statfs = getattr(ctypes.CDLL(None, use_errno=True), "statfs", None)
    buffer = ctypes.create_string_buffer(_SIZE)
    if statfs is None or statfs(os.fsencode(path), buffer) != 0:
        return 0
    return int.from_bytes(buffer.raw[:8], "little")
