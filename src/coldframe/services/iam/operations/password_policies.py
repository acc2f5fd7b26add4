"""The account's rules for passwords."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.iam.records import PasswordPolicy

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def update_account_password_policy(
    call: Call, request: "shapes.UpdateAccountPasswordPolicyRequestTypeDef"
) -> None:
    """Set all the rules; one that is not given falls back to its default."""
    call.records.put(
        PasswordPolicy(
            account=call.account,
            length=request.get("MinimumPasswordLength", 6),
            symbols=request.get("RequireSymbols", False),
            numbers=request.get("RequireNumbers", False),
            uppercase=request.get("RequireUppercaseCharacters", False),
            lowercase=request.get("RequireLowercaseCharacters", False),
            change=request.get("AllowUsersToChangePassword", False),
            max_age=request.get("MaxPasswordAge", 0),
            reuse=request.get("PasswordReusePrevention", 0),
            hard_expiry=request.get("HardExpiry", False),
        )
    )


def get_account_password_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the rules; NoSuchEntity when the account sets none."""
    rules = call.records.get(PasswordPolicy, call.account)
    shape: dict[str, Any] = {
        "MinimumPasswordLength": rules.length,
        "RequireSymbols": rules.symbols,
        "RequireNumbers": rules.numbers,
        "RequireUppercaseCharacters": rules.uppercase,
        "RequireLowercaseCharacters": rules.lowercase,
        "AllowUsersToChangePassword": rules.change,
        "ExpirePasswords": bool(rules.max_age),
        "HardExpiry": rules.hard_expiry,
    }
    if rules.max_age:
        shape["MaxPasswordAge"] = rules.max_age
    if rules.reuse:
        shape["PasswordReusePrevention"] = rules.reuse
    return {"PasswordPolicy": shape}


def delete_account_password_policy(call: Call, request: dict[str, Any]) -> None:
    """Drop the rules; IAM's default ones hold then."""
    policy = call.records.find(PasswordPolicy, call.account)
    if policy is None:
        # Of all operations this one has other words for a policy that is missing.
        raise ServiceFault("NoSuchEntity", "The account policy with name PasswordPolicy cannot be found.")
    call.records.remove(policy)
