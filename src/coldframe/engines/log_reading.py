"""Reads logs of databases from where they were read to, entry by entry; what it holds of a log are places, which the caller keeps.

A log is a series of files that are written to their end and then left, renamed or emptied. A file is known again by the name or
the number that it has and by its first bytes, so that neither a rotation, nor a copy of it, nor a file that got the number of one
that is gone is read twice or left out.
"""

import hashlib
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from coldframe.engines.log_lines import Begin, Form

# How many of its first bytes tell a file from others.
_HEAD = 512
_PORTION, _LONGEST_PORTION = 1_000_000, 8_000_000
# An entry that nothing follows is whole when so many seconds have passed since the last byte.
QUIET = 1.0
# Files not written for so long (nanoseconds) are looked at once in so many looks.
_LONG_AGO, _WHOLE_LOOK = 600 * 10**9, 30
# Whoever may try to sign in may not fill the disk.
_LARGE = 16 * 1024 * 1024
_NO_LONGER = 3600 * 24 * 1000


class Source(NamedTuple):
    """A file that may be there, and the form of its entries."""

    path: Path
    form: Form


class Entry(NamedTuple):
    """When it was written, in milliseconds since 1970, and its text without the end of its last line."""

    at: int
    text: str


class Place(msgspec.Struct, frozen=True):
    """Up to where a file was read: `head` is the digest of its first `length` bytes, `at` the time of the last entry."""

    name: str
    number: int
    offset: int
    head: str
    length: int
    at: int = 0


class Limits(NamedTuple):
    """How much is read at once: entries, bytes of UTF-8 with so many for each entry, and the time between any two in ms."""

    entries: int
    size: int
    extra: int
    span: int = _NO_LONGER


class Piece(NamedTuple):
    """What was read: entries in the order of the files, and the places after them; `more` says that there is more already."""

    entries: list[Entry]
    places: list[Place]
    more: bool


