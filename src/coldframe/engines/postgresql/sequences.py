"""Sequences, which logical replication does not carry."""

from collections.abc import Iterable

from coldframe.engines.database import InstanceSpec
from coldframe.engines.postgresql import admin, layout
from coldframe.engines.postgresql.wire import literal


def bring(source: InstanceSpec, target: InstanceSpec, databases: Iterable[str]) -> None:
    """Set every sequence of the target to where the source's is, and none back; one that was never used stays."""
    for name in databases:
        with admin.connected(layout.socket(source), name) as here:
            rows = here.query(
                "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL"
            )
        if not rows:
            continue
        values = ", ".join(f"({literal(str(sequence))}, {value})" for sequence, value in rows)
        with admin.connected(layout.socket(target), name) as there:
            # One that was dropped on the target is none of ours to make again.
            # The caller makes it durable, with the rest of what the target applied.
            there.query(
                "SET LOCAL synchronous_commit = off; SELECT setval(to_regclass(v.name), v.at) FROM (VALUES "
                f"{values}) AS v(name, at) WHERE to_regclass(v.name) IS NOT NULL"
            )
