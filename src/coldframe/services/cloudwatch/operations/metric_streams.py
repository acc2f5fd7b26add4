"""Metric streams: put, get, list, start, stop and delete."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import place
from coldframe.services.cloudwatch import tagging
from coldframe.services.cloudwatch.answers import moment
from coldframe.services.cloudwatch.datums import is_extended
from coldframe.services.cloudwatch.metric_streams.open_telemetry import quantile
from coldframe.services.cloudwatch.stream_records import RUNNING, STOPPED, MetricStream

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        DeleteMetricStreamInputTypeDef,
        GetMetricStreamInputTypeDef,
        GetMetricStreamOutputTypeDef,
        ListMetricStreamsInputTypeDef,
        ListMetricStreamsOutputTypeDef,
        PutMetricStreamInputTypeDef,
        PutMetricStreamOutputTypeDef,
        StartMetricStreamsInputTypeDef,
        StopMetricStreamsInputTypeDef,
    )

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PAGE = 500
_MOST_FILTERS = 1000
_MOST_CONFIGURATIONS = 100
_MOST_STATISTICS = 20


def put_metric_stream(call: Call, request: "PutMetricStreamInputTypeDef") -> "PutMetricStreamOutputTypeDef":
    """Make a stream, running, or replace the configuration of one, whose state stays."""
    _check(request)
    name, arn = request["Name"], call.arn(f"metric-stream/{request['Name']}")
    _check_firehose(call, request["FirehoseArn"])
    call.require("iam:PassRole", request["RoleArn"])
    before = call.records.find(MetricStream, name)
    tags = tagging.tags_of_new(call, request.get("Tags"), arn) if before is None else before.tags
    call.records.put(
        MetricStream(
            name=name,
            arn=arn,
            firehose=request["FirehoseArn"],
            role=request["RoleArn"],
            format=request["OutputFormat"],
            state=RUNNING if before is None else before.state,
            created=call.now if before is None else before.created,
            updated=call.now,
            sent_until=_this_minute(call) if before is None else before.sent_until,
            include=list(request.get("IncludeFilters") or []),  # type: ignore[arg-type]
            exclude=list(request.get("ExcludeFilters") or []),  # type: ignore[arg-type]
            statistics=list(request.get("StatisticsConfigurations") or []),  # type: ignore[arg-type]
            linked=bool(request.get("IncludeLinkedAccountsMetrics")),
            tags=tags,
        )
    )
    return {"Arn": arn}  # type: ignore[typeddict-item]


def get_metric_stream(call: Call, request: "GetMetricStreamInputTypeDef") -> "GetMetricStreamOutputTypeDef":
    """Return a stream's configuration and state."""
    row = call.records.get(MetricStream, request["Name"])
    return _entry(row) | {  # type: ignore[return-value]
        "RoleArn": row.role,
        "IncludeFilters": row.include,
        "ExcludeFilters": row.exclude,
        "StatisticsConfigurations": row.statistics,
        "IncludeLinkedAccountsMetrics": row.linked,
    }


def list_metric_streams(
    call: Call, request: "ListMetricStreamsInputTypeDef"
) -> "ListMetricStreamsOutputTypeDef":
    """Return the streams in the order of their names."""
    after = call.page(request.get("NextToken"), code="InvalidNextToken")
    size = request.get("MaxResults", _PAGE)
    rows = call.records.list(MetricStream, after=None if after is None else tuple(after), limit=size + 1)
    answer: dict[str, Any] = {"Entries": [_entry(row) for row in rows[:size]]}
    if len(rows) > size:
        answer["NextToken"] = call.token(place(rows[size - 1]))
    return answer  # type: ignore[return-value]


def delete_metric_stream(call: Call, request: "DeleteMetricStreamInputTypeDef") -> dict[str, Any]:
    """Delete a stream; one that is not there is no error."""
    row = call.records.find(MetricStream, request["Name"])
    if row is not None:
        call.records.remove(row)
    return {}


