"""Clients by which services call each other: kept for one caller, and never handed to another."""

from dataclasses import replace

import pytest

from coldframe.identity.caller import Caller
from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("loopback") / "data") as running:
        yield running


def test_a_client_is_kept_for_one_caller_alone(server):
    clients, account = server.installation.clients, server.account
    arn = f"arn:aws:iam::{account}:root"
    root = Caller(kind="root", arn=arn, account=account, user_id=account)
    asked = {"principal": root, "region": "us-east-1"}
    first = clients("sts", **asked)
    assert clients("sts", **asked) is first
    assert clients("sts", **{**asked, "principal": replace(root)}) is first, "an equal caller is the same"
    for other in (
        {"region": "eu-west-1"},
        {"via": "s3"},
        {"principal": replace(root, tags={"a": "1"})},
        {"principal": replace(root, source_arn="arn:aws:logs:us-east-1:123456789012:log-group:g")},
    ):
        assert clients("sts", **{**asked, **other}) is not first, other
    stranger = Caller(kind="user", arn=f"arn:aws:iam::{account}:user/u", account=account, user_id="AIDA1")
    assert clients("sts", **{**asked, "principal": stranger}).get_caller_identity()["Arn"] == stranger.arn
    assert clients("sts", **asked).get_caller_identity()["Arn"] == arn
