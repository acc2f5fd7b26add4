"""Dev mode's reset takes the databases and nothing that the next ones need."""

import urllib.request

from coldframe.services.rds.databases import Databases
from tests.journeys.process import until
from tests.services.rds.clusters import made_cluster
from tests.services.rds.conftest import described, served, wanted


def reset(server):
    request = urllib.request.Request(f"{server.endpoint}/_coldframe/reset", method="POST")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def test_databases_are_made_as_ever_after_a_reset_with_a_cluster():
    with served(dev=True, remove=lambda rds: None) as server:
        try:
            rds = server.client("rds")
            root = server.assembly.installation.parts.get(Databases).root
            made_cluster(rds, members=1)
            reset(server)
            assert rds.describe_db_clusters()["DBClusters"] == []
            assert [each.name for each in root.iterdir() if each.name.startswith("db-")] == []
            assert (root / "ca" / "rds-ca-rsa2048-g1.pem").exists()
            name = rds.create_db_instance(**wanted("postgres"))["DBInstance"]["DBInstanceIdentifier"]
            until(lambda: described(rds, name)["DBInstanceStatus"] == "available", 60)
        finally:
            reset(server)
