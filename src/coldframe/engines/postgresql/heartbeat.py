"""Whether a running instance does its work: somebody comes in, and a write of ours becomes durable."""

from coldframe.engines.database import DatabaseError, InstanceSpec, Silent
from coldframe.engines.postgresql import admin, layout, positions


def probe(spec: InstanceSpec, *, answer: float, write: float) -> None:
    """Come in anew and, where it takes writes, have one made durable; raises Silent."""
    try:
        # In a session of its own: sessions that are open go on without the process that lets new ones in.
        with admin.connected(layout.socket(spec), timeout=answer) as connection:
            if connection.value("SELECT pg_is_in_recovery()") == "f":
                connection.patience(write)
                positions.committed(connection)
    except Silent:
        raise
    except DatabaseError:
        # It refuses, or nobody listens (any more): it does not hang.
        return
