"""Every command: a query, events, and the rows that the documentation says come out."""

import pytest

from coldframe.services.logs.insights.discovery import discovered
from coldframe.services.logs.insights.errors import QueryError

EVENTS = [
    '{"user": "ann", "ms": 5, "tags": ["a", "b"], "level": "ERROR"}',
    '{"user": "bob", "ms": 30, "level": "INFO"}',
    '{"user": "ann", "ms": "100", "level": "INFO"}',
    "user=*cid*, method:GET, latency := 42",
]
NUMBERED = [f'{{"n": {n}}}' for n in range(5)]
OTHER = ['{"user": "ann", "city": "Ulm"}', '{"user": "dan", "city": "Aue"}']
TIMES = [f"2023-11-14 22:13:{20 + n}.000" for n in range(5)]

TABLE = {
    "fields shows what it names, also what it computes": (
        "fields user, ms * 2 as twice | filter ms = 30",
        [{"user": "bob", "twice": "60"}],
    ),
    "a field without an alias goes by its text": ("fields ms+1 | filter user = 'bob'", [{"ms+1": "31"}]),
    "fields add up": ("fields user | fields ms | filter ms = 30", [{"user": "bob", "ms": "30"}]),
    "an alias can be used at once": (
        "fields ms as m, m + 1 as more | filter ms = 5 | display more",
        [{"more": "6"}],
    ),
    "display replaces what was shown": (
        "fields user, ms | filter ms = 30 | display level",
        [{"level": "INFO"}],
    ),
    "comments are left out": ("fields user # who\n| filter ms = 30 # thirty", [{"user": "bob"}]),
    "keywords in capitals": ("FIELDS user | WHERE ms = 30 | SORT user DESC | LIMIT 1", [{"user": "bob"}]),
    "filterIndex filters": ("filterIndex user = 'bob' | display ms", [{"ms": "30"}]),
    "a filter on the text of a number": (
        "filter ms > '9' | fields ms | sort ms",
        [{"ms": "30"}, {"ms": "100"}],
    ),
    "parse with a glob": (
        (
            'parse @message "user=*, method:*, latency := *" as @user, @method, @latency'
            " | filter ispresent(@user) | display @user, @method, @latency"
        ),
        [{"@user": "*cid*", "@method": "GET", "@latency": "42"}],
    ),
    "parse of @message when no field is named": (
        'parse "method:*," as method | filter ispresent(method) | display method',
        [{"method": "GET"}],
    ),
    "parse with a regular expression": (
        r"parse @message /user=\*(?<who>\w+)\*, method:(?<how>\S+),/ | filter who = 'cid' | display who, how",
        [{"who": "cid", "how": "GET"}],
    ),
    "parse of a field": ("parse user 'a*' as rest | filter ms = 5 | display rest", [{"rest": "nn"}]),
    "parsed fields are shown": (
        "fields level | parse user 'b*' as rest | filter ms = 30",
        [{"level": "INFO", "rest": "ob"}],
    ),
    "stats count all and by a field": (
        "filter ispresent(user) | stats count(*) as n by user",
        [{"user": "ann", "n": "2"}, {"user": "bob", "n": "1"}],
    ),
    "stats of every kind": (
        "stats count(*), count(ms), count_distinct(user), avg(ms), sum(ms), min(ms), max(ms), median(ms)",
        [
            {
                "count(*)": "4",
                "count(ms)": "3",
                "count_distinct(user)": "2",
                "avg(ms)": "45",
                "sum(ms)": "135",
                "min(ms)": "5",
                "max(ms)": "100",
                "median(ms)": "30",
            }
        ],
    ),
    "percentiles and deviation": (
        "stats pct(ms, 50) as p, percentile(ms, 100) as q, floor(stddev(ms)) as d",
        [{"p": "30", "q": "100", "d": "40"}],
    ),
    "first and last, by time and by order": (
        "stats earliest(user) as e, latest(ms) as l, sortsFirst(user) as f, sortsLast(level) as t",
        [{"e": "ann", "l": "100", "f": "ann", "t": "INFO"}],
    ),
    "stats of expressions and of aliases before": (
        "stats max(ms) as most, min(ms) as least, most - least as range, sum(ms) / count(ms) as mean",
        [{"most": "100", "least": "5", "range": "95", "mean": "45"}],
    ),
    "stats by bins": (
        "stats count(*) by bin(2s)",
        [
            {"bin(2s)": "2023-11-14 22:13:22.000", "count(*)": "2"},
            {"bin(2s)": "2023-11-14 22:13:20.000", "count(*)": "2"},
        ],
    ),
    "stats by an alias and an expression": (
        "stats count(*) as n by bin(1h) as hour, ms > 20 as slow",
        [
            {"hour": "2023-11-14 22:00:00.000", "slow": "0", "n": "1"},
            {"hour": "2023-11-14 22:00:00.000", "slow": "1", "n": "2"},
            {"hour": "2023-11-14 22:00:00.000", "n": "1"},
        ],
    ),
    "stats in a chain": (
        "stats count(*) as n by user | stats max(n) as most, count(*) as users",
        [{"most": "2", "users": "3"}],
    ),
    "filter and sort after stats by the text of a column": (
        "stats count(*) by level | filter `count(*)` > 0 | sort count(*) desc, level | limit 2",
        [{"level": "INFO", "count(*)": "2"}, {"level": "ERROR", "count(*)": "1"}],
    ),
    "stats of nothing give nothing": ("filter user = 'nobody' | stats count(*)", []),
    "sort by number, missing last": (
        "fields ms | sort ms desc",
        [{"ms": "100"}, {"ms": "30"}, {"ms": "5"}, {}],
    ),
    "sort by text": (
        "filter ispresent(user) | fields user, ms | sort user asc, ms desc",
        [{"user": "ann", "ms": "100"}, {"user": "ann", "ms": "5"}, {"user": "bob", "ms": "30"}],
    ),
    "newest first unless sorted": (
        "fields @timestamp | limit 2",
        [{"@timestamp": TIMES[3]}, {"@timestamp": TIMES[2]}],
    ),
    "any two": ("filter ispresent(ms) | stats count(*) as n | limit any 2", [{"n": "3"}]),
    "oldest first": ("fields @timestamp | sort @timestamp | limit 1", [{"@timestamp": TIMES[0]}]),
    "head and tail": ("fields ms | sort ms | head 3 | tail 1", [{"ms": "100"}]),
    "dedup keeps the first, and all without the field": (
        "fields user, ms | sort ms asc | dedup user",
        [{"user": "ann", "ms": "5"}, {"user": "bob", "ms": "30"}, {}],
    ),
    "dedup by two fields": (
        "filter ispresent(user) | fields ms | dedup user, level",
        [{"ms": "100"}, {"ms": "30"}, {"ms": "5"}],
    ),
    "unnest makes rows of a list": (
        "fields jsonParse(@message) as j | unnest j.tags into tag | filter j.ms = 5 | display tag | sort tag",
        [{"tag": "a"}, {"tag": "b"}],
    ),
    "unnest of what is no list": (
        "fields jsonParse(@message) as j | unnest j.user into who | stats count(*) as n by who",
        [{"who": "ann", "n": "2"}, {"who": "bob", "n": "1"}],
    ),
    "pattern groups by what does not vary": (
        "filter ispresent(level) | pattern level | display @pattern, @sampleCount, @ratio, @severityLabel",
        [
            {
                "@pattern": "INFO",
                "@sampleCount": "2",
                "@ratio": "0.6667",
                "@severityLabel": "INFO",
            },
            {
                "@pattern": "ERROR",
                "@sampleCount": "1",
                "@ratio": "0.3333",
                "@severityLabel": "ERROR",
            },
        ],
    ),
    "an inner join": (
        (
            "join type=inner left=l right=r where l.user=r.user (SOURCE 'other')"
            " | fields l.user, l.ms, r.city | sort l.ms"
        ),
        [{"l.user": "ann", "l.ms": "5", "r.city": "Ulm"}, {"l.user": "ann", "l.ms": "100", "r.city": "Ulm"}],
    ),
    "a left join": (
        (
            "filter ms = 30 | join type=left left=l right=r where l.user=r.user (SOURCE 'other' | fields user, city)"
            " | fields l.user, r.city, ms"
        ),
        [{"l.user": "bob", "ms": "30"}],
    ),
    "a join with stats": (
        (
            "join left=l right=r where l.user=r.user (SOURCE 'other' | stats count(*) as n by user)"
            " | fields l.ms, r.n | sort l.ms desc | limit 1"
        ),
        [{"l.ms": "100", "r.n": "1"}],
    ),
    "a subquery": (
        "filter user in (SOURCE 'other' | filter city = 'Ulm' | fields user) | fields ms | sort ms",
        [{"ms": "5"}, {"ms": "100"}],
    ),
    "not in a subquery": (
        "filter user not in (SOURCE 'other' | fields user) | fields user",
        [{"user": "bob"}],
    ),
    "autoregress": (
        "filter ispresent(ms) | sort ms | fields ms | autoregress ms p=1-2",
        [{"ms": "5"}, {"ms": "30", "ms_p1": "5"}, {"ms": "100", "ms_p1": "30", "ms_p2": "5"}],
    ),
    "autoregress with an alias": (
        "filter ispresent(ms) | sort ms | fields ms | autoregress ms as before | limit 2",
        [{"ms": "5"}, {"ms": "30", "before": "5"}],
    ),
    "filldown": (
        "fields user, ms | sort @timestamp | filldown us* | display user | tail 1",
        [{"user": "ann"}],
    ),
    "fillmissing": (
        "stats sum(ms) as total by bin(30m) | fillmissing with 0 for total",
        [
            {"bin(30m)": "2023-11-14 22:00:00.000", "total": "135"},
            {"bin(30m)": "2023-11-14 22:30:00.000", "total": "0"},
            {"bin(30m)": "2023-11-14 23:00:00.000", "total": "0"},
        ],
    ),
    "appendcols": (
        "stats count(*) as n by level | appendcols (SOURCE 'other' | stats count(*) as others)",
        [{"level": "ERROR", "n": "1", "others": "2"}, {"level": "INFO", "n": "2"}, {"n": "1"}],
    ),
    "accum": (
        "filter ispresent(ms) | fields ms | sort ms | accum ms as total",
        [{"ms": "5", "total": "5"}, {"ms": "30", "total": "35"}, {"ms": "100", "total": "135"}],
    ),
    "addtotals of rows": (
        "filter ms = 5 | fields ms, 2 as two, user | addtotals",
        [{"ms": "5", "two": "2", "user": "ann", "Total": "7"}],
    ),
    "addtotals of columns": (
        "filter ispresent(ms) | fields ms | sort ms | addtotals row=false col=true ms",
        [{"ms": "5"}, {"ms": "30"}, {"ms": "100"}, {"ms": "135"}],
    ),
    "addtotals with a name": (
        "filter ms = 5 | fields ms | addtotals fieldname=sum ms",
        [{"ms": "5", "sum": "5"}],
    ),
    "sessionize": (
        "filter ispresent(user) | fields user | sessionize user maxspan 1s as s | sort @timestamp",
        [{"user": "ann", "s": "1"}, {"user": "bob", "s": "3"}, {"user": "ann", "s": "2"}],
    ),
    "outlier clamps": (
        "filter ispresent(ms) | fields ms | sort @timestamp | outlier param=0.5 mark=true ms",
        [
            {"ms": "5", "ms_outlier": "0"},
            {"ms": "30", "ms_outlier": "0"},
            {"ms": "88.75", "ms_outlier": "1"},
        ],
    ),
    "outlier removes": (
        "filter ispresent(ms) | fields ms | sort @timestamp | outlier action=remove param=0.5 ms",
        [{"ms": "5"}, {"ms": "30"}],
    ),
    "expand": ("filter ms = 5 | expand tags | fields tags | sort tags", [{"tags": "a"}, {"tags": "b"}]),
    "countFrequent": (
        "filter ispresent(user) | countFrequent user",
        [{"user": "ann", "_approxcount": "2"}, {"user": "bob", "_approxcount": "1"}],
    ),
    "SOURCE first": ("SOURCE 'other' | fields city | sort city", [{"city": "Aue"}, {"city": "Ulm"}]),
    "unmask as a command": ("unmask(user) | fields user | filter ms = 30", [{"user": "bob"}]),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_rows_of_a_query(run, case):
    query, expected = TABLE[case]
    assert run(query, EVENTS, OTHER) == expected


def test_group_and_stream_and_times_are_fields(run):
    query = "fields @log, @logStream, @ingestionTime, @message | limit 1"
    assert run(query, ["text"]) == [
        {
            "@log": "111122223333:group",
            "@logStream": "stream",
            "@ingestionTime": "2023-11-14 22:13:20.000",
            "@message": "text",
        }
    ]


# The list of the documentation of `sort`, in its ascending order; 01 and 1 are the same number.
NATURAL = [
    "!:",
    "#",
    "*%04",
    "0#",
    "5A",
    "111A",
    "2345_",
    "@",
    "@_",
    "A",
    "A9876fghj",
    "a12345hfh",
    "0",
    "1",
    "2",
    "3",
]


@pytest.mark.parametrize("way", ["asc", "desc"])
def test_sort_is_natural_and_puts_texts_before_numbers_and_missing_values_last(run, way):
    messages = [f'{{"v": "{value}"}}' for value in sorted(NATURAL)] + ['{"v": -2.5}', "none", '{"v": 10}']
    rows = [row.get("v") for row in run(f"fields v | sort v {way}", messages)]
    texts, numbers = NATURAL[:12], ["-2.5", *NATURAL[12:], "10"]
    wanted = [*texts, *numbers] if way == "asc" else [*numbers[::-1], *texts[::-1]]
    assert rows == [*wanted, None]


REPORT = (
    "REPORT RequestId: 8b20f7ab-0b37-4dc8-a6e9-6ee7f3a8a8b1\tDuration: 12 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB"
    "\tMax Memory Used: 64 MB\t\nXRAY TraceId: 1-5e1b4151-5ac6c58f5b6c3d3e\tSegmentId: 5a1b2c3d4e5f6a7b\tSampled: true\t"
)
FLOW = (
    "2 123456789010 eni-1235b8ca12 10.0.0.5 172.31.9.12 49761 3389 17 20 4249 1418530010 1418530070 REJECT OK"
)
NO_FLOW = "2 123456789010 eni-1235b8ca12 - - - - - - - 1431280876 1431280934 - NODATA"
DNS = "1.0 2017-12-13T08:16:03.983Z Z123412341234 example.com ANY SERVFAIL TCP FRA6 2001:db8::1234 2001:db8:abcd::/48"
LINES = [
    REPORT, FLOW, NO_FLOW, DNS, '8:00\t8b20f7ab-0b37-4dc8-a6e9-6ee7f3a8a8b1\tINFO\t{"city": {"name": "Ulm"}}',
    '{"@who": "ann", "action": "go", "a": {"b": 1}, "list": [{"x.y": 2}]}',
]  # fmt: skip
SAMPLES = {
    # Slashes in a row divide, and begin no expression.
    "filter @type = 'REPORT' | stats max(@memorySize / 1000 / 1000) as most, sum(@duration)/2/3 as d, (8+4)/2/3 as n": [
        {"most": "128", "d": "2", "n": "2"}
    ],
    "parse tolower(@message) /report requestid: (?<id>\\S+)/ | filter ispresent(id) | stats count(id)/1/1 as n": [{"n": "1"}],
    "filter @type = 'REPORT' | fields @billedDuration | sort by @billedDuration desc": [{"@billedDuration": "13"}],
    "filter @type = 'REPORT' | fields @xrayTraceId, @xraySegmentId": [
        {"@xrayTraceId": "1-5e1b4151-5ac6c58f5b6c3d3e", "@xraySegmentId": "5a1b2c3d4e5f6a7b"}
    ],
    "fields city.name as c | filter ispresent(c)": [{"c": "Ulm"}],
    "stats sum(packets) as p, sum(bytes) as b by srcAddr, dstAddr | filter ispresent(srcAddr)": [
        {"srcAddr": "10.0.0.5", "dstAddr": "172.31.9.12", "p": "20", "b": "4249"}
    ],
    "filter protocol=17 | fields srcPort, dstPort, action, interfaceId, accountId, startTime, endTime, version": [
        {
            "srcPort": "49761", "dstPort": "3389", "action": "REJECT", "interfaceId": "eni-1235b8ca12",
            "accountId": "123456789010", "startTime": "1418530010", "endTime": "1418530070", "version": "2",
        }
    ],
    "filter logStatus = 'NODATA' | fields action, bytes, version": [{"version": "2"}],
    "filter responseCode = 'SERVFAIL' | fields queryName, queryType, protocol, edgeLocation, resolverIp, hostZoneId": [
        {
            "queryName": "example.com", "queryType": "ANY", "protocol": "TCP", "edgeLocation": "FRA6",
            "resolverIp": "2001:db8::1234", "hostZoneId": "Z123412341234",
        }
    ],
    "filter action = 'go' | fields action, @@who, `a.b`, `list.0.x.y`, list.0.`x.y` as y": [
        {"action": "go", "@@who": "ann", "a.b": "1", "list.0.x.y": "2", "y": "2"}
    ],
}  # fmt: skip


@pytest.mark.parametrize("query", SAMPLES)
def test_fields_are_discovered_in_lines_of_known_formats(run, query):
    assert run(query, LINES) == SAMPLES[query]


def test_fields_that_are_discovered_can_be_listed():
    assert discovered(REPORT)["@maxMemoryUsed"] == "64000000"
    assert discovered(FLOW)["dstAddr"] == "172.31.9.12"
    assert "bytes" not in discovered(NO_FLOW)
    assert discovered(LINES[4]) == {
        "@requestId": "8b20f7ab-0b37-4dc8-a6e9-6ee7f3a8a8b1",
        "city.name": "Ulm",
    }
    assert discovered(LINES[5]) == {"@@who": "ann", "action": "go", "a.b": "1", "list.0.x.y": "2"}
    assert discovered("nothing of the kind") == {}


def test_the_lines_of_lambda_have_fields(run):
    request = "8b20f7ab-0b37-4dc8-a6e9-6ee7f3a8a8b1"
    line = (
        f"REPORT RequestId: {request}\tDuration: 12.5 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB"
        "\tMax Memory Used: 64 MB\tInit Duration: 100.25 ms"
    )
    query = "fields @type, @requestId, @duration, @billedDuration, @memorySize, @maxMemoryUsed, @initDuration"
    assert run(query, [line]) == [
        {
            "@type": "REPORT", "@requestId": request, "@duration": "12.5", "@billedDuration": "13",
            "@memorySize": "128000000", "@maxMemoryUsed": "64000000", "@initDuration": "100.25",
        }
    ]  # fmt: skip


def test_a_limit_of_the_request_counts_too(run):
    assert len(run("fields n", NUMBERED, limit=2)) == 2
    assert len(run("fields n | limit 3", NUMBERED, limit=4)) == 3


def test_without_a_limit_ten_thousand_rows_are_given(run):
    messages = [(0, "x")] * 10_001
    assert len(run("fields @message", messages)) == 10_000
    assert len(run("fields @message | limit 10001", messages)) == 10_001


@pytest.mark.parametrize(
    ("query", "part", "message"),
    [
        ("fields a b", "b", "unexpected token 'b'"),
        ("fields", "", "unexpected end of the query"),
        ("nonsense @message", "nonsense @message", None),
        ("fields a | SOURCE 'x'", "SOURCE 'x'", "SOURCE must be the first command"),
        # The guide's invalid reference: a second stats has only what the first one gives.
        ("stats sum(ms) by level | stats max(strlen(@message)) as m", "@message", "@message is not there after the stats before"),
        ("stats sum(ms) as s by level | stats max(s) as m by ms", "ms", "ms is not there after the stats before"),
        ("limit 0", "limit 0", "a limit is a whole number from 1 to 100000"),
        ("limit 1.5", "limit 1.5", "a limit is a whole number from 1 to 100000"),
        ("stats user", "user", "user is neither aggregated nor one of the groups"),
        ("stats count(*) by user | stats earliest(user)", "earliest(user)", "earliest needs log events, and there are none after stats"),
        ("parse @message 'a*b*' as one", "parse @message 'a*b*' as one", "the glob has 2 asterisks and there are 1 names"),
        ("parse @message /no groups/", "/no groups/", "a regular expression of parse needs named groups, such as (?<name>...)"),
        ("relevantfields user", "", "unexpected end of the query"),
        ("stats p95(ms)", "p95(ms)", "unknown function p95"),
        ("stats pct(ms, 101)", "101", "pct takes a number from 0 to 100"),
        ("stats count(*) | fillmissing", "fillmissing", "fillmissing follows a stats with one bin() among its groups"),
        ("join type=outer left=a right=b where a.x=b.x (fields x)", "join type=outer left=a right=b where a.x=b.x (fields x)", "a join is of the type inner or left, not outer"),
        ("filter a in (fields b, c)", "a in (fields b, c)", "the subquery has to give one field, or one called a"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(run, query, part, message):
    with pytest.raises(QueryError) as refused:
        run(query, EVENTS)
    assert message is None or refused.value.message == message
    start = query.rindex(part)
    if message is not None:
        assert refused.value.span == (start, start + len(part))
