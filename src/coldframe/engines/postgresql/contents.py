"""What is in a PostgreSQL: the tables of its users in every database, and their rows by a cursor."""

from collections.abc import Generator, Sequence
from itertools import groupby

from coldframe.engines.contents import Column, Kind, Rows, Table
from coldframe.engines.database import InstanceSpec
from coldframe.engines.postgresql import admin, layout, logical
from coldframe.engines.postgresql.instances import Instances
from coldframe.engines.postgresql.wire import identifier

_AT_ONCE = 1000
_KINDS: dict[str, Kind] = {
    "smallint": "int16",
    "integer": "int32",
    "bigint": "int64",
    "real": "float",
    "double precision": "double",
    "boolean": "boolean",
    "bytea": "bytes",
}
# Texts are written as these say, whatever a database or a user has chosen.
_AS_EVER = (
    "SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; SET bytea_output = 'hex';"
    " SET extra_float_digits = 1; SET search_path = pg_catalog"
)
_COLUMNS = """
SELECT n.nspname, c.relname, c.oid::text, c.relkind::text, a.attname,
    coalesce(i.data_type, pg_catalog.format_type(a.atttypid, a.atttypmod)), i.character_maximum_length,
    i.numeric_precision, i.numeric_scale, i.datetime_precision
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN information_schema.columns i ON (i.table_schema, i.table_name, i.column_name) = (n.nspname, c.relname, a.attname)
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname, c.relname, a.attnum
"""


class PostgreSQLContents:
    """The engine's Contents."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def tables(self, spec: InstanceSpec) -> Sequence[Table]:
        """Return the permanent tables of users; a partitioned one has a part for each of its partitions that keep rows."""
        found = []
        for database in logical.databases(spec):
            with admin.connected(layout.socket(spec), database, timeout=600) as connection:
                rows = connection.query(_COLUMNS)
                for key, columns in groupby(rows, lambda row: row[:4]):
                    schema, name, oid, kind = (str(each) for each in key)
                    parts = [f"ONLY {identifier(schema)}.{identifier(name)}"]
                    if kind == "p":
                        leaves = connection.query(
                            "SELECT format('ONLY %I.%I', n.nspname, c.relname)"
                            f" FROM pg_partition_tree({oid}) p JOIN pg_class c ON c.oid = p.relid"
                            " JOIN pg_namespace n ON n.oid = c.relnamespace"
                            " WHERE p.isleaf AND c.relkind = 'r' ORDER BY 1"
                        )
                        parts = [str(leaf[0]) for leaf in leaves]
                    found.append(Table(database, schema, name, [_column(row) for row in columns], parts))
        return found

    def rows(self, spec: InstanceSpec, table: Table, part: str) -> Generator[Rows, None, None]:
        """Give the rows of a part of a table by a cursor, of one moment."""
        columns = ", ".join(identifier(column.name) for column in table.columns)
        with admin.connected(layout.socket(spec), table.database, timeout=600) as connection:
            connection.query(_AS_EVER)
            connection.query(f"BEGIN; DECLARE everything NO SCROLL CURSOR FOR SELECT {columns} FROM {part}")
            while True:
                rows = connection.query(f"FETCH {_AT_ONCE} FROM everything")
                yield [tuple(_bytes(*each) for each in zip(table.columns, row, strict=True)) for row in rows]
                if len(rows) < _AT_ONCE:
                    return


def _bytes(column: Column, value: str | None) -> bytes | None:
    if value is None:
        return None
    return bytes.fromhex(value[2:]) if column.kind == "bytes" else value.encode()


def _column(row: admin.Row) -> Column:
    word = str(row[5])
    return Column(str(row[4]), word, _KINDS.get(word, "text"), *(int(each or 0) for each in row[6:10]))
