"""Export tasks: a group's events of some time, written to a bucket by a durable job."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.logs.bucket_access import check_export
from coldframe.services.logs.exporting import ACTIVE, export
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import cached_group, group_arn, invalid
from coldframe.services.logs.records import ExportTask, LogGroup

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        CancelExportTaskRequestTypeDef,
        CreateExportTaskRequestTypeDef,
        CreateExportTaskResponseTypeDef,
        DescribeExportTasksRequestTypeDef,
        DescribeExportTasksResponseTypeDef,
    )

_DEFAULT_PREFIX = "exportedlogs"
_LONGEST_KEY = 1024


def create_export_task(
    call: Call, request: "CreateExportTaskRequestTypeDef"
) -> "CreateExportTaskResponseTypeDef":
    """Start an export, once a test object could be written; one at a time in an account and Region."""
    prefix, bucket = request.get("destinationPrefix") or _DEFAULT_PREFIX, request["destination"]
    start: int = request["from"]  # type: ignore[typeddict-item]
    if start > request["to"]:
        raise invalid("Invalid time range: from must not be later than to.")
    if len(prefix.encode()) > _LONGEST_KEY - len("/aws-logs-write-test"):
        raise invalid(
            "destinationPrefix is too long for the key of an object, which has 1,024 bytes at most."
        )
    group = cached_group(call, request["logGroupName"])
    if request["to"] < group.created:
        raise invalid("Invalid time range: to must not be earlier than the creation of the log group.")
    with call.installation.store.read() as transaction:
        _refuse_second(transaction.records(call.account, call.region).count(ExportTask, where=_ACTIVE))
    # S3 writes in transactions of its own, so this comes before ours is opened.
    check_export(call, group_arn(call, group.name), bucket, prefix)
    records = call.records
    group = records.get(LogGroup, group.name)
    _refuse_second(records.count(ExportTask, where=_ACTIVE))
    task = ExportTask(
        id=call.new_id(),
        name=request.get("taskName", ""),
        group=group.name,
        group_id=group.id,
        stream_prefix=request.get("logStreamNamePrefix", ""),
        start=start,
        end=request["to"],
        bucket=bucket,
        prefix=prefix,
        created=call.now,
    )
    records.add(task)
    call.start(export, task.id)
    return {"taskId": task.id}  # type: ignore[typeddict-item]


def describe_export_tasks(
    call: Call, request: "DescribeExportTasksRequestTypeDef"
) -> "DescribeExportTasksResponseTypeDef":
    """Return a page of tasks, the newest first; by id, one or none."""
    identifier, status, limit = request.get("taskId"), request.get("statusCode"), request.get("limit", MOST)
    after = call.page(request.get("nextToken"))
    if identifier is not None:
        found = call.records.find(ExportTask, identifier)
        rows = [found] if found is not None and status in {None, found.status} else []
    else:
        rows = call.records.list(
            ExportTask,
            where={} if status is None else {"status": status},
            order="created",
            descending=True,
            after=None if after is None else tuple(after),
            limit=limit + 1,
        )
    shown, token = page(call, rows, limit, lambda row: [row.created, row.id])
    return {"exportTasks": [_description(row) for row in shown], **token}  # type: ignore[typeddict-item]


def cancel_export_task(call: Call, request: "CancelExportTaskRequestTypeDef") -> None:
    """Stop a task before its next object or part; what it has written stays."""
    task = call.records.get(ExportTask, request["taskId"])
    if task.status not in {"PENDING", "RUNNING"}:
        raise ServiceFault(
            "InvalidOperationException", "The specified export task is not pending or running."
        )
    call.records.change(task, status="PENDING_CANCEL")


_ACTIVE: dict[str, Any] = {"status": list(ACTIVE)}


def _refuse_second(active: int) -> None:
    if active:
        raise ServiceFault("LimitExceededException", "Resource limit exceeded.")


def _description(task: ExportTask) -> dict[str, Any]:
    execution = {"creationTime": task.created}
    if task.completed:
        execution["completionTime"] = task.completed
    described: dict[str, Any] = {
        "taskId": task.id,
        "logGroupName": task.group,
        "from": task.start,
        "to": task.end,
        "destination": task.bucket,
        "destinationPrefix": task.prefix,
        "status": {"code": task.status} | ({"message": task.message} if task.message else {}),
        "executionInfo": execution,
    }
    return described | ({"taskName": task.name} if task.name else {})
