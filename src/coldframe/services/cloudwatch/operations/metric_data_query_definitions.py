"""Saved metric queries: put, get, list and delete. CloudWatch keeps them and does not look at their expressions."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import place
from coldframe.services.cloudwatch import tagging
from coldframe.services.cloudwatch.answers import moment
from coldframe.services.cloudwatch.dashboard_records import QueryDefinition

_MOST = 1000
_LONGEST_PATH = 1015
_PAGE = 100


def put_metric_data_query_definition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Save a query under a path of its own, or replace one by its id."""
    path = request["Path"]
    if path.startswith("/") or path.endswith("/") or "//" in path or len(path.encode()) > _LONGEST_PATH:
        text = f"Path must not begin or end with a slash, hold an empty folder name, or have more than {_LONGEST_PATH} bytes."
        raise ServiceFault("ValidationError", text, status=400)
    identifier = request.get("Id")
    before = call.records.get(QueryDefinition, identifier) if identifier else None
    taken = call.records.list(QueryDefinition, where={"path": path}, limit=1)
    if taken and taken[0].id != identifier:
        raise ServiceFault(
            "ConflictException", f"A metric data query definition has the path {path} already."
        )
    if before is None and call.records.count(QueryDefinition) >= _MOST:
        text = f"There can be up to {_MOST} metric data query definitions in a Region."
        raise ServiceFault("LimitExceededException", text)
    identifier = identifier or call.new_id()
    arn = call.arn(f"metric-query-definition/{identifier}")
    row = QueryDefinition(
        id=identifier,
        arn=arn,
        path=path,
        expression=request["Expression"],
        type=request["Type"],
        created=call.now if before is None else before.created,
        updated=call.now,
        tags=tagging.tags_of_new(call, request.get("Tags"), arn) if before is None else before.tags,
    )
    call.records.put(row)
    return _whole(row)


def get_metric_data_query_definition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a saved query."""
    return _whole(call.records.get(QueryDefinition, request["Id"]))


def list_metric_data_query_definitions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the saved queries without their expressions."""
    after = call.page(request.get("NextToken"), code="ValidationError")
    size = request.get("MaxResults", _PAGE)
    rows = call.records.list(QueryDefinition, after=None if after is None else tuple(after), limit=size + 1)
    answer: dict[str, Any] = {
        "Items": [
            {"Id": row.id, "Path": row.path, "Type": row.type, "UpdatedAt": moment(row.updated)}
            for row in rows[:size]
        ]
    }
    if len(rows) > size:
        answer["NextToken"] = call.token(place(rows[size - 1]))
    return answer


def delete_metric_data_query_definition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete a saved query; one that is not there is no error."""
    row = call.records.find(QueryDefinition, request["Id"])
    if row is not None:
        call.records.remove(row)
    return {}


def _whole(row: QueryDefinition) -> dict[str, Any]:
    return {
        "Id": row.id,
        "Arn": row.arn,
        "Path": row.path,
        "Expression": row.expression,
        "Type": row.type,
        "CreatedAt": moment(row.created),
        "UpdatedAt": moment(row.updated),
    }
