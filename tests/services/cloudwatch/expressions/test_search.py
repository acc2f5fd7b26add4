"""Search expressions, from the examples of the user guide's page on their syntax."""

import pytest

from coldframe.engines.metricstore.keys import Metric
from coldframe.services.cloudwatch.expressions.search import compile_search
from coldframe.services.cloudwatch.expressions.values import ExpressionError

EC2 = Metric("1", "r", "AWS/EC2", "CPUUtilization", (("InstanceId", "i-1"),))
NETWORK = Metric("1", "r", "AWS/EC2", "NetworkIn", (("InstanceId", "i-2"),))
GROUP = Metric("1", "r", "AWS/EC2", "CPUUtilization", (("AutoScalingGroupName", "my-group"),))
CUSTOM = Metric("1", "r", "Custom Space", "myMetricName", (("App", "shop"), ("Stage", "prod")))
PLAIN = Metric("1", "r", "Custom Space", "total")
ALL = [EC2, NETWORK, GROUP, CUSTOM, PLAIN]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{AWS/EC2,InstanceId} MetricName="CPUUtilization"', [EC2]),
        ("{AWS/EC2,InstanceId}", [EC2, NETWORK]),
        ('{"Custom Space", Stage, App}', [CUSTOM]),
        ('{"Custom Space", "App"}', []),
        ("{Custom Space}", [PLAIN]),
        ("cpuutilization", [EC2, GROUP]),
        ("CPU", [EC2, GROUP]),
        ("Utilization", [EC2, GROUP]),
        ("metric", [CUSTOM]),
        ('"metric"', []),
        ('"myMetricName"', [CUSTOM]),
        ("etric", []),
        ("i-1", [EC2]),
        ("NetworkIn OR total", [NETWORK, PLAIN]),
        ("CPU AND i-1", [EC2]),
        ("CPU i-1", [EC2]),
        ("CPU NOT i-1", [GROUP]),
        ("NOT CPU", [NETWORK, CUSTOM, PLAIN]),
        ("(CPU OR NetworkIn) InstanceId", [EC2, NETWORK]),
        ("Namespace=AWS/EC2 NetworkIn", [NETWORK]),
        ('InstanceId=("i-1" OR "i-2")', [EC2, NETWORK]),
        ('MetricName=(CPU NOT "CPUUtilization")', []),
        ("App=shop", [CUSTOM]),
        ("App=prod", []),
        (":aws.AccountId=1 total", [PLAIN]),
        ("total OR CPU i-1", [EC2, PLAIN]),
    ],
)
def test_what_is_found(text, expected):
    fits = compile_search(text)
    assert [metric for metric in ALL if fits(metric)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{AWS/EC2",
        "{AWS/EC2,} x",
        "(a",
        "a )",
        "a AND",
        "a OR",
        "MetricName=",
        '"open',
        "a=(b",
        "(" * 99 + "a",
    ],
)
def test_what_cannot_be_read(text):
    with pytest.raises(ExpressionError):
        compile_search(text)
