"""Log anomaly detectors: what watches the patterns of a log group's events."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.logs import tagging
from coldframe.services.logs.filtering import compiled
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import cached_group, detector_of, group_arn, invalid, name_in
from coldframe.services.logs.records import AnomalyPattern, LogAnomaly, LogAnomalyDetector

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        CreateLogAnomalyDetectorRequestTypeDef,
        CreateLogAnomalyDetectorResponseTypeDef,
        DeleteLogAnomalyDetectorRequestTypeDef,
        GetLogAnomalyDetectorRequestTypeDef,
        GetLogAnomalyDetectorResponseTypeDef,
        ListLogAnomalyDetectorsRequestTypeDef,
        ListLogAnomalyDetectorsResponseTypeDef,
        UpdateLogAnomalyDetectorRequestTypeDef,
    )

MOST_DETECTORS = 500
_FREQUENCY, _VISIBILITY = "FIVE_MIN", 21


def create_log_anomaly_detector(
    call: Call, request: "CreateLogAnomalyDetectorRequestTypeDef"
) -> "CreateLogAnomalyDetectorResponseTypeDef":
    """Create an anomaly detector of a log group; it learns what is usual from the events of the last two weeks."""
    if len(request["logGroupArnList"]) != 1:
        raise invalid("logGroupArnList must have exactly one ARN.")
    if request.get("kmsKeyId"):
        raise NotBuilt("Customer managed KMS keys for anomaly detectors are not built in coldframe yet.")
    group = cached_group(call, name_in(call, request["logGroupArnList"][0]))
    compiled(request.get("filterPattern", ""))
    identifier = call.new_id()
    tags = tagging.added({}, request.get("tags", {}), _arn(call, identifier))
    if call.records.count(LogAnomalyDetector) >= MOST_DETECTORS:
        raise ServiceFault("LimitExceededException", "Resource limit exceeded.")
    call.records.add(
        LogAnomalyDetector(
            id=identifier,
            name=request.get("detectorName", ""),
            group=group.name,
            frequency=request.get("evaluationFrequency", _FREQUENCY),
            pattern=request.get("filterPattern", ""),
            visibility_days=request.get("anomalyVisibilityTime", _VISIBILITY),
            created=call.now,
            modified=call.now,
            due=call.now,
            tags=tags,
        )
    )
    return {"anomalyDetectorArn": _arn(call, identifier)}  # type: ignore[typeddict-item]


def get_log_anomaly_detector(
    call: Call, request: "GetLogAnomalyDetectorRequestTypeDef"
) -> "GetLogAnomalyDetectorResponseTypeDef":
    """Return an anomaly detector."""
    return _description(call, detector_of(call, request))  # type: ignore[return-value]


def list_log_anomaly_detectors(
    call: Call, request: "ListLogAnomalyDetectorsRequestTypeDef"
) -> "ListLogAnomalyDetectorsResponseTypeDef":
    """Return a page of the account's anomaly detectors, or of those of one log group, the oldest first."""
    after, limit = call.page(request.get("nextToken")), request.get("limit", MOST)
    wanted = request.get("filterLogGroupArn")
    group = name_in(call, wanted) if wanted is not None else None
    rows = call.records.list(
        LogAnomalyDetector, order="created", after=None if after is None else tuple(after)
    )
    found = [row for row in rows if group is None or row.group == group]
    shown, token = page(call, found, limit, lambda row: [row.created, row.id])
    described = [{"anomalyDetectorArn": _arn(call, row.id), **_description(call, row)} for row in shown]
    return {"anomalyDetectors": described, **token}  # type: ignore[typeddict-item]


def update_log_anomaly_detector(call: Call, request: "UpdateLogAnomalyDetectorRequestTypeDef") -> None:
    """Change an anomaly detector, or pause it, or have it go on with the events from now on."""
    row = detector_of(call, request)
    compiled(request.get("filterPattern", row.pattern))
    begins = request["enabled"] and not row.enabled
    call.records.change(
        row,
        enabled=request["enabled"],
        frequency=request.get("evaluationFrequency", row.frequency),
        pattern=request.get("filterPattern", row.pattern),
        visibility_days=request.get("anomalyVisibilityTime", row.visibility_days),
        modified=call.now,
        evaluated=call.now if begins else row.evaluated,
        due=call.now if begins else row.due,
    )


def delete_log_anomaly_detector(call: Call, request: "DeleteLogAnomalyDetectorRequestTypeDef") -> None:
    """Delete an anomaly detector, and what it found."""
    row = detector_of(call, request)
    for kind in (AnomalyPattern, LogAnomaly):
        for each in call.records.list(kind, key_prefix=(row.id,)):
            call.records.remove(each)
    call.records.remove(row)


def _arn(call: Call, identifier: str) -> str:
    return call.arn(f"anomaly-detector:{identifier}")


def _status(row: LogAnomalyDetector) -> str:
    if not row.enabled:
        return "PAUSED"
    if row.failed:
        return "FAILED"
    if not row.intervals:
        return "TRAINING" if row.evaluated else "INITIALIZING"
    return "ANALYZING"


def _description(call: Call, row: LogAnomalyDetector) -> dict[str, Any]:
    described: dict[str, Any] = {
        "logGroupArnList": [group_arn(call, row.group)],
        "evaluationFrequency": row.frequency,
        "anomalyDetectorStatus": _status(row),
        "creationTimeStamp": row.created,
        "lastModifiedTimeStamp": row.modified,
        "anomalyVisibilityTime": row.visibility_days,
    }
    given = {"detectorName": row.name, "filterPattern": row.pattern}
    return described | {name: value for name, value in given.items() if value}
