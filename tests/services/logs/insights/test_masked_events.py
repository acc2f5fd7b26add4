"""Masked text never comes back through any function, unless the caller may logs:Unmask and asks for it."""

import pytest

from coldframe.services.logs.insights.aggregates import AGGREGATES
from coldframe.services.logs.insights.functions.table import FUNCTIONS
from coldframe.services.logs.insights.running import QueryRunner
from tests.server_fixtures import running_server
from tests.services.logs.conftest import add_group, policy
from tests.services.logs.insights.test_queries import ask, put, refused, rows, start
from tests.services.logs.test_masking import _holding, user

SECRET = "jane.doe@example.com"
LINE = f'{{"who": "{SECRET}", "n": 1}}'
MASKED = LINE.replace(SECRET, "*" * len(SECRET))


@pytest.fixture(scope="module")
def protected(tmp_path_factory):
    """A server whose group `safe` masks e-mail addresses, with events in segments and in memory."""
    with running_server(tmp_path_factory.mktemp("masked") / "data") as server:
        add_group(server, "safe", "one", protection=policy("EmailAddress"))
        add_group(server, "clear", "one")
        put(server, "safe", LINE, f"plain {SECRET} text")
        from coldframe.engines.logstore.store import LogStore

        server.installation.parts.get(LogStore).flush()
        put(server, "safe", LINE)
        put(server, "clear", "nothing to hide")
        yield server


@pytest.fixture(scope="module")
def admin(protected):
    return user(protected, "admin", "logs:*")


@pytest.fixture(scope="module")
def reader(protected):
    return user(protected, "reader", "logs:StartQuery", "logs:GetQueryResults", "logs:GetLogRecord")


# One use of each function that takes text, with what else it needs.
MORE = {
    "substr": ", 0", "replace": ", 'q', 'r'", "regexReplace": ", /q/, 'r'", "strcontains": ", 'jane'", "startsWith": ", 'j'",
    "endsWith": ", 'm'", "split": ", '@'", "parseDate": ", 'yyyy'", "formatDate": ", 'yyyy'", "strftime": ", 'yyyy'",
    "isIpInSubnet": ", '10.0.0.0/8'", "isIpv4InSubnet": ", '10.0.0.0/8'", "isIpv6InSubnet": ", '::/0'", "case": ", who",
    "jsonArrayContains": ", 'x'", "datefloor": ", 1h", "dateceil": ", 1h", "haversine": ", 1, 2, 3", "pct": ", 50",
    "percentile": ", 50", "if": ", who", "rate": ", 1m", "histogram": ", 3",
}  # fmt: skip
MORE = {name.lower(): text for name, text in MORE.items()}
NOTHING = {"now", "messagesize", "querystarttime", "queryendtime", "querytimerange", "bin", "unmask"}


def test_no_function_gives_the_original_back(protected, reader):
    queries = [
        "fields @message, who", "display who", "filter who like 'jane'", "filter @message like /jane/", "pattern @message",
        "pattern who", "diff", "anomaly", "logcompare timeshift 1d",
        "parse @message '\"who\": \"*\"' as w", r"parse @message /(?<w>\S+@\S+)/", "stats count(*) by who", "dedup who",
        "fields jsonParse(@message) as j | unnest j.who into w", "sort who", "fields @message | filldown",
        "fields who | autoregress who", "join left=a right=b where a.n=b.n (fields who, n) | fields a.who, b.who",
        "filter who in (fields who)", "stats count(*) as c | appendcols (fields who, @message)",
        "fields concat(who, '!') as a, toupper(@message) as b, base64encode(@message) as c, urlencode(who) as d",
    ]  # fmt: skip
    for name in FUNCTIONS:
        if name not in NOTHING:
            queries += [f"fields {name}({field}{MORE.get(name, '')}) as f" for field in ("who", "@message")]
    queries += [f"stats {name}(who{MORE.get(name, '')}) as f" for name in AGGREGATES]
    found = [(query, ask(protected, query, reader, logGroupName="safe")) for query in queries]
    assert [query for query, answer in found if answer["status"] != "Complete"] == []
    hidden = ("jane", "JANE", "doe", "amFuZS5kb2U", "amFuZ", "example")
    assert [query for query, answer in found if any(text in str(answer["results"]) for text in hidden)] == []
    counted = {query: answer["statistics"]["recordsMatched"] for query, answer in found}
    assert counted["filter who like 'jane'"] == counted["filter @message like /jane/"] == 0


