"""What keeps an instance from a newer major version and pg_upgrade does not look for, or says less well."""

from coldframe.engines.database import InstanceSpec, Version
from coldframe.engines.postgresql import admin, layout, logical

_SLOTS = """
    SELECT coalesce(database, 'postgres'), slot_name FROM pg_replication_slots
    WHERE slot_name !~ '^coldframe_' ORDER BY 1, 2"""
_PREPARED = "SELECT database, gid FROM pg_prepared_xacts ORDER BY 1, 2"
# pg_upgrade keeps the numbers of types and tables, not those of functions, operators and dictionaries.
_REG = """
    SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname), format_type(a.atttypid, NULL)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE NOT a.attisdropped AND c.relkind IN ('r', 'm', 'i', 'p') AND a.atttypid IN ('regproc'::regtype,
        'regprocedure'::regtype, 'regoper'::regtype, 'regoperator'::regtype, 'regconfig'::regtype,
        'regdictionary'::regtype, 'regnamespace'::regtype, 'regcollation'::regtype)
        AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"""
_TEMPORARY = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_tablespace t ON t.oid = c.reltablespace
    WHERE t.spcname = 'rds_temp_tablespace' AND c.relpersistence <> 't' ORDER BY 1"""


def obstacles(spec: InstanceSpec) -> dict[str, list[str]]:
    """Return, by database, what has to be corrected in a running instance before it is upgraded."""
    found: dict[str, list[str]] = {}
    with admin.connected(layout.socket(spec)) as connection:
        for database, gid in connection.query(_PREPARED):
            found.setdefault(str(database), []).append(
                f"The instance has a prepared transaction, {gid}. Please commit or rollback all prepared transactions."
            )
        for database, slot in connection.query(_SLOTS):
            found.setdefault(str(database), []).append(
                f"The instance has the replication slot {slot}. Please drop all replication slots and try again."
            )
    for name in logical.databases(spec):
        with admin.connected(layout.socket(spec), name) as connection:
            for column, kind in connection.query(_REG):
                found.setdefault(name, []).append(
                    f'The data type "{kind}" is used by the column {column}. Please remove all usages of the "reg*"'
                    ' data types except "regclass", "regrole" and "regtype" and try again.'
                )
            for (table,) in connection.query(_TEMPORARY):
                found.setdefault(name, []).append(
                    f"{table} lies in rds_temp_tablespace, which is for temporary tables. Please move it with SET"
                    " TABLESPACE pg_default."
                )
    return found


def report(old: Version, new: Version, found: dict[str, list[str]]) -> str:
    """Return what the log of a check says of obstacles, by database."""
    because = (
        f"The instance could not be upgraded from {old.number} to {new.number} because of following reasons. Please take"
        " appropriate action on databases that have usages incompatible with the requested major engine version upgrade"
        " and try again."
    )
    lines = ["----------------------- Upgrade could not be run -----------------------", because]
    for database, said in found.items():
        lines.append(f"- Following usages in database '{database}' need to be corrected before upgrade:")
        lines += [f"-- {each}" for each in said]
    return "\n".join([*lines, "----------------------- END OF LOG ----------------------", ""])
