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
        ("((((" * 60 + "TRUE" + "))))" * 60, "nested too deeply"),
        (" OR ".join(f"ALARM(a{n})" for n in range(101)), "at most 100 alarms"),
        (" OR ".join(["TRUE"] * 501), "at most 500 elements"),
    ],
)
def test_what_is_no_rule(text, named):
    with pytest.raises(RuleError, match=named):
        parse(text)
