"""Handshakes: invitations into the organization between accounts of this installation, and their answers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.accounts import find_or_create
from coldframe.identity.records import Account, Organization
from coldframe.services.organizations import identifiers, tree
from coldframe.services.organizations.departure import depart
from coldframe.services.organizations.membership import managed, readable
from coldframe.services.organizations.pages import answer, items
from coldframe.services.organizations.reasons import handshake_constraint, invalid
from coldframe.services.organizations.records import Handshake
from coldframe.services.organizations.tagging import tags_of_new

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        AcceptHandshakeRequestTypeDef,
        AcceptHandshakeResponseTypeDef,
        CancelHandshakeRequestTypeDef,
        CancelHandshakeResponseTypeDef,
        DeclineHandshakeRequestTypeDef,
        DeclineHandshakeResponseTypeDef,
        DescribeHandshakeRequestTypeDef,
        DescribeHandshakeResponseTypeDef,
        HandshakePartyTypeDef,
        HandshakeTypeDef,
        InviteAccountToOrganizationRequestTypeDef,
        InviteAccountToOrganizationResponseTypeDef,
        ListHandshakesForAccountRequestTypeDef,
        ListHandshakesForAccountResponseTypeDef,
        ListHandshakesForOrganizationRequestTypeDef,
        ListHandshakesForOrganizationResponseTypeDef,
    )

_DAY = 24 * 3600 * 1000
# An invitation is open for 15 days, and what became of it is shown for 30 more.
OPEN_FOR = 15 * _DAY
SHOWN_FOR = 30 * _DAY


def invite_account_to_organization(
    call: Call, request: "InviteAccountToOrganizationRequestTypeDef"
) -> "InviteAccountToOrganizationResponseTypeDef":
    """Invite an account of this installation, by its id or its e-mail address."""
    organization = managed(call)
    account = _invited(call, request["Target"])
    if account.organization == organization.id:
        raise handshake_constraint("ALREADY_IN_AN_ORGANIZATION")
    where = {"organization": organization.id, "account": account.id}
    if any(_state(call, other) == "OPEN" for other in call.records.list(Handshake, where=where)):
        raise ServiceFault(
            "DuplicateHandshakeException",
            "A handshake with the same action and target already exists. For example, if you invited an account to"
            " join your organization, the invited account might already have a pending invitation.",
        )
    handshake = Handshake(
        id=identifiers.new_handshake(),
        organization=organization.id,
        account=account.id,
        management=organization.management,
        state="OPEN",
        requested=call.now,
        expires=call.now + OPEN_FOR,
        email=account.email if request["Target"]["Type"] == "EMAIL" else "",
        notes=request.get("Notes", ""),
        tags=tags_of_new(call, request.get("Tags"), identifiers.arn(organization, account.id)),
    )
    call.records.add(handshake)
    return {"Handshake": _shown(call, handshake)}  # type: ignore[typeddict-item]


def accept_handshake(
    call: Call, request: "AcceptHandshakeRequestTypeDef"
) -> "AcceptHandshakeResponseTypeDef":
    """Join the inviting organization; an account that is in another one leaves that first."""
    handshake = _answerable(call, request["HandshakeId"], "ACCEPTED", call.account, "account")
    organization = call.records.get(Organization, handshake.organization)
    account = call.records.get(Account, handshake.account)
    before = call.records.find(Organization, account.organization)
    if before is not None:
        depart(call, before, account)
    tree.join(call, organization, account, method="INVITED", tags=handshake.tags)
    return {"Handshake": _decided(call, handshake, "ACCEPTED")}  # type: ignore[typeddict-item]


def decline_handshake(
    call: Call, request: "DeclineHandshakeRequestTypeDef"
) -> "DeclineHandshakeResponseTypeDef":
    """Turn an invitation down; only the invited account can."""
    handshake = _answerable(call, request["HandshakeId"], "DECLINED", call.account, "account")
    return {"Handshake": _decided(call, handshake, "DECLINED")}  # type: ignore[typeddict-item]


def cancel_handshake(
    call: Call, request: "CancelHandshakeRequestTypeDef"
) -> "CancelHandshakeResponseTypeDef":
    """Take an invitation back; only the account that sent it can."""
    handshake = _answerable(call, request["HandshakeId"], "CANCELED", call.account, "management")
    return {"Handshake": _decided(call, handshake, "CANCELED")}  # type: ignore[typeddict-item]


def describe_handshake(
    call: Call, request: "DescribeHandshakeRequestTypeDef"
) -> "DescribeHandshakeResponseTypeDef":
    """Return an invitation to one of its two parties."""
    return {"Handshake": _shown(call, _visible(call, request["HandshakeId"]))}  # type: ignore[typeddict-item]


def list_handshakes_for_account(
    call: Call, request: "ListHandshakesForAccountRequestTypeDef"
) -> "ListHandshakesForAccountResponseTypeDef":
    """Return the invitations that the caller's account received, by id."""
    return _listed(call, request, {"account": call.account})  # type: ignore[no-any-return]


