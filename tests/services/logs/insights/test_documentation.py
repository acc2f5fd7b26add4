"""The examples of the CloudWatch Logs user guide: each query over events of its kind, and the rows it speaks of."""

import pytest

from coldframe.services.logs.insights.errors import QueryError

DAY = "25 May 2019 10:24:39,474"
NUMBERS = [
    '{"f1": 10, "f2": "a", "f3": 20, "f4": 25, "foo-bar": "x", "action": "go"}',
    '{"f1": 1, "f2": "b", "f3": 30, "f4": 1, "foo-bar": "y", "action": "stay"}',
    '{"f1": 2, "f2": "b", "f3": 3, "f4": 3}',
]
CODES = [f'{{"statusCode": {code}, "Operation": "Get", "Type": "{kind}"}}' for code, kind in ((204, "foo"), (300, "baz"), (500, 1))]  # fmt: skip
WORDS = ['{"f1": "an Exception"}', '{"f1": "an exception"}', '{"f1": "nothing"}']


def report(duration, used):
    return (
        f"REPORT RequestId: 8b20f7ab-0b37-4dc8-a6e9-6ee7f3a8a8b1\tDuration: {duration} ms\tBilled Duration: 2 ms"
        f"\tMemory Size: 256 MB\tMax Memory Used: {used} MB"
    )


def flow(source, target, protocol, packets, size, status="OK"):
    return f"2 123456789010 eni-1 {source} {target} 49761 53 {protocol} {packets} {size} 1418530010 1418530070 ACCEPT {status}"


FLOWS = [
    flow("192.0.2.1", "10.0.0.9", 17, 20, 400),
    flow("192.0.2.1", "10.0.0.9", 17, 5, 100),
    flow("198.51.100.1", "10.0.0.8", 6, 7, 900),
]
SERVERS = [
    f'{{"server": "{server}", "severity": {at}, "message": "m{at}"}}' for at, server in enumerate("aba")
]

