"""The accounts of an organization: described, moved in its tree, closed, and taken out of it."""

from functools import partial
from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import AccessKey, Account
from coldframe.identity.secret_keys import SecretKeys
from coldframe.services.organizations import answers, tree
from coldframe.services.organizations.departure import depart
from coldframe.services.organizations.membership import managed, member, organization_of, readable
from coldframe.services.organizations.pages import answer, rows
from coldframe.services.organizations.reasons import constraint

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        CloseAccountRequestTypeDef,
        DescribeAccountRequestTypeDef,
        DescribeAccountResponseTypeDef,
        ListAccountsForParentRequestTypeDef,
        ListAccountsForParentResponseTypeDef,
        ListAccountsRequestTypeDef,
        ListAccountsResponseTypeDef,
        MoveAccountRequestTypeDef,
        RemoveAccountFromOrganizationRequestTypeDef,
    )


def describe_account(
    call: Call, request: "DescribeAccountRequestTypeDef"
) -> "DescribeAccountResponseTypeDef":
    """Return an account of the organization."""
    organization = readable(call, request)
    account = member(call, organization, request["AccountId"])
    return {"Account": answers.of_account(call, organization, account)}  # type: ignore[typeddict-item]


def list_accounts(call: Call, request: "ListAccountsRequestTypeDef") -> "ListAccountsResponseTypeDef":
    """Return all accounts of the organization, by id."""
    organization = readable(call, request)
    found, token = rows(call, request, Account, where={"organization": organization.id})
    shown = [answers.of_account(call, organization, account) for account in found]
    return answer("Accounts", shown, token)  # type: ignore[no-any-return]


def list_accounts_for_parent(
    call: Call, request: "ListAccountsForParentRequestTypeDef"
) -> "ListAccountsForParentResponseTypeDef":
    """Return the accounts directly under a root or unit, by id."""
    organization = readable(call, request)
    tree.parent(call, organization, request["ParentId"])
    where = {"organization": organization.id, "parent": request["ParentId"]}
    found, token = rows(call, request, Account, where=where)
    shown = [answers.of_account(call, organization, account) for account in found]
    return answer("Accounts", shown, token)  # type: ignore[no-any-return]


def move_account(call: Call, request: "MoveAccountRequestTypeDef") -> None:
    """Move an account from the root or unit it is in to another; other policies bind it from the next call on."""
    organization = managed(call)
    account = member(call, organization, request["AccountId"])
    source, destination = request["SourceParentId"], request["DestinationParentId"]
    tree.parent(call, organization, source, missing="SourceParentNotFoundException")
    tree.parent(call, organization, destination, missing="DestinationParentNotFoundException")
    if account.parent != source:
        raise ServiceFault(
            "SourceParentNotFoundException", f"Account {account.id} is not in the source parent {source}."
        )
    if source == destination:
        raise ServiceFault(
            "DuplicateAccountException", "That account is already present in the specified destination."
        )
    call.records.change(account, parent=destination)


def close_account(call: Call, request: "CloseAccountRequestTypeDef") -> None:
    """Close a member account: it stays in the organization, suspended, and no credentials of it are taken any more."""
    organization = managed(call)
    account = member(call, organization, request["AccountId"])
    if organization.features != "ALL":
        raise constraint("ORGANIZATION_NOT_IN_ALL_FEATURES_MODE")
    if account.id == organization.management:
        raise constraint("CANNOT_CLOSE_MANAGEMENT_ACCOUNT")
    if account.status == "SUSPENDED":
        raise ServiceFault(
            "AccountAlreadyClosedException", "You attempted to close an account that is already closed."
        )
    if organization.delegated.get(account.id):
        raise ServiceFault(
            "ConflictException",
            f"Account {account.id} is a delegated administrator; deregister it before you close it.",
        )
    call.records.change(account, status="SUSPENDED", closed=call.now // 1000)
    for key in call.records.list(AccessKey, where={"account": account.id}):
        call.records.after_commit(partial(call.part(SecretKeys).forget, key.id))


def remove_account_from_organization(
    call: Call, request: "RemoveAccountFromOrganizationRequestTypeDef"
) -> None:
    """Make a member account stand alone; its role for the management account stays until somebody deletes it."""
    organization = managed(call)
    depart(call, organization, member(call, organization, request["AccountId"]))


def leave_organization(call: Call, request: dict[str, object]) -> None:
    """Make the caller's account stand alone."""
    organization = organization_of(call)
    depart(call, organization, member(call, organization, call.account))
