"""The account's alias, unique among all accounts."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity import accounts
from coldframe.identity.records import Account

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def create_account_alias(call: Call, request: "shapes.CreateAccountAliasRequestTypeDef") -> None:
    """Set the account's alias, in place of the one it has."""
    alias = request["AccountAlias"]
    if len(alias) == 12 and alias.isdigit():
        raise ServiceFault("ValidationError", "An account alias cannot be twelve digits.")
    if any(other.alias == alias and other.id != call.account for other in call.records.list(Account)):
        raise ServiceFault("EntityAlreadyExists", f"The account alias {alias} already exists.")
    row = accounts.find_or_create(call.records, call.account, now=call.now // 1000)
    call.records.change(row, alias=alias)


def list_account_aliases(call: Call, request: "shapes.ListAccountAliasesRequestTypeDef") -> dict[str, Any]:
    """List the account's alias, if it has one."""
    row = call.records.find(Account, call.account)
    return {"AccountAliases": [row.alias] if row is not None and row.alias else [], "IsTruncated": False}


def delete_account_alias(call: Call, request: "shapes.DeleteAccountAliasRequestTypeDef") -> None:
    """Take the account's alias away."""
    row = call.records.find(Account, call.account)
    if row is None or row.alias != request["AccountAlias"]:
        raise ServiceFault("NoSuchEntity", f"The account alias {request['AccountAlias']} cannot be found.")
    call.records.change(row, alias="")