def list_handshakes_for_organization(
    call: Call, request: "ListHandshakesForOrganizationRequestTypeDef"
) -> "ListHandshakesForOrganizationResponseTypeDef":
    """Return the invitations that the organization sent, by id."""
    return _listed(call, request, {"organization": readable(call, request).id})  # type: ignore[no-any-return]


def _invited(call: Call, party: "HandshakePartyTypeDef") -> Account:
    """Return the account that an invitation is for."""
    if party["Type"] == "EMAIL":
        found = call.records.list(Account, where={"email": party["Id"]})
        if not found:
            raise invalid("INVALID_EMAIL_ADDRESS_TARGET")
        return found[0]
    if party["Type"] != "ACCOUNT":
        raise invalid("INVALID_PARTY_TYPE_TARGET")
    account = call.records.find(Account, party["Id"])
    if account is not None:
        return account
    if not call.installation.settings.dev or len(party["Id"]) != 12 or not party["Id"].isdigit():
        raise invalid("INVALID_PATTERN_TARGET_ID")
    return find_or_create(call.records, party["Id"], now=call.now // 1000)


def _visible(call: Call, identifier: str) -> Handshake:
    """Return a handshake of the caller's; raises HandshakeNotFoundException for others and for what is too old."""
    handshake = call.records.get(Handshake, identifier)
    if call.account not in {handshake.account, handshake.management} or _forgotten(call, handshake):
        raise ServiceFault(
            "HandshakeNotFoundException", "We can't find a handshake with the HandshakeId that you specified."
        )
    return handshake


def _answerable(call: Call, identifier: str, wanted: str, caller: str, role: str) -> Handshake:
    """Return a handshake that the caller may bring into the state `wanted`; `role` names the field of who may."""
    handshake = _visible(call, identifier)
    if getattr(handshake, role) != caller:
        raise ServiceFault("AccessDeniedException", "You don't have permissions to access this resource.")
    state = _state(call, handshake)
    if state == wanted:
        raise ServiceFault(
            "HandshakeAlreadyInStateException", "The specified handshake is already in the requested state."
        )
    if state != "OPEN":
        raise ServiceFault(
            "InvalidHandshakeTransitionException",
            f"You can't perform the operation on the handshake in its current state, which is {state}.",
        )
    return handshake


def _decided(call: Call, handshake: Handshake, state: str) -> "HandshakeTypeDef":
    return _shown(call, call.records.change(handshake, state=state, decided=call.now))


def _state(call: Call, handshake: Handshake) -> str:
    if handshake.state == "OPEN" and call.now >= handshake.expires:
        return "EXPIRED"
    return handshake.state


def _forgotten(call: Call, handshake: Handshake) -> bool:
    return call.now >= (handshake.decided or handshake.expires) + SHOWN_FOR


def _listed(call: Call, request: Mapping[str, Any], where: dict[str, Any]) -> Any:
    """Return the handshakes that are still shown; all of them are invitations and none has a parent."""
    wanted: Mapping[str, Any] = request.get("Filter", {})
    if "ActionType" in wanted and "ParentHandshakeId" in wanted:
        raise invalid("MAX_LIMIT_EXCEEDED_FILTER")
    none = wanted.get("ActionType", "INVITE") != "INVITE" or "ParentHandshakeId" in wanted
    everything = [] if none else call.records.list(Handshake, where=where)
    shown = [handshake for handshake in everything if not _forgotten(call, handshake)]
    found, token = items(call, request, shown, lambda handshake: handshake.id)
    return answer("Handshakes", [_shown(call, handshake) for handshake in found], token)


def _shown(call: Call, handshake: Handshake) -> "HandshakeTypeDef":
    organization = call.records.get(Organization, handshake.organization)
    management = call.records.get(Account, handshake.management)
    party = (handshake.email, "EMAIL") if handshake.email else (handshake.account, "ACCOUNT")
    resources: Any = [
        {
            "Type": "ORGANIZATION",
            "Value": organization.id,
            "Resources": [
                {"Type": "MASTER_EMAIL", "Value": management.email},
                {"Type": "MASTER_NAME", "Value": management.name},
                {"Type": "ORGANIZATION_FEATURE_SET", "Value": organization.features},
            ],
        },
        {"Type": party[1], "Value": party[0]},
    ]
    if handshake.notes:
        resources.append({"Type": "NOTES", "Value": handshake.notes})
    return {
        "Id": handshake.id,
        "Arn": identifiers.arn(organization, handshake.id),
        "Parties": [
            {"Id": organization.id, "Type": "ORGANIZATION"},
            {"Id": party[0], "Type": party[1]},  # type: ignore[typeddict-item]
        ],
        "State": _state(call, handshake),  # type: ignore[typeddict-item]
        "RequestedTimestamp": datetime.fromtimestamp(handshake.requested / 1000, UTC),
        "ExpirationTimestamp": datetime.fromtimestamp(handshake.expires / 1000, UTC),
        "Action": "INVITE",
        "Resources": resources,
    }