def start_metric_streams(call: Call, request: "StartMetricStreamsInputTypeDef") -> dict[str, Any]:
    """Have streams send what comes from now on: all that are named, or none."""
    for row in _named(call, request["Names"]):
        if row.state != RUNNING:
            call.records.change(row, state=RUNNING, updated=call.now, sent_until=_this_minute(call))
    return {}


def stop_metric_streams(call: Call, request: "StopMetricStreamsInputTypeDef") -> dict[str, Any]:
    """Have streams send nothing more: all that are named, or none."""
    for row in _named(call, request["Names"]):
        if row.state != STOPPED:
            call.records.change(row, state=STOPPED, updated=call.now)
    return {}


def _named(call: Call, names: Sequence[str]) -> list[MetricStream]:
    if not names:
        raise ServiceFault("MissingParameter", "The parameter Names is required.")
    found = []
    for name in dict.fromkeys(names):
        row = call.records.find(MetricStream, name)
        if row is None:
            raise _invalid(f"MetricStream {name} not found")
        found.append(row)
    return found


def _entry(row: MetricStream) -> dict[str, Any]:
    return {
        "Arn": row.arn,
        "Name": row.name,
        "FirehoseArn": row.firehose,
        "State": row.state,
        "OutputFormat": row.format,
        "CreationDate": moment(row.created),
        "LastUpdateDate": moment(row.updated),
    }


def _this_minute(call: Call) -> int:
    return call.now // 60_000 * 60


def _check(request: "PutMetricStreamInputTypeDef") -> None:
    if not _NAME.fullmatch(request["Name"]):
        raise _invalid("Name can only contain letters, digits, hyphens and underscores.")
    include, exclude = request.get("IncludeFilters") or [], request.get("ExcludeFilters") or []
    if include and exclude:
        text = "IncludeFilters and ExcludeFilters cannot be specified together."
        raise ServiceFault("InvalidParameterCombination", text)
    filters = [*include, *exclude]
    if any("Namespace" not in each for each in filters):
        raise ServiceFault("MissingParameter", "Every filter needs a Namespace.")
    if sum(1 + len(each.get("MetricNames") or []) for each in filters) > _MOST_FILTERS:
        raise _invalid(f"The filters can include up to {_MOST_FILTERS} names of namespaces and metrics.")
    configurations = request.get("StatisticsConfigurations") or []
    if len(configurations) > _MOST_CONFIGURATIONS:
        raise _invalid(f"StatisticsConfigurations can have up to {_MOST_CONFIGURATIONS} members.")
    for each in configurations:
        if len(each["IncludeMetrics"]) > _MOST_CONFIGURATIONS:
            raise _invalid(f"IncludeMetrics can have up to {_MOST_CONFIGURATIONS} members.")
        if not 0 < len(each["AdditionalStatistics"]) <= _MOST_STATISTICS:
            raise _invalid(f"AdditionalStatistics can have 1 to {_MOST_STATISTICS} members.")
        for name in each["AdditionalStatistics"]:
            if not is_extended(name):
                raise _invalid(f"{name} is no statistic that can be added to a stream.")
            if request["OutputFormat"] != "json" and quantile(name) is None:
                raise _invalid(f"{name} is no percentile, and a stream in OpenTelemetry has no others.")


def _check_firehose(call: Call, text: str) -> None:
    try:
        arn = arns.parse(text)
    except ValueError:
        raise _invalid(f"{text} is not an ARN.") from None
    if arn.service != "firehose" or not arn.resource.startswith("deliverystream/"):
        raise _invalid(f"{text} is not the ARN of a Firehose delivery stream.")
    if (arn.account, arn.region) != (call.account, call.region):
        raise _invalid("The delivery stream has to be in the account and region of the metric stream.")


def _invalid(message: str) -> ServiceFault:
    return ServiceFault("InvalidParameterValue", message)
