"""SSH public keys of users: kept as they came, shown in either encoding."""

import hashlib
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import User
from coldframe.services.iam.answers import moment
from coldframe.services.iam.listing import page
from coldframe.services.iam.names import user_name
from coldframe.services.iam.quotas import SSH_PUBLIC_KEYS_PER_USER, exceeded
from coldframe.services.iam.records import SshPublicKey

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes

_LEAST_BITS = 2048


def upload_ssh_public_key(call: Call, request: "shapes.UploadSSHPublicKeyRequestTypeDef") -> dict[str, Any]:
    """Keep an RSA key of a user, in the form of ssh-rsa or in PEM."""
    user, body = call.records.get(User, request["UserName"]).name, request["SSHPublicKeyBody"]
    key = _read(body)
    present = call.records.list(SshPublicKey, where={"user": user})
    prints = _fingerprint(key)
    if any(each.fingerprint == prints for each in present):
        text = "The SSH public key is already associated with the specified IAM user."
        raise ServiceFault("DuplicateSSHPublicKey", text)
    if len(present) >= SSH_PUBLIC_KEYS_PER_USER:
        raise exceeded("SSHPublicKeysPerUser", SSH_PUBLIC_KEYS_PER_USER)
    row = SshPublicKey(
        id=ids.unique_id("APKA", 16), user=user, body=body, fingerprint=prints, uploaded=call.now // 1000
    )
    call.records.add(row)
    return {"SSHPublicKey": _whole(row, body)}


def get_ssh_public_key(call: Call, request: "shapes.GetSSHPublicKeyRequestTypeDef") -> dict[str, Any]:
    """Return a key in the encoding asked for, SSH or PEM."""
    if request["Encoding"] not in {"SSH", "PEM"}:
        raise ServiceFault("UnrecognizedPublicKeyEncoding", "The encoding of a key is SSH or PEM.")
    row = _named(call, request)
    pem = row.body.lstrip().startswith("-----BEGIN")
    if pem == (request["Encoding"] == "PEM"):
        return {"SSHPublicKey": _whole(row, row.body)}
    form = (
        (Encoding.OpenSSH, PublicFormat.OpenSSH) if pem else (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return {"SSHPublicKey": _whole(row, _read(row.body).public_bytes(*form).decode().strip())}


def list_ssh_public_keys(call: Call, request: "shapes.ListSSHPublicKeysRequestTypeDef") -> dict[str, Any]:
    """List a user's keys without their bodies."""
    name = user_name(call, request)
    user = call.records.get(User, name).name if name else ""
    rows = call.records.list(SshPublicKey, where={"user": user})
    shown, more = page(call, request, rows, lambda row: row.id)
    return {"SSHPublicKeys": [_metadata(row) for row in shown], **more}


def update_ssh_public_key(call: Call, request: "shapes.UpdateSSHPublicKeyRequestTypeDef") -> None:
    """Activate or deactivate a key."""
    if request["Status"] not in {"Active", "Inactive"}:
        raise ServiceFault("ValidationError", "The status of a key is Active or Inactive.")
    call.records.change(_named(call, request), status=request["Status"])


def delete_ssh_public_key(call: Call, request: "shapes.DeleteSSHPublicKeyRequestTypeDef") -> None:
    """Delete a key."""
    call.records.remove(_named(call, request))


def _named(call: Call, request: Any) -> SshPublicKey:
    user, wanted = call.records.get(User, request["UserName"]).name, request["SSHPublicKeyId"]
    found = call.records.find(SshPublicKey, wanted)
    if found is None or found.user != user:
        raise ServiceFault("NoSuchEntity", f"The Public Key with id {wanted} cannot be found.")
    return found


def _read(body: str) -> RSAPublicKey:
    text = body.strip().encode()
    try:
        key = load_pem_public_key(text) if text.startswith(b"-----BEGIN") else load_ssh_public_key(text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ServiceFault("InvalidPublicKey", "The public key is malformed or otherwise invalid.") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        raise ServiceFault(
            "InvalidPublicKey", f"The public key has to be RSA, of {_LEAST_BITS} bits or more."
        )
    return key


def _fingerprint(key: RSAPublicKey) -> str:
    """Return the MD5 digest of the key's DER, in the pairs that AWS shows."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.md5(der, usedforsecurity=False).digest().hex(":")


def _metadata(row: SshPublicKey) -> dict[str, Any]:
    return {
        "UserName": row.user,
        "SSHPublicKeyId": row.id,
        "Status": row.status,
        "UploadDate": moment(row.uploaded),
    }


def _whole(row: SshPublicKey, body: str) -> dict[str, Any]:
    return {**_metadata(row), "Fingerprint": row.fingerprint, "SSHPublicKeyBody": body}
