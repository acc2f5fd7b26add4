"""Names, endpoints and tags change hands: green takes those of blue, blue becomes NAME-old1 behind green's endpoint."""

from msgspec.structs import replace

from coldframe.core.records import Records
from coldframe.services.rds import arns, lookup, modifying
from coldframe.services.rds.records import Deployment, Instance, Member


def swap(records: Records, deployment: str) -> dict[str, str]:
    """Give every green instance the name, the endpoint and the tags of its blue one, in one transaction.

    Returns the names that the green instances had, by resource id.
    """
    row = records.get(Deployment, deployment)
    greens = (lookup.by_resource(records, member.target) for member in row.members)
    former = {green.resource_id: green.identifier for green in greens if green is not None}
    records.change(row, members=[_swapped(records, member) for member in row.members])
    return former


def _swapped(records: Records, member: Member) -> Member:
    """Swap one pair; one that has lost a half stays as it is."""
    blue, green = lookup.by_resource(records, member.source), lookup.by_resource(records, member.target)
    if blue is None or green is None:
        if green is not None:
            records.change(green, deployment="")
        return member
    name, old = blue.identifier, _old_name(records, blue.identifier)
    primary = member.role == "primary"
    modifying.renamed(records, replace(blue, endpoint=green.endpoint), old)
    taken = replace(
        green,
        endpoint=blue.endpoint,
        tags=blue.tags,
        source="" if primary else green.source,
        read_only=not primary,
        deployment="",
        protected=blue.protected,
    )
    modifying.renamed(records, taken, name)
    return replace(
        member,
        source_arn=arns.made(records.account, records.region, "db", old),
        target_arn=arns.made(records.account, records.region, "db", name),
    )


def _old_name(records: Records, identifier: str) -> str:
    """Return NAME-old1, or the first of its kind that is free, cut to what an identifier may have."""
    number = 1
    while (
        records.find(Instance, name := f"{identifier[: 63 - len(str(number)) - 4]}-old{number}") is not None
    ):
        number += 1
    return name
