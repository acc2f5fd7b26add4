"""What logical replication does not carry, or would break on its source."""

from coldframe.engines.database import Obstacle
from coldframe.engines.postgresql.admin import Connection

_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"

# kind, and what finds the names of what is of this kind.
_QUERIES = {
    # A published table without an identity refuses every UPDATE and DELETE on the source.
    "no_identity": f"""
        SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {_OURS} AND c.relkind = 'r' AND c.relpersistence = 'p' AND (c.relreplident = 'n' OR (c.relreplident = 'd'
            AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)))""",
    "large_objects": "SELECT 'pg_largeobject' WHERE EXISTS (SELECT FROM pg_largeobject_metadata)",
    "unlogged": f"""
        SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {_OURS} AND c.relkind = 'r' AND c.relpersistence = 'u'""",
    # Until 16 these would run on the copy with the rights of who replicates.
    "replica_trigger": f"""
        SELECT format('%I.%I', n.nspname, c.relname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OURS} AND t.tgenabled IN ('R', 'A') AND NOT t.tgisinternal""",
    "foreign_subscription": """
        SELECT quote_ident(s.subname) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
        WHERE d.datname = current_database() AND s.subname !~ '^coldframe_'""",
    "prepared_transaction": """
        SELECT quote_ident(gid) FROM pg_prepared_xacts WHERE database = current_database()""",
}
_TEXTS = {
    "no_identity": "has no replica identity: give it a primary key, or ALTER TABLE ... REPLICA IDENTITY FULL",
    "large_objects": "large objects are not replicated: keep them in bytea columns",
    "unlogged": "is unlogged and is not replicated: ALTER TABLE ... SET LOGGED",
    "replica_trigger": "has a trigger that fires on replicas: ALTER TABLE ... ENABLE TRIGGER",
    "foreign_subscription": "is a subscription to another database: drop it",
    "prepared_transaction": "is a prepared transaction: commit it or roll it back",
}


def of(connection: Connection) -> list[Obstacle]:
    """Return what is in the way in one database, by kind and name."""
    database = str(connection.value("SELECT current_database()"))
    return [
        Obstacle(
            kind, database, str(name), f"{name} {_TEXTS[kind]}" if kind != "large_objects" else _TEXTS[kind]
        )
        for kind, sql in _QUERIES.items()
        for (name,) in connection.query(sql + " ORDER BY 1")
    ]
