"""`relevantfields`, from the user guide: fields by how much they differ between the events of a condition and the others."""

import json

EVENTS = [
    json.dumps(
        {
            "id": f"r-{n}",
            "slow": n % 4 == 0,
            "zone": "z1" if n % 4 == 0 else "z2",
            "size": 900 + n if n % 4 == 0 else n,
            "kind": "ab"[n % 2],
            "deep": {"x": 1},
        }
    )
    for n in range(40)
]


def by_field(rows):
    return {row["@fieldName"]: row for row in rows}


def test_fields_come_by_how_much_they_say_about_the_condition(run):
    rows = run("relevantfields where slow = 1", EVENTS)
    assert [row["@fieldName"] for row in rows] == ["zone", "size", "kind", "id"]
    found = by_field(rows)
    assert found["zone"]["@relevanceScore"] == "1"
    assert json.loads(found["zone"]["@topRelevanceContributors"]) == [
        {"value": "z1", "condition": 1.0, "baseline": 0.0},
        {"value": "z2", "condition": 0.0, "baseline": 1.0},
    ]
    # All events of the condition have an `a`, and a third of the others.
    assert found["kind"]["@relevanceScore"] == "0.6667"
    assert 0.7 < float(found["size"]["@relevanceScore"]) <= 1
    assert (found["size"]["@conditionalMedian"], found["size"]["@baselineMedian"]) == ("918", "20")
    assert "@topRelevanceContributors" not in found["size"]
    # An id is of one event alone and says nothing.
    assert found["id"] == {"@fieldName": "id", "@relevanceScore": "0"}


def test_only_the_fields_that_are_named(run):
    rows = run("relevantfields kind, zone, nothing where slow = 1 | limit 5", EVENTS)
    assert [row["@fieldName"] for row in rows] == ["zone", "kind"]


def test_parsed_fields_count_too_and_results_can_be_filtered(run):
    messages = [f"level={'E' if n % 5 else 'I'} code={200 if n % 5 else 500}" for n in range(50)]
    rows = run(
        "parse @message 'level=* code=*' as level, code | relevantfields where code = 500 | filter @relevanceScore > 0.5 | display @fieldName",
        messages,
    )
    assert rows == [{"@fieldName": "level"}]


def test_a_condition_that_all_or_none_satisfy_makes_nothing_relevant(run):
    for condition in ("ispresent(id)", "zone = 'z3'"):
        rows = run(f"relevantfields zone where {condition}", EVENTS)
        assert rows[0]["@relevanceScore"] == "0"
    assert run("relevantfields where n > 1", []) == []
