"""Scheduled queries: Insights queries that run again and again, and the history of their runs."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.logs import tagging
from coldframe.services.logs.bucket_access import taken_on
from coldframe.services.logs.insights import translation
from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.expressions import Times
from coldframe.services.logs.listing import page
from coldframe.services.logs.lookup import cached_group, name_in
from coldframe.services.logs.records import ScheduledQuery, ScheduledRun
from coldframe.services.logs.scheduled_records import NEVER
from coldframe.services.logs.scheduling import due_after

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        CreateScheduledQueryRequestTypeDef,
        CreateScheduledQueryResponseTypeDef,
        DeleteScheduledQueryRequestTypeDef,
        GetScheduledQueryHistoryRequestTypeDef,
        GetScheduledQueryHistoryResponseTypeDef,
        GetScheduledQueryRequestTypeDef,
        GetScheduledQueryResponseTypeDef,
        ListScheduledQueriesRequestTypeDef,
        ListScheduledQueriesResponseTypeDef,
        UpdateScheduledQueryRequestTypeDef,
        UpdateScheduledQueryResponseTypeDef,
    )

MOST_QUERIES = 1000
MOST_LISTED = 1000
_NAME = re.compile(r"[A-Za-z0-9_\-/.#]+")
_SUMMARY = (
    *("scheduledQueryArn", "name", "state", "scheduleType", "lastTriggeredTime", "lastExecutionStatus"),
    *("scheduleExpression", "timezone", "destinationConfiguration", "creationTime", "lastUpdatedTime"),
)
# A time of this size is in milliseconds, a smaller one in seconds: both are in use for "Unix epoch".
_MILLISECONDS = 100_000_000_000


def create_scheduled_query(
    call: Call, request: "CreateScheduledQueryRequestTypeDef"
) -> "CreateScheduledQueryResponseTypeDef":
    """Create a scheduled query; its roles have to trust CloudWatch Logs, and the caller may pass them on."""
    name = request["name"]
    if _NAME.fullmatch(name) is None:
        raise _invalid(f"The name {name!r} can have letters, digits and the characters _ - / . # only.")
    row = _checked(call, request, name=name, created=call.now)
    tags = tagging.added({}, request.get("tags", {}), _arn(call, name))
    if call.records.count(ScheduledQuery) >= MOST_QUERIES:
        text = f"An account can have {MOST_QUERIES} scheduled queries in a Region."
        raise ServiceFault("ServiceQuotaExceededException", text)
    call.records.add(ScheduledQuery(**row, tags=tags))
    return {"scheduledQueryArn": _arn(call, name), "state": row["state"]}  # type: ignore[typeddict-item]


def update_scheduled_query(
    call: Call, request: "UpdateScheduledQueryRequestTypeDef"
) -> "UpdateScheduledQueryResponseTypeDef":
    """Replace all of a scheduled query but its name and its tags; what is not given is as if newly created."""
    name = _named(call, request["identifier"])
    if call.cached(ScheduledQuery, name) is None:
        raise _missing()
    row = _checked(call, request, name=name, created=0)
    present = call.records.get(ScheduledQuery, name)
    kept = {"created": present.created, "triggered": present.triggered, "status": present.status}
    changed = ScheduledQuery(**{**row, **kept}, tags=present.tags)
    call.records.put(changed)
    return _description(call, changed)  # type: ignore[return-value]


def get_scheduled_query(
    call: Call, request: "GetScheduledQueryRequestTypeDef"
) -> "GetScheduledQueryResponseTypeDef":
    """Return a scheduled query by its name or ARN."""
    row = call.records.get(ScheduledQuery, _named(call, request["identifier"]))
    return _description(call, row)  # type: ignore[return-value]


def list_scheduled_queries(
    call: Call, request: "ListScheduledQueriesRequestTypeDef"
) -> "ListScheduledQueriesResponseTypeDef":
    """Return a page of scheduled queries by name."""
    after, limit = call.page(request.get("nextToken")), request.get("maxResults", MOST_LISTED)
    state = request.get("state")
    rows = call.records.list(
        ScheduledQuery,
        where={"state": state} if state else {},
        after=None if after is None else (after,),
        limit=limit + 1,
    )
    if request.get("scheduleType") == "AWS_MANAGED":
        rows = []
    shown, token = page(call, rows, limit, lambda row: row.name)
    found = [_description(call, row) for row in shown]
    summaries = [{name: each[name] for name in _SUMMARY if name in each} for each in found]
    return {"scheduledQueries": summaries, **token}  # type: ignore[typeddict-item]


def delete_scheduled_query(call: Call, request: "DeleteScheduledQueryRequestTypeDef") -> dict[str, Any]:
    """Delete a scheduled query and its history; a run under way ends without a delivery."""
    row = call.records.get(ScheduledQuery, _named(call, request["identifier"]))
    for run in call.records.list(ScheduledRun, key_prefix=(row.name,)):
        call.records.remove(run)
    call.records.remove(row)
    return {}


def get_scheduled_query_history(
    call: Call, request: "GetScheduledQueryHistoryRequestTypeDef"
) -> "GetScheduledQueryHistoryResponseTypeDef":
    """Return a page of the runs that were due within a time range, the latest first."""
    row = call.records.get(ScheduledQuery, _named(call, request["identifier"]))
    start, end = _milliseconds(request["startTime"]), _milliseconds(request["endTime"])
    if start > end:
        raise _invalid("startTime must not be after endTime.")
    after, limit = call.page(request.get("nextToken")), request.get("maxResults", MOST_LISTED)
    wanted = set(request.get("executionStatuses") or ())
    runs = call.records.list(
        ScheduledRun,
        key_prefix=(row.name,),
        descending=True,
        after=None if after is None else (row.name, *after),
    )
    found = [run for run in runs if start <= run.triggered <= end and (not wanted or run.status in wanted)]
    shown, token = page(call, found, limit, lambda run: [run.triggered, run.id])
    answer: dict[str, Any] = {"name": row.name, "scheduledQueryArn": _arn(call, row.name), **token}
    answer["triggerHistory"] = [_execution(run) for run in shown]
    return answer  # type: ignore[return-value]


def _checked(call: Call, request: Mapping[str, Any], *, name: str, created: int) -> dict[str, Any]:
    """Return the fields of a scheduled query as a request has them; raises what is wrong with them.

    The roles are tried out, so no transaction may be open.
    """
    if request["queryLanguage"] != "CWLI":
        raise NotBuilt("Queries in OpenSearch SQL and PPL are not built; use queryLanguage CWLI.")
    groups = _groups(call, request)
    starts, ends = (
        _milliseconds(request[field]) if field in request else None
        for field in ("scheduleStartTime", "scheduleEndTime")
    )
    if starts is not None and ends is not None and starts >= ends:
        raise _invalid("scheduleStartTime must be before scheduleEndTime.")
    start, end = request.get("startTimeOffset"), request.get("endTimeOffset")
    if min(start or 0, end or 0) < 0 or (start is not None and start <= (end or 0)):
        raise _invalid(
            "startTimeOffset and endTimeOffset are seconds before a run, and the start is the longer ago."
        )
    fields: dict[str, Any] = {
        "name": name,
        "text": request["queryString"],
        "groups": groups,
        "expression": request["scheduleExpression"],
        "role": request["executionRoleArn"],
        "due": NEVER,
        "anchor": starts or call.now,
        "created": created,
        "updated": call.now,
        "description": request.get("description", ""),
        "timezone": request.get("timezone", ""),
        "start_offset": start,
        "end_offset": end,
        "starts": starts,
        "ends": ends,
        "destinations": _destinations(request),
        "state": request.get("state", "ENABLED"),
    }
    try:
        fields["due"] = due_after(ScheduledQuery(**fields), call.now)
    except ValueError as error:
        raise _invalid(str(error)) from error
    for role in _roles(fields):
        _check_role(call, role, name)
    return fields


def _groups(call: Call, request: Mapping[str, Any]) -> list[str]:
    """Return the names of the log groups of a query, once it is well formed and they are there."""
    try:
        query = translation.read(request["queryString"], Times(0, 0, call.now))
    except QueryError as error:
        raise _invalid(f"{error.message} ([{error.span.start},{error.span.end}])") from error
    names = [name_in(call, each) for each in request.get("logGroupIdentifiers", [])]
    own = bool(query.sources()) and query.commands[0] is query.sources()[0]
    if own == bool(names):
        raise _invalid(
            "Log groups are named by logGroupIdentifiers or by SOURCE in the query, and by one of them."
        )
    for group in names:
        cached_group(call, group)
    return names


def _destinations(request: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.get("destinationConfiguration") or {})
    for wanted in given.values():
        if wanted.get("kmsKeyId"):
            raise NotBuilt("Customer managed KMS keys for the results of scheduled queries are not built.")
    return given


def _roles(fields: Mapping[str, Any]) -> list[str]:
    return list(
        dict.fromkeys([fields["role"], *(each["roleArn"] for each in fields["destinations"].values())])
    )


def _check_role(call: Call, role: str, name: str) -> None:
    """Check that a role's ARN is one, that the caller may pass it on, and that CloudWatch Logs can take it on."""
    try:
        arn = arns.parse(role)
    except ValueError as error:
        raise _invalid(f"{role} is not an ARN.") from error
    if arn.service != "iam" or not arn.resource.startswith("role/"):
        raise _invalid(f"{role} is not the ARN of a role.")
    call.require("iam:PassRole", role)
    try:
        taken_on(call.installation, role, _arn(call, name), call.region)
    except ClientError as error:
        text = f"CloudWatch Logs cannot assume the role {role}: {error.response['Error']['Message']}"
        raise _invalid(text) from error


