"""Writing a segment: ordered rows in, one Parquet file and its catalog entry out."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from coldframe.engines.logstore.catalog import BlockFacts, Content, Entry
from coldframe.engines.logstore.rows import Columns, StreamFacts

BLOCK_ROWS = 4096
# Making Arrow arrays of lists holds the interpreter's lock: so many rows hold up an append for about a millisecond.
_PORTION_ROWS = 2048
_PARQUET = {
    "compression": "zstd",
    "compression_level": 3,
    "write_page_checksum": True,
    "use_dictionary": ["stream"],
    "column_encoding": {"ts": "DELTA_BINARY_PACKED", "seq": "DELTA_BINARY_PACKED"},
}


class SegmentWriter:
    """Collects what the catalog needs to know while the rows pass by."""

    def __init__(self, number: int, group: str) -> None:
        self._number = number
        self._group = group
        self._content = Content([], {}, {})
        self._sequences: list[int] = []
        self._ingestions: list[int] = []

    def write(
        self, path: Path, tables: Iterable[Any], stopped: Callable[[], None]
    ) -> tuple[Entry, Content] | None:
        """Write the Arrow tables to path, not yet durable; None (and no file) when there are no rows.

        `stopped` is called before each block and may raise to give up. Raises OSError as the disk does.
        """
        from coldframe.engines.logstore.arrow import parquet

        writer: Any = None
        try:
            for block in blocks(tables):
                stopped()
                if writer is None:
                    writer = parquet.ParquetWriter(path, arrow_schema(), **_PARQUET)
                writer.write_table(block, row_group_size=BLOCK_ROWS)
                self._note(block)
        finally:
            if writer is not None:
                writer.close()
        return None if writer is None else (self._entry(), self._content)

    def _note(self, block: Any) -> None:
        from coldframe.engines.logstore.arrow import pc

        number, last = len(self._content.blocks), block.num_rows - 1
        ends = [block[name][index].as_py() for index in (0, last) for name in ("ts", "seq")]
        self._content.blocks.append(BlockFacts(block.num_rows, *ends))
        self._sequences += pc.min_max(block["seq"]).as_py().values()
        self._ingestions += pc.min_max(block["ingest"]).as_py().values()
        for name, facts in facts_by_stream(block).items():
            known = self._content.streams.get(name)
            self._content.streams[name] = known.joined(facts) if known else facts
            self._content.places.setdefault(name, []).append(number)

    def _entry(self) -> Entry:
        first, last = self._content.blocks[0], self._content.blocks[-1]
        return Entry(
            self._number,
            self._group,
            sum(block.rows for block in self._content.blocks),
            sum(facts.bytes for facts in self._content.streams.values()),
            first.first_ts,
            first.first_seq,
            last.last_ts,
            last.last_seq,
            min(self._sequences),
            max(self._sequences),
            min(self._ingestions),
            max(self._ingestions),
        )


def facts_by_stream(block: Any) -> dict[str, StreamFacts]:
    """Return the facts of each stream of an Arrow table of rows."""
    from coldframe.engines.logstore.arrow import pc

    columns = ["stream", "ts", "ingest"]
    sized = block.select(columns).append_column("size", pc.binary_length(block["message"]))
    wanted = [("ts", "min"), ("ts", "max"), ("ingest", "max"), ("size", "sum"), ("size", "count")]
    found = sized.group_by("stream", use_threads=False).aggregate(wanted)
    values = zip(*(found[f"{name}_{how}"].to_pylist() for name, how in wanted), strict=True)
    return {
        name: StreamFacts(*facts) for name, facts in zip(found["stream"].to_pylist(), values, strict=True)
    }


def blocks(tables: Iterable[Any]) -> Iterator[Any]:
    """Give the rows again in tables of BLOCK_ROWS (the last one shorter)."""
    from coldframe.engines.logstore.arrow import pa

    kept = arrow_schema().empty_table()
    for table in tables:
        kept = pa.concat_tables([kept, table])
        while kept.num_rows >= BLOCK_ROWS:
            yield kept.slice(0, BLOCK_ROWS).combine_chunks()
            kept = kept.slice(BLOCK_ROWS)
    if kept.num_rows:
        yield kept.combine_chunks()


def arrow_schema() -> Any:
    """Return the columns of a segment file."""
    from coldframe.engines.logstore.arrow import pa

    return pa.schema(
        [
            ("ts", pa.int64()),
            ("seq", pa.int64()),
            ("ingest", pa.int64()),
            ("stream", pa.string()),
            ("message", pa.string()),
            ("spans", pa.list_(pa.int32())),
            ("sealed", pa.binary()),
        ]
    )


def arrow_tables(portions: Iterable[Columns]) -> Iterator[Any]:
    """Give rows held in lists as Arrow tables of the segments' schema."""
    gathered = Columns.empty()
    for portion in portions:
        gathered.extend(portion)
        if len(gathered) >= _PORTION_ROWS:
            yield arrow_table(gathered)
            gathered = Columns.empty()
    yield arrow_table(gathered)


def arrow_table(rows: Columns) -> Any:
    """Return the rows as one Arrow table."""
    from coldframe.engines.logstore.arrow import pa

    schema = arrow_schema()
    lists = (rows.ts, rows.seq, rows.ingest, rows.stream, rows.message, rows.spans, rows.sealed)
    arrays = [pa.array(values, kind.type) for values, kind in zip(lists, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
