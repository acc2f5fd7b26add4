"""Writing a segment: ordered rows in, one Parquet file and its catalog entry out."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from coldframe.engines.logstore.catalog import BlockFacts, Content, Entry
from coldframe.engines.logstore.memory import text_bytes
from coldframe.engines.logstore.rows import Columns, StreamFacts

BLOCK_ROWS = 8192


class SegmentWriter:
    """Collects what the catalog needs to know while the rows pass by."""

    def __init__(self, number: int, group: str) -> None:
        self._number = number
        self._group = group
        self._content = Content([], {}, {})
        self._low_seq = self._low_ingest = 2**63 - 1
        self._high_seq = self._high_ingest = -(2**63)

    def write(
        self, path: Path, portions: Iterable[Columns], stopped: Callable[[], None]
    ) -> tuple[Entry, Content] | None:
        """Write the rows to path, not yet durable; None (and no file) when there are no rows.

        `stopped` is called before each block and may raise to give up. Raises OSError as the disk does.
        """
        from pyarrow import parquet

        schema = arrow_schema()
        writer: Any = None
        try:
            for block in blocks(portions):
                stopped()
                if writer is None:
                    writer = parquet.ParquetWriter(
                        path,
                        schema,
                        compression="zstd",
                        compression_level=3,
                        write_page_checksum=True,
                        use_dictionary=["stream"],
                        column_encoding={"ts": "DELTA_BINARY_PACKED", "seq": "DELTA_BINARY_PACKED"},
                    )
                writer.write_table(arrow_table(block, schema), row_group_size=BLOCK_ROWS)
                self._note(block)
        finally:
            if writer is not None:
                writer.close()
        return None if writer is None else (self._entry(), self._content)

    def _note(self, block: Columns) -> None:
        number = len(self._content.blocks)
        self._content.blocks.append(
            BlockFacts(len(block), block.ts[0], block.seq[0], block.ts[-1], block.seq[-1])
        )
        self._low_seq, self._high_seq = min(self._low_seq, *block.seq), max(self._high_seq, *block.seq)
        self._low_ingest = min(self._low_ingest, *block.ingest)
        self._high_ingest = max(self._high_ingest, *block.ingest)
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
            self._low_seq,
            self._high_seq,
            self._low_ingest,
            self._high_ingest,
        )


def facts_by_stream(block: Columns) -> dict[str, StreamFacts]:
    """Return the facts of each stream of ordered rows."""
    places: dict[str, list[int]] = {}
    if len(set(block.stream)) == 1:
        places[block.stream[0]] = list(range(len(block)))
    else:
        for i, name in enumerate(block.stream):
            places.setdefault(name, []).append(i)
    return {
        name: StreamFacts(
            block.ts[at[0]],
            block.ts[at[-1]],
            max(block.ingest[i] for i in at),
            text_bytes([block.message[i] for i in at]),
            len(at),
        )
        for name, at in places.items()
    }


def blocks(portions: Iterable[Columns]) -> Iterable[Columns]:
    """Give the rows again in blocks of BLOCK_ROWS (the last one shorter)."""
    kept = Columns.empty()
    for portion in portions:
        kept.extend(portion)
        while len(kept) >= BLOCK_ROWS:
            yield kept.pick(range(BLOCK_ROWS))
            kept = kept.pick(range(BLOCK_ROWS, len(kept)))
    if len(kept):
        yield kept


def arrow_schema() -> Any:
    """Return the columns of a segment file."""
    import pyarrow as pa

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


def arrow_table(rows: Columns, schema: Any) -> Any:
    """Return the rows as an Arrow table of the segments' schema."""
    import pyarrow as pa

    lists = (rows.ts, rows.seq, rows.ingest, rows.stream, rows.message, rows.spans, rows.sealed)
    arrays = [pa.array(values, kind.type) for values, kind in zip(lists, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
