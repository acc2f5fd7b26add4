"""What processors do at the edges: keys that are missing or in the way, values of other types, events that fail."""

import json

import pytest

from coldframe.services.logs.transformers import Origin, compile_transformer

ORIGIN = Origin("g", "s", "123456789012", "us-east-1", 1_717_200_000_000)  # in 2024


def run(processors, event):
    text = event if isinstance(event, str) else json.dumps(event)
    return compile_transformer(processors).transform(text, ORIGIN)


def after(processor, event):
    done = run([{"parseJSON": {}}, processor], event)
    assert done.error == ""
    return json.loads(done.text)


def entry(name, **settings):
    return {name: {"entries": [settings]}}


@pytest.mark.parametrize(
    ("processor", "event", "result"),
    [
        (entry("addKeys", key="a", value="new"), {"a": 1}, {"a": 1}),
        (entry("addKeys", key="a", value="new", overwriteIfExists=True), {"a": 1}, {"a": "new"}),
        (entry("addKeys", key="a.b", value="new"), {"a": 1}, {"a": 1}),
        (entry("addKeys", key="a.b.c", value="new"), {}, {"a": {"b": {"c": "new"}}}),
        (entry("addKeys", key="a.b", value="n", overwriteIfExists=True), {"a": 1}, {"a": {"b": "n"}}),
        (entry("copyValue", source="a", target="b"), {"b": 2}, {"b": 2}),
        (entry("copyValue", source="a", target="b"), {"a": [1], "b": 2}, {"a": [1], "b": 2}),
        (entry("copyValue", source="a", target="b", overwriteIfExists=True), {"a": 1, "b": 2}, {"a": 1, "b": 1}),
        (entry("copyValue", source="a", target="a.b"), {"a": {"x": 1}}, {"a": {"x": 1, "b": {"x": 1}}}),
        (entry("copyValue", source="a.b", target="c"), {"a.b": 1}, {"a.b": 1, "c": 1}),
        (entry("moveKeys", source="a", target="b"), {"a": 1}, {"b": 1}),
        (entry("moveKeys", source="a", target="b"), {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        (entry("moveKeys", source="a", target="b", overwriteIfExists=True), {"a": 1, "b": 2}, {"b": 1}),
        (entry("moveKeys", source="a", target="b"), {"a": 1, "b": {"a": 2}}, {"a": 1, "b": {"a": 2}}),
        (entry("moveKeys", source="a", target="a"), {"a": {"b": 1}}, {"a": {"b": 1}}),
        (entry("moveKeys", source="a", target="a.b"), {"a": {"c": 1}}, {"a": {"b": {"c": 1}}}),
        (entry("renameKeys", key="a", renameTo="b"), {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        (entry("renameKeys", key="a", renameTo="b", overwriteIfExists=True), {"a": 1, "b": 2}, {"b": 1}),
        (entry("renameKeys", key="a", renameTo="c.d"), {"a": 1}, {"c": {"d": 1}}),
        (entry("renameKeys", key="a", renameTo="c.d"), {"a": 1, "c": 2}, {"a": 1, "c": 2}),
        (entry("renameKeys", key="x", renameTo="b"), {"a": 1}, {"a": 1}),
        ({"deleteKeys": {"withKeys": ["a", "x.y", "b.c"]}}, {"a": {"z": 1}, "b": {"c": 1}}, {"b": {}}),
        ({"lowerCaseString": {"withKeys": ["a", "x"]}}, {"a": 5}, {"a": 5}),
        ({"trimString": {"withKeys": ["a"]}}, {"a": "\t x\n"}, {"a": "x"}),
        (entry("typeConverter", key="a", type="double"), {"a": "1.5"}, {"a": 1.5}),
        (entry("typeConverter", key="a", type="integer"), {"a": 1.9}, {"a": 1}),
        (entry("typeConverter", key="a", type="boolean"), {"a": "TRUE"}, {"a": True}),
        (entry("typeConverter", key="a", type="boolean"), {"a": 0}, {"a": False}),
        (entry("typeConverter", key="a", type="string"), {"a": True}, {"a": "true"}),
        (entry("typeConverter", key="a", type="string"), {"a": 12}, {"a": "12"}),
        (entry("typeConverter", key="x", type="string"), {"a": 12}, {"a": 12}),
        ({"csv": {"source": "l", "columns": ["a", "b.c"]}}, {"l": '1,"x ""y""",3'},
         {"l": '1,"x ""y""",3', "a": "1", "b": {"c": 'x "y"'}, "column_3": "3"}),
        ({"csv": {"source": "l", "delimiter": "\\t", "destination": "d"}}, {"l": "1\t2"},
         {"l": "1\t2", "d": {"column_1": "1", "column_2": "2"}}),
        ({"parseKeyValue": {"source": "l"}}, {"l": "a=1&b=2=3&c&=4&a=5"},
         {"l": "a=1&b=2=3&c&=4&a=5", "a": "1", "b": "2=3", "c": None}),
        ({"parseKeyValue": {"source": "l", "fieldDelimiter": " "}}, {"l": "a=1", "a": 0}, {"l": "a=1", "a": 0}),
        ({"parseKeyValue": {"source": "l", "overwriteIfExists": True}}, {"l": "a=1", "a": 0}, {"l": "a=1", "a": "1"}),
        ({"parseKeyValue": {"source": "l", "destination": "d"}}, {"l": "a=1", "d": {"b": 1}},
         {"l": "a=1", "d": {"b": 1, "a": "1"}}),
        ({"parseJSON": {"source": "l", "destination": "d"}}, {"l": "[1]"}, {"l": "[1]", "d": [1]}),
        ({"parseJSON": {"source": "missing"}}, {"l": 1}, {"l": 1}),
        ({"listToMap": {"source": "l", "key": "k", "target": "t", "flatten": True, "flattenedElement": "first"}},
         {"l": [{"k": 1, "v": 2}, {"x": 1}, 3]}, {"l": [{"k": 1, "v": 2}, {"x": 1}, 3], "t": {"1": {"k": 1, "v": 2}}}),
        (entry("substituteString", **{"source": "a", "from": "x*", "to": "-"}), {"a": "aéx"}, {"a": "-a-é--"}),
        (entry("substituteString", **{"source": "a", "from": "(b)", "to": "$10\\$"}), {"a": "abc"}, {"a": "ab0$c"}),
    ],
)  # fmt: skip
def test_what_a_processor_does(processor, event, result):
    assert after(processor, event) == result


@pytest.mark.parametrize(
    ("processors", "event", "reason"),
    [
        ([{"parseJSON": {}}], "text", "parseJSON: the text is no valid JSON"),
        ([{"parseJSON": {}}], "[1]", "parseJSON: the JSON of @message is no object"),
        ([{"parseJSON": {}}], '{"a": NaN}', "parseJSON: the text is no valid JSON"),
        ([{"parseJSON": {}}], '{"a": 1e999}', "a number of the event"),
        ([{"parseJSON": {}}], '{"a": ' * 100_000, "parseJSON: "),
        ([{"parseJSON": {}}], json.dumps({str(n): n for n in range(201)}), "more than 200 fields"),
        ([{"parseJSON": {}}, {"parseJSON": {"source": "a"}}], {"a": 1}, "parseJSON: the value of a is no string"),
        ([{"parseVPC": {}}], "2 1234", "parseVPC: the text has 2 values, not 14"),
        ([{"parsePostgres": {}}], "ERROR", "parsePostgres: "),
        ([{"parseWAF": {}}], "[]", "parseWAF: "),
        ([{"parseJSON": {}}, entry("typeConverter", key="a", type="integer")], {"a": "x"}, "a is no integer"),
        ([{"parseJSON": {}}, entry("typeConverter", key="a", type="integer")], {"a": "9" * 30}, "a is no integer"),
        ([{"parseJSON": {}}, entry("typeConverter", key="a", type="double")], {"a": "inf"}, "a is no double"),
        ([{"parseJSON": {}}, entry("typeConverter", key="a", type="boolean")], {"a": "yes"}, "a is no boolean"),
        ([{"parseJSON": {}}, entry("typeConverter", key="a", type="string")], {"a": [1]}, "a is no string"),
        ([{"parseJSON": {}}, {"listToMap": {"source": "a", "key": "k"}}], {"a": 1}, "listToMap: the value of a is no list"),
        (
            [{"parseJSON": {}}, entry("substituteString", **{"source": "a", "from": "x", "to": "y" * 128})],
            {"a": "x" * 100_000},
            "substituteString: the transformed event would have more than",
        ),
    ],
)  # fmt: skip
def test_an_event_that_fails_keeps_its_text(processors, event, reason):
    text = event if isinstance(event, str) else json.dumps(event)
    done = run(processors, text)
    assert done.text == text
    assert reason in done.error


@pytest.mark.parametrize(
    ("settings", "text", "result"),
    [
        ({"matchPatterns": ["yyyy-MM-dd HH:mm:ss"]}, "2024-02-29 01:02:03", "2024-02-29T01:02:03.000Z"),
        ({"matchPatterns": ["yyyyMMddHHmmssSSS"]}, "20240229010203045", "2024-02-29T01:02:03.045Z"),
        ({"matchPatterns": ["dd/MMM/yyyy:HH:mm:ss Z"]}, "03/Aug/2023:12:34:56 +0200", "2023-08-03T10:34:56.000Z"),
        ({"matchPatterns": ["yyyy-MM-dd'T'HH:mm:ssXXX"]}, "2023-08-03T12:34:56-05:30", "2023-08-03T18:04:56.000Z"),
        ({"matchPatterns": ["yyyy-MM-dd'T'HH:mm:ssX"]}, "2023-08-03T12:34:56Z", "2023-08-03T12:34:56.000Z"),
        ({"matchPatterns": ["MMM d HH:mm:ss"]}, "Nov 9 01:00:00", "2024-11-09T01:00:00.000Z"),
        ({"matchPatterns": ["d/M/yy h:mm a"]}, "1/2/23 12:05 am", "2023-02-01T00:05:00.000Z"),
        ({"matchPatterns": ["yyyy", "MM/yyyy"]}, "07/2021", "2021-07-01T00:00:00.000Z"),
        ({"matchPatterns": ["yyyy-DDD"]}, "2024-366", "2024-12-31T00:00:00.000Z"),
        ({"matchPatterns": ["yyyy-MM-dd HH:mm z"]}, "2023-07-01 12:00 PST", "2023-07-01T20:00:00.000Z"),
        ({"matchPatterns": ["yyyy-MM-dd HH:mm VV"]}, "2023-07-01 12:00 Asia/Tokyo", "2023-07-01T03:00:00.000Z"),
        ({"matchPatterns": ["d MMMM yyyy"], "locale": "fr_FR"}, "14 août 2023", "2023-08-14T00:00:00.000Z"),
        ({"matchPatterns": ["d. MMM yyyy"], "locale": "de-AT"}, "3. Dez 2023", "2023-12-03T00:00:00.000Z"),
        ({"matchPatterns": ["yyyy-MM-dd HH"], "sourceTimezone": "Europe/Berlin"}, "2023-07-01 12", "2023-07-01T10:00:00.000Z"),
        ({"matchPatterns": ["yyyy-MM-dd HH"], "sourceTimezone": "UTC+2"}, "2023-07-01 12", "2023-07-01T10:00:00.000Z"),
        ({"matchPatterns": ["yyyy-MM-dd"], "targetFormat": "EEEE, d MMM yy h a O"}, "2023-07-01", "Saturday, 1 Jul 23 12 AM GMT"),
        ({"matchPatterns": ["yyyy-MM-dd"], "targetFormat": "yyyyMMdd'o''clock'xxx", "targetTimezone": "-03:30"}, "2023-07-01",
         "20230630o'clock-03:30"),
        ({"matchPatterns": ["yyyy"]}, 2021, "2021-01-01T00:00:00.000Z"),
    ],
)  # fmt: skip
def test_dates(settings, text, result):
    converter = {"dateTimeConverter": {"source": "a", "target": "b", **settings}}
    assert after(converter, {"a": text})["b"] == result


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd", "2023-02-29"),
        ("yyyy-MM-dd", "2023-2-1"),
        ("yyyy-MM-dd", "2023-02-01 "),
        ("EEE yyyy-MM-dd", "Mon 2023-07-01"),
        ("HH", "24"),
        ("yyyy-DDD", "2023-366"),
        ("yyyy z", "2023 Nowhere/City"),
        ("yyyy", "x" * 300),
        ("yyyy", ""),
    ],
)
def test_text_that_is_no_date(pattern, text):
    converter = {"dateTimeConverter": {"source": "a", "target": "b", "matchPatterns": [pattern]}}
    assert "none of the date patterns" in run([{"parseJSON": {}}, converter], {"a": text}).error
