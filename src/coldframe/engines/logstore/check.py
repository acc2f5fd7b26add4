"""The check of a closed store: reads every log record and every block and names each that does not read back."""

import os
from collections.abc import Iterator
from pathlib import Path

from coldframe.engines.logstore.block_cache import BlockCache
from coldframe.engines.logstore.catalog import Catalog, Entry
from coldframe.engines.logstore.errors import CorruptBlock
from coldframe.engines.logstore.journal import decode
from coldframe.engines.logstore.locking import lock
from coldframe.engines.logstore.segment import Segment, SegmentBlock
from coldframe.engines.logstore.selection import Hidden, everything
from coldframe.engines.logstore.wal import found, records


def verify(directory: Path) -> list[CorruptBlock]:
    """Return what is damaged, with file and offset; changes nothing. Raises StoreLocked while the store is open."""
    held = lock(directory)
    try:
        catalog = Catalog(directory / "catalog.sqlite")
        try:
            return [
                *_log(directory / "wal", catalog.fact("wal_floor")),
                *_segments(directory / "segments", catalog),
            ]
        finally:
            catalog.close()
    finally:
        os.close(held)


def _log(directory: Path, floor: int) -> Iterator[CorruptBlock]:
    for file in found(directory):
        if file.number < floor:
            continue
        for record in records(file):
            if isinstance(record, CorruptBlock):
                yield record
                continue
            try:
                decode(record.payload, file.path.name, record.end)
            except CorruptBlock as error:
                yield error


def _segments(directory: Path, catalog: Catalog) -> Iterator[CorruptBlock]:
    for entry in catalog.entries():
        path = directory / f"{entry.id:012d}.parquet"
        if not path.exists():
            yield CorruptBlock(path.name, -1, "the file is missing")
            continue
        yield from _blocks(path, entry, catalog)


def _blocks(path: Path, entry: Entry, catalog: Catalog) -> Iterator[CorruptBlock]:
    content = catalog.content(entry.id)
    segment = Segment(path, entry, lambda: content, BlockCache())
    chosen = everything(Hidden())
    for number, facts in enumerate(content.blocks):
        block = SegmentBlock(segment, number, facts)
        try:
            rows = block.columns(block.matching(chosen))
        except CorruptBlock as error:
            yield error
            continue
        positions = list(zip(rows.ts, rows.seq, strict=True))
        if len(rows) != facts.rows or positions != sorted(positions) or positions[0] != block.low:
            yield CorruptBlock(path.name, segment.offset(number), "the rows are not those the catalog names")
