"""Custom endpoints of clusters: addresses that lead to chosen members."""

from typing import Any

from msgspec.structs import replace

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns, engine_names, jobs, names, pages, quotas, tagging
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.clusters import answers, lookup, new_clusters
from coldframe.services.rds.clusters.records import Cluster, ClusterEndpoint
from coldframe.services.rds.faults import bad_combination, bad_value


def create_db_cluster_endpoint(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make an endpoint that leads to static members, or to all but excluded ones; a READER never leads to the writer
    while there are readers.
    """
    cluster = lookup.available(lookup.cluster_named(call, request["DBClusterIdentifier"]), "backing-up")
    identifier = names.identifier(request["DBClusterEndpointIdentifier"], "DBClusterEndpointIdentifier")
    present = call.records.count(ClusterEndpoint, where={"cluster": cluster.resource_id})
    quotas.within("CustomEndpointsPerDBCluster", present)
    static, excluded = _chosen(call, cluster, request)
    arn = arns.made(call.account, call.region, "cluster-endpoint", identifier)
    tags = tagging.of_new(call, request.get("Tags"), arn)
    if call.records.find(ClusterEndpoint, identifier) is not None:
        raise ServiceFault("DBClusterEndpointAlreadyExistsFault", "DB cluster endpoint already exists")
    engine = engine_names.named(cluster.engine)
    row = ClusterEndpoint(
        identifier=identifier,
        cluster=cluster.resource_id,
        resource_id=ids.unique_id("cluster-endpoint-", 26),
        endpoint=new_clusters.add_endpoint(call, engine, cluster.port, tokens=cluster.token_sign_in),
        kind=_kind(request["EndpointType"]),
        status="creating",
        static=static,
        excluded=excluded,
        tags=tags,
    )
    call.records.add(row)
    call.start(jobs.change_cluster_endpoint, identifier)
    return answers.endpoint(call, row)


def describe_db_cluster_endpoints(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of the endpoints of a cluster, or of all: the writer's, the readers', the custom ones."""
    name = request.get("DBClusterIdentifier")
    clusters = [lookup.cluster_named(call, name)] if name else call.records.list(Cluster)
    rows = [each for cluster in clusters for each in answers.own_endpoints(call, cluster)]
    wanted = {cluster.resource_id for cluster in clusters}
    custom = [row for row in call.records.list(ClusterEndpoint) if row.cluster in wanted]
    rows += [answers.endpoint(call, row) for row in custom]
    if identifier := request.get("DBClusterEndpointIdentifier"):
        rows = [row for row in rows if row.get("DBClusterEndpointIdentifier") == identifier.lower()]
    found = pages.filtered(
        request,
        rows,
        {
            "db-cluster-endpoint-type": lambda row: row["EndpointType"].lower(),
            "db-cluster-endpoint-custom-type": lambda row: row.get("CustomEndpointType", "").lower(),
            "db-cluster-endpoint-id": lambda row: row.get("DBClusterEndpointIdentifier", ""),
            "db-cluster-endpoint-status": lambda row: row["Status"],
        },
    )

    def place(row: dict[str, Any]) -> tuple[str, str]:
        return row["DBClusterIdentifier"], row["Endpoint"]

    page, marker = pages.page(call, request, sorted(found, key=place), place)
    return {"DBClusterEndpoints": page, **marker}


def modify_db_cluster_endpoint(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Change to which members an endpoint leads."""
    row = _available(call, request["DBClusterEndpointIdentifier"])
    cluster = lookup.expect(call.records, row.cluster)
    fields: dict[str, Any] = {"status": "modifying"}
    if request.get("EndpointType"):
        fields["kind"] = _kind(request["EndpointType"])
    if request.get("StaticMembers") is not None or request.get("ExcludedMembers") is not None:
        fields["static"], fields["excluded"] = _chosen(call, cluster, request)
    row = call.records.change(row, **fields)
    call.start(jobs.change_cluster_endpoint, row.identifier)
    return answers.endpoint(call, row)


def delete_db_cluster_endpoint(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete a custom endpoint; its sessions end."""
    row = _available(call, request["DBClusterEndpointIdentifier"])
    row = call.records.change(row, status="deleting")
    call.start(jobs.delete_cluster_endpoint, row.identifier)
    return answers.endpoint(call, replace(row, status="deleting"))


def _available(call: Call, name: str) -> ClusterEndpoint:
    row = call.records.get(ClusterEndpoint, name.lower())
    if row.status != "available":
        raise ServiceFault(
            "InvalidDBClusterEndpointStateFault", f"The endpoint {row.identifier} is not in available state."
        )
    # A switchover gives its name to another one.
    lookup.available(lookup.expect(call.records, row.cluster), "backing-up", "failing-over", "stopped")
    return row


def _kind(text: str) -> Any:
    kind = text.upper()
    if kind not in {"READER", "ANY"}:
        raise bad_value(f"Invalid endpoint type: {text}. A custom endpoint is READER or ANY.")
    return kind


def _chosen(call: Call, cluster: Cluster, request: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the resource ids of static and of excluded members; raises DBInstanceNotFoundFault and its kin."""
    static, excluded = request.get("StaticMembers") or [], request.get("ExcludedMembers") or []
    if static and excluded:
        raise bad_combination("StaticMembers and ExcludedMembers can not be specified together.")

    def ids_of(given: list[str]) -> list[str]:
        found = []
        for name in given:
            row = instances.instance_named(call, name)
            if row.cluster != cluster.resource_id:
                raise bad_value(
                    f"Instance {row.identifier} is not a member of the DB cluster {cluster.identifier}."
                )
            found.append(row.resource_id)
        return found

    return ids_of(static), ids_of(excluded)
