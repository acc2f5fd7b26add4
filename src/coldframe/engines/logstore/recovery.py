"""What a start does: read the catalog, replay the log into the memory table, remove what a crash left behind."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.logstore.catalog import Catalog
from coldframe.engines.logstore.catalog import Entry as SegmentEntry
from coldframe.engines.logstore.errors import CorruptBlock, StoreDamaged
from coldframe.engines.logstore.journal import Batch, Entry, Expired, decode
from coldframe.engines.logstore.segment import Segment
from coldframe.engines.logstore.tables import Tables, remove
from coldframe.engines.logstore.wal import WalFile, found, records, shorten


class Recovered(NamedTuple):
    """Where to go on: the next sequence, the next log file and the valid length of the one before it."""

    next_sequence: int
    next_wal: int
    valid_before: int | None


def recover(
    directory: Path, tables: Tables, catalog: Catalog, readable: Callable[[SegmentEntry], Segment]
) -> Recovered:
    """Fill the tables from the directory; damage is reported to them and the rest is kept."""
    _refuse_without_catalog(directory, catalog)
    quarantined = catalog.quarantined()
    kept: set[Path] = set()
    for entry in catalog.entries():
        segment = readable(entry)
        segment.quarantined = entry.id in quarantined
        kept.add(segment.path)
        tables.segments[entry.group] = (*tables.segments.get(entry.group, ()), segment)
        if not segment.path.exists():
            segment.quarantined = True
            tables.report(CorruptBlock(segment.path.name, -1, "the file is missing"))
    remove([path for path in (directory / "segments").iterdir() if path not in kept])
    tables.hidden.update(catalog.hidden())
    tables.unswept.update(tables.hidden)
    return _replay(directory / "wal", tables, catalog)


def _refuse_without_catalog(directory: Path, catalog: Catalog) -> None:
    """Refuse a catalog that is new where others are not: every segment would be taken for what a crash left, and removed.

    Until the first segments are in the catalog the log has its first file. Raises StoreDamaged.
    """
    if catalog.fact("wal_floor") or catalog.entries():
        return
    first = next((file.number for file in found(directory / "wal")), None)
    segments = any((directory / "segments").glob("*.parquet"))
    if (first or 1) > 1 or (segments and first is None):
        raise StoreDamaged(
            f"{directory / 'catalog.sqlite'} has nothing, and there are events that it had; restore {directory} from a backup"
        )


def _replay(directory: Path, tables: Tables, catalog: Catalog) -> Recovered:
    floor = catalog.fact("wal_floor")
    sequence = max([1, catalog.fact("next_sequence"), *(entry.high_seq + 1 for entry in catalog.entries())])
    number, valid = max(floor - 1, 0), None
    for file in found(directory):
        if file.number < floor:
            file.path.unlink()
            continue
        number, valid = file.number, 0
        for record in records(file):
            if isinstance(record, CorruptBlock):
                tables.report(record)
                continue
            valid = record.end
            sequence = max(sequence, _applied(record.payload, file, valid, tables, sequence))
        shorten(file, valid)
    return Recovered(sequence, number + 1, valid)


def _applied(payload: bytes, file: WalFile, offset: int, tables: Tables, sequence: int) -> int:
    """Apply one record, `sequence` being the next before it, and return the sequence after it."""
    try:
        entry: Entry = decode(payload, file.path.name, offset)
    except CorruptBlock as error:
        tables.report(error)
        return 0
    if isinstance(entry, Expired) and not entry.before:
        entry = Expired(entry.group, entry.floor, sequence)
    tables.apply(entry)
    if isinstance(entry, Batch):
        return entry.first + len(entry.ts)
    return entry.before + 1
