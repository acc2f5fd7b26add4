"""Key policies: the default one, what a new one must satisfy, and the statements that grants add to it."""

import hashlib
import json
from functools import lru_cache
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.evaluate import AttachedPolicy
from coldframe.identity.permissions import Permissions
from coldframe.identity.policies import Policy, compiled_policy, parse_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.identity.records import Role, User
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Grant

_MOST_BYTES = 32_768
_DEFAULT = """{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:%s:iam::%s:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}"""
# Documented: encryption context constraints do not apply to these.
_UNCONSTRAINED = frozenset({"DescribeKey", "RetireGrant", "GetPublicKey"})

CONTEXT_PAIR = "coldframe:encryptioncontextpair/"
CONTEXT_WHOLE = "coldframe:encryptioncontextwhole/"


def default_policy(call: Call) -> str:
    """Return the policy of a key that was made without one: the account may do everything and pass it on by IAM."""
    return _DEFAULT % (call.partition, call.account)


def check_policy(call: Call, place: Place, text: str, *, bypass: bool) -> None:
    """Raise MalformedPolicyDocumentException or LimitExceededException for a policy that a key cannot have.

    Unless bypassed, the caller must be able to change the policy again.
    """
    if len(text.encode()) > _MOST_BYTES:
        raise ServiceFault("LimitExceededException", "The policy document is larger than 32768 bytes.")
    try:
        policy = parse_policy(text, "resource")
    except PolicyError as error:
        if "principal" in error.message.lower():
            raise _malformed("Policy contains a statement with one or more invalid principals.") from error
        raise _malformed(error.message) from error
    _check_principals(call, policy)
    if bypass:
        return
    decision = call.part(Permissions).decide(
        call.principal,
        "kms:PutKeyPolicy",
        place.arn,
        context={"kms:CallerAccount": call.account},
        resource_policy=AttachedPolicy(place.arn, policy),
        required=True,
    )
    if not decision.allowed:
        raise _malformed("The new key policy will not allow you to update the key policy in the future.")


def policy_with_grants(text: str, grants: list[Grant]) -> Policy:
    """Return the compiled policy of a key together with what its grants allow."""
    if not grants:
        return compiled_policy(text, "resource")
    statements = [statement for grant in grants for statement in _statements(grant)]
    return compiled_policy(_merged(text, json.dumps(statements)), "resource")


def context_keys(context: dict[str, str], *, whole: bool = True) -> dict[str, str | list[str]]:
    """Return the condition keys by which grants compare an encryption context: case counts in its values, not in its keys."""
    keys: dict[str, str | list[str]] = {_pair(pair): "true" for pair in context.items()}
    if whole:
        keys[_whole(context)] = "true"
    return keys


@lru_cache(maxsize=1024)
def _merged(text: str, statements: str) -> str:
    document = json.loads(text)
    own = document["Statement"]
    document["Statement"] = [*(own if isinstance(own, list) else [own]), *json.loads(statements)]
    return json.dumps(document)


def _statements(grant: Grant) -> list[dict[str, Any]]:
    """Return what a grant allows as statements of a key policy."""
    principal = principal_of(grant.grantee)
    source: dict[str, str] = {"aws:SourceArn": grant.source_arn} if grant.source_arn else {}
    used = [name for name in grant.operations if name not in _UNCONSTRAINED and name != "CreateGrant"]
    free = [name for name in grant.operations if name in _UNCONSTRAINED and name != "RetireGrant"]
    context = _constraint(grant)
    statements = []
    for names, conditions in ((used, {**source, **context}), (free, source)):
        if names:
            statements.append(_allow(principal, [f"kms:{name}" for name in names], conditions))
    if "CreateGrant" in grant.operations:
        passed_on = _allow(principal, ["kms:CreateGrant"], {**source, **context})
        # A grant passes on no more than it has.
        passed_on["Condition"]["ForAllValues:StringEquals"] = {"kms:GrantOperations": grant.operations}
        statements.append(passed_on)
    statements += _retiring(grant, principal)
    return statements


def _retiring(grant: Grant, grantee: dict[str, str]) -> list[dict[str, Any]]:
    """Return who may retire a grant: the account that made it, the retiring principal, the grantee if it says so."""
    whose = [{"AWS": grant.account}]
    if grant.retiring:
        whose.append(principal_of(grant.retiring))
    if "RetireGrant" in grant.operations:
        whose.append(grantee)
    return [_allow(each, ["kms:RetireGrant"], {"coldframe:grantid": grant.id}) for each in whose]


def principal_of(name: str) -> dict[str, str]:
    """Return the Principal element that speaks of an ARN, or of a service by its name."""
    return {"AWS" if ":" in name else "Service": name}


def _allow(principal: dict[str, str], actions: list[str], conditions: dict[str, str]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": actions,
        "Resource": "*",
        "Condition": {"StringEquals": conditions} if conditions else {},
    }


def _constraint(grant: Grant) -> dict[str, str]:
    keys: dict[str, str] = {}
    if grant.equals is not None:
        keys[_whole(grant.equals)] = "true"
    if grant.subset is not None:
        keys |= {_pair(pair): "true" for pair in grant.subset.items()}
    return keys


def _pair(pair: tuple[str, str]) -> str:
    return CONTEXT_PAIR + _digest(dict([pair]))


def _whole(context: dict[str, str]) -> str:
    return CONTEXT_WHOLE + _digest(context)


def _digest(context: dict[str, str]) -> str:
    # Pairs and not a dictionary: two keys that differ in case alone are still two.
    pairs = sorted((key.lower(), value) for key, value in context.items())
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def _malformed(message: str) -> ServiceFault:
    return ServiceFault("MalformedPolicyDocumentException", message)


def _check_principals(call: Call, policy: Policy) -> None:
    """Raise MalformedPolicyDocumentException for a user or role that an account of this installation does not have."""
    names = {
        name for each in policy.statements if each.principals is not None for name in each.principals.names
    }
    if not all(is_there(call, arn) for arn in sorted(names)):
        raise _malformed("Policy contains a statement with one or more invalid principals.")


def is_there(call: Call, arn: str) -> bool:
    """Tell whether an account of this installation has the user or role that an ARN names; other ARNs name no such."""
    parts = arn.split(":", 5)
    kind, _, path = parts[-1].partition("/")
    if len(parts) != 6 or parts[2] != "iam" or kind not in {"user", "role"}:
        return True
    record = User if kind == "user" else Role
    return call.installation.store.cached(record, parts[4], "", path.rpartition("/")[2]) is not None
