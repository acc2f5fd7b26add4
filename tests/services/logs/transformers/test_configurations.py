"""Which transformers are refused, and what the errors say."""

import pytest

from coldframe.core.faults import NotBuilt
from coldframe.services.logs.transformers import InvalidTransformer, compile_transformer

JSON = {"parseJSON": {}}


def entries(name, **entry):
    return [JSON, {name: {"entries": [entry]}}]


def dates(**settings):
    return [
        JSON,
        {"dateTimeConverter": {"source": "a", "target": "b", "matchPatterns": ["yyyy"], **settings}},
    ]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ([], "length >= 1"),
        ([JSON] * 21, "length <= 20"),
        ([{}], "exactly one processor"),
        ([{"parseJSON": {}, "csv": {}}], "exactly one processor"),
        ([{"trimString": {"withKeys": ["a"]}}], "trimString: the first processor must be a parser"),
        ([JSON] * 6, "at most 5 parsers"),
        ([JSON, {"parseWAF": {}}], "parseWAF: must be the first"),
        ([{"parseVPC": {}}, {"parseWAF": {}}], "parseWAF: must be the first"),
        ([{"grok": {"match": "%{INT:a}"}}] * 2, "grok: a transformer can have only one"),
        ([JSON, *entries("addKeys", key="a", value="b")[1:] * 2], "addKeys: a transformer can have only one"),
        (
            [JSON, *entries("copyValue", source="a", target="b")[1:] * 2],
            "copyValue: a transformer can have only one",
        ),
        ([{"parseJSON": {"source": "a"}}], "parseJSON: the first processor can only parse @message"),
        ([{"parseVPC": {"source": "a"}}], "parseVPC: "),
        (
            [JSON, {"parseJSON": {"source": "a.b.c.d"}}],
            "parseJSON: the path 'a.b.c.d' is more than 3 keys deep",
        ),
        ([{"parseJSON": {"destination": "@message"}}], "parseJSON: @message cannot be written"),
        ([{"parseJSON": {"destination": "a..b"}}], "parseJSON: 'a..b' is no path"),
        ([{"parseJSON": {"destination": "-"}}], "parseJSON: '-' is no path"),
        ([{"parseJSON": {"surprise": 1}}], "surprise"),
        ([{"csv": {"delimiter": "ab"}}], "csv: delimiter"),
        ([{"csv": {"delimiter": "'", "quoteCharacter": "'"}}], "csv: delimiter and quoteCharacter"),
        ([{"csv": {"columns": ["a"] * 101}}], "length <= 100"),
        ([JSON, {"listToMap": {"source": "a", "key": "k", "flatten": True}}], "listToMap: flattenedElement"),
        ([JSON, {"deleteKeys": {"withKeys": ["a"] * 6}}], "length <= 5"),
        ([JSON, {"lowerCaseString": {"withKeys": ["a"] * 11}}], "length <= 10"),
        (entries("addKeys", key="a", value="v" * 257), "length <= 256"),
        (entries("typeConverter", key="a", type="float"), "typeConverter"),
        ([JSON, {"typeConverter": {"entries": [{"key": "a", "type": "string"}] * 6}}], "length <= 5"),
        (
            entries("substituteString", **{"source": "a", "from": "(", "to": "b"}),
            "substituteString: the regular",
        ),
        (
            entries("substituteString", **{"source": "a", "from": "(?=a)", "to": "b"}),
            "substituteString: the regular",
        ),
        (
            entries("substituteString", **{"source": "a", "from": "(a)", "to": "$2"}),
            "substituteString: to refers",
        ),
        (
            entries("substituteString", **{"source": "a", "from": "a", "to": "${g}"}),
            "substituteString: to refers",
        ),
        (
            entries("substituteString", **{"source": "a", "from": "a", "to": "$"}),
            "substituteString: to has a $",
        ),
        (entries("substituteString", **{"source": "a", "from": "(a)", "to": "$1$1$1"}), "more than 2 times"),
        (
            entries(
                "substituteString",
                **{"source": "a", "from": "(a)" * 11, "to": "".join(f"${n}" for n in range(1, 12))},
            ),
            "more than 10",
        ),
        (dates(matchPatterns=["yyyy'"]), "dateTimeConverter: the date pattern"),
        (dates(matchPatterns=["QQ"]), "QQ is not supported"),
        (dates(targetFormat="[yyyy]"), "dateTimeConverter: the date pattern"),
        (dates(matchPatterns=["yyyy"] * 6), "length <= 5"),
        (dates(targetFormat="y" * 65), "length <= 64"),
        (dates(sourceTimezone="Mars/Olympus"), "dateTimeConverter: time zone 'Mars/Olympus'"),
        (dates(targetTimezone="../../etc/passwd"), "dateTimeConverter: time zone"),
        (dates(sourceTimezone="+25:00"), "dateTimeConverter: time zone"),
        (dates(locale="tlh"), "dateTimeConverter: locale 'tlh'"),
    ],
)
def test_what_is_refused(config, reason):
    with pytest.raises(InvalidTransformer) as caught:
        compile_transformer(config)
    assert reason in caught.value.message


def test_ocsf_is_not_built():
    with pytest.raises(NotBuilt, match="parseToOCSF"):
        compile_transformer([{"parseToOCSF": {"eventSource": "VPCFlow", "ocsfVersion": "V1.1"}}])
