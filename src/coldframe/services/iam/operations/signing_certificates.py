"""Signing certificates of users: X.509 certificates, two at most, which are active or not."""

from typing import TYPE_CHECKING, Any

from cryptography.x509 import load_pem_x509_certificate

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import User
from coldframe.services.iam.answers import moment
from coldframe.services.iam.listing import page
from coldframe.services.iam.names import user_name
from coldframe.services.iam.quotas import check_quota
from coldframe.services.iam.records import SigningCertificate

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def upload_signing_certificate(
    call: Call, request: "shapes.UploadSigningCertificateRequestTypeDef"
) -> dict[str, Any]:
    """Keep a certificate of a user, in PEM; no user of the account has it already."""
    user, body = _owner(call, request), request["CertificateBody"]
    try:
        load_pem_x509_certificate(body.strip().encode())
    except ValueError as error:
        raise ServiceFault("MalformedCertificate", f"Certificate Body is invalid. {error}") from error
    rows = call.records.list(SigningCertificate)
    if any(row.body.strip() == body.strip() for row in rows):
        raise ServiceFault("DuplicateCertificate", "The certificate is already associated with an IAM user.")
    present = sum(row.user == user for row in rows)
    check_quota("CertificatesPerUser", present + 1, quota="SigningCertificatesPerUserQuota")
    row = SigningCertificate(id=ids.unique_id("", 32), user=user, body=body, uploaded=call.now // 1000)
    call.records.add(row)
    return {"Certificate": _described(row)}


def list_signing_certificates(
    call: Call, request: "shapes.ListSigningCertificatesRequestTypeDef"
) -> dict[str, Any]:
    """List a user's certificates."""
    rows = call.records.list(SigningCertificate, where={"user": _owner(call, request)})
    shown, more = page(call, request, rows, lambda row: row.id)
    return {"Certificates": [_described(row) for row in shown], **more}


def update_signing_certificate(call: Call, request: "shapes.UpdateSigningCertificateRequestTypeDef") -> None:
    """Activate or deactivate a certificate."""
    if request["Status"] not in {"Active", "Inactive"}:
        raise ServiceFault("ValidationError", "The status of a certificate is Active or Inactive.")
    call.records.change(_named(call, request), status=request["Status"])


def delete_signing_certificate(call: Call, request: "shapes.DeleteSigningCertificateRequestTypeDef") -> None:
    """Delete a certificate."""
    call.records.remove(_named(call, request))


def _owner(call: Call, request: Any) -> str:
    name = user_name(call, request)
    return call.records.get(User, name).name if name else ""


def _named(call: Call, request: Any) -> SigningCertificate:
    user, wanted = _owner(call, request), request["CertificateId"]
    found = call.records.find(SigningCertificate, wanted)
    if found is None or found.user != user:
        raise ServiceFault("NoSuchEntity", f"The Certificate with id {wanted} cannot be found.")
    return found


def _described(row: SigningCertificate) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "CertificateId": row.id,
        "CertificateBody": row.body,
        "Status": row.status,
        "UploadDate": moment(row.uploaded),
    }
    return {"UserName": row.user, **shape} if row.user else shape