# What the guide shows the query for, the query, events, and what comes out; times count from 2023-11-14 22:13:20.
TABLE = {
    "display shows nothing else": (
        ('fields @message | parse @message "[*] *" as loggingType, loggingMessage'
        ' | filter loggingType = "ERROR" | display loggingMessage'),
        ["[ERROR] bad", "[INFO] good"],
        [{"loggingMessage": "bad"}],
    ),
    "fields: a name with a hyphen, an expression": (
        "fields `foo-bar`, action, abs(f3-f4) | filter f1 = 10",
        NUMBERS,
        [{"foo-bar": "x", "action": "go", "abs(f3-f4)": "5"}],
    ),
    "fields: a field of its own making": (
        "fields concat(Operation, '-', StatusCode) as opStatus",
        ['{"Operation": "Get", "StatusCode": 200}'],
        [{"opStatus": "Get-200"}],
    ),
    "filter: a condition or another": ("fields f1, f2 | filter (f1=10 or f3>25) | sort f1", NUMBERS, [{"f1": "1", "f2": "b"}, {"f1": "10", "f2": "a"}]),
    "filter: an expression over numbers": ("fields statusCode | filter statusCode like /2\\d\\d/", CODES, [{"statusCode": "204"}]),
    "filter: not like": ("fields statusCode | filter statusCode not like /2\\d\\d/ | sort statusCode", CODES, [{"statusCode": "300"}, {"statusCode": "500"}]),
    "filter: one of": ("fields statusCode | filter statusCode in [300,400,500] | sort statusCode", CODES, [{"statusCode": "300"}, {"statusCode": "500"}]),
    "filter: none of": ('fields statusCode | filter Type not in ["foo","bar",1]', CODES, [{"statusCode": "300"}]),
    "filter: a substring": ('fields f1 | filter f1 like "Exception"', WORDS, [{"f1": "an Exception"}]),
    "filter: an expression": ("fields f1 | filter f1 =~ /Exception/", WORDS, [{"f1": "an Exception"}]),
    "filter: in any case": ("fields f1 | filter f1 like /(?i)Exception/ | sort f1", WORDS, [{"f1": "an Exception"}, {"f1": "an exception"}]),
    "filter: without": ('fields f1 | filter f1 not like "Exception" | sort f1', WORDS, [{"f1": "an exception"}, {"f1": "nothing"}]),
    "stats: an average of each": ("stats avg (f1) by f2", NUMBERS, [{"f2": "a", "avg (f1)": "10"}, {"f2": "b", "avg (f1)": "1.5"}]),
    "stats: exceptions of each hour": (
        "filter @message like /Exception/ | stats count(*) as exceptionCount by bin(1h) | sort exceptionCount desc",
        [(0, "Exception"), (1, "fine"), (3_000_000, "Exception"), (3_000_001, "an Exception")],
        [
            {"bin(1h)": "2023-11-14 23:00:00.000", "exceptionCount": "2"},
            {"bin(1h)": "2023-11-14 22:00:00.000", "exceptionCount": "1"},
        ],
    ),
    "limit: the newest, and of those two fields": (
        "sort @timestamp desc | limit 1 | display f1, f2",
        NUMBERS,
        [{"f1": "2", "f2": "b"}],
    ),
    "aliases": ("fields abs(f1-20) as AbsoluteValuemyField, f2 | filter f1 = 10", NUMBERS, [{"AbsoluteValuemyField": "10", "f2": "a"}]),
    "aliases: sort by one": ("stats avg(f1) as myAvgF1 by f2 | sort myAvgF1 desc | limit 1", NUMBERS, [{"f2": "a", "myAvgF1": "10"}]),
    "comments": ("fields f1\n    # | filter @message like /delay/\n    | limit 1", NUMBERS, [{"f1": "2"}]),
    "parse: a glob": (
        'parse @message "[*] * The error was: *" as level, config, exception | display level, config, exception',
        [f"{DAY} [ERROR] {{foo=2, bar=data}} The error was: DataIntegrityException"],
        [{"level": "ERROR", "config": "{foo=2, bar=data}", "exception": "DataIntegrityException"}],
    ),
    "parse: an expression": (
        (r"parse @message /\[(?<level>\S+)\]\s+(?<config>\{.*\})\s+The error was: (?<exception>\S+)/"
        " | display level, config, exception"),
        [f"{DAY} [ERROR] {{foo=2, bar=data}} The error was: DataIntegrityException"],
        [{"level": "ERROR", "config": "{foo=2, bar=data}", "exception": "DataIntegrityException"}],
    ),
    "parse: an average of what was found": (
        'parse @message "user=*, method:*, latency := *" as @user, @method, @latency | stats avg(@latency) by @method, @user',
        ["user=ann, method:GET, latency := 4", "user=ann, method:GET, latency := 5", "user=bob, method:PUT, latency := 1"],
        [{"@method": "GET", "@user": "ann", "avg(@latency)": "4.5"}, {"@method": "PUT", "@user": "bob", "avg(@latency)": "1"}],
    ),
    "parse: keywords in capitals, a comparison to show": (
        ('FIELDS @message | PARSE @message "* [*] *" as loggingTime, loggingType, loggingMessage'
        ' | FILTER loggingType IN ["ERROR", "INFO"] | DISPLAY loggingMessage, loggingType = "ERROR" as isError'),
        ["10:24 [ERROR] bad", "10:25 [DEBUG] dull", "10:26 [INFO] good"],
        [{"loggingMessage": "good", "isError": "0"}, {"loggingMessage": "bad", "isError": "1"}],
    ),
    "Lambda: memory that is too much": (
        ('filter @type = "REPORT" | stats max(@memorySize / 1000 / 1000) as provisonedMemoryMB,'
        " min(@maxMemoryUsed / 1000 / 1000) as smallestMemoryRequestMB, avg(@maxMemoryUsed / 1000 / 1000) as avgMemoryUsedMB,"
        " max(@maxMemoryUsed / 1000 / 1000) as maxMemoryUsedMB, provisonedMemoryMB - maxMemoryUsedMB as overProvisionedMB"),
        [report(1, 50), report(2, 61), report(2, 62)],
        [
            {
                "provisonedMemoryMB": "256", "smallestMemoryRequestMB": "50", "avgMemoryUsedMB": "57.6667",
                "maxMemoryUsedMB": "62", "overProvisionedMB": "194",
            }
        ],
    ),
    "Lambda: a latency report": (
        'filter @type = "REPORT" | stats avg(@duration), max(@duration), min(@duration) by bin(5m)',
        [(0, report(1.5, 1)), (1, report(2, 1)), (600_000, report(7.25, 1))],
        [
            {"bin(5m)": "2023-11-14 22:20:00.000", "avg(@duration)": "7.25", "max(@duration)": "7.25", "min(@duration)": "7.25"},
            {"bin(5m)": "2023-11-14 22:10:00.000", "avg(@duration)": "1.75", "max(@duration)": "2", "min(@duration)": "1.5"},
        ],
    ),
    "flow logs: most packets": (
        "stats sum(packets) as packetsTransferred by srcAddr, dstAddr | sort packetsTransferred desc | limit 15",
        FLOWS,
        [
            {"srcAddr": "192.0.2.1", "dstAddr": "10.0.0.9", "packetsTransferred": "25"},
            {"srcAddr": "198.51.100.1", "dstAddr": "10.0.0.8", "packetsTransferred": "7"},
        ],
    ),
    "flow logs: of one subnet": (
        ('filter isIpv4InSubnet(srcAddr, "192.0.2.0/24") | stats sum(bytes) as bytesTransferred by dstAddr'
        " | sort bytesTransferred desc | limit 15"),
        FLOWS,
        [{"dstAddr": "10.0.0.9", "bytesTransferred": "500"}],
    ),
    "flow logs: by protocol": ("filter protocol=17 | stats count(*) by srcAddr", FLOWS, [{"srcAddr": "192.0.2.1", "count(*)": "2"}]),
    "flow logs: skipped records": (
        'filter logStatus="SKIPDATA" | stats count(*) by bin(1h) as t | sort t',
        [flow("-", "-", "-", "-", "-", "SKIPDATA"), *FLOWS],
        [{"t": "2023-11-14 22:00:00.000", "count(*)": "1"}],
    ),
    "CloudTrail: events by service": (
        "stats count(*) by eventSource, eventName, awsRegion",
        ['{"eventSource": "ec2", "eventName": "Run", "awsRegion": "us-east-2"}'] * 2,
        [{"eventSource": "ec2", "eventName": "Run", "awsRegion": "us-east-2", "count(*)": "2"}],
    ),
    "CloudTrail: an item of a list": (
        'fields requestParameters.instancesSet.items.0.instanceId as i | filter requestParameters.instancesSet.items.0.instanceId="i-abcde123"',
        ['{"requestParameters": {"instancesSet": {"items": [{"instanceId": "i-abcde123"}]}}}', '{"requestParameters": {}}'],
        [{"i": "i-abcde123"}],
    ),
    "CloudTrail: new users": (
        'filter eventName="CreateUser" | fields awsRegion, requestParameters.userName, responseElements.user.arn',
        ['{"eventName": "CreateUser", "awsRegion": "us-east-1", "requestParameters": {"userName": "ann"}, "responseElements": {"user": {"arn": "arn:x"}}}'],
        [{"awsRegion": "us-east-1", "requestParameters.userName": "ann", "responseElements.user.arn": "arn:x"}],
    ),
    "dedup: the newest of each": (
        "fields @timestamp, server, severity, message | sort @timestamp desc | dedup server",
        SERVERS,
        [
            {"@timestamp": "2023-11-14 22:13:22.000", "server": "a", "severity": "2", "message": "m2"},
            {"@timestamp": "2023-11-14 22:13:21.000", "server": "b", "severity": "1", "message": "m1"},
        ],
    ),
    "unnest: a row for each element": (
        "fields jsonParse(@message) as json_message | unnest json_message.events into event | display event.name",
        ['{"events": [{"name": "exception"}, {"name": "user action"}]}'],
        [{"event.name": "exception"}, {"event.name": "user action"}],
    ),
    "unnest: and then filtered": (
        'fields jsonParse(@message) as js | unnest js.accounts into account | filter account.type = "internal" | display account.id',
        ['{"accounts": [{"id": 1, "type": "internal"}, {"id": 2, "type": "external"}]}'],
        [{"account.id": "1"}],
    ),
    "unnest: and then added up": (
        ("fields jsonParse(trimmedData) as accounts | unnest accounts into account"
        " | stats sum(account.droppedSpans) as n by account.accountId | sort n desc | limit 10"),
        ['{"trimmedData": "[{\\"accountId\\": \\"a\\", \\"droppedSpans\\": 2}, {\\"accountId\\": \\"b\\", \\"droppedSpans\\": 5}]"}'],
        [{"account.accountId": "b", "n": "5"}, {"account.accountId": "a", "n": "2"}],
    ),
    "structures: count by a member": (
        "fields jsonParse(@message) as json_message | stats count() by json_message.status_code",
        ['{"status_code": 200}', '{"status_code": 200}', '{"status_code": 500}'],
        [{"json_message.status_code": "200", "count()": "2"}, {"json_message.status_code": "500", "count()": "1"}],
    ),
    "structures: an item of a list": (
        'fields jsonParse(@message) as json_message | filter json_message.users[1].action = "PutData" | display json_message.users[0].action',
        ['{"users": [{"action": "GetData"}, {"action": "PutData"}]}', '{"users": []}'],
        [{"json_message.users.0.action": "GetData"}],
    ),
    "accum": (
        "fields @timestamp, bytes | accum bytes AS totalBytes | display bytes, totalBytes",
        ['{"bytes": 1}', '{"bytes": 2}', '{"bytes": 4}'],
        [{"bytes": "4", "totalBytes": "4"}, {"bytes": "2", "totalBytes": "6"}, {"bytes": "1", "totalBytes": "7"}],
    ),
    "autoregress: a field for each lag": (
        "fields bytes | autoregress bytes p=1-2",
        ['{"bytes": 1}', '{"bytes": 2}', '{"bytes": 4}'],
        [{"bytes": "4"}, {"bytes": "2", "bytes_p1": "4"}, {"bytes": "1", "bytes_p1": "2", "bytes_p2": "4"}],
    ),
    "filldown: a field and those of a pattern": (
        "fields host, cpu_user, cpu_system | filldown host cpu*",
        ['{"cpu_user": 1}', '{"host": "b", "cpu_system": 3}', '{"host": "a", "cpu_user": 2}'],
        [
            {"host": "a", "cpu_user": "2"},
            {"host": "b", "cpu_user": "2", "cpu_system": "3"},
            {"host": "b", "cpu_user": "1", "cpu_system": "3"},
        ],
    ),
    "fillmissing: a value for empty bins": (
        "fields @timestamp, latency | stats avg(latency) as avg_latency by bin(1m) | fillmissing with 0 for avg_latency | limit 3",
        [(0, '{"latency": 3}'), (120_000, '{"latency": 5}')],
        [
            {"bin(1m)": "2023-11-14 22:13:00.000", "avg_latency": "3"},
            {"bin(1m)": "2023-11-14 22:14:00.000", "avg_latency": "0"},
            {"bin(1m)": "2023-11-14 22:15:00.000", "avg_latency": "5"},
        ],
    ),
    "outlier: rows out of the common are gone": (
        "fields cpu, memory | outlier action=remove param=3.0 uselower=true mark=true cpu memory | stats count(*) as n, max(cpu) as most",
        [f'{{"cpu": {cpu}, "memory": 5}}' for cpu in (1, 2, 3, 4, 1000)],
        [{"n": "4", "most": "4"}],
    ),
    "countFrequent": (
        "fields method, status | countFrequent method, status",
        ['{"method": "GET", "status": 200}', '{"method": "GET", "status": 200}', '{"method": "PUT", "status": 200}'],
        [{"method": "GET", "status": "200", "_approxcount": "2"}, {"method": "PUT", "status": "200", "_approxcount": "1"}],
    ),
    "appendcols: the average of another group": (
        "fields svc | stats count(*) as cnt by svc | appendcols override=true ( SOURCE other | stats avg(latency) as avgLat by svc )",
        ['{"svc": "a"}', '{"svc": "a"}', '{"svc": "b"}'],
        [{"svc": "a", "cnt": "2", "avgLat": "1.5"}, {"svc": "b", "cnt": "1", "avgLat": "7"}],
    ),
    "join: what failed, and what ran then": (
        ("filter status >= 500 | join type=inner left=api right=lambda where api.requestId=lambda.requestId (SOURCE 'other')"
        " | fields api.requestId, api.status, lambda.latency | sort api.requestId desc"),
        ['{"requestId": "r1", "status": 502}', '{"requestId": "r2", "status": 200}'],
        [{"api.requestId": "r1", "api.status": "502", "lambda.latency": "1"}],
    ),
    "a subquery": (
        "filter requestId in ( SOURCE 'other' | filter latency = 1 | fields requestId ) | fields requestId",
        ['{"requestId": "r1"}', '{"requestId": "r2"}'],
        [{"requestId": "r1"}],
    ),
    "two stats: the greatest of all bins": (
        ("FIELDS strlen(@message) AS message_length | STATS sum(message_length)/1024/1024 as logs_mb BY bin(5m)"
        " | STATS max(logs_mb) AS peak_ingest_mb, min(logs_mb) AS min_ingest_mb, avg(logs_mb) AS avg_ingest_mb"),
        [(0, "x" * 1_048_576), (600_000, "x" * 524_288)],
        [{"peak_ingest_mb": "1", "min_ingest_mb": "0.5", "avg_ingest_mb": "0.75"}],
    ),
    "two stats: sorted and cut off after them": (
        "STATS sum(f1) AS total BY f2 | STATS max(total) AS most | sort most desc | limit 1",
        NUMBERS,
        [{"most": "10"}],
    ),
}  # fmt: skip
OTHER = [
    '{"svc": "a", "latency": 1, "requestId": "r1"}',
    '{"svc": "a", "latency": 2}',
    '{"svc": "b", "latency": 7}',
]


