"""Certificate authorities: the one that signs the endpoints' certificates here."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import authorities, pages
from coldframe.services.rds.certificates import Authority
from coldframe.services.rds.records import DefaultCertificate


def describe_certificates(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the authority with its validity and thumbprint."""
    _known(request.get("CertificateIdentifier"))
    page, marker = pages.page(call, request, [_answer(call)], lambda row: row["CertificateIdentifier"])
    return {"DefaultCertificateForNewLaunches": authorities.DEFAULT, "Certificates": page, **marker}


def modify_certificates(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Override the authority of new instances, or no longer; there is one."""
    _known(request.get("CertificateIdentifier"))
    present = call.records.find(DefaultCertificate, authorities.DEFAULT)
    if request.get("RemoveCustomerOverride"):
        if present is not None:
            call.records.remove(present)
    elif request.get("CertificateIdentifier"):
        call.records.put(DefaultCertificate(id=authorities.DEFAULT))
    return {"Certificate": _answer(call)}


def _known(name: str | None) -> None:
    if name and name != authorities.DEFAULT:
        raise ServiceFault("CertificateNotFoundFault", f"Certificate not found: {name}")


def _answer(call: Call) -> dict[str, Any]:
    authority = call.part(Authority)
    own = authority.own()
    override = call.records.find(DefaultCertificate, authorities.DEFAULT) is not None
    answer: dict[str, Any] = {
        "CertificateIdentifier": authorities.DEFAULT,
        "CertificateType": "CA",
        "Thumbprint": authority.thumbprint(),
        "ValidFrom": own.not_valid_before_utc,
        "ValidTill": own.not_valid_after_utc,
        "CertificateArn": f"arn:{call.partition}:rds:{call.region}::cert:{authorities.DEFAULT}",
        "CustomerOverride": override,
    }
    return {**answer, "CustomerOverrideValidTill": own.not_valid_after_utc} if override else answer
