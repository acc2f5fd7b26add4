"""CloudWatch Logs Insights queries: started, stopped, listed, and their results."""

from functools import partial
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import place
from coldframe.services.logs.insights import pointers
from coldframe.services.logs.insights.asking import kept_text, task_of
from coldframe.services.logs.insights.errors import QueryFailed
from coldframe.services.logs.insights.results import KeptResults, Results
from coldframe.services.logs.insights.running import QueryRunner
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.records import InsightsQuery

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DescribeQueriesRequestTypeDef,
        DescribeQueriesResponseTypeDef,
        GetQueryResultsRequestTypeDef,
        GetQueryResultsResponseTypeDef,
        ListLogGroupsForQueryRequestTypeDef,
        ListLogGroupsForQueryResponseTypeDef,
        StartQueryRequestTypeDef,
        StartQueryResponseTypeDef,
        StopQueryRequestTypeDef,
        StopQueryResponseTypeDef,
    )

MOST_RESULTS = 10_000
MOST_QUERIES = 1000


def start_query(call: Call, request: "StartQueryRequestTypeDef") -> "StartQueryResponseTypeDef":
    """Compile a query and have it run; it is told at once what is wrong with it."""
    runner = call.part(QueryRunner)
    task, names = task_of(call, request)
    if runner.full:
        raise ServiceFault(
            "LimitExceededException", "Too many queries run at once; stop one, or wait for one to end."
        )
    row = InsightsQuery(
        id=task.id,
        text=kept_text(request, names),
        groups=names,
        created=call.now,
        caller=call.principal.arn,
        unmasks=task.plan.unmasks,
    )
    call.records.add(row)
    call.records.after_commit(lambda: runner.submit(task))
    return {"queryId": task.id}  # type: ignore[typeddict-item]


def get_query_results(
    call: Call, request: "GetQueryResultsRequestTypeDef"
) -> "GetQueryResultsResponseTypeDef":
    """Return a page of a query's results, none while it runs; of one that failed, the reason as a row."""
    # The process is asked before the record is read: what ends in between is then seen as ended.
    state = call.part(QueryRunner).state(request["queryId"])
    row = call.records.get(InsightsQuery, request["queryId"])
    if row.unmasks:
        for name in row.groups:
            call.require("logs:Unmask", call.arn(f"log-group:{name}:*"))
    status = _status(row, state)
    answer: GetQueryResultsResponseTypeDef = {  # type: ignore[typeddict-item]
        "queryLanguage": row.language,
        "results": [],
        "status": status,
        "statistics": {
            "recordsMatched": row.matched,
            "recordsScanned": row.scanned,
            "estimatedRecordsSkipped": 0.0,
            "bytesScanned": row.bytes,
            "estimatedBytesSkipped": 0.0,
            "logGroupsScanned": float(len(row.groups)),
            "resultCount": float(row.results),
        },
    }
    if status == "Failed":
        answer["results"] = [
            [{"field": "@error", "value": row.error or "the server stopped while the query ran"}]
        ]
    if status != "Complete":
        return answer
    try:
        results = call.part(KeptResults).read(row.id)
    except QueryFailed as error:
        raise ServiceFault("ServiceUnavailableException", str(error)) from error
    first = _first(call, row.id, request.get("nextToken"))
    end = first + request.get("maxItems", MOST_RESULTS)
    answer["results"] = [_fields(call, results, at) for at in range(first, min(end, len(results.rows)))]
    if end < len(results.rows) and end > first:
        answer["nextToken"] = call.token([row.id, end])
    return answer


def stop_query(call: Call, request: "StopQueryRequestTypeDef") -> "StopQueryResponseTypeDef":
    """Stop a query that waits or runs; one that has ended is refused."""
    runner = call.part(QueryRunner)
    row = call.records.get(InsightsQuery, request["queryId"])
    if row.status != "Scheduled" or runner.state(row.id) is None:
        raise invalid(f"Query {row.id} is not running.")
    call.records.change(row, status="Cancelled", duration=call.now - row.created)
    call.records.after_commit(partial(_stop, runner, row.id))
    return {"success": True}  # type: ignore[typeddict-item]


def describe_queries(
    call: Call, request: "DescribeQueriesRequestTypeDef"
) -> "DescribeQueriesResponseTypeDef":
    """Return a page of the queries of the last seven days, the latest first."""
    after, limit = call.page(request.get("nextToken")), request.get("maxResults", MOST_QUERIES)
    runner = call.part(QueryRunner)
    rows = call.records.list(
        InsightsQuery, order="created", descending=True, after=None if after is None else tuple(after)
    )
    group, wanted, language = request.get("logGroupName"), request.get("status"), request.get("queryLanguage")
    found = [
        row
        for row in rows
        if (group is None or group in row.groups)
        and (language is None or row.language == language)
        and (wanted is None or _status(row, runner.state(row.id)) == wanted)
    ]
    shown, token = page(call, found, limit, lambda row: list(place(row, "created")))
    queries = [_description(row, _status(row, runner.state(row.id))) for row in shown]
    return {"queries": queries, **token}  # type: ignore[typeddict-item]


def list_log_groups_for_query(
    call: Call, request: "ListLogGroupsForQueryRequestTypeDef"
) -> "ListLogGroupsForQueryResponseTypeDef":
    """Return a page of the names of the log groups that a query reads."""
    row = call.records.get(InsightsQuery, request["queryId"])
    after = call.page(request.get("nextToken"))
    names = [name for name in sorted(row.groups) if after is None or name > after]
    shown, token = page(call, names, request.get("maxResults", MOST), lambda name: name)
    return {"logGroupIdentifiers": list(shown), **token}  # type: ignore[typeddict-item]


def _stop(runner: QueryRunner, query: str) -> None:
    runner.stop(query)


def _status(row: InsightsQuery, state: str | None) -> str:
    """Return a query's status: as it runs here, as it ended, or Failed when the process it ran in is no more."""
    if row.status != "Scheduled":
        return row.status
    return state or "Failed"


def _first(call: Call, query: str, token: str | None) -> int:
    found: Any = call.page(token)
    if found is None:
        return 0
    if found[0] != query:
        raise invalid("The specified nextToken is invalid.")
    return int(found[1])


def _fields(call: Call, results: Results, at: int) -> list[Any]:
    """Return a row of the answer: the fields that have a value, and the pointer to the event it is."""
    fields = [
        {"field": name, "value": value}
        for name, value in zip(results.names, results.rows[at], strict=True)
        if value is not None
    ]
    event = results.events[at] if results.events else None
    if event is not None:
        fields.append({"field": "@ptr", "value": pointers.written(call, event)})
    return fields


def _description(row: InsightsQuery, status: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "queryLanguage": row.language,
        "queryId": row.id,
        "queryString": row.text,
        "status": status,
        "createTime": row.created,
        "queryDuration": row.duration,
        "bytesScanned": row.bytes,
        "userIdentity": row.caller,
    }
    if row.groups:
        described["logGroupName"] = row.groups[0]
    return described
