"""Tags of accounts, units, the root, policies and the resource policy."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.organization import ManagedControlPolicy
from coldframe.identity.records import Account, Organization, OrganizationalUnit, OrganizationPolicy
from coldframe.services.organizations import policies, tree
from coldframe.services.organizations.membership import delegated, readable
from coldframe.services.organizations.reasons import invalid
from coldframe.services.organizations.tagging import checked

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        ListTagsForResourceRequestTypeDef,
        ListTagsForResourceResponseTypeDef,
        TagResourceRequestTypeDef,
        UntagResourceRequestTypeDef,
    )

# What has tags, and the name of the field it keeps them in.
Tagged = tuple[Account | OrganizationalUnit | OrganizationPolicy | Organization, str]


def tag_resource(call: Call, request: "TagResourceRequestTypeDef") -> None:
    """Set tags; a key that is there gets the new value, 50 are the most."""
    row, field = _tagged(call, delegated(call, request), request["ResourceId"])
    call.records.change(row, **{field: checked(request["Tags"], getattr(row, field))})


def untag_resource(call: Call, request: "UntagResourceRequestTypeDef") -> None:
    """Remove the tags with these keys; keys that are not there do not matter."""
    row, field = _tagged(call, delegated(call, request), request["ResourceId"])
    gone = set(request["TagKeys"])
    left = {key: value for key, value in getattr(row, field).items() if key not in gone}
    call.records.change(row, **{field: left})


def list_tags_for_resource(
    call: Call, request: "ListTagsForResourceRequestTypeDef"
) -> "ListTagsForResourceResponseTypeDef":
    """Return all tags of a resource, by key; they fit on one page."""
    row, field = _tagged(call, readable(call, request), request["ResourceId"])
    tags = sorted(getattr(row, field).items())
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags]}  # type: ignore[typeddict-item]


def _tagged(call: Call, organization: Organization, identifier: str) -> Tagged:
    """Return what an id names; raises TargetNotFoundException, or InvalidInputException for AWS's own policies."""
    if identifier.startswith("rp-") and identifier == organization.resource_policy_id:
        return organization, "resource_policy_tags"
    if identifier.startswith("p-"):
        try:
            policy = policies.find(call, organization, identifier)
        except ServiceFault as fault:
            raise ServiceFault("TargetNotFoundException", fault.message) from fault
        if isinstance(policy, ManagedControlPolicy):
            raise invalid("IMMUTABLE_POLICY")
        return policy, "tags"
    entity = tree.target(call, organization, identifier)
    return entity, "root_tags" if isinstance(entity, Organization) else "tags"
