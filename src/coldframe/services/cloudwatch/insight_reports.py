"""Reports of Contributor Insights rules over the events of their log groups, which CloudWatch Logs gives masked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError, status_of
from coldframe.core.faults import ServiceFault
from coldframe.identity.caller import Caller
from coldframe.identity.sessions import Session
from coldframe.services.cloudwatch.dashboard_records import InsightRule
from coldframe.services.cloudwatch.expressions.values import ExpressionError
from coldframe.services.cloudwatch.hooks import Hooks, Question
from coldframe.services.cloudwatch.insight_rules import definition
from coldframe.services.cloudwatch.insight_rules.definition import Definition
from coldframe.services.cloudwatch.insight_rules.matching import Contribution, contribution
from coldframe.services.cloudwatch.insight_rules.report import METRICS, Report, report

MOST_GROUPS = 50
_RULE_METRIC = re.compile(r"INSIGHT_RULE_METRIC\s*\(\s*(['\"])(.*?)\1", re.IGNORECASE).finditer
_READS_LOGS = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow",'
    '"Action":["logs:DescribeLogGroups","logs:FilterLogEvents"],"Resource":"*"}}'
)


def reader_for(account: str, now: int) -> Caller:
    """Return who reads the log groups of an account's rules for its alarms: a session that may do that and no more.

    As at AWS, whose role for it (AWSServiceRoleForCloudWatchContributorInsights and its like) belongs to the account.
    """
    session = Session(
        kind="root",
        account=account,
        source=f"arn:aws:iam::{account}:root",
        source_id=account,
        name="contributor-insights",
        issued=now // 1000,
        expires=now // 1000 + 3600,
        policies=[_READS_LOGS],
    )
    return Caller(
        kind="root", arn=f"arn:aws:iam::{account}:root", account=account, user_id=account, session=session
    )


def need_logs_of_rules(call: Call, queries: Sequence[Any]) -> None:
    """Refuse an alarm on rules whose logs its maker may not read: the alarm would tell what the report may not."""
    for query in queries:
        for rule in _RULE_METRIC(query.get("Expression") or ""):
            row = call.cached(InsightRule, rule[2])
            groups = definition.read(row.definition).groups if row is not None else ["*"]
            call.require("cloudwatch:GetInsightRuleReport", call.arn(f"insight-rule/{rule[2]}"))
            for group in groups:
                place = f"arn:{call.partition}:logs:{call.region}:{call.account}"
                call.require("logs:FilterLogEvents", f"{place}:log-group:{group}:*")


class InsightReports:
    """Evaluates rules when they are asked for, with what the caller may read (a hooks.RuleReports)."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def rule_metric(self, question: Question, rule: str, metric: str) -> dict[int, float]:
        """Return a rule's metric by time; raises ExpressionError."""
        if metric not in METRICS:
            raise ExpressionError(f"'{metric}' is no metric of a Contributor Insights rule")
        row = self._call.cached(InsightRule, rule)
        if row is None:
            raise ExpressionError(f"There is no Contributor Insights rule '{rule}'")
        grid = question.grid
        if not grid:
            return {}
        start, end, period = grid.start * 1000, grid.stop * 1000, grid.step * 1000
        try:
            found = evaluate(self._call.client("logs"), definition.read(row.definition), start, end, period)
        except ServiceFault as fault:
            raise ExpressionError(f"The rule '{rule}' cannot be evaluated: {fault.message}") from fault
        return {at // 1000: moment.statistic(metric) for at, moment in found.moments.items()}


def hooks_of(call: Call) -> Hooks:
    """Return what expressions of a call may read beside metrics."""
    return replace(call.part(Hooks), reports=InsightReports(call))


def evaluate(logs: Any, about: Definition, start: int, end: int, period: int) -> Report:
    """Return a rule's report from start to end, in milliseconds; raises the faults that the logs client met."""
    try:
        return report(_contributions(logs, about, start, end), start=start, period=period)
    except ClientError as error:
        said = error.response["Error"]
        status = status_of(error)
        raise ServiceFault(str(said["Code"]), str(said.get("Message", "")), status=status) from error


def _contributions(logs: Any, about: Definition, start: int, end: int) -> Iterator[tuple[int, Contribution]]:
    for group in _groups(logs, about):
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=start, endTime=end - 1
        )
        for page in pages:
            for event in page["events"]:
                found = contribution(about, event["message"])
                if found is not None:
                    yield event["timestamp"], found


def _groups(logs: Any, about: Definition) -> list[str]:
    """The log groups that there are of those the rule names, at most 50."""
    found: dict[str, None] = {}
    for pattern in about.groups:
        prefix = pattern.removesuffix("*")
        for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
            for group in page["logGroups"]:
                name = group["logGroupName"]
                if name == pattern or (pattern.endswith("*") and name.startswith(prefix)):
                    found[name] = None
    return list(found)[:MOST_GROUPS]
