"""The jobs of custom endpoints: opened, led elsewhere, closed."""

import shutil

from coldframe.core.records import Records
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds.clusters import doors
from coldframe.services.rds.clusters.records import ClusterEndpoint
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Endpoint


@job("rds.change-cluster-endpoint")
def change_cluster_endpoint(run: Run, identifier: str) -> None:
    """Let an endpoint lead to the members that its record names now."""
    run.commit_point()

    def there(records: Records) -> str:
        row = records.find(ClusterEndpoint, identifier)
        if row is None or row.status not in {"creating", "modifying"}:
            return ""
        records.change(row, status="available")
        return row.cluster

    if cluster := run.write("it is there", there):
        run.step("lead it to its members", _spread, run, cluster)


@job("rds.delete-cluster-endpoint")
def delete_cluster_endpoint(run: Run, identifier: str) -> None:
    """Close an endpoint and forget it."""
    run.commit_point()
    run.step("close it", _close, run, identifier)

    def forget(records: Records) -> None:
        row = records.find(ClusterEndpoint, identifier)
        if row is None:
            return
        records.remove(row)
        if endpoint := records.find(Endpoint, row.endpoint):
            records.remove(endpoint)

    run.write("forget it", forget)


def _spread(run: Run, cluster: str) -> None:
    databases = run.part(Databases)
    found = doors.look(databases, run.account, run.region, cluster)
    if found is not None:
        doors.spread(databases, found)


def _close(run: Run, identifier: str) -> None:
    databases = run.part(Databases)
    with run.read() as records:
        row = records.find(ClusterEndpoint, identifier)
        endpoint = records.find(Endpoint, row.endpoint) if row is not None else None
    if endpoint is not None:
        with databases.turn(endpoint.id):
            door = databases.door(endpoint)
            databases.endpoints(endpoint.engine).stop(door)
            shutil.rmtree(door.folder, ignore_errors=True)
