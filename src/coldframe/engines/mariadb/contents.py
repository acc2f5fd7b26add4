"""What is in a MariaDB: the tables of its users, and their rows as they come over the connection."""

from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import groupby

from coldframe.engines.contents import Column, Kind, Rows, Table
from coldframe.engines.database import InstanceSpec
from coldframe.engines.mariadb.client import Row, named
from coldframe.engines.mariadb.instances import Instances

_OWN = "('information_schema', 'performance_schema', 'mysql', 'sys')"
_AT_ONCE = 1000
# A number of more digits than this has no exact form elsewhere.
_MOST_DIGITS = 38
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "year"), "int32"),
    "bigint": "int64",
    **dict.fromkeys(("float", "double"), "double"),
    **dict.fromkeys(("bit", "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "bytes"),
    **dict.fromkeys(("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"), "bytes"),
    **dict.fromkeys(("multipolygon", "geometrycollection"), "bytes"),
    **dict.fromkeys(("datetime", "timestamp"), "moment"),
}


class MariaDBContents:
    """The Contents of MariaDB."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def tables(self, spec: InstanceSpec) -> Sequence[Table]:
        """Return the tables of users, with the columns that are kept or worked out."""
        with self._instances.client(spec, timeout=600) as client:
            rows = client.query(
                "SELECT c.table_schema s, c.table_name t, c.column_name c, c.data_type d, c.column_type w,"
                " c.character_maximum_length l, c.numeric_precision p, c.numeric_scale k, c.datetime_precision f"
                " FROM information_schema.columns c JOIN information_schema.tables t"
                " USING (table_schema, table_name)"
                f" WHERE t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND table_schema NOT IN {_OWN}"
                " ORDER BY c.table_schema, c.table_name, c.ordinal_position"
            )
        found = []
        for (schema, name), columns in groupby(rows, lambda row: (row["s"] or "", row["t"] or "")):
            part = f"{named(schema)}.{named(name)}"
            found.append(Table(schema, schema, name, [_column(row) for row in columns], [part]))
        return found

    def rows(self, spec: InstanceSpec, table: Table, part: str) -> Generator[Rows, None, None]:
        """Give the rows of a table as the server sends them."""
        names = ", ".join(named(column.name) for column in table.columns)
        with self._instances.client(spec, timeout=600) as client:
            client.query("SET SESSION time_zone = '+00:00'")
            with closing(client.stream(f"SELECT {names} FROM {part}")) as coming:
                found: Rows = []
                for row in coming:
                    found.append(row)
                    if len(found) == _AT_ONCE:
                        yield found
                        found = []
                yield found


def _column(row: Row) -> Column:
    word, whole = row["d"] or "", row["w"] or ""
    kind = _KINDS.get(word, "text")
    precision, scale = int(row["p"] or 0), int(row["k"] or 0)
    if word == "decimal" and precision <= _MOST_DIGITS:
        kind = "decimal"
    if "unsigned" in whole and word in {"mediumint", "int"}:
        kind = "int64"
    if "unsigned" in whole and word == "bigint":
        kind, precision, scale = "decimal", 20, 0
    return Column(row["c"] or "", word, kind, int(row["l"] or 0), precision, scale, int(row["f"] or 0))
