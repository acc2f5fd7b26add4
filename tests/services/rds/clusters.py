"""What the tests of clusters share: clusters and members that are made, waited for, looked at past the API, and removed."""

import contextlib
import itertools
import os
import signal

from coldframe.engines.mariadb.client import Client
from coldframe.engines.postgresql import admin
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.databases import Databases
from tests.journeys.process import until
from tests.services.rds.conftest import PASSWORD, available

_numbers = itertools.count()
ENGINES = ("aurora-postgresql", "mariadb")


def wanted_cluster(engine="aurora-postgresql", **more):
    """The parameters of CreateDBCluster with a name of its own."""
    return {
        "DBClusterIdentifier": f"cluster-{next(_numbers)}",
        "Engine": engine,
        "MasterUsername": "owner",
        "MasterUserPassword": PASSWORD,
        "DatabaseName": "app",
        **more,
    }


def cluster_of(rds, name):
    """A DBCluster as it is described now."""
    return rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]


def settled_cluster(rds, name, seconds=90):
    """Wait until a cluster is available; gives its description."""

    def there():
        found = cluster_of(rds, name)
        assert found["Status"] != "failed", [
            row["Message"]
            for row in rds.describe_events(SourceType="db-cluster", SourceIdentifier=name)["Events"]
        ]
        return found if found["Status"] == "available" else None

    return until(there, seconds)


def made_cluster(rds, engine="aurora-postgresql", members=2, **more):
    """Make a cluster with members and wait until all are there; gives its description."""
    name = rds.create_db_cluster(**wanted_cluster(engine, **more))["DBCluster"]["DBClusterIdentifier"]
    for number in range(members):
        add_member(rds, name, engine, f"{name}-{'abcd'[number]}")
    settled_cluster(rds, name)
    for each in cluster_of(rds, name)["DBClusterMembers"]:
        available(rds, each["DBInstanceIdentifier"])
    return cluster_of(rds, name)


def add_member(rds, cluster, engine, name, **more):
    """Begin to make a member."""
    wanted = {"DBInstanceClass": "db.t3.medium", "Engine": engine, "DBClusterIdentifier": cluster}
    return rds.create_db_instance(DBInstanceIdentifier=name, **wanted, **more)["DBInstance"]


def writer_of(rds, name):
    """The identifier of the writer."""
    found = cluster_of(rds, name)["DBClusterMembers"]
    (writer,) = (each["DBInstanceIdentifier"] for each in found if each["IsClusterWriter"])
    return writer


def at_cluster(cluster):
    """A cluster as `connector` takes it: its endpoint where an instance has its own."""
    return {
        "Endpoint": {"Address": cluster["Endpoint"], "Port": cluster["Port"]},
        "MasterUsername": cluster["MasterUsername"],
        "Engine": "mariadb" if cluster["Engine"] == "mariadb" else "postgres",
        "DBName": cluster["DatabaseName"],
    }


def end_clusters(rds):
    """Wait until what goes on with each cluster has ended, and delete it as `remove_clusters` does."""
    for each in rds.describe_db_clusters()["DBClusters"]:
        settled_cluster(rds, each["DBClusterIdentifier"])
    remove_clusters(rds)


def remove_clusters(rds):
    """Delete every cluster with its members, and wait until they are gone."""

    def none_left():
        found = rds.describe_db_clusters()["DBClusters"]
        for row in found:
            for each in row["DBClusterMembers"]:
                with contextlib.suppress(
                    rds.exceptions.InvalidDBInstanceStateFault,
                    rds.exceptions.InvalidDBClusterStateFault,
                    rds.exceptions.DBInstanceNotFoundFault,
                ):
                    rds.delete_db_instance(
                        DBInstanceIdentifier=each["DBInstanceIdentifier"], SkipFinalSnapshot=True
                    )
            if row["DeletionProtection"]:
                rds.modify_db_cluster(
                    DBClusterIdentifier=row["DBClusterIdentifier"], DeletionProtection=False
                )
            with contextlib.suppress(
                rds.exceptions.InvalidDBClusterStateFault, rds.exceptions.DBClusterNotFoundFault
            ):
                rds.delete_db_cluster(DBClusterIdentifier=row["DBClusterIdentifier"], SkipFinalSnapshot=True)
        return not found

    until(none_left, 120)


class Behind:
    """A cluster looked at past the API: its records, its databases, and ways to kill them."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.databases = server.installation.parts.get(Databases)

    def record(self):
        with self.server.installation.store.read() as transaction:
            records = transaction.records(self.server.account, "us-east-1")
            from coldframe.services.rds.clusters.records import Cluster

            return records.get(Cluster, self.name)

    def members(self):
        with self.server.installation.store.read() as transaction:
            records = transaction.records(self.server.account, "us-east-1")
            return {row.identifier: row for row in lookup.members(records, self.record())}

    def engine(self, member):
        row = self.members()[member]
        return self.databases.engine(row.engine), self.databases.spec(row)

    def writable(self):
        """The members that take writes."""
        found = []
        for name in self.members():
            engine, spec = self.engine(name)
            status = engine.status(spec)
            if status.state == "running" and not status.read_only:
                found.append(name)
        return found

    def kill(self, member, number=signal.SIGKILL):
        engine, spec = self.engine(member)
        os.kill(engine.reattach(spec).pid, number)

    def get_nothing(self, member):
        """Have a reader that runs get nothing more from its writer."""
        engine, spec = self.engine(member)
        where = engine.reattach(spec).socket
        if engine.name == "mariadb":
            with Client(where) as client:
                client.query("STOP SLAVE IO_THREAD")
            return
        with admin.connected(where) as connection:
            connection.query("ALTER SYSTEM SET primary_conninfo = ''")
            connection.query("SELECT pg_reload_conf()")
            until(lambda: connection.value("SELECT count(*) FROM pg_stat_wal_receiver") == "0")

    def promotable(self, count):
        """Wait until so many readers may take over."""
        until(lambda: len(self.record().promotable) == count, 60)
