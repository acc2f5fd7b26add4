"""Each processor: its configuration, a line, and what the documentation says it becomes."""

import json

import pytest
from botocore.exceptions import ClientError

from coldframe.services.logs.transformers.errors import InvalidTransformer
from coldframe.services.logs.transformers.transformer import Transformer
from tests.server_fixtures import running_server

EVENT = (
    '{"outer": {"inner": "value"}, "text": "  Mixed Case ", "n": "12.7", "flag": "TRUE", "list": "a,b,c",'
    ' "items": [{"id": "x", "v": 1}, {"id": "y", "v": 2}, {"id": "x", "v": 3}], "when": "2024-03-01 12:30:45"}'
)


def made(message, *processors):
    text = Transformer(processors).transformed(message)
    return None if text is None else json.loads(text)


def mutated(name, settings):
    return made(EVENT, {"parseJSON": {}}, {name: settings})


def test_parse_json():
    assert made('{"a": {"b": 1}}', {"parseJSON": {}}) == {"a": {"b": 1}}
    assert made(
        '{"a": "{\\"b\\": 1}"}', {"parseJSON": {}}, {"parseJSON": {"source": "a", "destination": "c"}}
    ) == {
        "a": '{"b": 1}',
        "c": {"b": 1},
    }
    assert made("no json", {"parseJSON": {}}) is None
    assert made("[1]", {"parseJSON": {}}) is None


def test_csv():
    assert made('Akua,28,"New York, USA"', {"csv": {}}) == {
        "column_1": "Akua",
        "column_2": "28",
        "column_3": "New York, USA",
    }
    settings = {"delimiter": ":", "quoteCharacter": "'", "columns": ["name", "age", "place"]}
    assert made("'Akua':28:'a:b'", {"csv": settings}) == {"name": "Akua", "age": "28", "place": "a:b"}
    assert made("a||b", {"csv": {"delimiter": "||", "destination": "d"}}) == {
        "d": {"column_1": "a", "column_2": "b"}
    }


def test_key_value():
    assert made("k1=v1&k2=v2", {"parseKeyValue": {}}) == {"k1": "v1", "k2": "v2"}
    settings = {
        "fieldDelimiter": "|", "keyValueDelimiter": ":", "keyPrefix": "p_", "nonMatchValue": "none", "destination": "to",
    }  # fmt: skip
    assert made("a:1|b|c:3", {"parseKeyValue": settings}) == {"to": {"p_a": "1", "p_b": "none", "p_c": "3"}}


def test_grok():
    line = '192.0.2.7 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326'
    found = made(line, {"grok": {"match": "%{COMMONAPACHELOG}"}})
    assert (found["clientip"], found["verb"], found["request"], found["response"]) == (
        "192.0.2.7",
        "GET",
        "/a.gif",
        "200",
    )
    settings = {"match": "%{WORD:level} %{NUMBER:took.ms:int}ms %{GREEDYDATA:rest}"}
    assert made("INFO 15ms all done", {"grok": settings}) == {
        "level": "INFO",
        "took": {"ms": 15},
        "rest": "all done",
    }
    assert made("nothing", {"grok": {"match": "%{INT:n}"}}) is None


def test_lines_of_services():
    vpc = "2 123456789010 eni-1 192.0.2.1 192.0.2.2 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
    assert made(vpc, {"parseVPC": {}})["srcAddr"] == "192.0.2.1"
    postgres = (
        "2019-03-10 03:54:59 UTC:10.0.0.123(52834):postgres@logtestdb:[20175]:ERROR: column does not exist"
    )
    assert made(postgres, {"parsePostgres": {}}) == {
        "logTime": "2019-03-10 03:54:59 UTC",
        "srcIp": "10.0.0.123",
        "userName": "postgres",
        "dbName": "logtestdb",
        "processId": "20175",
        "logLevel": "ERROR",
    }


