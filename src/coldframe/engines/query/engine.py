"""Runs SQL over Parquet files and Arrow tables, some queries at once, each of which can be interrupted."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from coldframe.engines.query.errors import QueryBroken, QueryInterrupted, TooLarge


class Relation(NamedTuple):
    """A relation to query by its name: rows of some files (columns of that name) and of an Arrow table, and which count.

    `columns` are names of ours, `conditions` SQL of ours over them: neither may hold text from outside.
    """

    name: str
    columns: tuple[str, ...]
    files: tuple[Path, ...]
    rows: Any
    conditions: tuple[str, ...] = ()


class QueryEngine:
    """One database in memory that owns no data; made when first used, because it takes 60 MB."""

    def __init__(self, folder: Path, *, memory: str = "2GB", threads: int | None = None) -> None:
        """Allow reading files below `folder`, and nothing else; `memory` is for all queries together."""
        self._folder = folder
        self._memory = memory
        self._threads = threads or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._database: Any = None

    def session(self) -> "Session":
        """Return a session of its own, for one query and one thread; close it."""
        with self._lock:
            if self._database is None:
                self._database = self._open()
            return Session(self._database.cursor())

    def close(self) -> None:
        """Let go of the database; sessions still open end with QueryBroken."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _open(self) -> Any:
        import duckdb

        # Nothing is ever spilled to disk: rows may hold texts that must not lie there in clear.
        database = duckdb.connect(
            ":memory:",
            config={
                "threads": self._threads,
                "memory_limit": self._memory,
                "temp_directory": "",
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        database.execute("SET TimeZone = 'UTC'")
        folder = str(self._folder).replace("'", "''")
        database.execute(f"SET allowed_directories = ['{folder}']")
        database.execute("SET enable_external_access = false")
        database.execute("SET lock_configuration = true")
        return database


class Session:
    """Relations of one query and the statements over them; only `interrupt` may be called from another thread."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._interrupted = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def define(self, relation: Relation) -> None:
        """Make a relation known; raises QueryBroken when a file does not read."""
        columns = ", ".join(relation.columns)
        where = f" WHERE {' AND '.join(relation.conditions)}" if relation.conditions else ""
        parts = []
        if relation.files:
            files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in relation.files)
            parts.append(f"SELECT {columns} FROM read_parquet([{files}]){where}")  # noqa: S608 - names of ours
        if relation.rows is not None:
            self._cursor.register(f"{relation.name}_rows", relation.rows)
            parts.append(f"SELECT {columns} FROM {relation.name}_rows{where}")  # noqa: S608 - names of ours
        self.run(f"CREATE TEMP VIEW {relation.name} AS {' UNION ALL '.join(parts)}")

    def register(self, name: str, table: Any) -> None:
        """Make an Arrow table known by a name of ours."""
        self._cursor.register(name, table)

    def run(self, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a statement.

        Raises QueryInterrupted, TooLarge where memory does not suffice, and QueryBroken for anything else.
        """
        import duckdb

        if self._interrupted.is_set():
            raise QueryInterrupted("the query was interrupted")
        try:
            self._cursor.execute(sql, dict(values) if values else None)
            rows: list[tuple[Any, ...]] = self._cursor.fetchall()
        except duckdb.InterruptException as error:
            raise QueryInterrupted("the query was interrupted") from error
        except duckdb.OutOfMemoryException as error:
            raise TooLarge(
                "the query needs more memory than queries may use here; narrow its time range"
            ) from error
        except duckdb.Error as error:
            if self._interrupted.is_set():
                raise QueryInterrupted("the query was interrupted") from error
            raise QueryBroken(str(error)) from error
        return rows

    def interrupt(self) -> None:
        """Stop the statement under way and every later one."""
        self._interrupted.set()
        self._cursor.interrupt()

    def close(self) -> None:
        """End the session."""
        self._cursor.close()
