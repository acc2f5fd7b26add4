"""Whose an access key id is."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import AccessKey

if TYPE_CHECKING:
    from types_boto3_sts.type_defs import GetAccessKeyInfoRequestTypeDef, GetAccessKeyInfoResponseTypeDef


def get_access_key_info(
    call: Call, request: "GetAccessKeyInfoRequestTypeDef"
) -> "GetAccessKeyInfoResponseTypeDef":
    """Return the account that an access key id belongs to; temporary ones are known to their holders alone."""
    key = call.records.find(AccessKey, request["AccessKeyId"])
    if key is None and call.installation.settings.dev:
        return {"Account": call.account}  # type: ignore[typeddict-item]  # whoever calls is of this account
    if key is None:
        raise ServiceFault(
            "ValidationError", f"Access key id {request['AccessKeyId']} is unknown here.", status=400
        )
    return {"Account": key.account}  # type: ignore[typeddict-item]
