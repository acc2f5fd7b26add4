"""Runs queries over a few messages, without a server: the language as a table of query, events and rows."""

import pytest

from coldframe.engines.logstore.rows import Columns
from coldframe.engines.query.engine import QueryEngine, Relation
from coldframe.services.logs.insights.expressions import Times
from coldframe.services.logs.insights.lookup_relations import arrow_table
from coldframe.services.logs.insights.results import shown
from coldframe.services.logs.insights.sources import table
from coldframe.services.logs.insights.translation import no_table, read, translate

START = 1_700_000_000_000  # 2023-11-14 22:13:20
COLUMNS = ("ts", "seq", "ingest", "stream", "message")


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    made = QueryEngine(tmp_path_factory.mktemp("query"), memory="500MB", threads=2)
    yield made
    made.close()


def relation(reading, events):
    """The events of a reading's time range, which are (milliseconds after START, message)."""
    chosen = [(START + at, text) for at, text in events if reading.start <= START + at <= reading.end]
    count = len(chosen)
    rows = Columns(
        [time for time, _ in chosen],
        list(range(count)),
        [START] * count,
        ["stream"] * count,
        [text for _, text in chosen],
        [None] * count,
        [None] * count,
    )
    return Relation(f"stored_{reading.relation}", COLUMNS, (), table(rows, COLUMNS))


@pytest.fixture(scope="session")
def run(engine):
    """`run(query, messages, other)`: result rows as dictionaries without missing fields; `other` is the group `other`.

    A message that comes with a number of milliseconds is of that long after START, the others are a second apart.
    `tables` are lookup tables by name, each a list of rows, the first of them with the names of the columns.
    """

    def answer(query, messages, other=(), limit=None, tables=None):
        times = Times(START, START + 3_599_999, START + 5000)
        labels = ["111122223333:group", "111122223333:other"]
        kept = tables or {}

        def columns(name, span):
            return tuple(kept[name][0]) if name in kept else no_table(name, span)

        plan = translate(read(query, times), labels, (0,), lambda source: (1,), limit, columns)
        with engine.session() as session:
            for used in plan.lookups:
                session.register(used.relation, arrow_table(used, kept[used.table][1:]))
            for reading in plan.readings:
                given = (messages, other)[reading.group]
                events = [
                    each if isinstance(each, tuple) else (at * 1000, each) for at, each in enumerate(given)
                ]
                session.define(relation(reading, events))
                session.run(
                    f"CREATE TEMP VIEW {reading.relation} AS"
                    f" SELECT *, message AS original FROM stored_{reading.relation}"
                )
            for statement in plan.prepared:
                session.run(statement.sql, statement.values)
            found = session.run(plan.result.sql, plan.result.values)
        return [
            {
                name: text
                for (name, kind), value in zip(plan.columns, row, strict=False)
                if (text := shown(value, kind)) is not None
            }
            for row in found
        ]

    return answer
