"""The query engine: files and rows together, conditions, interruption, limits, and no way to other files."""

import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from coldframe.engines.query.engine import QueryEngine, Relation
from coldframe.engines.query.errors import QueryBroken, QueryInterrupted, TooLarge

COLUMNS = ("number", "text")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "it's here").mkdir()
    return tmp_path / "it's here"


@pytest.fixture
def engine(folder):
    made = QueryEngine(folder, memory="300MB", threads=2)
    yield made
    made.close()


def rows(*numbers):
    return pa.table({"number": list(numbers), "text": [f"t{number}" for number in numbers]})


def test_files_and_rows_are_one_relation(engine, folder):
    pq.write_table(rows(1, 2), folder / "a.parquet")
    pq.write_table(rows(3), folder / "b.parquet")
    files = (folder / "a.parquet", folder / "b.parquet")
    with engine.session() as session:
        session.define(Relation("events", COLUMNS, files, rows(4), ("number > 1",)))
        found = session.run("SELECT number, text FROM events WHERE text <> $t ORDER BY 1", {"t": "t3"})
    assert found == [(2, "t2"), (4, "t4")]


def test_sessions_do_not_see_each_other(engine):
    with engine.session() as first, engine.session() as second:
        first.define(Relation("events", COLUMNS, (), rows(1)))
        second.define(Relation("events", COLUMNS, (), rows(2)))
        assert first.run("SELECT number FROM events") == [(1,)]
        assert second.run("SELECT number FROM events") == [(2,)]


def test_no_file_outside_the_folder_is_read_or_written(engine, tmp_path):
    (tmp_path / "outside.txt").write_text("secret")
    outside = str(tmp_path / "outside.txt")
    with engine.session() as session:
        for sql in (
            f"SELECT * FROM read_text('{outside}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'new.csv'}'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ):
            with pytest.raises(QueryBroken):
                session.run(sql)
    assert not (tmp_path / "new.csv").exists()


def test_a_statement_under_way_can_be_interrupted(engine):
    with engine.session() as session:
        timer = threading.Timer(0.2, session.interrupt)
        timer.start()
        with pytest.raises(QueryInterrupted):
            session.run("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = 7")
        timer.join()
        with pytest.raises(QueryInterrupted):
            session.run("SELECT 1")


def test_what_needs_more_memory_than_allowed_is_told_so(engine):
    with engine.session() as session, pytest.raises(TooLarge):
        session.run("SELECT list(range::VARCHAR || repeat('x', 100)) FROM range(20000000)")


def test_a_damaged_file_is_named(engine, folder):
    (folder / "bad.parquet").write_bytes(b"not parquet")
    with engine.session() as session, pytest.raises(QueryBroken, match=r"bad\.parquet"):
        session.define(Relation("events", COLUMNS, (folder / "bad.parquet",), None))
