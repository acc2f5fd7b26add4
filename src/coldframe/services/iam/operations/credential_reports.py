"""The credential report: one line of CSV for the root and each user, with the state of its credentials."""

import csv
import io
from collections import defaultdict
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import AccessKey, Account, MfaDevice, User
from coldframe.services.iam.answers import moment
from coldframe.services.iam.names import arn_of
from coldframe.services.iam.records import CredentialReport, PasswordPolicy, SigningCertificate

# AWS makes a new report when the last one is older than four hours, and keeps one for seven days.
_FRESH = 4 * 3600
_KEPT = 7 * 24 * 3600
_DAY = 24 * 3600

_COLUMNS = (
    *("user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed"),
    *("password_next_rotation", "mfa_active"),
    *(
        f"access_key_{number}_{what}"
        for number in (1, 2)
        for what in ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
    ),
    *(f"cert_{number}_{what}" for number in (1, 2) for what in ("active", "last_rotated")),
)


def generate_credential_report(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make the report, or keep the last one while it is fresh; it is ready at once."""
    now = call.now // 1000
    last = call.records.find(CredentialReport, call.account)
    if last is not None and now - last.generated < _FRESH:
        return {"State": "COMPLETE"}
    call.records.put(CredentialReport(account=call.account, content=_report(call), generated=now))
    return {
        "State": "STARTED",
        "Description": "No report exists. Starting a new report generation task",
    }


def get_credential_report(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the last report."""
    last = call.records.find(CredentialReport, call.account)
    if last is None:
        raise ServiceFault("ReportNotPresent", "No report exists. Request one with GenerateCredentialReport.")
    if call.now // 1000 - last.generated > _KEPT:
        raise ServiceFault("ReportExpired", "The report is older than seven days. Request a new one.")
    return {
        "Content": last.content.encode(),
        "ReportFormat": "text/csv",
        "GeneratedTime": moment(last.generated),
    }


def _report(call: Call) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, restval="N/A", lineterminator="\n")
    writer.writeheader()
    keys: dict[str, list[AccessKey]] = defaultdict(list)
    for key in sorted(
        call.records.list(AccessKey, where={"account": call.account}), key=lambda key: (key.created, key.id)
    ):
        keys[key.user].append(key)
    certificates: dict[str, list[SigningCertificate]] = defaultdict(list)
    for each in sorted(call.records.list(SigningCertificate), key=lambda each: (each.uploaded, each.id)):
        certificates[each.user].append(each)
    with_mfa = {device.user for device in call.records.list(MfaDevice)}
    rules = call.records.find(PasswordPolicy, call.account)
    account = call.records.find(Account, call.account)
    root = {
        "user": "<root_account>",
        "arn": f"arn:{call.partition}:iam::{call.account}:root",
        "user_creation_time": _time(account.created) if account is not None else "not_supported",
        "password_enabled": "not_supported",
        "password_last_used": "no_information",
        "password_last_changed": "not_supported",
        "password_next_rotation": "not_supported",
        "mfa_active": "false",
    }
    writer.writerow({**root, **_keys(keys[""]), **_certificates(certificates[""])})
    for user in call.records.list(User):
        row = {
            "user": user.name,
            "arn": arn_of(call, user),
            "user_creation_time": _time(user.created),
            "mfa_active": _flag(user.name in with_mfa),
            **_password(user, rules),
        }
        writer.writerow({**row, **_keys(keys[user.name]), **_certificates(certificates[user.name])})
    return out.getvalue()


def _password(user: User, rules: PasswordPolicy | None) -> dict[str, str]:
    if not user.password_hash:
        return {"password_enabled": "false"}
    row = {
        "password_enabled": "true",
        "password_last_used": "no_information",
        "password_last_changed": _time(user.password_changed),
    }
    if rules is not None and rules.max_age:
        row["password_next_rotation"] = _time(user.password_changed + rules.max_age * _DAY)
    return row


def _keys(keys: list[AccessKey]) -> dict[str, str]:
    row = {f"access_key_{number}_active": "false" for number in (1, 2)}
    for number, key in enumerate(keys[:2], 1):
        row[f"access_key_{number}_active"] = _flag(key.status == "Active")
        row[f"access_key_{number}_last_rotated"] = _time(key.created)
        if key.last_used:
            row[f"access_key_{number}_last_used_date"] = _time(key.last_used)
            row[f"access_key_{number}_last_used_region"] = key.last_region
            row[f"access_key_{number}_last_used_service"] = key.last_service
    return row


def _certificates(certificates: list[SigningCertificate]) -> dict[str, str]:
    row = {f"cert_{number}_active": "false" for number in (1, 2)}
    for number, certificate in enumerate(certificates[:2], 1):
        row[f"cert_{number}_active"] = _flag(certificate.status == "Active")
        row[f"cert_{number}_last_rotated"] = _time(certificate.uploaded)
    return row


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _time(seconds: int) -> str:
    return moment(seconds).strftime("%Y-%m-%dT%H:%M:%S+00:00")
