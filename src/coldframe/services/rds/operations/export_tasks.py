"""Export tasks: the data of a snapshot as Parquet files in a bucket, written by a durable job as the role that the caller names."""

from typing import Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError, status_of
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns, export_places, jobs, names, pages
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.exports import Exports, Place, source_of, version_for
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.records import ExportTask
from coldframe.services.rds.times import moment

_ACTIVE = ("STARTING", "IN_PROGRESS", "CANCELING")
# Source: Amazon RDS User Guide, Considerations for DB snapshot exports.
_AT_ONCE = 5
_GB = 1024**3


def start_export_task(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to export a snapshot, once the role could be taken on and reaches the bucket."""
    identifier = request["ExportTaskIdentifier"]
    names.identifier(identifier, "ExportTaskIdentifier", longest=60)
    arn, kind, name = arns.taken_apart(request["SourceArn"], "SourceArn")
    if kind == "cluster":
        raise bad_combination(
            "SourceArn: a running DB cluster is not exported here; make a snapshot of it"
            " (aws rds create-db-cluster-snapshot) and export that"
        )
    if kind not in {"snapshot", "cluster-snapshot"} or (arn.account, arn.region) != (
        call.account,
        call.region,
    ):
        raise bad_value(
            f"SourceArn {request['SourceArn']} is not the ARN of a snapshot of this account and Region"
        )
    with call.installation.store.read() as transaction:
        source_of(transaction.records(call.account, call.region), request["SourceArn"])
    prefix = request.get("S3Prefix", "")
    if ":" in prefix:
        raise bad_value("S3Prefix must not contain a colon.")
    role, bucket = request["IamRoleArn"], request["S3BucketName"]
    call.require("iam:PassRole", role)
    _check_key(call, request["KmsKeyId"])
    # These are calls of other services, so they come before our transaction is opened.
    _reach(call, identifier, role, bucket)
    records = call.records
    source = source_of(records, request["SourceArn"])
    if source.status != "available":
        raise ServiceFault(
            "InvalidExportSourceStateFault", f"The export source {source.identifier} is not available."
        )
    only = list(request.get("ExportOnly") or ())
    export_places.check_only(only, schemas=source.engine != "mariadb")
    source_arn = str(arn._replace(resource=f"{kind}:{name}"))
    active = records.list(ExportTask, where={"status": list(_ACTIVE)})
    if any(row.source == source_arn for row in active):
        raise ServiceFault(
            "InvalidExportSourceStateFault",
            f"The export source {source.identifier} is being exported already.",
        )
    row = ExportTask(
        identifier=identifier,
        source=source_arn,
        engine=source.engine,
        version=version_for(call.part(Databases), source),
        folder=f"export-{ids.hexadecimal(16)}",
        bucket=bucket,
        role=role,
        key=request["KmsKeyId"],
        status="STARTING",
        snapshot_time=source.created,
        prefix=prefix,
        only=only,
        encryption=source.encryption,
    )
    records.add(row)
    if len(active) >= _AT_ONCE:
        raise bad_combination(f"There are {_AT_ONCE} export tasks in progress already, which is the most.")
    call.start(jobs.export_snapshot, identifier)
    return _described(row)


def cancel_export_task(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Stop a task before its next file; what it has written stays in the bucket."""
    row = call.records.get(ExportTask, request["ExportTaskIdentifier"])
    if row.status not in {"STARTING", "IN_PROGRESS"}:
        raise ServiceFault(
            "InvalidExportTaskStateFault",
            f"The export task {row.identifier} can't be canceled because its status is {row.status}.",
        )
    return _described(call.records.change(row, status="CANCELING"))


def describe_export_tasks(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one task, or a page of those of a source, or all."""
    if name := request.get("ExportTaskIdentifier"):
        rows = [call.records.get(ExportTask, name)]
    else:
        rows = call.records.list(ExportTask)
    if source := request.get("SourceArn"):
        rows = [row for row in rows if row.source == source]
    if request.get("SourceType", "SNAPSHOT") != "SNAPSHOT":
        rows = []
    rows = pages.filtered(
        request,
        rows,
        {
            "export-task-identifier": lambda row: row.identifier,
            "s3-bucket": lambda row: row.bucket,
            "source-arn": lambda row: row.source,
            "status": lambda row: row.status.lower(),
        },
    )
    page, marker = pages.page(call, request, rows, lambda row: row.identifier)
    return {"ExportTasks": [_described(row) for row in page], **marker}


def _check_key(call: Call, key: str) -> None:
    """Look at the key that the files are to be encrypted with; raises KMSKeyNotAccessibleFault."""
    try:
        found = call.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    except ClientError:
        found = {"Enabled": False}
    if not found["Enabled"] or found["KeySpec"] != "SYMMETRIC_DEFAULT":
        raise ServiceFault(
            "KMSKeyNotAccessibleFault",
            f"Specified KMS key [{key}] does not exist, is not enabled or you do not have permissions to access it.",
        )


def _reach(call: Call, identifier: str, role: str, bucket: str) -> None:
    """Take on the role and look at the bucket with it; raises the fault of whichever does not let us."""
    place = Place(call.account, call.region, identifier)
    try:
        s3 = call.part(Exports).client(place, role, "s3")
    except ClientError as error:
        raise ServiceFault(
            "IamRoleNotFoundFault",
            f"The IAM role {role} is missing, or does not trust export.rds.amazonaws.com"
            f" ({error.response['Error'].get('Message')})",
        ) from None
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if status_of(error) == 403:
            raise ServiceFault(
                "IamRoleMissingPermissionsFault",
                f"The IAM role {role} is missing permissions on the S3 bucket {bucket}: it needs s3:PutObject*,"
                " s3:GetObject*, s3:ListBucket, s3:DeleteObject* and s3:GetBucketLocation.",
            ) from None
        raise ServiceFault(
            "InvalidS3BucketFault",
            f"The specified Amazon S3 bucket {bucket} is not valid: there is none of this name.",
        ) from None


def _described(row: ExportTask) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "ExportTaskIdentifier": row.identifier,
        "SourceArn": row.source,
        "SourceType": "SNAPSHOT",
        "ExportOnly": row.only,
        "SnapshotTime": moment(row.snapshot_time),
        "S3Bucket": row.bucket,
        "S3Prefix": row.prefix,
        "IamRoleArn": row.role,
        "KmsKeyId": row.key,
        "Status": row.status,
        "PercentProgress": row.progress,
        "TotalExtractedDataInGB": row.size // _GB,
    }
    if row.started:
        answer["TaskStartTime"] = moment(row.started)
    if row.ended:
        answer["TaskEndTime"] = moment(row.ended)
    if row.failure:
        answer["FailureCause"] = row.failure
    if row.warning:
        answer["WarningMessage"] = row.warning
    return answer
