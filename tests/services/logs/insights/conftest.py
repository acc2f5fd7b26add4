"""Runs queries over a few messages, without a server: the language as a table of query, events and rows."""

import pytest

from coldframe.engines.logstore.rows import Columns
from coldframe.engines.query.engine import QueryEngine, Relation
from coldframe.services.logs.insights.expressions import Times
from coldframe.services.logs.insights.results import shown
from coldframe.services.logs.insights.sources import table
from coldframe.services.logs.insights.translation import read, translate

START = 1_700_000_000_000  # 2023-11-14 22:13:20
COLUMNS = ("ts", "seq", "ingest", "stream", "message")


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    made = QueryEngine(tmp_path_factory.mktemp("query"), memory="500MB", threads=2)
    yield made
    made.close()


def relation(number, messages):
    count = len(messages)
    rows = Columns(
        [START + at * 1000 for at in range(count)],
        list(range(count)),
        [START] * count,
        ["stream"] * count,
        list(messages),
        [None] * count,
        [None] * count,
    )
    return Relation(f"stored{number}", COLUMNS, (), table(rows, COLUMNS))


@pytest.fixture(scope="session")
def run(engine):
    """`run(query, messages, other)`: result rows as dictionaries without missing fields; `other` is the group `other`."""

    def answer(query, messages, other=(), limit=None):
        times = Times(START, START + 3_599_999, START + 5000)
        labels = ["111122223333:group", "111122223333:other"]
        plan = translate(read(query, times), labels, (0,), lambda source: (1,), limit)
        with engine.session() as session:
            for number, each in enumerate((messages, other)):
                session.define(relation(number, each))
                session.run(
                    f"CREATE TEMP VIEW events{number} AS SELECT *, message AS original FROM stored{number}"
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
