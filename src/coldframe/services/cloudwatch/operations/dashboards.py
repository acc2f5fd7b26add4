"""Dashboards: put, get, list, delete; they are the same in every region of an account."""

import re
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import place
from coldframe.services.cloudwatch import tagging
from coldframe.services.cloudwatch.answers import moment
from coldframe.services.cloudwatch.dashboard_records import Dashboard
from coldframe.services.cloudwatch.dashboards import body

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        DeleteDashboardsInputTypeDef,
        GetDashboardInputTypeDef,
        GetDashboardOutputTypeDef,
        ListDashboardsInputTypeDef,
        ListDashboardsOutputTypeDef,
        PutDashboardInputTypeDef,
        PutDashboardOutputTypeDef,
    )

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_BAD_NAME = (
    "The value for field DashboardName contains invalid characters."
    # AWS's message ends with a line feed too.
    " It can only contain alphanumerics, dash (-) and underscore (_).\n"
)
_PAGE = 1000
_MOST_DELETED = 100


def put_dashboard(call: Call, request: "PutDashboardInputTypeDef") -> "PutDashboardOutputTypeDef":
    """Store a dashboard or replace its whole body; what is unknown in it is answered as messages, and kept."""
    name, text = request["DashboardName"], request["DashboardBody"]
    if not _NAME.fullmatch(name):
        raise ServiceFault("InvalidParameterValueException", _BAD_NAME)
    findings = body.check(text)
    fatal = [finding for finding in findings if finding.fatal]
    if fatal:
        raise _invalid("The dashboard body is invalid, there are validation errors.", _messages(fatal))
    before = call.records.find(Dashboard, name)
    arn = call.arn(f"dashboard/{name}", region="")
    tags = tagging.tags_of_new(call, request.get("Tags"), arn) if before is None else before.tags
    call.records.put(Dashboard(name=name, arn=arn, body=text, modified=call.now, tags=tags))
    return {"DashboardValidationMessages": _messages(findings)}  # type: ignore[typeddict-item]


def get_dashboard(call: Call, request: "GetDashboardInputTypeDef") -> "GetDashboardOutputTypeDef":
    """Return a dashboard's body as it was put."""
    dashboard = call.records.get(Dashboard, request["DashboardName"])
    return {  # type: ignore[typeddict-item]
        "DashboardArn": dashboard.arn,
        "DashboardBody": dashboard.body,
        "DashboardName": dashboard.name,
    }


def list_dashboards(call: Call, request: "ListDashboardsInputTypeDef") -> "ListDashboardsOutputTypeDef":
    """Return the dashboards in the order of their names, 1,000 a page, those whose names begin with a prefix."""
    after = call.page(request.get("NextToken"), code="InvalidParameterValueException")
    prefix = request.get("DashboardNamePrefix")
    rows = call.records.list(
        Dashboard,
        starts_with=("name", prefix) if prefix else None,
        after=None if after is None else tuple(after),
        limit=_PAGE + 1,
    )
    answer: dict[str, Any] = {
        "DashboardEntries": [
            {
                "DashboardName": row.name,
                "DashboardArn": row.arn,
                "LastModified": moment(row.modified),
                "Size": len(row.body.encode()),
            }
            for row in rows[:_PAGE]
        ]
    }
    if len(rows) > _PAGE:
        answer["NextToken"] = call.token(place(rows[_PAGE - 1]))
    return answer  # type: ignore[return-value]


def delete_dashboards(call: Call, request: "DeleteDashboardsInputTypeDef") -> dict[str, Any]:
    """Delete dashboards: all that are named, or none when one of them is not there."""
    names = list(dict.fromkeys(request["DashboardNames"]))
    if len(names) > _MOST_DELETED:
        text = f"At most {_MOST_DELETED} dashboards can be deleted in one request."
        raise ServiceFault("InvalidParameterValueException", text)
    found = [call.records.find(Dashboard, name) for name in names]
    gone = [name for name, dashboard in zip(names, found, strict=True) if dashboard is None]
    if gone:
        text = f"The dashboards {', '.join(gone)} do not exist."
        raise ServiceFault("DashboardNotFoundError", text)
    for dashboard in found:
        if dashboard is not None:
            call.records.remove(dashboard)
    return {}


def _messages(findings: list[body.Finding]) -> list[dict[str, str]]:
    return [{"DataPath": finding.path, "Message": finding.message} for finding in findings]


def _invalid(message: str, messages: list[dict[str, str]]) -> ServiceFault:
    return ServiceFault("DashboardInvalidInputError", message, dashboardValidationMessages=messages)