@pytest.mark.parametrize("case", TABLE)
def test_an_example_gives_what_the_guide_says(run, case):
    query, events, expected = TABLE[case]
    assert run(query, events, OTHER) == expected


# In no group of its own: what may follow what, from "Use multiple stats commands in a single query" and from "dedup".
REFUSED = {
    "stats count(*) as n by f2 | sort n | stats max(n)": ("sort n", "sort must come after the second"),
    "limit 5 | stats count(*) as n by f2 | stats max(n)": ("limit 5", "limit must come after the second"),
    "stats count(*) as n by f1, f2 | stats max(n) as m by f1 | stats max(m)": (
        "stats max(m)",
        "at most 2 stats commands",
    ),
    "stats count(*) as n by @logStream | stats sum(n) by bin(5m)": ("bin(5m)", "bin"),
    "dedup f2 | sort f1": ("sort f1", "only limit may follow dedup"),
    "dedup f2 | stats count(*)": ("stats count(*)", "only limit may follow dedup"),
}


@pytest.mark.parametrize("query", REFUSED)
def test_what_the_guide_calls_invalid_is_pointed_at(run, query):
    part, message = REFUSED[query]
    with pytest.raises(QueryError, match=message) as refused:
        run(query, NUMBERS)
    assert query[refused.value.span.start : refused.value.span.end] == part


