"""What a logical copy does not get is named: whatever changes the schema of its source, and large objects."""

import pytest

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture(scope="module")
def pair(instances):
    """A source with objects of many kinds and a logical copy of it."""
    source = instances.running("ddl-source")
    for statement in (
        "CREATE TABLE plain (id int PRIMARY KEY, word text)",
        "CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'",
        "CREATE VIEW words AS SELECT word FROM plain",
        "CREATE TYPE mood AS ENUM ('sad')",
        "CREATE SEQUENCE numbers",
        "CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM plain",
    ):
        instances.rows(source, statement)
    copy = instances.spec("ddl-copy", version="17", read_only=True)
    instances.engine.copies.copy(source, copy, "logical")
    instances.engine.start(copy)
    instances.engine.copies.follow(source, copy)
    return source, copy


def test_what_is_carried_or_does_no_harm_is_not_named(instances, pair):
    source, copy = pair
    for statement in (
        "INSERT INTO plain VALUES (1, 'a')",
        "UPDATE plain SET word = 'b'",
        "SELECT nextval('numbers')",
        "TRUNCATE plain",
        "ANALYZE",
        "VACUUM plain",
        "REFRESH MATERIALIZED VIEW counted",
        "CREATE TEMPORARY TABLE passing (id int)",
        "GRANT SELECT ON plain TO PUBLIC",
    ):
        instances.rows(source, statement)
        assert list(instances.engine.copies.unsupported(source, copy)) == [], statement


@pytest.mark.parametrize(
    ("change", "back", "named"),
    [
        ("CREATE TABLE later (id int)", "DROP TABLE later", "table public.later was created"),
        ("CREATE SCHEMA later", "DROP SCHEMA later", "schema later was created"),
        (
            "ALTER TABLE plain ADD COLUMN extra int DEFAULT 3",
            "ALTER TABLE plain DROP COLUMN extra",
            "table public.plain was altered",
        ),
        (
            "ALTER TABLE plain ALTER word SET NOT NULL",
            "ALTER TABLE plain ALTER word DROP NOT NULL",
            "table public.plain was altered",
        ),
        (
            "ALTER TABLE plain RENAME TO other",
            "ALTER TABLE other RENAME TO plain",
            "table public.plain was dropped",
        ),
        ("CREATE INDEX by_word ON plain (word)", "DROP INDEX by_word", "index public.by_word was created"),
        (
            "CREATE TABLE part PARTITION OF parted FOR VALUES FROM (1) TO (9)",
            "DROP TABLE part",
            "table public.part was created",
        ),
        (
            "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 3'",
            "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'",
            "function public.twice(n integer) was altered",
        ),
        (
            "ALTER SEQUENCE numbers INCREMENT 5",
            "ALTER SEQUENCE numbers INCREMENT 1",
            "sequence public.numbers was altered",
        ),
        (
            "ALTER TABLE plain REPLICA IDENTITY FULL",
            "ALTER TABLE plain REPLICA IDENTITY DEFAULT",
            "table public.plain was altered",
        ),
        (
            "CREATE OR REPLACE VIEW words AS SELECT word, id FROM plain",
            "DROP VIEW words; CREATE VIEW words AS SELECT word FROM plain",
            "view public.words was altered",
        ),
        ("SELECT lo_create(77)", "SELECT lo_unlink(77)", "large objects were created or modified"),
    ],
)
def test_what_is_not_carried_is_named(instances, pair, change, back, named):
    source, copy = pair
    before = list(instances.engine.copies.unsupported(source, copy))
    instances.rows(source, change)
    found = instances.engine.copies.unsupported(source, copy)
    assert f"app: {named}" in set(found) - set(before), found
    for statement in back.split("; "):
        instances.rows(source, statement)


def test_another_database_is_named(instances, pair):
    source, copy = pair
    instances.rows(source, "CREATE DATABASE later")
    assert "the database later was created" in instances.engine.copies.unsupported(source, copy)


def test_a_publisher_and_a_subscriber_are_seen(instances, pair):
    source, _ = pair
    with instances.engine._instances.session(source) as connection:
        connection.query("SELECT pg_create_logical_replication_slot('theirs', 'pgoutput')")
        assert instances.engine.activities.outside(source) == [
            "it is a source by the replication slot theirs"
        ]
        connection.query("SELECT pg_drop_replication_slot('theirs')")
    assert list(instances.engine.activities.outside(source)) == []
