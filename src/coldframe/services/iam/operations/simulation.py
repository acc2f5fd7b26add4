"""Simulations: what the policies of an entity, or policies at choice, would decide; nothing is done."""

from typing import TYPE_CHECKING, Any

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.identity.caller import Caller
from coldframe.identity.permissions import Permissions
from coldframe.identity.records import Group
from coldframe.services.iam.listing import page
from coldframe.services.iam.simulator import EVERY_RESOURCE, Circumstances, inputs, simulate
from coldframe.services.iam.sources import Source, boundary_of, caller_of, find_entity, sources_of

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def simulate_custom_policy(
    call: Call, request: "shapes.SimulateCustomPolicyRequestTypeDef"
) -> dict[str, Any]:
    """Decide actions on resources by the policies given alone."""
    caller = _caller(call, request.get("CallerArn"))
    if "ResourcePolicy" in request and caller is None:
        raise ServiceFault("InvalidInput", "CallerArn is needed where a resource policy is given.")
    given = Circumstances(caller or Caller(kind="user", account=call.account))
    _identity(given, inputs(request["PolicyInputList"], "PolicyInputList"))
    _bounds(given, request, [])
    given.scps = [
        [
            given.attached(source, "scp")
            for source in inputs(
                level.get("ServiceControlPolicyInputList", []),
                f"OrderedOrganizationPolicyInputList.{number}.ServiceControlPolicyInputList",
            )
        ]
        for number, level in enumerate(request.get("OrderedOrganizationPolicyInputList", []), 1)
    ]
    return _results(call, request, given)


def simulate_principal_policy(
    call: Call, request: "shapes.SimulatePrincipalPolicyRequestTypeDef"
) -> dict[str, Any]:
    """Decide actions on resources by the policies of a user, group or role, and further ones given."""
    if request.get("PolicyExclusionList"):
        raise NotBuilt("PolicyExclusionList of SimulatePrincipalPolicy is not built in coldframe.")
    row = find_entity(call, request["PolicySourceArn"])
    caller = _caller(call, request.get("CallerArn"))
    if isinstance(row, Group) and "ResourcePolicy" in request and caller is None:
        raise ServiceFault(
            "InvalidInput", "CallerArn is needed where a group and a resource policy are given."
        )
    given = Circumstances(caller or caller_of(call, row))
    _identity(given, sources_of(call, row))
    _identity(given, inputs(request.get("PolicyInputList", []), "PolicyInputList"))
    _bounds(given, request, boundary_of(call, row))
    given.scps = call.part(Permissions).policies_of(given.caller).scps
    return _results(call, request, given)


def _identity(given: Circumstances, sources: list[Source]) -> None:
    given.identity += [given.attached(source, "identity") for source in sources]


def _bounds(given: Circumstances, request: Any, boundary: list[Source]) -> None:
    """Take the boundary and the resource policy from the request; the request's boundary goes before the entity's."""
    member = "PermissionsBoundaryPolicyInputList"
    documents = request.get(member, [])
    if len(documents) > 1:
        raise ServiceFault("InvalidInput", "There can be only one permissions boundary.")
    for source in inputs(documents, member) or boundary:
        given.boundary = given.attached(source, "boundary")
    if "ResourcePolicy" in request:
        source = Source("ResourcePolicy", request["ResourcePolicy"], "resource")
        given.resource = given.attached(source, "resource")


def _caller(call: Call, arn: str | None) -> Caller | None:
    """Return the user that CallerArn names; AWS takes no role, group or root there."""
    if arn is None:
        return None
    try:
        parts = arns.parse(arn)
    except ValueError:
        parts = None
    if parts is None or parts.service != "iam" or not parts.resource.startswith("user/"):
        raise ServiceFault("InvalidInput", f"CallerArn must be the ARN of an IAM user, not {arn}.")
    return Caller(kind="user", arn=arn, account=parts.account)


def _results(call: Call, request: Any, given: Circumstances) -> dict[str, Any]:
    owner = request.get("ResourceOwner", "")
    given.resource_owner = owner.split(":")[4] if owner.startswith("arn:") else owner
    given.context = {
        entry["ContextKeyName"]: entry.get("ContextKeyValues", [])
        for entry in request.get("ContextEntries", ())
        if "ContextKeyName" in entry
    }
    for action in request["ActionNames"]:
        if action.count(":") != 1 or "*" in action:
            raise ServiceFault("InvalidInput", f"Invalid action name: {action}")
    wanted = [
        (number, action, resource)
        for number, (action, resource) in enumerate(
            (action, resource)
            for action in request["ActionNames"]
            for resource in request.get("ResourceArns") or [EVERY_RESOURCE]
        )
    ]
    found, more = page(call, request, wanted, lambda item: item[0])
    results = [simulate(action, resource, given) for _, action, resource in found]
    return {"EvaluationResults": results, **more}
