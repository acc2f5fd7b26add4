"""The tables of the message store.

The bodies lie apart from what changes at every reading, so that hiding a message does not rewrite a megabyte.
"""

import sqlite3

STATEMENTS = (
    """CREATE TABLE IF NOT EXISTS messages (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        visible INTEGER NOT NULL,
        receives INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        first_received INTEGER NOT NULL,
        earlier INTEGER NOT NULL,
        size INTEGER NOT NULL,
        id TEXT NOT NULL,
        message_group TEXT NOT NULL,
        origin TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS messages_by_visible ON messages (queue, visible, sequence, receives, sent, size)",
    "DROP INDEX IF EXISTS messages_by_order",
    "CREATE INDEX IF NOT EXISTS messages_by_group ON messages (queue, message_group, sequence) WHERE message_group != ''",
    "CREATE TABLE IF NOT EXISTS bodies (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    """CREATE TABLE IF NOT EXISTS duplicates (
        queue TEXT NOT NULL, scope TEXT NOT NULL, id TEXT NOT NULL,
        until INTEGER NOT NULL, message TEXT NOT NULL, sequence INTEGER NOT NULL,
        PRIMARY KEY (queue, scope, id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS attempts (
        queue TEXT NOT NULL, id TEXT NOT NULL, until INTEGER NOT NULL, readings TEXT NOT NULL,
        PRIMARY KEY (queue, id)) WITHOUT ROWID""",
)


def create(connection: sqlite3.Connection) -> None:
    """Create what is missing."""
    for statement in STATEMENTS:
        connection.execute(statement)