def test_whoever_may_unmask_gets_originals_where_they_ask(protected, admin):
    query = "fields @message, unmask(@message) as original, unmask(who) as u, who | sort @timestamp desc | limit 1"
    (row,) = rows(ask(protected, query, admin, logGroupName="safe"))
    assert row["@message"] == MASKED
    assert row["original"] == LINE
    assert row["u"] == SECRET
    assert row["who"] == "*" * len(SECRET)


@pytest.mark.parametrize(
    "query",
    [
        "filter unmask(who) like 'jane' | fields unmask(who) as found",
        "parse @message '\"who\": \"*\"' as w | filter w like '***' | fields unmask(w) as found",
        "fields toupper(who) as up | filter ispresent(up) | fields tolower(unmask(up)) as found",
        "unmask(who) | filter ispresent(who) | fields who as found",
    ],
)
def test_parts_of_the_original_are_unmasked_too(protected, admin, query):
    found = rows(ask(protected, query, admin, logGroupName="safe"))
    assert [row["found"] for row in found] == [SECRET, SECRET]


def test_whoever_may_not_is_denied(protected, admin, reader):
    query = "fields unmask(@message)"
    error = refused(start, protected, query, reader, logGroupName="safe")["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert "is not authorized to perform: logs:Unmask" in error["Message"]
    identifier = start(protected, query, admin, logGroupName="safe")
    protected.installation.parts.get(QueryRunner).wait(identifier, 30)
    assert LINE in str(rows(admin.get_query_results(queryId=identifier)))
    assert refused(reader.get_query_results, queryId=identifier)["Error"]["Code"] == "AccessDeniedException"


def test_permission_is_asked_for_every_group_of_a_query(protected):
    narrow = user(protected, "narrow", "logs:GetQueryResults")
    assert refused(start, protected, "fields @message", narrow, logGroupName="clear")["Error"]["Code"] == (
        "AccessDeniedException"
    )
    clear = only(protected, "clear")
    assert len(rows(ask(protected, "fields @message", clear, logGroupName="clear"))) == 1
    for query, named in (
        ("fields @message", {"logGroupNames": ["clear", "safe"]}),
        ("SOURCE 'safe' | fields @message", {}),
        ("filter x in (SOURCE 'safe' | fields n)", {"logGroupName": "clear"}),
        ("join left=a right=b where a.n=b.n (SOURCE 'safe')", {"logGroupName": "clear"}),
        ("SOURCE logGroups(namePrefix: ['s']) | fields @message", {}),
    ):
        assert refused(start, protected, query, clear, **named)["Error"]["Code"] == "AccessDeniedException", (
            query
        )


def only(server, group):
    """A client of a user who may query one group."""
    import json

    from coldframe.identity.accounts import create_access_key
    from coldframe.identity.records import User

    arn = f"arn:aws:logs:us-east-1:{server.account}:log-group:{group}:*"
    statements = [
        {"Effect": "Allow", "Action": "logs:StartQuery", "Resource": arn},
        {"Effect": "Allow", "Action": "logs:GetQueryResults", "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    with server.installation.store.write() as transaction:
        records = transaction.records(server.account, "")
        records.add(
            User(name=f"only-{group}", id=f"AIDA{group}", path="/", created=0, inline={"p": document})
        )
        key, secret = create_access_key(
            records, server.installation.seal, account=server.account, user=f"only-{group}", now=0
        )
    return server.client("logs", aws_access_key_id=key.id, aws_secret_access_key=secret)


def test_a_record_is_masked_and_unmasked_alike(protected, admin, reader):
    (row,) = rows(ask(protected, "fields @message | limit 1", reader, logGroupName="safe"))
    masked = reader.get_log_record(logRecordPointer=row["@ptr"])["logRecord"]
    assert (masked["@message"], masked["who"]) == (MASKED, "*" * len(SECRET))
    error = refused(reader.get_log_record, logRecordPointer=row["@ptr"], unmask=True)["Error"]
    assert error["Code"] == "AccessDeniedException"
    whole = admin.get_log_record(logRecordPointer=row["@ptr"], unmask=True)["logRecord"]
    assert (whole["@message"], whole["who"]) == (LINE, SECRET)


def test_no_file_holds_what_a_query_unmasked(protected, admin):
    answer = ask(protected, "fields unmask(@message) as original", admin, logGroupName="safe")
    assert SECRET in str(answer["results"])
    folder = protected.installation.settings.data_dir
    assert list((folder / "logs-queries").iterdir())
    assert not _holding(folder, SECRET)
