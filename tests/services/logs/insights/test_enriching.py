"""`lookup` and `cidrlookup`, from the user guide: exact matches, the narrowest range, OUTPUT and OUTPUTNEW."""

import ipaddress

import pytest

from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.lookup_relations import disjoint

USERS = [
    ["id", "name", "department", "Region"],
    ["1", "Ann", "Sales", "eu"],
    ["2", "Bob", "", "us"],
    ["2", "Bob the second", "Ops", "us"],
    ["1", "Ann over there", "Sales", "us"],
]
NETS = [
    ["cidr", "owner", "site"],
    ["10.0.0.0/8", "all", "a"],
    ["10.1.0.0/16", "lab", "b"],
    ["10.1.2.0/24", "bench", "c"],
    ["10.1.2.0/24", "shadowed", "d"],
    ["nonsense", "nobody", "e"],
    ["2001:db8::/32", "six", "f"],
    ["192.0.2.7/32", "one", "g"],
]
EVENTS = [
    '{"id": 1, "r": "eu"}',
    '{"id": "2", "r": "us", "name": "kept"}',
    '{"id": 3, "r": "eu", "name": "old"}',
]
TABLES = {"user_data": USERS, "nets": NETS}


def test_lookup_appends_the_fields_of_the_matching_row(run):
    rows = run(
        "lookup user_data id OUTPUT name, department | display id, name, department", EVENTS, tables=TABLES
    )
    assert rows == [
        {"id": "3", "name": "old"},
        {"id": "2", "name": "Bob", "department": ""},
        {"id": "1", "name": "Ann", "department": "Sales"},
    ]


def test_lookup_with_names_of_their_own_and_two_keys(run):
    query = "lookup user_data id as id, Region as r OUTPUT name as who | filter ispresent(who) | display id, who | sort id"
    assert run(query, EVENTS, tables=TABLES) == [{"id": "1", "who": "Ann"}, {"id": "2", "who": "Bob"}]


def test_outputnew_fills_empty_fields_only(run):
    rows = run("lookup user_data id OUTPUTNEW name | display id, name | sort id", EVENTS, tables=TABLES)
    assert rows == [{"id": "1", "name": "Ann"}, {"id": "2", "name": "kept"}, {"id": "3", "name": "old"}]


def test_output_fields_are_shown_and_can_be_counted(run):
    rows = run("fields id | lookup user_data id OUTPUT department | sort id", EVENTS, tables=TABLES)
    assert rows[0] == {"id": "1", "department": "Sales"}
    rows = run("lookup user_data id OUTPUT Region | stats count(*) as n by Region", EVENTS, tables=TABLES)
    assert rows == [{"Region": "eu", "n": "1"}, {"Region": "us", "n": "1"}, {"n": "1"}]
    rows = run("stats count(*) as n by id | lookup user_data id OUTPUT name | sort id", EVENTS, tables=TABLES)
    assert rows[:2] == [{"id": "1", "n": "1", "name": "Ann"}, {"id": "2", "n": "1", "name": "Bob"}]


def test_matches_are_exact(run):
    table = {"t": [["k", "v"], ["A", "capital"], ["1.0", "number"]]}
    rows = run("lookup t k OUTPUT v | display v", ['{"k": "a"}', '{"k": 1}', '{"k": "A"}'], tables=table)
    assert rows == [{"v": "capital"}, {}, {}]


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("10.1.2.3", "bench"), ("10.1.3.4", "lab"), ("10.2.0.0", "all"), ("10.1.1.255", "lab"), ("10.255.255.255", "all"),
        ("11.0.0.0", None), ("9.255.255.255", None), ("192.0.2.7", "one"), ("192.0.2.8", None), ("2001:db8::5", "six"),
        ("2001:db9::", None), ("nonsense", None), ("", None),
    ],
)  # fmt: skip
def test_cidrlookup_takes_the_narrowest_range(run, address, owner):
    message = f'{{"srcAddr": "{address}"}}'
    (row,) = run("cidrlookup nets srcAddr OUTPUT owner | display owner", [message], tables=TABLES)
    assert row.get("owner") == owner


def test_cidrlookup_with_a_column_and_names_of_its_own(run):
    message = ['{"a": "10.1.2.3", "place": "here"}']
    table = {"t": [["x", "net", "y"], ["1", "10.0.0.0/8", "z"]]}
    assert run("cidrlookup t a as net OUTPUT y as place | display place", message, tables=table) == [
        {"place": "z"}
    ]
    assert run("cidrlookup t a as net OUTPUTNEW y as place | display place", message, tables=table) == [
        {"place": "here"}
    ]


def test_ranges_cut_apart_agree_with_the_narrowest_for_every_address():
    texts = [
        "0.0.0.0/24",
        "0.0.0.0/26",
        "0.0.0.64/26",
        "0.0.0.96/28",
        "0.0.0.96/30",
        "0.0.0.255/32",
        "::/120",
        "x",
    ]
    pieces = disjoint(enumerate(texts))
    assert pieces == sorted(pieces)
    networks = [(at, ipaddress.ip_network(text)) for at, text in enumerate(texts) if text != "x"]
    for number in range(300):
        for version, kind in ((4, ipaddress.IPv4Address), (6, ipaddress.IPv6Address)):
            inside = [(net.prefixlen, at) for at, net in networks if kind(number) in net]
            wanted = [max(inside)[1]] if inside else []
            assert [
                at for which, low, high, at in pieces if which == version and low <= number <= high
            ] == wanted


@pytest.mark.parametrize(
    ("query", "part", "message"),
    [
        ("lookup nobody id OUTPUT name", "lookup nobody id OUTPUT name", "there is no lookup table nobody"),
        ("lookup user_data nr as id OUTPUT name", "nr", "the lookup table user_data has no field nr"),
        ("lookup user_data id OUTPUT size", "size", "the lookup table user_data has no field size"),
        ("cidrlookup nets a as net OUTPUT owner", "net", "the lookup table nets has no field net"),
        ("lookup user_data id OUTPUT name, Region as name", "lookup user_data id OUTPUT name, Region as name", "a lookup gives each field once"),
        ("lookup user_data id", "", "unexpected end of the query"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(run, query, part, message):
    with pytest.raises(QueryError) as refused:
        run(query, EVENTS, tables=TABLES)
    assert refused.value.message == message
    start = query.rindex(f" {part}") + 1 if f" {part}" in query and part else query.rindex(part)
    assert refused.value.span == (start, start + len(part))
