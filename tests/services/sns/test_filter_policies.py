"""Filter policies, case by case as the developer guide has them."""

import pytest

from coldframe.services.sns.filter_policies import InvalidFilterPolicy, compile_policy

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
    ('{"k": [{"anything-but": {"suffix": "-x"}}]}', {"k": "order-1"}, True),
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
    ('{"k": [{"exists": false}]}', {}, True),
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
        ('{"a": ["x"]}', "no json", False),
        ('{"a": ["x"]}', '["x"]', False),
    ],
)
def test_bodies(policy, body, wanted) -> None:
    assert compile_policy(policy, "MessageBody").wants({}, body) is wanted


@pytest.mark.parametrize(
    "policy",
    [
        "", "[]", '{"k": "x"}', '{"k": []}', '{"k": [{"near": 1}]}', '{"k": [{"prefix": ""}]}', '{"k": {"n": ["x"]}}',
        '{"k": [{"numeric": ["<", 1, ">", 2]}]}', '{"k": [{"numeric": ["~", 1]}]}', '{"k": [{"exists": 1}]}',
        '{"k": [{"cidr": "10/99"}]}', '{"k": [["x"]]}', '{"k": [1000000001]}', '{"k": [{"wildcard": "a**"}]}', '{"k": [{"numeric": ["=", 1e10]}]}',
        '{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}', '{"a":[1,2,3,4,5,6],"b":[1,2,3,4,5,6],"c":[1,2,3,4,5]}',
    ],
)  # fmt: skip
def test_policies_that_are_refused(policy) -> None:
    with pytest.raises(InvalidFilterPolicy):
        compile_policy(policy)
