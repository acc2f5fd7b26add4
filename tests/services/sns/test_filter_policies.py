"""Filter policies, case by case as the developer guide has them."""

import json

import pytest

from coldframe.services.sns.filter_policies import InvalidFilterPolicy, check_policy, compile_policy

CASES = [
    ('{"k": ["a", "b"]}', {"k": "b"}, True),
    ('{"k": ["a"]}', {"k": "A"}, False),
    ('{"k": ["a"]}', {}, False),
    ('{"k": ["a"]}', {"k": ["x", "a"]}, True),
    ('{"k": [{"prefix": "bas"}]}', {"k": "baseball"}, True),
    ('{"k": [{"suffix": "ball"}]}', {"k": "baseball"}, True),
    ('{"k": [{"suffix": "ball"}]}', {"k": "rugby"}, False),
    ('{"k": [{"anything-but": ["rugby", "tennis"]}]}', {"k": "rugby"}, False),
    ('{"k": [{"anything-but": ["rugby", "tennis"]}]}', {"k": "baseball"}, True),
    ('{"k": [{"anything-but": ["rugby"]}]}', {}, False),
    ('{"k": [{"anything-but": {"prefix": "order-"}}]}', {"k": "order-1"}, False),
    ('{"k": [{"anything-but": {"suffix": "-x"}}]}', {"k": "order-1"}, True),  # kept from earlier versions
    ('{"k": [{"anything-but": ["rugby"]}]}', {"k": ["rugby", "baseball"]}, True),
    ('{"k": [{"anything-but": [100, 500]}]}', {"k": 101.0}, True),
    ('{"k": [{"equals-ignore-case": "Tennis"}]}', {"k": "tENNIS"}, True),
    ('{"k": [{"wildcard": "*ball"}]}', {"k": "baseball"}, True),
    ('{"k": [{"wildcard": "a*c*"}]}', {"k": "abcd"}, True),
    ('{"k": [{"wildcard": "a.c"}]}', {"k": "abc"}, False),
    ('{"k": [{"cidr": "10.0.0.0/24"}]}', {"k": "10.0.0.255"}, True),
    ('{"k": [{"cidr": "10.0.0.0/24"}]}', {"k": "10.1.1.0"}, False),
    ('{"k": [{"cidr": "10.0.0.0/24"}]}', {"k": "text"}, False),
    ('{"k": [{"numeric": ["=", 301.5]}]}', {"k": 3.015e2}, True),
    ('{"k": [{"numeric": [">", 0, "<=", 150]}]}', {"k": 150.0}, True),
    ('{"k": [{"numeric": [">", 0, "<=", 150]}]}', {"k": 0.0}, False),
    ('{"k": [{"numeric": [">", 0]}]}', {"k": "5"}, False),
    ('{"k": [{"exists": true}]}', {"k": "any"}, True),
    ('{"k": [{"exists": true}]}', {}, False),
    ('{"k": [{"exists": false}]}', {"other": "x"}, True),
    ('{"k": [{"exists": false}]}', {}, False),
    ('{"k.l": ["x"]}', {"k.l": "x"}, True),
    ('{"k": [{"prefix": ""}]}', {"k": "any"}, True),
    ('{"k": [{"exists": false}, "x"]}', {"k": "x"}, True),
    ('{"k": ["x"], "j": [1]}', {"k": "x", "j": 1.0}, True),
    ('{"k": ["x"], "j": [1]}', {"k": "x"}, False),
    ('{"$or": [{"k": ["x"]}, {"j": [1]}]}', {"j": 1.0}, True),
    ('{"$or": [{"k": ["x"]}, {"j": [1]}], "l": ["y"]}', {"j": 1.0}, False),
    ('{"$or": ["x"]}', {"$or": "x"}, True),
    ('{"k": [true]}', {"k": True}, True),
    ('{"k": [1]}', {"k": True}, False),
    ('{"k": [null]}', {"k": None}, True),
    ('{"k": [100.123456789]}', {"k": 100.1234567}, True),
    ('{"k": [100.12345]}', {"k": 100.12346}, False),
    ('{"k": [{"numeric": ["=", 0.1]}]}', {"k": 0.1000001}, True),
    ('{"k": [{"numeric": [">", 0.1]}]}', {"k": 0.1000001}, False),
]


@pytest.mark.parametrize(("policy", "attributes", "wanted"), CASES)
def test_attributes(policy, attributes, wanted) -> None:
    assert compile_policy(policy).wants(attributes, "") is wanted


@pytest.mark.parametrize(
    ("policy", "body", "wanted"),
    [
        ('{"a": {"b": ["x"]}}', '{"a": {"b": "x"}}', True),
        ('{"a": {"b": ["x"]}}', '{"a": [{"b": "y"}, {"b": "x"}]}', True),
        ('{"a": {"b": ["x"]}}', '{"a": {"b": "y"}}', False),
        ('{"a": {"b": [{"numeric": [">", 1]}]}}', '{"a": {"b": [1, 2]}}', True),
        ('{"a": {"b": ["x"]}}', '{"a": [[{"b": "x"}]]}', True),
        ('{"a": {"b": ["x"], "c": ["y"]}}', '{"a": [{"b": "x", "c": "n"}, {"b": "n", "c": "y"}]}', False),
        ('{"a.b": ["x"]}', '{"a": {"b": "x"}}', True),
        ('{"a.b": ["x"]}', '{"a.b": "x"}', True),
        ('{"a": {"b": ["x"]}}', '{"a.b": "x"}', True),
        ('{"a.b.c": ["x"]}', '{"a.b": {"c": "x"}}', True),
        ('{"a.b.c": ["x"]}', '{"a": {"b": {"c": "y"}}}', False),
        ('{"a": {"b": [{"exists": false}]}}', '{"c": 1}', True),
        ('{"a": [{"exists": true}]}', '{"a": {"b": 1}}', False),
        ('{"a": [{"exists": false}]}', "{}", False),
        ('{"a": ["x"]}', "no json", False),
        ('{"a": ["x"]}', '["x"]', False),
    ],
)
def test_bodies(policy, body, wanted) -> None:
    assert compile_policy(policy, "MessageBody").wants({}, body) is wanted