def _named(call: Call, identifier: str) -> str:
    """Return the name of the scheduled query that a name or an ARN means."""
    if not identifier.startswith("arn:"):
        return identifier
    prefix = _arn(call, "")
    if not identifier.startswith(prefix):
        raise _missing()
    return identifier.removeprefix(prefix)


def _arn(call: Call, name: str) -> str:
    return call.arn(f"scheduled-query:{name}")


def _invalid(text: str) -> ServiceFault:
    return ServiceFault("ValidationException", text)


def _missing() -> ServiceFault:
    return ServiceFault("ResourceNotFoundException", "The specified scheduled query does not exist.")


def _milliseconds(given: int) -> int:
    return given if given >= _MILLISECONDS else given * 1000


def _description(call: Call, row: ScheduledQuery) -> dict[str, Any]:
    described: dict[str, Any] = {
        "scheduledQueryArn": _arn(call, row.name),
        "name": row.name,
        "description": row.description,
        "queryLanguage": row.language,
        "queryString": row.text,
        "logGroupIdentifiers": row.groups,
        "scheduleExpression": row.expression,
        "timezone": row.timezone,
        "startTimeOffset": row.start_offset,
        "endTimeOffset": row.end_offset,
        "destinationConfiguration": row.destinations,
        "state": row.state,
        "scheduleType": "CUSTOMER_MANAGED",
        "lastTriggeredTime": row.triggered,
        "lastExecutionStatus": row.status,
        "scheduleStartTime": row.starts,
        "scheduleEndTime": row.ends,
        "executionRoleArn": row.role,
        "creationTime": row.created,
        "lastUpdatedTime": row.updated,
    }
    always = {"startTimeOffset", "endTimeOffset", "scheduleStartTime", "scheduleEndTime"}
    return {
        name: value
        for name, value in described.items()
        if (value is not None if name in always else bool(value))
    }


def _execution(run: ScheduledRun) -> dict[str, Any]:
    told: dict[str, Any] = {
        "executionStatus": run.status,
        "triggeredTimestamp": run.triggered,
        "destinations": run.destinations,
    }
    if run.query:
        told["queryId"] = run.query
    return told | ({"errorMessage": run.error} if run.error else {})
