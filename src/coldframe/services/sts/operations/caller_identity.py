"""Who is calling, as the signature says."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call

if TYPE_CHECKING:
    from types_boto3_sts.type_defs import GetCallerIdentityResponseTypeDef


def get_caller_identity(call: Call, request: dict[str, object]) -> "GetCallerIdentityResponseTypeDef":
    """Return the caller's user id, account and ARN; no permission is needed."""
    caller = call.principal
    return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}  # type: ignore[typeddict-item]
