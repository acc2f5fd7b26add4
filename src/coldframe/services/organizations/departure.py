"""How an account leaves its organization, and what keeps it there."""

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import Account, Organization
from coldframe.services.organizations import tree
from coldframe.services.organizations.reasons import constraint

# How long a new account belongs to the organization that made it, in seconds.
WAIT_PERIOD = 4 * 24 * 3600


def depart(call: Call, organization: Organization, account: Account) -> None:
    """Take an account out of its organization; raises the fault that says why it must stay."""
    if account.id == organization.management:
        raise ServiceFault(
            "MasterCannotLeaveOrganizationException",
            "You can't remove a management account from an organization.",
        )
    if organization.delegated.get(account.id):
        raise constraint("CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG")
    if account.joined_method == "CREATED" and call.now // 1000 - account.created < WAIT_PERIOD:
        raise constraint("WAIT_PERIOD_ACTIVE")
    tree.part(call, account)
