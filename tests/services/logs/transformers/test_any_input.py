"""No event and no configuration makes a transformer raise anything but the error that is modelled."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coldframe.core.faults import NotBuilt
from coldframe.services.logs.transformers import InvalidTransformer, Origin, compile_transformer

ORIGIN = Origin("g", "s", "123456789012", "us-east-1", 1_700_000_000_000)

words = st.sampled_from(
    ["a", "b", "a.b", "b.c.d", "@message", "@accountId", "-", "", "ä", "\ud800", "a.b.c.d", "\t"]
)
patterns = st.sampled_from(
    ["%{INT:a}", "%{DATA:b} ", "%{WORD:a.b}", "[", "\\", "%{", "%{SYSLOG5424}", "%{IPORHOST:h}"]
)
texts = st.one_of(st.sampled_from(["a", "b", "a.b", "d"]), words, st.text(max_size=12))
keys = st.lists(texts, max_size=3)
flags = st.booleans()


def shape(required, **optional):
    return st.fixed_dictionaries(required, optional=optional)


def entries(required, **optional):
    return st.fixed_dictionaries({"entries": st.lists(shape(required, **optional), max_size=3)})


def processor(name, settings):
    return st.fixed_dictionaries({name: settings})


processors = st.one_of(
    processor("parseJSON", shape({}, source=texts, destination=texts)),
    processor("grok", shape({"match": st.lists(patterns | texts, max_size=4).map("".join)}, source=texts)),
    processor("csv", shape({}, source=texts, delimiter=texts, quoteCharacter=texts, columns=keys)),
    processor(
        "parseKeyValue",
        shape({}, source=texts, destination=texts, fieldDelimiter=texts, keyPrefix=texts, nonMatchValue=texts),
    ),
    processor("addKeys", entries({"key": texts, "value": texts}, overwriteIfExists=flags)),
    processor("copyValue", entries({"source": texts, "target": texts}, overwriteIfExists=flags)),
    processor("moveKeys", entries({"source": texts, "target": texts}, overwriteIfExists=flags)),
    processor("renameKeys", entries({"key": texts, "renameTo": texts}, overwriteIfExists=flags)),
    processor("deleteKeys", shape({"withKeys": keys})),
    processor("trimString", shape({"withKeys": keys})),
    processor("upperCaseString", shape({"withKeys": keys})),
    processor("splitString", entries({"source": texts, "delimiter": texts})),
    processor("substituteString", entries({"source": texts, "from": texts, "to": texts})),
    processor(
        "listToMap",
        shape({"source": texts, "key": texts}, valueKey=texts, target=texts, flatten=flags),
    ),
    processor(
        "typeConverter",
        entries({"key": texts, "type": st.sampled_from(["integer", "double", "string", "boolean", "x"])}),
    ),
    processor(
        "dateTimeConverter",
        shape(
            {"source": texts, "target": texts, "matchPatterns": st.lists(texts | st.sampled_from(["yyyy", "MMM d"]))},
            targetFormat=texts,
            sourceTimezone=texts,
            locale=texts,
        ),
    ),
    st.sampled_from([{name: {}} for name in ("parseVPC", "parseWAF", "parseRoute53", "parseCloudfront")]),
)  # fmt: skip
values = st.recursive(
    st.none() | flags | st.integers() | st.floats() | texts,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(words, below, max_size=3),
    max_leaves=8,
)
events = st.one_of(
    st.text(max_size=60), st.dictionaries(words, values, max_size=5).map(json.dumps), values.map(json.dumps)
)


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(processors, max_size=3), st.lists(events, min_size=1, max_size=3))
def test_arbitrary_processors_and_events(rest, messages):
    for first in ({"parseJSON": {}}, {"parseKeyValue": {}}):
        try:
            transformer = compile_transformer([first, *rest])
        except (InvalidTransformer, NotBuilt):
            continue
        for message in messages:
            done = transformer.transform(message, ORIGIN)
            assert done.text == message if done.error else isinstance(json.loads(done.text), dict)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(values)
def test_arbitrary_configurations(config):
    for each in (config, [config], [{"parseJSON": config}], [{"grok": {"match": config}}]):
        try:
            compile_transformer(each)
        except (InvalidTransformer, NotBuilt):
            continue


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(alphabet="yMdHhmsSaEzZXxOV'-/: []", max_size=16), st.text(max_size=20))
def test_arbitrary_date_patterns(pattern, text):
    converter = {"source": "a", "target": "b", "matchPatterns": [pattern], "targetFormat": pattern or "yyyy"}
    try:
        transformer = compile_transformer([{"parseJSON": {}}, {"dateTimeConverter": converter}])
    except InvalidTransformer:
        return
    for value in (text, "2023-01-02 03:04:05", "0001", "9999"):
        done = transformer.transform(json.dumps({"a": value}), ORIGIN)
        assert done.error or "b" in json.loads(done.text)
