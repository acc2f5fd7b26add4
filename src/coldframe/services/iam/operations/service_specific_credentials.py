"""Service-specific credentials: a name and a password of a user that are good for one service alone."""

import base64
from typing import TYPE_CHECKING, Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import User
from coldframe.services.iam.answers import moment
from coldframe.services.iam.listing import page
from coldframe.services.iam.names import user_name
from coldframe.services.iam.passwords import hashed
from coldframe.services.iam.quotas import SERVICE_SPECIFIC_CREDENTIALS_PER_USER, exceeded
from coldframe.services.iam.records import ServiceSpecificCredential

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes

# Those whose credentials are a token of one piece, which may expire.
_TOKENS = frozenset({"bedrock.amazonaws.com", "logs.amazonaws.com"})
_SERVICES = _TOKENS | {"codecommit.amazonaws.com", "cassandra.amazonaws.com"}
_DAY = 24 * 3600


def create_service_specific_credential(
    call: Call, request: "shapes.CreateServiceSpecificCredentialRequestTypeDef"
) -> dict[str, Any]:
    """Make a name and a password for a user; nothing returns the password again."""
    user, service = call.records.get(User, request["UserName"]).name, _checked(request["ServiceName"])
    present = [each for each in _of(call, user) if each.service == service]
    if len(present) >= SERVICE_SPECIFIC_CREDENTIALS_PER_USER:
        raise exceeded("ServiceSpecificCredentialsPerUser", SERVICE_SPECIFIC_CREDENTIALS_PER_USER)
    days = request.get("CredentialAgeDays")
    if days is not None and service not in _TOKENS:
        raise ServiceFault("ValidationError", f"CredentialAgeDays is not supported for {service}")
    taken = {each.name for each in present}
    name = next(
        name for name in (f"{user}{more}-at-{call.account}" for more in ("", "+1", "+2")) if name not in taken
    )
    password = _password()
    row = ServiceSpecificCredential(
        id=ids.unique_id("ACCA"),
        user=user,
        service=service,
        name=name,
        password_hash=hashed(password, ids.hexadecimal(32)),
        created=call.now // 1000,
        expires=call.now // 1000 + days * _DAY if days else 0,
    )
    call.records.add(row)
    return {"ServiceSpecificCredential": {**_described(call, row), **_secret(row, password)}}


def list_service_specific_credentials(
    call: Call, request: "shapes.ListServiceSpecificCredentialsRequestTypeDef"
) -> dict[str, Any]:
    """List the credentials of a user, or of all users, without their passwords."""
    service = request.get("ServiceName")
    if service is not None:
        _checked(service)
    if request.get("AllUsers"):
        if request.get("UserName"):
            raise ServiceFault("ValidationError", "AllUsers cannot be specified together with UserName.")
        rows = call.records.list(ServiceSpecificCredential)
    else:
        rows = _of(call, _owner(call, request))
    wanted = [row for row in rows if service in {None, row.service}]
    shown, more = page(call, request, wanted, lambda row: row.id)
    # Seen at AWS: an answer that is whole says nothing of pages.
    pages = more if more["IsTruncated"] else {}
    return {"ServiceSpecificCredentials": [_described(call, row) for row in shown], **pages}


def update_service_specific_credential(
    call: Call, request: "shapes.UpdateServiceSpecificCredentialRequestTypeDef"
) -> None:
    """Activate or deactivate credentials."""
    if request["Status"] not in {"Active", "Inactive"}:
        raise ServiceFault("ValidationError", "The status of a credential is set to Active or Inactive.")
    call.records.change(_named(call, request), status=request["Status"])


def reset_service_specific_credential(
    call: Call, request: "shapes.ResetServiceSpecificCredentialRequestTypeDef"
) -> dict[str, Any]:
    """Give credentials a new password; the former one is good for nothing at once."""
    row, password = _named(call, request), _password()
    changed = call.records.change(row, password_hash=hashed(password, ids.hexadecimal(32)))
    return {"ServiceSpecificCredential": {**_described(call, changed), **_secret(changed, password)}}


def delete_service_specific_credential(
    call: Call, request: "shapes.DeleteServiceSpecificCredentialRequestTypeDef"
) -> None:
    """Delete credentials."""
    call.records.remove(_named(call, request))


def _checked(service: str) -> str:
    if service not in _SERVICES:
        text = f"No such service {service} is supported for Service Specific Credentials"
        raise ServiceFault("NoSuchEntity", text)
    return service


def _owner(call: Call, request: Any) -> str:
    name = user_name(call, request)
    return call.records.get(User, name).name if name else ""


def _of(call: Call, user: str) -> list[ServiceSpecificCredential]:
    return call.records.list(ServiceSpecificCredential, where={"user": user})


def _named(call: Call, request: Any) -> ServiceSpecificCredential:
    user, wanted = _owner(call, request), request["ServiceSpecificCredentialId"]
    found = next((row for row in _of(call, user) if row.id == wanted), None)
    if found is None:
        raise ServiceFault("NoSuchEntity", f"No such credential {wanted} exists")
    return found


def _password() -> str:
    return base64.b64encode(ids.secret_key()[:32]).decode()


def _secret(row: ServiceSpecificCredential, password: str) -> dict[str, str]:
    if row.service in _TOKENS:
        return {
            "ServiceCredentialSecret": "ABSK" + base64.b64encode(f"{row.name}:{password}".encode()).decode()
        }
    return {"ServicePassword": password}


def _described(call: Call, row: ServiceSpecificCredential) -> dict[str, Any]:
    over = bool(row.expires) and row.expires <= call.now // 1000
    shape: dict[str, Any] = {
        "UserName": row.user,
        "ServiceName": row.service,
        "ServiceSpecificCredentialId": row.id,
        "Status": "Expired" if over else row.status,
        "CreateDate": moment(row.created),
        "ServiceCredentialAlias" if row.service in _TOKENS else "ServiceUserName": row.name,
    }
    return {**shape, "ExpirationDate": moment(row.expires)} if row.expires else shape
