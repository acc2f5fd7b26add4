"""Contributor Insights rules: put, describe, enable, disable, delete, and their reports."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import place
from coldframe.services.cloudwatch import tagging
from coldframe.services.cloudwatch.answers import milliseconds, moment
from coldframe.services.cloudwatch.dashboard_records import InsightRule
from coldframe.services.cloudwatch.insight_reports import evaluate
from coldframe.services.cloudwatch.insight_rules import definition
from coldframe.services.cloudwatch.insight_rules.report import METRICS, Report

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        DeleteInsightRulesInputTypeDef,
        DeleteInsightRulesOutputTypeDef,
        DescribeInsightRulesInputTypeDef,
        DescribeInsightRulesOutputTypeDef,
        DisableInsightRulesInputTypeDef,
        DisableInsightRulesOutputTypeDef,
        EnableInsightRulesInputTypeDef,
        EnableInsightRulesOutputTypeDef,
        GetInsightRuleReportInputTypeDef,
        GetInsightRuleReportOutputTypeDef,
        PutInsightRuleInputTypeDef,
    )

_PAGE = 500
_STATES = ("ENABLED", "DISABLED")
_MOST_POINTS = 1440


def put_insight_rule(call: Call, request: "PutInsightRuleInputTypeDef") -> dict[str, Any]:
    """Make a rule, or replace the definition and state of one."""
    state = request.get("RuleState", "ENABLED")
    if state not in _STATES:
        raise _invalid(f"RuleState must be {' or '.join(_STATES)}, not {state}.")
    try:
        definition.read(request["RuleDefinition"])
    except definition.DefinitionError as error:
        raise _invalid(f"The rule definition is not valid: {error}.") from None
    name = request["RuleName"]
    before = call.records.find(InsightRule, name)
    arn = call.arn(f"insight-rule/{name}")
    tags = tagging.tags_of_new(call, request.get("Tags"), arn) if before is None else before.tags
    call.records.put(
        InsightRule(
            name=name,
            arn=arn,
            state=state,
            definition=request["RuleDefinition"],
            transformed=request.get("ApplyOnTransformedLogs", False),
            tags=tags,
        )
    )
    return {}


def describe_insight_rules(
    call: Call, request: "DescribeInsightRulesInputTypeDef"
) -> "DescribeInsightRulesOutputTypeDef":
    """Return the rules in the order of their names."""
    after = call.page(request.get("NextToken"), code="InvalidNextToken")
    size = request.get("MaxResults", _PAGE)
    rows = call.records.list(InsightRule, after=None if after is None else tuple(after), limit=size + 1)
    answer: dict[str, Any] = {
        "InsightRules": [
            {
                "Name": row.name,
                "State": row.state,
                "Schema": definition.SCHEMA,
                "Definition": row.definition,
                "ManagedRule": False,
                "ApplyOnTransformedLogs": row.transformed,
            }
            for row in rows[:size]
        ]
    }
    if len(rows) > size:
        answer["NextToken"] = call.token(place(rows[size - 1]))
    return answer  # type: ignore[return-value]


def enable_insight_rules(
    call: Call, request: "EnableInsightRulesInputTypeDef"
) -> "EnableInsightRulesOutputTypeDef":
    """Enable rules; those that are not there are named as failures."""
    return _each(call, request["RuleNames"], lambda row: call.records.change(row, state="ENABLED"))  # type: ignore[return-value]


def disable_insight_rules(
    call: Call, request: "DisableInsightRulesInputTypeDef"
) -> "DisableInsightRulesOutputTypeDef":
    """Disable rules; those that are not there are named as failures."""
    return _each(call, request["RuleNames"], lambda row: call.records.change(row, state="DISABLED"))  # type: ignore[return-value]


def delete_insight_rules(
    call: Call, request: "DeleteInsightRulesInputTypeDef"
) -> "DeleteInsightRulesOutputTypeDef":
    """Delete rules; those that are not there are named as failures."""
    return _each(call, request["RuleNames"], call.records.remove)  # type: ignore[return-value]


def get_insight_rule_report(
    call: Call, request: "GetInsightRuleReportInputTypeDef"
) -> "GetInsightRuleReportOutputTypeDef":
    """Evaluate a rule over the log groups' events, as the caller sees them without unmasking; periods begin at StartTime."""
    row = call.records.find(InsightRule, request["RuleName"])
    if row is None:
        raise ServiceFault("ResourceNotFoundException", f"Rule {request['RuleName']} does not exist.")
    start, end, period = _times(request)
    metrics = list(request.get("Metrics", ()))
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise _invalid(f"Metrics must be among {', '.join(METRICS)}; {unknown[0]} is not.")
    most = request.get("MaxContributorCount", 10)
    if not 1 <= most <= 100:
        raise _invalid("MaxContributorCount must be from 1 to 100.")
    order = request.get("OrderBy", "Sum")
    if order not in {"Sum", "Maximum"}:
        raise _invalid(f"OrderBy must be Sum or Maximum, not {order}.")
    about = definition.read(row.definition)
    found = evaluate(call.client("logs"), about, start, end, period)
    return {  # type: ignore[typeddict-item]
        "KeyLabels": list(about.keys),
        "AggregationStatistic": "SUM" if about.sums else "COUNT",
        "AggregateValue": found.total,
        "ApproximateUniqueCount": len(found.contributors),
        "Contributors": _contributors(found, order, most),
        "MetricDatapoints": [
            {"Timestamp": moment(at), **{name: found.moments[at].statistic(name) for name in metrics}}
            for at in sorted(found.moments)
        ],
    }


def _contributors(found: Report, order: str, most: int) -> list[dict[str, Any]]:
    return [
        {
            "Keys": list(one.keys),
            "ApproximateAggregateValue": one.largest if order == "Maximum" else one.total,
            "Datapoints": [
                {"Timestamp": moment(at), "ApproximateValue": value}
                for at, value in sorted(one.periods.items())
            ],
        }
        for one in found.ranked(order, most)
    ]


def _times(request: Any) -> tuple[int, int, int]:
    start, end, period = (
        milliseconds(request["StartTime"]),
        milliseconds(request["EndTime"]),
        request["Period"],
    )
    if start >= end:
        raise _invalid("StartTime must be before EndTime.")
    if period % 60:
        raise _invalid("Period must be a multiple of 60.")
    if (end - start) / 1000 / period > _MOST_POINTS:
        raise _invalid(f"The time range must not have more than {_MOST_POINTS} periods.")
    return start, end, period * 1000


def _each(call: Call, names: Sequence[str], act: Callable[[InsightRule], object]) -> dict[str, Any]:
    failures: list[dict[str, str]] = []
    for name in dict.fromkeys(names):
        row = call.records.find(InsightRule, name)
        if row is not None:
            act(row)
            continue
        failures.append(
            {
                "FailureResource": name,
                "ExceptionType": "ResourceNotFoundException",
                "FailureCode": "404",
                "FailureDescription": f"Rule {name} does not exist.",
            }
        )
    return {"Failures": failures}


def _invalid(message: str) -> ServiceFault:
    return ServiceFault("InvalidParameterValueException", message)
