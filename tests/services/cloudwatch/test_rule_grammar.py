"""Rules of composite alarms, from the examples of PutCompositeAlarm."""

import pytest

from coldframe.services.cloudwatch.alarms.rule_grammar import RuleError, alarm_name, children, holds, parse


def judged(text, **states):
    return holds(parse(text), states.get)


def test_the_examples_of_the_documentation():
    both = "ALARM(CPUUtilizationTooHigh) AND ALARM(DiskReadOpsTooHigh)"
    assert judged(both, CPUUtilizationTooHigh="ALARM", DiskReadOpsTooHigh="ALARM")
    assert not judged(both, CPUUtilizationTooHigh="ALARM", DiskReadOpsTooHigh="OK")
    window = "ALARM(CPUUtilizationTooHigh) AND NOT ALARM(DeploymentInProgress)"
    assert judged(window, CPUUtilizationTooHigh="ALARM", DeploymentInProgress="OK")
    assert not judged(window, CPUUtilizationTooHigh="ALARM", DeploymentInProgress="ALARM")
    noise = "(ALARM(CPUUtilizationTooHigh) OR ALARM(DiskReadOpsTooHigh)) AND OK(NetworkOutTooHigh)"
    assert judged(noise, CPUUtilizationTooHigh="OK", DiskReadOpsTooHigh="ALARM", NetworkOutTooHigh="OK")
    assert not judged(noise, DiskReadOpsTooHigh="ALARM", NetworkOutTooHigh="INSUFFICIENT_DATA")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TRUE", True),
        ("FALSE", False),
        ("NOT FALSE", True),
        ("TRUE OR FALSE AND FALSE", True),
        ("(TRUE OR FALSE) AND FALSE", False),
        ("NOT NOT TRUE", True),
        ("NOT (TRUE AND FALSE)", True),
        ("true or false", True),
    ],
)
def test_precedence(text, expected):
    assert judged(text) is expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("AT_LEAST(2, ALARM, (a, b, c, d))", True),
        ("AT_LEAST(3, ALARM, (a, b, c, d))", False),
        ("AT_LEAST(50%, OK, (a, b, c, d))", False),
        ("AT_LEAST(25%, OK, (a, b, c, d))", True),
        ('AT_LEAST("26%", OK, (a, b, c, d))', False),
        ("AT_LEAST(3, NOT OK, (a, b, c, d))", True),
        ("at_least(1, insufficient_data, (d)) AND NOT ALARM(c)", True),
        ('AT_LEAST(2, ALARM, ("a", "b")) AND OK(d)', False),
    ],
)
def test_at_least_so_many_or_such_a_part_of_alarms_are_in_a_state(rule, expected):
    states = {"a": "ALARM", "b": "ALARM", "c": "OK", "d": "INSUFFICIENT_DATA"}
    assert judged(rule, **states) is expected


def test_alarms_of_at_least_are_children_by_name_or_arn():
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:with, comma"
    assert list(children(parse(f'AT_LEAST(1, NOT ALARM, (a,"b c", "{arn}")) OR OK(d)'))) == [
        "a",
        "b c",
        arn,
        "d",
    ]


def test_names_are_quoted_or_not_or_arns():
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:with (odd) name"
    tree = parse(f'ALARM("a b") OR OK(c d) OR INSUFFICIENT_DATA("{arn}") OR ALARM("say \\"hi\\"")')
    assert list(children(tree)) == ["a b", "c d", arn, 'say "hi"']
    assert alarm_name(arn) == "with (odd) name"
    assert alarm_name("plain") == "plain"


def test_an_alarm_that_is_not_there_is_in_no_state():
    assert not judged("ALARM(x) OR OK(x) OR INSUFFICIENT_DATA(x)")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "ends"),
        ("   ", "ends"),
        ("ALARM(a) AND", "ends"),
        ("ALARM(a) ALARM(b)", "column 10"),
        ("AND ALARM(a)", "column 1"),
        ("(ALARM(a)", "column 1 is not closed"),
        ("ALARM(a))", "column 9"),
        ("ALARM()", "column 1"),
        ('ALARM("")', "without a name"),
        ("FIRING(a)", "column 1"),
        ("NOT", "ends"),
        ("AT_LEAST(3, ALARM, (a, b))", "column 1 asks for 3 of 2 alarms"),
        ("AT_LEAST(0, ALARM, (a, b))", "asks for 0 of 2"),
        ("OK(a) OR AT_LEAST(101%, ALARM, (a))", "column 10 asks for 101% of 1"),
        ("AT_LEAST(1, ALARM, ())", "list of alarms of AT_LEAST at column 1"),
        ("AT_LEAST(1, ALARM, (a b))", "list of alarms"),
        ("AT_LEAST(1, FIRING, (a))", "column 1"),
        ("((((" * 60 + "TRUE" + "))))" * 60, "nested too deeply"),
        (" OR ".join(f"ALARM(a{n})" for n in range(101)), "at most 100 alarms"),
        (" OR ".join(["TRUE"] * 501), "at most 500 elements"),
    ],
)
def test_what_is_no_rule(text, named):
    with pytest.raises(RuleError, match=named):
        parse(text)