class _Room:
    """What is left of the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.entries: list[Entry] = []
        self._size, self._first, self._last = 0, 0, 0

    def take(self, entry: Entry) -> bool:
        """Take an entry if there is room."""
        size = self._size + len(entry.text.encode()) + self.limits.extra
        first = min(self._first, entry.at) if self.entries else entry.at
        last = max(self._last, entry.at) if self.entries else entry.at
        if (
            size > self.limits.size
            or len(self.entries) == self.limits.entries
            or last - first > self.limits.span
        ):
            return False
        self.entries.append(entry)
        self._size, self._first, self._last = size, first, last
        return True


class LogReader:
    """Reads one log again and again; what it remembers of files spares looking into those that have not changed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # Files that were read to their end, by path: number, size and last change.
        self._done: dict[Path, tuple[int, int, int]] = {}
        self._looks = 0
        # The places by which all that there was had been read, at the last whole look.
        self._all_read: Sequence[Place] | None = None

    def read(
        self, sources: Sequence[Source], places: Sequence[Place], *, since: int = 0, last: bool = False
    ) -> Piece:
        """Return the next entries after these places; `last` says that nothing more is coming, so that all of it is whole.

        What was written before `since` (milliseconds since 1970) is passed over.
        """
        self._looks += 1
        if places is self._all_read and self._looks % _WHOLE_LOOK and self._unchanged(sources):
            return Piece([], list(places), more=False)
        there = _there(sources)
        self._all_read = None
        if all(self._is_read(source, about, places) is not None for source, about in there):
            self._all_read = places
            return Piece([], list(places), more=False)
        room, after, left = _Room(self._limits), list[Place](), list(places)
        for index, (source, about) in enumerate(there):
            place = self._is_read(source, about, left)
            if place is not None:
                left.remove(place)
                after.append(place)
                continue
            # Only what comes after it ends a file of the same kind.
            ended = last or any(later.form is source.form for later, _ in there[index + 1 :])
            place, more = self._read_file(source, left, room, since=since, ended=ended)
            after += [place] if place is not None else []
            if more:
                # The files after this one wait for it.
                return Piece(room.entries, [*after, *left], more=True)
        return Piece(room.entries, after, more=False)

    def _unchanged(self, sources: Sequence[Source]) -> bool:
        """Tell whether files that were read to their end are as they were, without a look at those of long ago."""
        before = time.time_ns() - _LONG_AGO
        for source in sources:
            done = self._done.get(source.path)
            if done is None:
                return False
            if done[2] < before:
                continue
            try:
                if _marks(source.path.lstat()) != done:
                    return False
            except OSError:
                return False
        return True

    def _is_read(self, source: Source, about: os.stat_result, places: Sequence[Place]) -> Place | None:
        """Return the place of a file that was read to its end, and kept, and has not changed since."""
        if self._done.get(source.path) != _marks(about):
            return None
        wanted = (source.path.name, about.st_ino, about.st_size)
        return next((each for each in places if (each.name, each.number, each.offset) == wanted), None)

    def _read_file(
        self, source: Source, left: list[Place], room: _Room, *, since: int, ended: bool
    ) -> tuple[Place | None, bool]:
        """Read a file as far as there is room; returns where that ended, and whether there is more.

        Its place is taken out of those that are left.
        """
        try:
            descriptor = os.open(source.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            # It is gone, or a link, which whoever writes there may have made.
            return None, False
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                return None, False
            known = _known(source.path, about, left, descriptor)
            if known is not None:
                left.remove(known)
            start, at = (known.offset, known.at) if known is not None else (0, 0)
            if known is None and about.st_mtime * 1000 < since - QUIET * 1000:
                start = about.st_size
            whole = ended or time.time() - about.st_mtime > QUIET
            end, at, more = _entries(descriptor, about, source.form, room, (start, at, since), whole=whole)
            if end == about.st_size:
                self._done[source.path] = _marks(about)
            else:
                self._done.pop(source.path, None)
            return _place(source.path.name, descriptor, about.st_ino, end, at), more
        finally:
            os.close(descriptor)


def note(path: Path, at: float, text: str) -> None:
    """Add a line to a log of ours (log_lines.noted), whose folder is ours too; nothing more once it is large."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        if os.fstat(descriptor).st_size < _LARGE:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
            os.write(descriptor, f"{stamp} UTC {' '.join(text.split())}\n".encode())
    finally:
        os.close(descriptor)


def rename(path: Path, stamp: str) -> bool:
    """Call a log by its name with the stamp, so that a new one begins; tells whether there was something in it."""
    before = path.with_name(f"{path.name}.{stamp}")
    if not path.is_file() or not path.stat().st_size or before.exists():
        return False
    path.rename(before)
    return True


def _entries(
    descriptor: int,
    about: os.stat_result,
    form: Form,
    room: _Room,
    start: tuple[int, int, int],
    *,
    whole: bool,
) -> tuple[int, int, bool]:
    """Take entries from an offset on, while there is room; returns where that ended, the last time, and whether there is more.

    `start` are the offset, the time of the entry before it, and the time before which entries are passed over; `whole`
    says that the last entry is.
    """
    offset, at, since = start
    portion = _PORTION
    written = round(about.st_mtime * 1000)
    while offset < about.st_size:
        data = os.pread(descriptor, min(portion, about.st_size - offset), offset)
        if not data:
            break
        final = offset + len(data) >= about.st_size
        ends = _ends(form, data, final=final, whole=whole)
        if not ends and not final and portion < _LONGEST_PORTION:
            portion *= 2
            continue
        if not ends and not final:
            # Longer than anything that is kept as one: it goes on in the next entry.
            first = next(form.begins(data), None)
            ends = [(first if first is not None and not first.offset else Begin(0, None), len(data))]
        begun = offset
        for begin, end in ends:
            at = begin.at if begin.at is not None else at or written
            taken = _take(data[begin.offset : end], at, room, since=since)
            offset = begun + begin.offset + taken
            if taken < end - begin.offset:
                return offset, at, True
        if final:
            break
        portion = _PORTION
    return offset, at, False


def _ends(form: Form, data: bytes, *, final: bool, whole: bool) -> list[tuple[Begin, int]]:
    """Return the whole entries in a piece, with the end of each; what comes before the first that begins is one, too."""
    begins = list(form.begins(data))
    if not begins or begins[0].offset > 0:
        begins.insert(0, Begin(0, None))
    ends = [begin.offset for begin in begins[1:]]
    if final and whole and data.endswith(b"\n"):
        ends.append(len(data))
    return list(zip(begins, ends, strict=False))


def _take(data: bytes, at: int, room: _Room, *, since: int) -> int:
    """Take an entry, or as much of it as one may have; returns how many bytes were taken, 0 when there is no room."""
    stripped = data.rstrip(b"\r\n")
    if not stripped or at < since - since % 1000:
        return len(data)
    text = stripped.decode("utf-8", "replace")
    most = room.limits.size - room.limits.extra
    if len(text.encode()) <= most:
        return len(data) if room.take(Entry(at, text)) else 0
    # What is no UTF-8 needs three bytes for one that it has.
    for cut in (_character(data, most), _character(data, most // 3)):
        text = data[:cut].decode("utf-8", "replace")
        if len(text.encode()) <= most:
            break
    return cut if room.take(Entry(at, text)) else 0


def _character(data: bytes, end: int) -> int:
    """Return where the character begins that is at an offset."""
    return next((at for at in range(end, end - 4, -1) if data[at] & 0xC0 != 0x80), end)


def _there(sources: Sequence[Source]) -> list[tuple[Source, os.stat_result]]:
    """Return the files that are there, the one that was written last at the end."""
    found = []
    for source in sources:
        try:
            about = source.path.lstat()
        except OSError:
            continue
        if stat.S_ISREG(about.st_mode):
            found.append((source, about))
    return sorted(found, key=lambda each: (each[1].st_mtime_ns, each[0].path.name))


def _known(path: Path, about: os.stat_result, places: Sequence[Place], descriptor: int) -> Place | None:
    """Return the place of an open file, None for one that was not read yet."""
    for place in places:
        if (
            place.offset <= about.st_size
            and (place.name == path.name or place.number == about.st_ino)
            and _digest(descriptor, place.length) == place.head
        ):
            return place
    return None


def _place(name: str, descriptor: int, number: int, offset: int, at: int) -> Place:
    length = min(offset, _HEAD)
    return Place(name, number, offset, _digest(descriptor, length), length, at)


def _digest(descriptor: int, length: int) -> str:
    return hashlib.sha256(os.pread(descriptor, length, 0)).hexdigest()[:32]


def _marks(about: os.stat_result) -> tuple[int, int, int]:
    return about.st_ino, about.st_size, about.st_mtime_ns
