"""Temporary credentials: for a role, for the caller itself, for a federated user."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from coldframe.core.call import Call
from coldframe.core.faults import AccessDenied, ServiceFault
from coldframe.identity import sessions
from coldframe.identity.permissions import Permissions
from coldframe.identity.policies import compiled_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.identity.sessions import Session
from coldframe.services.sts import session_tags
from coldframe.services.sts.permissions import proved_mfa, role_of

if TYPE_CHECKING:
    from types_boto3_sts.type_defs import (
        AssumeRoleRequestTypeDef,
        AssumeRoleResponseTypeDef,
        CredentialsTypeDef,
        GetFederationTokenRequestTypeDef,
        GetFederationTokenResponseTypeDef,
        GetSessionTokenRequestTypeDef,
        GetSessionTokenResponseTypeDef,
    )

HOUR = 3600
# STS packs session policies and tags into a limited room, of which it reports the share in use.
_PACKED_ROOM = 2048 * 4


def assume_role(call: Call, request: "AssumeRoleRequestTypeDef") -> "AssumeRoleResponseTypeDef":
    """Return credentials of a role; the trust policy was asked before (permissions.py)."""
    caller = call.principal
    role_arn = request["RoleArn"]
    if request.get("Tags"):
        call.require("sts:TagSession", role_arn)
    role = role_of(call, role_arn)
    if role is None:
        # AWS does not tell a role that there is not from one that may not be assumed.
        raise AccessDenied(
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        )
    duration = request.get("DurationSeconds", HOUR)
    if duration > role.max_session:
        raise _invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    if caller.kind == "role-session" and duration > HOUR:
        raise _invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        )
    inherited = caller.session
    tags, transitive = session_tags.merged(request, inherited)
    account = role_arn.split(":")[4]
    session = Session(
        kind="role",
        account=account,
        source=role_arn,
        source_id=role.id,
        name=request["RoleSessionName"],
        issued=call.now // 1000,
        expires=call.now // 1000 + duration,
        tags=tags,
        transitive=transitive,
        source_identity=request.get("SourceIdentity", inherited.source_identity if inherited else ""),
        assumed_by=caller.arn,
        mfa="TokenCode" in request,
    )
    session = _limited(call, request, session)
    answer: AssumeRoleResponseTypeDef = {  # type: ignore[typeddict-item]
        "Credentials": _issue(call, session),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.id}:{session.name}",
            "Arn": f"arn:{call.partition}:sts::{account}:assumed-role/{role.name}/{session.name}",
        },
    }
    if session.policies or session.policy_arns or session.tags:
        answer["PackedPolicySize"] = _packed(session)
    if session.source_identity:
        answer["SourceIdentity"] = session.source_identity
    return answer


def get_session_token(
    call: Call, request: "GetSessionTokenRequestTypeDef"
) -> "GetSessionTokenResponseTypeDef":
    """Return credentials of the caller itself, for 12 hours unless asked otherwise (root: one hour at most)."""
    caller = call.principal
    if caller.session is not None:
        raise AccessDenied("Cannot call GetSessionToken with session credentials")
    duration = request.get("DurationSeconds", 12 * HOUR)
    if caller.kind == "root":
        duration = min(duration, HOUR)
    session = Session(
        kind=caller.kind,
        account=caller.account,
        source=caller.arn,
        source_id=caller.user_id,
        name="",
        mfa=proved_mfa(call, request),
        issued=call.now // 1000,
        expires=call.now // 1000 + duration,
    )
    return {"Credentials": _issue(call, session)}  # type: ignore[typeddict-item]


def get_federation_token(
    call: Call, request: "GetFederationTokenRequestTypeDef"
) -> "GetFederationTokenResponseTypeDef":
    """Return credentials of a federated user: what the caller may and the session policies allow, both."""
    caller = call.principal
    if caller.session is not None:
        raise AccessDenied("Cannot call GetFederationToken with session credentials")
    duration = request.get("DurationSeconds", 12 * HOUR)
    if caller.kind == "root":
        duration = min(duration, HOUR)
    session = Session(
        kind="federated",
        account=caller.account,
        source=caller.arn,
        source_id=caller.user_id,
        name=request["Name"],
        issued=call.now // 1000,
        expires=call.now // 1000 + duration,
        tags=session_tags.checked(request),
    )
    session = _limited(call, request, session)
    return {  # type: ignore[typeddict-item]
        "Credentials": _issue(call, session),
        "FederatedUser": {
            "FederatedUserId": f"{caller.account}:{session.name}",
            "Arn": f"arn:{call.partition}:sts::{caller.account}:federated-user/{session.name}",
        },
        "PackedPolicySize": _packed(session),
    }


def _limited(call: Call, request: Any, session: Session) -> Session:
    """Return a session with the request's session policies, checked: the inline one compiles, the managed exist."""
    policies = [request["Policy"]] if request.get("Policy") else []
    for text in policies:
        try:
            compiled_policy(text, "session")
        except PolicyError as error:
            raise ServiceFault("MalformedPolicyDocument", error.message, status=400) from error
    arns = [policy["arn"] for policy in request.get("PolicyArns", ())]
    permissions = call.part(Permissions)
    for arn in arns:
        parts = arn.split(":")
        if len(parts) != 6 or parts[4] not in {"aws", session.account} or permissions.document(arn) is None:
            raise _invalid(f"The specified managed policy {arn} does not exist or is of another account.")
    if sum(map(len, policies)) > 2048:
        raise ServiceFault(
            "PackedPolicyTooLarge",
            "Packed policy consumes 100% of allotted space, please use smaller policy.",
            status=400,
        )
    return msgspec.structs.replace(session, policies=policies, policy_arns=arns)


def _packed(session: Session) -> int:
    """Return the share of the room for policies and tags that a session uses, in percent; 0 without any."""
    if not (session.policies or session.policy_arns or session.tags):
        return 0
    used = len(msgspec.json.encode((session.policies, session.policy_arns, session.tags)))
    return max(1, min(100, used * 100 // _PACKED_ROOM))


def _issue(call: Call, session: Session) -> "CredentialsTypeDef":
    issued = sessions.issue(call.installation.seal, session)
    return {
        "AccessKeyId": issued.access_key_id,
        "SecretAccessKey": call.withhold(issued.secret_key),
        "SessionToken": issued.token,
        "Expiration": datetime.fromtimestamp(issued.expires, UTC),
    }


def _invalid(text: str) -> ServiceFault:
    return ServiceFault("ValidationError", text, status=400)
