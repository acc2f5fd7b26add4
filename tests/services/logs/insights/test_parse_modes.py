"""The modes of `parse`, from "parse" in the CloudWatch Logs user guide."""

import pytest

from coldframe.services.logs.insights.errors import QueryError

LOGFMT = [
    'level=error msg="it \\"broke\\" again" duration=12.5 host=web-1 empty= path=/a?b=c',
    "level=info host=web-2 msg=fine duration=3",
    "no pairs here",
]


def test_logfmt_makes_a_map(run):
    query = 'parse @message logfmt as lf | filter lf.level = "error" | display lf.msg, lf.duration, lf.path, lf.empty'
    assert run(query, LOGFMT) == [
        {"lf.msg": 'it "broke" again', "lf.duration": "12.5", "lf.path": "/a?b=c", "lf.empty": ""}
    ]
    rows = run("parse logfmt as lf | stats count(*) as n, sum(lf.duration) as s by lf.host", LOGFMT)
    assert rows == [
        {"lf.host": "web-1", "n": "1", "s": "12.5"},
        {"lf.host": "web-2", "n": "1", "s": "3"},
        {"n": "1"},
    ]


def test_csv_gives_a_name_to_each_value(run):
    lines = ['web-1,GET,"/a,b",200,12', 'web-2,GET,"say ""hi""",,8', "web-3,PUT"]
    query = "parse @message csv as host, method, path, status, duration"
    assert run(f"{query} | sort host | display host, path, status, duration", lines) == [
        {"host": "web-1", "path": "/a,b", "status": "200", "duration": "12"},
        {"host": "web-2", "path": 'say "hi"', "status": "", "duration": "8"},
        {"host": "web-3"},
    ]
    assert run(f"{query} | stats avg(duration) as a by method", lines) == [
        {"method": "GET", "a": "10"},
        {"method": "PUT"},
    ]
    assert run("parse csv as a, b | display b", [",x"]) == [{"b": "x"}]


def test_a_field_may_be_called_csv_or_logfmt(run):
    event = '{"csv": "a-b", "logfmt": "k=v", "multi": "m"}'
    assert run('parse csv "*-*" as x, y | parse logfmt logfmt as l | display x, y, l.k, multi', [event]) == [
        {"x": "a", "y": "b", "l.k": "v", "multi": "m"}
    ]


def test_multi_gives_a_row_for_each_match(run):
    lines = ["from 10.0.0.1 to 10.0.0.2 via 10.0.0.1", "none"]
    query = r"parse @message /(\d+\.\d+\.\d+\.\d+)/ as ip_addr multi | stats count(*) as n by ip_addr"
    assert run(query, lines) == [
        {"ip_addr": "10.0.0.1", "n": "2"},
        {"ip_addr": "10.0.0.2", "n": "1"},
        {"n": "1"},
    ]
    query = r"parse @message /(?<k>\w)=(?<v>\d)/ multi | display k, v | sort k"
    assert run(query, ["a=1 b=2"]) == [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}]


def test_json_takes_a_key_of_a_field(run):
    event = '{"requestContext": {"identity": {"sourceIp": "10.0.0.1"}}, "text": "got {\\"user\\": {\\"name\\": \\"jo\\"}}"}'
    payload = r'parse text /(?<payload>\{.*\})/ | json field=payload "user.name" as username'
    nested = 'json field=requestContext "identity.sourceIp" as caller_ip'
    rows = run(f"{payload} | {nested} | display username, caller_ip", [event])
    assert rows == [{"username": "jo", "caller_ip": "10.0.0.1"}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("parse @message logfmt as a, b", "takes one name"),
        ("parse level as a", "a glob, a regular expression, logfmt or csv"),
        ('json name=x "a" as b', "json takes field="),
    ],
)
def test_what_is_refused(run, query, message):
    with pytest.raises(QueryError, match=message):
        run(query, LOGFMT)