@pytest.mark.parametrize("query", ["sort f1 | stats count(*) as n", "limit 2 | stats count(*) as n", "sort f1 | dedup f2 | limit 1"])  # fmt: skip
def test_one_stats_may_follow_a_sort_and_a_limit(run, query):
    assert len(run(query, NUMBERS)) == 1


def test_numbers_have_four_places_and_what_an_event_says_stays_as_it_is(run):
    events = ['{"n": 1, "text": 0.123456789}', '{"n": 2}', '{"n": 2}']
    assert run("stats avg(n) as a, sum(n)/4 as q, max(text) as t, avg(n)/100000000 as tiny", events) == [
        {"a": "1.6667", "q": "1.25", "t": "0.123456789", "tiny": "1.6666666666666667e-08"}
    ]
    assert run("stats avg(n) as a | filter a > 1.66666 and a < 1.66667 | display a", events) == [
        {"a": "1.6667"}
    ]


def test_a_member_of_what_a_function_gives_needs_no_alias(run):
    event = '{"doc": "{\\"a\\": [1, {\\"b c\\": \\"deep\\"}], \\"k.x\\": 2}"}'
    query = "fields jsonParse(doc).a[1].`b c` as deep, jsonParse(doc).k.x, jsonParse(doc).a.0 * 3 as three, jsonParse(doc).no"
    assert run(query, [event]) == [{"deep": "deep", "jsonParse(doc).k.x": "2", "three": "3"}]
    assert run("stats count(*) as n by jsonParse(doc).a[0]", [event]) == [
        {"jsonParse(doc).a[0]": "1", "n": "1"}
    ]
    assert run(
        "filter jsonParse(doc).a[0] in [1, 2] and strlen(doc)/1/1 > .5 | stats count(*) as n", [event]
    ) == [{"n": "1"}]
