"""Server certificates: uploaded with their private key, which nothing returns."""

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificate, load_pem_x509_certificates
from msgspec.structs import replace

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.iam import names, tagging
from coldframe.services.iam.answers import moment
from coldframe.services.iam.listing import stored
from coldframe.services.iam.quotas import check_quota
from coldframe.services.iam.records import ServerCertificate

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def upload_server_certificate(
    call: Call, request: "shapes.UploadServerCertificateRequestTypeDef"
) -> dict[str, Any]:
    """Keep a certificate whose private key fits it; all three parts are in PEM."""
    name, path = request["ServerCertificateName"], names.path_of(request)
    certificate = _certificate(request["CertificateBody"])
    # The white space around PEM is not kept: who compares what was uploaded with what is here has trimmed it.
    chain = request.get("CertificateChain", "").strip()
    if chain:
        _check_chain(chain)
    _check_pair(certificate, request["PrivateKey"])
    names.check_free(call, ServerCertificate, name)
    text, quota = names.quota_of(ServerCertificate)
    check_quota(text, call.records.count(ServerCertificate) + 1, quota=quota)
    identity = ids.unique_id("ASCA")
    row = ServerCertificate(
        name=name,
        folded=name.lower(),
        id=identity,
        path=path,
        body=request["CertificateBody"].strip(),
        chain=chain,
        sealed_key=call.installation.seal.seal(
            "server-certificate", identity, request["PrivateKey"].encode()
        ),
        uploaded=call.now // 1000,
        expires=int(certificate.not_valid_after_utc.timestamp()),
        tags=tagging.of_request(request),
    )
    call.records.add(row)
    answer = {"ServerCertificateMetadata": _metadata(call, row)}
    return {**answer, "Tags": tagging.listed(row.tags)} if row.tags else answer


def get_server_certificate(
    call: Call, request: "shapes.GetServerCertificateRequestTypeDef"
) -> dict[str, Any]:
    """Return a certificate and its chain, without the private key."""
    row = call.records.get(ServerCertificate, request["ServerCertificateName"])
    shape: dict[str, Any] = {
        "ServerCertificateMetadata": _metadata(call, row),
        "CertificateBody": row.body,
        "Tags": tagging.listed(row.tags),
    }
    if row.chain:
        shape["CertificateChain"] = row.chain
    return {"ServerCertificate": shape}


def list_server_certificates(
    call: Call, request: "shapes.ListServerCertificatesRequestTypeDef"
) -> dict[str, Any]:
    """List the certificates below a path by name."""
    rows, more = stored(call, request, ServerCertificate, request.get("PathPrefix"))
    return {"ServerCertificateMetadataList": [_metadata(call, row) for row in rows], **more}


def update_server_certificate(call: Call, request: "shapes.UpdateServerCertificateRequestTypeDef") -> None:
    """Rename a certificate or move it to another path."""
    row = call.records.get(ServerCertificate, request["ServerCertificateName"])
    name = request.get("NewServerCertificateName", row.name)
    path = names.path_of(request, "NewPath") if "NewPath" in request else row.path
    if name != row.name:
        names.check_free(call, ServerCertificate, name, besides=row.name)
        call.require("iam:UpdateServerCertificate", names.arn(call, ServerCertificate, path, name))
    call.records.remove(row)
    call.records.add(replace(row, name=name, folded=name.lower(), path=path))


def delete_server_certificate(call: Call, request: "shapes.DeleteServerCertificateRequestTypeDef") -> None:
    """Delete a certificate and its private key."""
    call.records.remove(call.records.get(ServerCertificate, request["ServerCertificateName"]))


def _metadata(call: Call, row: ServerCertificate) -> dict[str, Any]:
    return {
        "Path": row.path,
        "ServerCertificateName": row.name,
        "ServerCertificateId": row.id,
        "Arn": names.arn(call, ServerCertificate, row.path, row.name),
        "UploadDate": moment(row.uploaded),
        "Expiration": moment(row.expires),
    }


def _certificate(body: str) -> Certificate:
    try:
        return load_pem_x509_certificate(body.encode())
    except ValueError as error:
        raise _malformed("certificate") from error


def _check_chain(chain: str) -> None:
    try:
        load_pem_x509_certificates(chain.encode())
    except ValueError as error:
        raise _malformed("certificate chain") from error


def _check_pair(certificate: Certificate, private_key: str) -> None:
    """Raise MalformedCertificate for what is no unencrypted PEM key, KeyPairMismatch for another one's key."""
    try:
        key = load_pem_private_key(private_key.encode(), None)
    except (ValueError, TypeError) as error:
        raise _malformed("private key") from error
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise ServiceFault("KeyPairMismatch", "The public key certificate and the private key do not match.")


def _malformed(what: str) -> ServiceFault:
    return ServiceFault(
        "MalformedCertificate",
        f"Unable to parse {what}. Please ensure the {what} is in PEM format and, if a key, not encrypted.",
    )
