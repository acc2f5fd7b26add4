"""The policies of an organization, AWS's own among them, and what a document must be."""

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.identity import organization as organizations
from coldframe.identity.organization import ManagedControlPolicy
from coldframe.identity.policies import PolicyKind, parse_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.identity.records import Organization, OrganizationPolicy
from coldframe.services.organizations.reasons import constraint

AnyPolicy = OrganizationPolicy | ManagedControlPolicy

# The types that something here takes note of, and what each is to the evaluation of permissions.
KINDS: dict[str, PolicyKind] = {organizations.SERVICE_CONTROL: "scp", organizations.RESOURCE_CONTROL: "rcp"}
LONGEST = 5120
MOST_ATTACHED = 5
MOST_POLICIES = 2000


def find(call: Call, organization: Organization, identifier: str) -> AnyPolicy:
    """Return a policy of the organization or of AWS; raises PolicyNotFoundException."""
    own = organizations.managed().get(identifier)
    if own is not None:
        return own
    policy = call.records.get(OrganizationPolicy, identifier)
    if policy.organization != organization.id:
        raise ServiceFault(
            "PolicyNotFoundException", "We can't find a policy with the PolicyId that you specified."
        )
    return policy


def check_kind(organization: Organization, kind: str) -> None:
    """Raise unless policies of this type exist here and the organization has all features."""
    if organization.features != "ALL":
        raise ServiceFault(
            "PolicyTypeNotAvailableForOrganizationException",
            "You can't use the specified policy type with the feature set currently enabled for this organization.",
        )
    if kind not in KINDS:
        raise NotBuilt(f"{kind} is not built in coldframe: nothing here would take note of such a policy.")


def check_document(document: str, kind: str) -> None:
    """Raise unless a document is a valid policy of its type, of at most 5120 characters."""
    if len(document) > LONGEST:
        raise constraint("POLICY_CONTENT_LIMIT_EXCEEDED")
    try:
        parse_policy(document, KINDS[kind])
    except PolicyError as error:
        raise ServiceFault(
            "MalformedPolicyDocumentException", f"The provided policy document is invalid: {error}"
        ) from error