@pytest.mark.parametrize(
    ("name", "settings", "changed"),
    [
        ("addKeys", {"entries": [{"key": "outer.new", "value": "v"}]}, {"outer": {"inner": "value", "new": "v"}}),
        ("addKeys", {"entries": [{"key": "n", "value": "v"}]}, {}),
        ("addKeys", {"entries": [{"key": "n", "value": "v", "overwriteIfExists": True}]}, {"n": "v"}),
        ("copyValue", {"entries": [{"source": "outer.inner", "target": "copy"}]}, {"copy": "value"}),
        ("copyValue", {"entries": [{"source": "nowhere", "target": "copy"}]}, {}),
        ("moveKeys", {"entries": [{"source": "outer.inner", "target": "moved.here"}]}, {"outer": {}, "moved": {"here": "value"}}),
        ("lowerCaseString", {"withKeys": ["text"]}, {"text": "  mixed case "}),
        ("upperCaseString", {"withKeys": ["outer.inner"]}, {"outer": {"inner": "VALUE"}}),
        ("trimString", {"withKeys": ["text", "nowhere"]}, {"text": "Mixed Case"}),
        ("splitString", {"entries": [{"source": "list", "delimiter": ","}]}, {"list": ["a", "b", "c"]}),
        ("substituteString", {"entries": [{"source": "list", "from": "(\\w),(\\w)", "to": "$2-$1"}]}, {"list": "b-a,c"}),
        ("typeConverter", {"entries": [{"key": "n", "type": "integer"}]}, {"n": 12}),
        ("typeConverter", {"entries": [{"key": "n", "type": "double"}]}, {"n": 12.7}),
        ("typeConverter", {"entries": [{"key": "flag", "type": "boolean"}]}, {"flag": True}),
        ("typeConverter", {"entries": [{"key": "text", "type": "integer"}]}, {}),
        ("listToMap", {"source": "items", "key": "id", "valueKey": "v", "target": "m"}, {"m": {"x": [1, 3], "y": [2]}}),
        (
            "listToMap",
            {"source": "items", "key": "id", "valueKey": "v", "target": "m", "flatten": True, "flattenedElement": "last"},
            {"m": {"x": 3, "y": 2}},
        ),
        (
            "dateTimeConverter",
            {"source": "when", "target": "at", "matchPatterns": ["yyyy", "yyyy-MM-dd HH:mm:ss"], "sourceTimezone": "Europe/Berlin"},
            {"at": "2024-03-01T11:30:45.000Z"},
        ),
    ],
)  # fmt: skip
def test_what_a_processor_changes(name, settings, changed):
    assert mutated(name, settings) == {**json.loads(EVENT), **changed}


def test_keys_are_deleted_and_renamed():
    event = json.loads(EVENT)
    del event["text"], event["outer"]["inner"]
    assert mutated("deleteKeys", {"withKeys": ["text", "outer.inner", "nowhere"]}) == event
    event = json.loads(EVENT)
    event["number"] = event.pop("n")
    assert mutated("renameKeys", {"entries": [{"key": "n", "renameTo": "number"}]}) == event


@pytest.mark.parametrize(
    ("processors", "reason"),
    [
        ([{"addKeys": {"entries": []}}], "the first processor must be a parser"),
        ([{"parseJSON": {}, "csv": {}}], "exactly one processor"),
        ([{"parseJSON": {}}] * 6, "up to 5 parsers"),
        ([{"parseJSON": {}}, {"parseVPC": {}}], "must be the first processor"),
        ([{"grok": {"match": "%{NOSUCH:x}"}}], "unknown grok pattern NOSUCH"),
        ([{"grok": {"match": "("}}], "invalid grok pattern"),
        ([{"parseJSON": {}}, {"listToMap": {"source": "a", "key": "b", "flatten": True}}], "needs flattenedElement"),
        ([{"parseJSON": {}}, {"substituteString": {"entries": [{"source": "a", "from": "(", "to": ""}]}}], "invalid regular"),
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_refused(processors, reason):
    with pytest.raises(InvalidTransformer, match=reason):
        Transformer(processors)


def test_every_grok_name_compiles():
    from coldframe.services.logs.transformers import grok

    for name in grok.names():
        grok.compiled(f"%{{{name}:x}}")


def test_the_operation(tmp_path):
    with running_server(tmp_path / "data") as server:
        client = server.client("logs")
        answer = client.test_transformer(
            transformerConfig=[{"parseJSON": {}}, {"upperCaseString": {"withKeys": ["a"]}}],
            logEventMessages=['{"a":"x"}', "plain"],
        )
        assert answer["transformedLogs"] == [
            {"eventNumber": 1, "eventMessage": '{"a":"x"}', "transformedEventMessage": '{"a":"X"}'},
            {"eventNumber": 2, "eventMessage": "plain", "transformedEventMessage": "plain"},
        ]
        with pytest.raises(ClientError) as refused:
            client.test_transformer(
                transformerConfig=[{"deleteKeys": {"withKeys": ["a"]}}], logEventMessages=["x"]
            )
        assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
        with pytest.raises(ClientError) as refused:
            client.test_transformer(transformerConfig=[{"parseWAF": {}}], logEventMessages=["x"])
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
