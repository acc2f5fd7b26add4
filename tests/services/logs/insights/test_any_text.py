"""Any text as a query, and any text in any place of one: a clear refusal or the right rows, never SQL of the caller's."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.expressions import Times
from coldframe.services.logs.insights.translation import read, translate

TIMES = Times(0, 1000, 1000)
WORDS = [
    "fields", "display", "filter", "stats", "sort", "limit", "parse", "dedup", "unnest", "join", "SOURCE", "by", "as",
    "and", "or", "not", "in", "like", "desc", "|", "(", ")", "[", "]", ",", "=", "!=", "<", "+", "-", "*", "/", "%",
    "^", "@message", "@timestamp", "a.b", "`x y`", "count", "bin", "5m", "17", "'text'", '"', "/re/", "#", "into",
    "unmask", "pattern", "where", "type", "left", "right", "fillmissing", "with", "for", "\n", "\\", "$p1", ";", "--",
]  # fmt: skip

ATTACKS = [
    "'; DROP TABLE events0; --",
    "') OR 1=1 --",
    '" UNION SELECT * FROM stored1 --',
    "$p1",
    "{0}",
    "\\' OR ''='",
    "*/ SELECT 1 /*",
    "%' OR '%'='",
    "x\x00y",
    "é\u2028z",
]


def compiled(text):
    return translate(read(text, TIMES), ["1:a"], (0,), lambda source: (0,), None)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=60))
@example("fields " + "-" * 500 + "a")
@example("filter " + "(" * 3000)
@example("fields " + "concat(strlen(" * 40 + "a" + "))" * 40)
@example("fields a " + "+ a" * 400)
@example("filter a in (" * 60 + "fields b" + ")" * 60)
def test_any_text_is_compiled_or_refused(text):
    try:
        plan = compiled(text)
    except QueryError as error:
        assert 0 <= error.span.start <= error.span.end <= len(text)
        assert error.message
    else:
        assert plan.result.sql


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_text_stays_a_text_wherever_it_stands(run, attack):
    quoted = '"' + attack.replace("\\", "\\\\").replace('"', '\\"') + '"'
    message = f"before {attack} after"
    assert run(f"filter @message like {quoted} | fields @message", [message, "other"]) == [
        {"@message": message}
    ]
    assert run(f"fields {quoted} as t | limit 1", ["m"]) == [{"t": attack}]
    assert run(f"filter @message = {quoted} | stats count(*) as n", [attack, "x"]) == [{"n": "1"}]
    assert run(f"filter @message in [{quoted}] | stats count(*) as n", [attack, "x"]) == [{"n": "1"}]
    assert run(f"fields replace(@message, {quoted}, '') as r", [f"a{attack}b"]) == [{"r": "ab"}]
    assert run(f"fields concat({quoted}, '!') as c | limit 1", ["m"]) == [{"c": attack + "!"}]
    assert run(f"stats count(*) as n by {quoted} as k", ["m"]) == [{"k": attack, "n": "1"}]
    if "*" not in attack:
        glob = '"' + ("<" + attack + ":*").replace("\\", "\\\\").replace('"', '\\"') + '"'
        assert run(f"parse @message {glob} as x | display x", [f"<{attack}:rest"]) == [{"x": "rest"}]


@pytest.mark.parametrize("attack", [each for each in ATTACKS if "`" not in each])
def test_a_name_stays_a_name_wherever_it_stands(run, attack):
    name = f"`{attack}`"
    plain = {"fields": f"fields 1 as {name}", "stats": f"stats count(*) as {name}"}
    for query in plain.values():
        assert run(query, ["m"]) == [{attack: "1"}]
    assert run(f"fields {name}, {name} as x | sort {name} | dedup {name}", ["m"]) == [{}]
    assert run(f"stats count(*) as n by {name}", ["m"]) == [{"n": "1"}]
    assert run(f"parse @message /(?<x>m)/ | fields x as {name} | display {name}", ["m"]) == [{attack: "m"}]
    assert run(f"parse @message 'm*' as {name} | display {name}", ["mm"]) == [{attack: "m"}]
    assert run(f"fields {name} | filldown {name}", ["m"]) == [{}]
    assert run(f"fields 1 as v | autoregress v as {name} | display v", ["m"]) == [{"v": "1"}]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_pattern_stays_a_pattern(run, attack):
    pattern = "".join(f"\\x{{{ord(c):x}}}" for c in attack)
    assert run(f"filter @message like /{pattern}/ | fields @message", [attack, "x"]) == [{"@message": attack}]


def test_no_text_of_a_query_is_in_its_sql():
    secret = "zq7mark"
    query = (
        f"filter {secret} = '{secret}' and @message like /{secret}/ and {secret} in ['{secret}']"
        f" | parse @message '{secret}*' as {secret}a | fields {secret}.b.`{secret} c` as {secret}d"
        f" | stats count(*) as {secret}e, max({secret}d) by {secret} as {secret}f | sort {secret}e"
        f" | display {secret}e"
    )
    plan = compiled(query)
    statements = [*plan.prepared, plan.result, *([plan.matched] if plan.matched else [])]
    assert statements
    assert [statement.sql for statement in statements if secret in statement.sql] == []


def test_sql_of_the_engine_reaches_no_file(engine):
    from coldframe.engines.query.errors import QueryBroken

    with engine.session() as session:
        for sql in (
            "SELECT * FROM read_text('/etc/passwd')",
            "COPY (SELECT 1) TO '/tmp/out.csv'",
            "SET threads = 1",
        ):
            with pytest.raises(QueryBroken):
                session.run(sql)
