"""Tables as Parquet files: rows as an engine writes them become columns of Parquet's types.

How each kind is kept is what Amazon RDS documents of its exports (User Guide, Data conversion when exporting to an Amazon S3
bucket): exact numbers as fixed-length decimals, moments as microseconds in UTC, texts as UTF-8. Compressed with gzip.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from coldframe.engines.contents import Column, Rows

# A file holds about so many bytes at most; a row group so many rows, or values of so many bytes.
FILE_BYTES = 64 * 1024 * 1024
_GROUP_ROWS, _GROUP_BYTES = 100_000, 32 * 1024 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def written(column: Column) -> str:
    """Return what a column is in the files, in the words of Parquet's own tools."""
    if column.kind == "decimal":
        size = _bytes_of(column.precision)
        return f"fixed_len_byte_array({size}) (DECIMAL({column.precision},{column.scale}))"
    return {
        "int16": "int32 (INT_16)",
        "text": "binary (UTF8)",
        "bytes": "binary",
        "moment": "int64 (TIMESTAMP_MICROS)",
    }.get(column.kind, column.kind)


def files(
    columns: Sequence[Column], rows: Iterable[Rows], folder: Path, *, most: int = FILE_BYTES
) -> Generator[Path, None, None]:
    """Write rows to one file after another in a folder, and give each when it is whole; it is gone when the next is asked for.

    There is none without rows. Raises OSError where there is no room.
    """
    # Loaded by the first export alone.
    from coldframe.engines.logstore.arrow import pa, parquet

    schema = pa.schema([(column.name, _type_of(pa, column)) for column in columns])
    path = folder / "part.parquet"
    writer = None
    try:
        for group in _groups(rows):
            writer = writer or parquet.ParquetWriter(path, schema, compression="gzip")
            arrays = [
                pa.array(_values(column, [row[at] for row in group]), schema.field(at).type)
                for at, column in enumerate(columns)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            if path.stat().st_size >= most:
                writer.close()
                writer = None
                yield path
        if writer is not None:
            writer.close()
            writer = None
            yield path
    finally:
        if writer is not None:
            writer.close()
        path.unlink(missing_ok=True)


def _groups(rows: Iterable[Rows]) -> Iterator[Rows]:
    found: Rows = []
    size = 0
    for some in rows:
        found += some
        size += sum(len(value) for row in some for value in row if value is not None)
        if len(found) >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield found
            found, size = [], 0
    if found:
        yield found


def _type_of(pa: Any, column: Column) -> Any:
    if column.kind == "decimal":
        return pa.decimal128(column.precision, column.scale)
    return {
        "int16": pa.int16(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "text": pa.string(),
        "bytes": pa.binary(),
        "boolean": pa.bool_(),
        "moment": pa.timestamp("us", tz="UTC"),
    }[column.kind]


def _values(column: Column, values: Sequence[bytes | None]) -> list[Any]:
    read = _READ.get(column.kind, int)
    return [None if value is None else read(value) for value in values]


def _moment(value: bytes) -> int | None:
    """Return the microseconds since 1970 of a date and time in UTC; None for a day that is in no calendar."""
    try:
        found = datetime.fromisoformat(value.decode()).replace(tzinfo=UTC)
    except ValueError:
        return None
    return (found - _EPOCH) // timedelta(microseconds=1)


_READ: dict[str, Callable[[bytes], Any]] = {
    "float": float,
    "double": float,
    "decimal": lambda value: Decimal(value.decode()),
    "text": lambda value: value.decode("utf-8", "replace"),
    "bytes": bytes,
    "boolean": lambda value: value == b"t",
    "moment": _moment,
}


def _bytes_of(precision: int) -> int:
    """Return how many bytes a signed number of so many digits takes."""
    return (len(f"{10**precision - 1:b}") + 8) // 8