@pytest.mark.parametrize(
    "policy",
    [
        "", "[]", '{"k": "x"}', '{"k": []}', '{"k": [{"near": 1}]}', '{"k": [{"prefix": 1}]}', '{"k": {"n": ["x"]}}',
        '{"k": [{"numeric": ["<", 1, ">", 2]}]}', '{"k": [{"numeric": ["~", 1]}]}', '{"k": [{"exists": 1}]}',
        '{"k": [{"cidr": "10/99"}]}', '{"k": [["x"]]}', '{"k": [1000000001]}', '{"k": [{"wildcard": "a**"}]}', '{"k": [{"numeric": ["=", 1e10]}]}',
        '{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}', '{"a":[1,2,3,4,5,6],"b":[1,2,3,4,5,6],"c":[1,2,3,4,5]}',
    ],
)  # fmt: skip
def test_policies_that_are_refused(policy) -> None:
    with pytest.raises(InvalidFilterPolicy):
        check_policy(policy, "MessageAttributes")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ('["x"]', "Match value must be String, number, true, false, or null"),
        ('{"near": 1}', "Unrecognized match type near"),
        ('{"prefix": "a", "suffix": "b"}', "Only one key allowed in match expression"),
        ('{"suffix": ["a"]}', "suffix match pattern must be a string"),
        ('{"exists": "yes"}', "exists match pattern must be either true or false."),
        ('{"cidr": 10}', "prefix match pattern must be a string"),
        ('{"cidr": "10.0.0.1"}', "Malformed CIDR, one '/' required"),
        ('{"cidr": "10.0.0.1/x"}', "Malformed CIDR, mask bits must be an integer"),
        ('{"cidr": "10.0/8"}', "Nonstandard IP address: 10.0"),
        ('{"anything-but": {"suffix": "a"}}', "Unsupported anything-but pattern: suffix"),
        ('{"anything-but": {"prefix": 1}}', "prefix match pattern must be a string"),
        ('{"numeric": []}', "Invalid member in numeric match: ]"),
        ('{"numeric": [5]}', "Invalid member in numeric match: 5"),
        ('{"numeric": ["near", 5]}', "Unrecognized numeric range operator: near"),
        ('{"numeric": ["=", "5"]}', "Value of equals must be numeric"),
        ('{"numeric": ["="]}', "Value of equals must be numeric"),
        ('{"numeric": ["<", 5, ">", 1]}', "Too many elements in numeric expression"),
        ('{"numeric": [">", 5, 6]}', "Bad value in numeric range: 6"),
        ('{"numeric": [">", 5, "=", 6]}', "Bad numeric range operator: ="),
        ('{"numeric": [">", 5, "<"]}', "Value of < must be numeric"),
        ('{"numeric": [">", 5, "<", 5]}', "Bottom must be less than top"),
        ('{"numeric": [">", 5, "<", 6, "<", 7]}', "Too many terms in numeric range expression"),
    ],
)
def test_what_is_said_of_rules(rule, text) -> None:
    with pytest.raises(InvalidFilterPolicy) as refused:
        check_policy(f'{{"k": [{rule}]}}', "MessageAttributes")
    assert str(refused.value) == f"FilterPolicy: {text}"


def _values(number: int) -> list[int]:
    return list(range(number))


@pytest.mark.parametrize(
    ("policy", "right"),
    [
        ({"a": {"b": {"c": _values(4)}}, "d": {"e": _values(3)}}, True),  # 4 x 3 deep x 3 x 2 deep = 72
        ({"a": {"b": {"c": _values(4)}}, "d": {"e": _values(3)}, "f": _values(3)}, False),  # 216
        ({"a": {str(key): [1] for key in range(6)}}, True),  # 2 deep, six times: 64
        ({"a": {str(key): [1] for key in range(8)}}, False),  # 256
        ({"s": _values(5), "$or": [{"a": _values(20)}, {"b": _values(10)}]}, True),  # 100 + 50
        ({"s": _values(5), "$or": [{"a": _values(20)}, {"b": _values(11)}]}, False),  # 100 + 55
        ({"s": [1], "$or": [{"a": ["x"], "$or": [{"b": []}, {"c": ["x"]}]}, {"d": ["x"]}]}, False),
    ],
)
def test_combinations_are_counted_by_depth_and_alternative(policy, right) -> None:
    text = json.dumps(policy)
    if right:
        check_policy(text, "MessageBody")
        return
    with pytest.raises(InvalidFilterPolicy):
        check_policy(text, "MessageBody")
