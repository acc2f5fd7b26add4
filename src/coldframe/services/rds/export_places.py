"""Where an export writes to: its names below the bucket's prefix, and the tables that it takes.

Source: Amazon RDS User Guide, File naming conventions for exports to Amazon S3; Considerations for DB snapshot exports.
"""

import re
import uuid
from collections.abc import Sequence

from coldframe.core.faults import ServiceFault
from coldframe.engines.contents import Table
from coldframe.services.rds.records import ExportTask

# What S3's paths get in place of these.
_REPLACED = str.maketrans(dict.fromkeys('\\`" ', "_"))
# A table with one of these in a column's name is left out.
_IN_NO_COLUMN = re.compile(r"[,;{}()\n\t= ]")
_NAMED = re.compile(r"[A-Za-z0-9_$]+(\.[A-Za-z0-9_$]+){0,2}")


def folder_of(task: ExportTask) -> str:
    """Return the prefix of everything that an export writes."""
    before = task.prefix.strip("/")
    return f"{before}/{task.identifier}" if before else task.identifier


def table_folder(task: ExportTask, table: Table) -> str:
    """Return the prefix of a table's files."""
    return f"{folder_of(task)}/{table.database}/{table.schema}.{table.name}".translate(_REPLACED)


def file_name(folder: str, batch: int, number: int) -> str:
    """Return the name of a file of a table; the same again for the same one, so that a second try writes no other."""
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{folder}/{batch}/{number}")
    return f"{folder}/{batch}/part-{number:05d}-{name}-c000.gz.parquet"


def target(table: Table) -> str:
    """Return what a table is called in the export's own words."""
    return f"{table.database}.{table.schema}.{table.name}"


def check_only(only: Sequence[str], schemas: bool) -> None:
    """Refuse parts of a database that cannot be named; `schemas` where there are any. Raises InvalidExportOnlyFault."""
    for each in only:
        if _NAMED.fullmatch(each) is None or each.count(".") > (2 if schemas else 1):
            form = (
                "database, database.schema or database.schema.table"
                if schemas
                else "database or database.table"
            )
            raise ServiceFault(
                "InvalidExportOnlyFault",
                f"The export only value {each} is not valid: it is of the form {form}, of letters, digits, $ and _.",
            )


def chosen(tables: Sequence[Table], only: Sequence[str], schemas: bool) -> tuple[list[Table], list[str]]:
    """Return the tables that an export takes, and which of `only` named none."""
    if not only:
        return list(tables), []
    taken, found = [], set()
    for table in tables:
        names = {table.database, f"{table.database}.{table.schema if schemas else table.name}", target(table)}
        found |= names & set(only)
        if names & set(only):
            taken.append(table)
    return taken, [each for each in only if each not in found]


def left_out(table: Table) -> str:
    """Return why a table cannot be exported; empty where it can."""
    if "/" in table.name or "/" in table.schema or "/" in table.database:
        return "its name has a slash"
    for column in table.columns:
        if _IN_NO_COLUMN.search(column.name):
            return f"the name of its column {column.name!r} has a character that files cannot have"
    return ""
