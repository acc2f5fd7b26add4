"""What a new snapshot takes over from its instance or cluster: tags where none are given, and whether tokens sign in."""

from types import SimpleNamespace

import pytest

from coldframe.core.store import Store
from coldframe.services.rds import answers, snapshotting
from coldframe.services.rds.clusters import snapshotting as cluster_snapshotting
from coldframe.services.rds.clusters.records import Cluster, ClusterSnapshot
from coldframe.services.rds.records import Endpoint, Instance, Snapshot

HERE = ("123456789012", "us-east-1")
GIVEN = {"of": "request"}
OWN = {"team": "a"}


@pytest.fixture
def records(tmp_path):
    opened = Store.open(f"sqlite:///{tmp_path}/store.db")
    opened.prepare([Cluster, ClusterSnapshot, Endpoint, Instance, Snapshot])
    with opened.write() as transaction:
        found = transaction.records(*HERE)
        found.add(Endpoint(id="e", address="127.64.0.1", port=5432, engine="postgres"))
        yield found
    opened.close()


def instance(**more):
    texts = dict.fromkeys(("version", "instance_class", "status", "parameter_group", "option_group"), "x")
    return Instance(
        **texts,
        identifier="one",
        resource_id="db-1",
        serial=1,
        engine="postgres",
        created=0,
        **{"master": "owner", "endpoint": "e", "storage": 20, "tags": OWN, **more},
    )


@pytest.mark.parametrize(
    ("copies", "given", "expected"),
    [(True, {}, OWN), (True, GIVEN, GIVEN), (False, GIVEN, GIVEN), (False, {}, {})],
)
def test_tags_are_those_of_the_request_or_of_the_source(records, copies, given, expected):
    about = {"CopyTagsToSnapshot": copies}
    made = snapshotting.new_snapshot(records, instance(about=about), "s", "manual", given, 0)
    assert made.tags == expected
    texts = dict.fromkeys(("version", "status", "parameter_group", "endpoint", "reader_endpoint"), "x")
    cluster = Cluster(
        **texts,
        identifier="c",
        resource_id="cluster-1",
        engine="aurora-postgresql",
        created=0,
        master="owner",
        port=5432,
        about=about,
        tags=OWN,
        storage=1,
        zones=[],
    )
    made = cluster_snapshotting.new_snapshot(records, cluster, "s", "manual", given, 0)
    assert made.tags == expected


@pytest.mark.parametrize("tokens", [True, False])
def test_a_snapshot_says_whether_tokens_sign_in(records, tokens):
    row = snapshotting.new_snapshot(records, instance(token_sign_in=tokens), "s", "manual", {}, 0)
    call = SimpleNamespace(account=HERE[0], region=HERE[1])
    assert answers.snapshot(call, row)["IAMDatabaseAuthenticationEnabled"] is tokens
