"""What is in a database, for whoever takes it out of it: its tables, their columns, and their rows as the engine writes them.

`Kind` is what a column's values are to others than the engine: numbers of 16, 32 and 64 bits, floating-point numbers, exact
numbers of `precision` and `scale`, texts, bytes, truth values, and moments in UTC.
"""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from coldframe.engines.database import InstanceSpec

Kind = Literal["int16", "int32", "int64", "float", "double", "decimal", "text", "bytes", "boolean", "moment"]
# Rows as they are handed on: values as the engine writes them (bytes), None for NULL.
Rows = list[tuple[bytes | None, ...]]


class Column(msgspec.Struct, frozen=True):
    """A column; `type` is the engine's word for it, the lengths are 0 where it has none."""

    name: str
    type: str
    kind: Kind
    characters: int = 0
    precision: int = 0
    scale: int = 0
    fraction: int = 0


class Table(msgspec.Struct, frozen=True):
    """A table of a database; `parts` are the names, in SQL, of what its rows are read from one after another."""

    database: str
    schema: str
    name: str
    columns: Sequence[Column]
    parts: Sequence[str]


class Contents(Protocol):
    """Reads everything of users out of a running instance."""

    def tables(self, spec: "InstanceSpec") -> Sequence[Table]:
        """Return the tables of users that keep rows over a crash, by database, schema and name; raises DatabaseError."""

    def rows(self, spec: "InstanceSpec", table: Table, part: str) -> Generator[Rows, None, None]:
        """Give the rows of a part of a table, some at a time; raises DatabaseError. Close it when it is not read to its end."""
