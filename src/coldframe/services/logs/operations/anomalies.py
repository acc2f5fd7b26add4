"""Anomalies that log anomaly detectors have found: listed, suppressed, taken as usual."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.logs.anomalies.evaluation import suppressed, to_baseline
from coldframe.services.logs.anomaly_records import INFINITE
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.log_patterns import MARK
from coldframe.services.logs.lookup import detector_of, group_arn, invalid
from coldframe.services.logs.records import AnomalyPattern, LogAnomaly, LogAnomalyDetector

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        ListAnomaliesRequestTypeDef,
        ListAnomaliesResponseTypeDef,
        UpdateAnomalyRequestTypeDef,
    )

_DYNAMIC = "<*>"
_SECONDS = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3600}


def list_anomalies(call: Call, request: "ListAnomaliesRequestTypeDef") -> "ListAnomaliesResponseTypeDef":
    """Return a page of anomalies, of all detectors or of one."""
    if "anomalyDetectorArn" in request:
        detectors = [detector_of(call, request)]
    else:
        detectors = call.records.list(LogAnomalyDetector)
    after, limit = call.page(request.get("nextToken")), request.get("limit", MOST)
    wanted = request.get("suppressionState")
    found = []
    for detector in detectors:
        patterns = {
            row.id: row
            for row in call.records.list(AnomalyPattern, key_prefix=(detector.id,))
            if row.suppressed
        }
        for row in call.records.list(LogAnomaly, key_prefix=(detector.id,)):
            described = _description(call, detector, row, patterns.get(row.pattern))
            state = "SUPPRESSED" if described["suppressed"] else "UNSUPPRESSED"
            if wanted in {None, state} and (after is None or [detector.id, row.id] > after):
                found.append((row, described))
    found.sort(key=lambda each: (each[0].detector, each[0].id))
    shown, token = page(call, found, limit, lambda each: [each[0].detector, each[0].id])
    return {"anomalies": [described for _, described in shown], **token}  # type: ignore[typeddict-item]


def update_anomaly(call: Call, request: "UpdateAnomalyRequestTypeDef") -> None:
    """Suppress an anomaly or a pattern, or end that; or take an anomaly as usual from now on."""
    detector = detector_of(call, request)
    if ("anomalyId" in request) == ("patternId" in request):
        raise invalid("You must specify either anomalyId or patternId, but not both.")
    since, until = 0, 0
    kind = request.get("suppressionType")
    if kind is not None:
        since, until = call.now, INFINITE
    if kind == "LIMITED":
        period = request.get("suppressionPeriod") or {}
        if period.get("value", 0) < 1 or "suppressionUnit" not in period:
            raise invalid(
                "A suppression of the type LIMITED needs a suppressionPeriod with a value and a unit."
            )
        until = call.now + period["value"] * _SECONDS[period["suppressionUnit"]] * 1000
    if "anomalyId" in request:
        rows = [call.records.get(LogAnomaly, detector.id, request["anomalyId"])]
        call.records.change(rows[0], suppressed=since, suppressed_until=until)
    else:
        pattern = call.records.find(AnomalyPattern, detector.id, request["patternId"])
        if pattern is None:
            raise ServiceFault("ResourceNotFoundException", "The specified pattern does not exist.")
        call.records.change(pattern, suppressed=since, suppressed_until=until)
        rows = call.records.list(LogAnomaly, key_prefix=(detector.id,), where={"pattern": pattern.id})
    if request.get("baseline"):
        for row in rows:
            to_baseline(call.records, detector, row)


def _description(
    call: Call, detector: LogAnomalyDetector, row: LogAnomaly, pattern: AnomalyPattern | None
) -> dict[str, Any]:
    own = suppressed(row.suppressed, row.suppressed_until, call.now)
    whole = pattern is not None and suppressed(pattern.suppressed, pattern.suppressed_until, call.now)
    state = "Baseline" if row.baseline else "Suppressed" if own or whole else "Active"
    described: dict[str, Any] = {
        "anomalyId": row.id,
        "patternId": row.pattern,
        "anomalyDetectorArn": call.arn(f"anomaly-detector:{detector.id}"),
        "patternString": row.template.replace(MARK, _DYNAMIC),
        "patternRegex": _regex(row.template),
        "priority": row.priority,
        "firstSeen": row.first_seen // 1000,
        "lastSeen": row.last_seen // 1000,
        "description": row.description,
        "active": row.active,
        "state": state,
        "histogram": {str(int(time) // 1000): count for time, count in row.histogram.items()},
        "logSamples": row.samples,
        "patternTokens": _tokens(row),
        "logGroupArnList": [group_arn(call, detector.group)],
        "suppressed": own or whole,
    }
    if own or whole:
        source = row if own or pattern is None else pattern
        described["suppressedDate"] = source.suppressed // 1000
        described["suppressedUntil"] = max(source.suppressed_until, 0) // 1000
        described["isPatternLevelSuppression"] = not own
    return described


def _regex(template: str) -> str:
    import re2

    return f"^{'.*?'.join(re2.escape(piece) for piece in template.split(MARK))}$"


def _tokens(row: LogAnomaly) -> list[dict[str, Any]]:
    """Return the tokens of a pattern: the texts between what varies, and what varies with the values it had."""
    tokens: list[dict[str, Any]] = []
    pieces = row.template.split(MARK)
    for place, piece in enumerate(pieces):
        if place:
            values = row.tokens[place - 1] if place <= len(row.tokens) else {}
            name = row.names[place - 1] if place <= len(row.names) else f"Token-{place}"
            tokens.append(
                {
                    "dynamicTokenPosition": place,
                    "isDynamic": True,
                    "tokenString": _DYNAMIC,
                    "enumerations": values,
                    "inferredTokenName": name,
                }
            )
        if piece:
            tokens.append(
                {"dynamicTokenPosition": 0, "isDynamic": False, "tokenString": piece, "enumerations": {}}
            )
    return tokens
