"""The policies that a user, group or role has, each with where it comes from, for the simulator."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.caller import Caller
from coldframe.identity.records import Group, Role, User
from coldframe.services.iam.names import Entity, arn_of
from coldframe.services.iam.policies_in_use import find_policy, policy_name


class Source(NamedTuple):
    """A document with the id and type of policy that simulation results call it by.

    AWS answers with `IAM Policy` for every policy of an entity, though its model lists other types.
    """

    id: str
    document: str
    type: str = "IAM Policy"


def find_entity(call: Call, arn: str) -> Entity:
    """Return the user, group or role of an ARN; raises InvalidInput for another ARN, NoSuchEntity."""
    parts = arn.split(":", 5)
    kind, _, path = parts[-1].partition("/")
    kinds: dict[str, type[Entity]] = {"user": User, "group": Group, "role": Role}
    if len(parts) != 6 or kind not in kinds or parts[2] != "iam" or parts[4] != call.account:
        raise ServiceFault(
            "InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
        )
    return call.records.get(kinds[kind], path.rpartition("/")[2])


def sources_of(call: Call, row: Entity) -> list[Source]:
    """Return the inline and managed policies of an entity, and for a user those of its groups."""
    found = [*_inline(row), *_managed(call, row.attached)]
    if isinstance(row, User):
        for name in row.groups:
            group = call.records.get(Group, name)
            found += [*_inline(group), *_managed(call, group.attached)]
    return found


def boundary_of(call: Call, row: Entity) -> list[Source]:
    """Return the permissions boundary of an entity, if it has one."""
    return [] if isinstance(row, Group) or not row.boundary else list(_managed(call, [row.boundary]))


def caller_of(call: Call, row: Entity) -> Caller:
    """Return who would call: the user, a session of the role; for a group a user without a name."""
    arn = arn_of(call, row)
    if isinstance(row, Role):
        return Caller(
            kind="role-session",
            arn=f"arn:{call.partition}:sts::{call.account}:assumed-role/{row.name}/simulation",
            account=call.account,
            user_id=f"{row.id}:simulation",
            issuer_arn=arn,
            tags=row.tags,
            service_linked=row.service_linked,
        )
    if isinstance(row, User):
        return Caller(kind="user", arn=arn, account=call.account, user_id=row.id, tags=row.tags)
    return Caller(kind="user", account=call.account)


def _inline(row: Entity) -> Iterator[Source]:
    kind = type(row).__name__.lower()
    inline: Mapping[str, str] = row.inline
    for name, document in inline.items():
        yield Source(f"{kind}_{row.name}_{name}", document)


def _managed(call: Call, policy_arns: Sequence[str]) -> Iterator[Source]:
    for arn in policy_arns:
        policy = find_policy(call, arn)
        if policy is not None:
            yield Source(policy_name(arn), policy.documents[policy.default])
