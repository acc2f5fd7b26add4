"""New accounts: made with the role by which the management account reaches them, and what became of each request."""

import json
import re
from typing import TYPE_CHECKING

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity import accounts
from coldframe.identity.records import Account, Organization, Role
from coldframe.services.organizations import answers, identifiers, tree
from coldframe.services.organizations.membership import managed, readable
from coldframe.services.organizations.pages import answer, rows
from coldframe.services.organizations.reasons import invalid
from coldframe.services.organizations.records import AccountRequest
from coldframe.services.organizations.tagging import tags_of_new

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        CreateAccountRequestTypeDef,
        CreateAccountResponseTypeDef,
        DescribeCreateAccountStatusRequestTypeDef,
        DescribeCreateAccountStatusResponseTypeDef,
        ListCreateAccountStatusRequestTypeDef,
        ListCreateAccountStatusResponseTypeDef,
    )

ACCESS_ROLE = "OrganizationAccountAccessRole"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
# The rules of CreateAccount's documentation; the model's own pattern is wider.
_EMAIL = re.compile(r"(?!\.)[^\s\"'()<>\[\]:;,\\|%&@]+@[a-z0-9.-]+\.[a-z0-9-]+", re.ASCII | re.IGNORECASE)


def create_account(call: Call, request: "CreateAccountRequestTypeDef") -> "CreateAccountResponseTypeDef":
    """Make an account under the root, with a role that its administrators in the management account assume."""
    organization = managed(call)
    role = request.get("RoleName", ACCESS_ROLE)
    if role.startswith("AWSServiceRoleFor"):
        raise invalid("INVALID_ROLE_NAME")
    tags = tags_of_new(call, request.get("Tags"), identifiers.arn(organization, "*"))
    done = AccountRequest(
        id=identifiers.new_account_request(),
        organization=organization.id,
        name=request["AccountName"],
        state="FAILED",
        requested=call.now // 1000,
        completed=call.now // 1000,
        reason=_refusal(call, request["Email"]),
    )
    call.records.add(done)
    if not done.reason:
        account = accounts.create_account(
            call.records,
            account_id=identifiers.new_account(),
            name=request["AccountName"],
            email=request["Email"],
            now=call.now // 1000,
        )
        tree.join(call, organization, account, method="CREATED", tags=tags)
        call.records.elsewhere(account=account.id).add(_access_role(call, organization, role))
        done = call.records.change(done, state="SUCCEEDED", account=account.id)
    return {"CreateAccountStatus": answers.of_account_request(done)}  # type: ignore[typeddict-item]


def describe_create_account_status(
    call: Call, request: "DescribeCreateAccountStatusRequestTypeDef"
) -> "DescribeCreateAccountStatusResponseTypeDef":
    """Return what became of a request for an account."""
    organization = readable(call, request)
    found = call.records.get(AccountRequest, request["CreateAccountRequestId"])
    if found.organization != organization.id:
        raise ServiceFault(
            "CreateAccountStatusNotFoundException",
            "We can't find a create account request with the CreateAccountRequestId that you specified.",
        )
    return {"CreateAccountStatus": answers.of_account_request(found)}  # type: ignore[typeddict-item]


def list_create_account_status(
    call: Call, request: "ListCreateAccountStatusRequestTypeDef"
) -> "ListCreateAccountStatusResponseTypeDef":
    """Return the organization's requests for accounts in some states, or all."""
    where: dict[str, object] = {"organization": readable(call, request).id}
    if request.get("States"):
        where["state"] = list(request["States"])
    found, token = rows(call, request, AccountRequest, where=where)
    return answer("CreateAccountStatuses", map(answers.of_account_request, found), token)  # type: ignore[no-any-return]


def _refusal(call: Call, email: str) -> str:
    """Return why no account can have this address; empty when one can."""
    if not _EMAIL.fullmatch(email):
        return "INVALID_EMAIL"
    return "EMAIL_ALREADY_EXISTS" if call.records.count(Account, where={"email": email}) else ""


def _access_role(call: Call, organization: Organization, name: str) -> Role:
    """Return the role of a new account's administrators, which the management account may assume."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{organization.management}:root"},
        "Action": "sts:AssumeRole",
    }
    return Role(
        name=name,
        id=ids.unique_id("AROA"),
        path="/",
        created=call.now // 1000,
        trust=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        attached=[_ADMINISTRATOR],
    )
