"""Names, endpoints and tags change hands: green takes those of blue, blue becomes NAME-old1 behind green's endpoint."""

from msgspec.structs import replace

from coldframe.core.records import Record, Records
from coldframe.services.rds import arns, lookup, modifying
from coldframe.services.rds.blue_green import members
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.clusters.records import Cluster, ClusterEndpoint
from coldframe.services.rds.records import Deployment, Instance, Member

_LONGEST = 63


def swap(records: Records, deployment: str) -> dict[str, str]:
    """Give every green instance, and cluster, the name, the endpoints and the tags of its blue one, in one transaction.

    Returns the names that the green ones had, by resource id.
    """
    row = records.get(Deployment, deployment)
    former = {}
    for member in row.members:
        green = clusters.by_resource(records, member.target) or lookup.by_resource(records, member.target)
        if green is not None:
            former[member.target] = green.identifier
    both = members.cluster_pair(records, row)
    writer = both.green.writer if both is not None else ""
    if both is not None:
        _retire(records, both)
    swapped = []
    for member in row.members:
        if member.kind == "cluster":
            swapped.append(_swapped_cluster(records, member))
        elif member.kind == "cluster-endpoint":
            swapped.append(_swapped_endpoint(records, member))
        else:
            primary = member.target == writer if both is not None else member.role == "primary"
            swapped.append(_swapped(records, member, primary=primary))
    if writer and (found := lookup.by_resource(records, writer)) is not None:
        # It may be none of the pairs, if its own counterpart was deleted.
        records.change(found, source="", read_only=False, deployment="")
    records.change(row, members=swapped)
    return former


def _swapped(records: Records, member: Member, *, primary: bool) -> Member:
    """Swap one pair; one that has lost a half stays as it is."""
    blue, green = lookup.by_resource(records, member.source), lookup.by_resource(records, member.target)
    if blue is None or green is None:
        if green is not None:
            records.change(green, deployment="")
        return member
    name, old = blue.identifier, _old_name(records, Instance, blue.identifier)
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
    return _told(records, member, old, name)


def _retire(records: Records, both: members.ClusterPair) -> None:
    """Let nobody take over in blue, which is written to no more; in green nobody may before it is known who has what."""
    for row in clusters.members(records, both.blue):
        records.change(row, acknowledged_by=[], acknowledges=False)
    records.change(both.blue, promotable=[], retired=True)
    records.change(both.green, promotable=[], deployment="")


def _swapped_cluster(records: Records, member: Member) -> Member:
    blue, green = clusters.expect(records, member.source), clusters.expect(records, member.target)
    name, old = blue.identifier, _old_name(records, Cluster, blue.identifier)
    records.remove(blue)
    records.remove(green)
    mine = {"endpoint": green.endpoint, "reader_endpoint": green.reader_endpoint, "port": green.port}
    theirs = {"endpoint": blue.endpoint, "reader_endpoint": blue.reader_endpoint, "port": blue.port}
    records.add(replace(blue, identifier=old, **mine))
    records.add(replace(green, identifier=name, tags=blue.tags, protected=blue.protected, **theirs))
    return _told(records, member, old, name)


def _swapped_endpoint(records: Records, member: Member) -> Member:
    """Swap a pair of custom endpoints, which go on to lead to members of their own clusters."""
    blue, green = members.endpoint_of(records, member.source), members.endpoint_of(records, member.target)
    if blue is None or green is None:
        return member
    name, old = blue.identifier, _old_name(records, ClusterEndpoint, blue.identifier)
    records.remove(blue)
    records.remove(green)
    records.add(replace(blue, identifier=old, endpoint=green.endpoint))
    records.add(replace(green, identifier=name, endpoint=blue.endpoint, tags=blue.tags))
    return _told(records, member, old, name)


def _told(records: Records, member: Member, old: str, name: str) -> Member:
    return replace(
        member,
        source_arn=arns.made(records.account, records.region, member.kind, old),
        target_arn=arns.made(records.account, records.region, member.kind, name),
    )


def _old_name(records: Records, kind: type[Record], identifier: str) -> str:
    """Return NAME-old1, or the first of its kind that is free, cut to what an identifier may have."""
    number = 1
    while (
        records.find(kind, name := f"{identifier[: _LONGEST - len(str(number)) - 4]}-old{number}") is not None
    ):
        number += 1
    return name
