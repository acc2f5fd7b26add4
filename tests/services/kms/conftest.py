"""One server for each module of KMS's tests, keys of any kind, and users whose policies a test says."""

import itertools
import json

import pytest

from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("kms") / "data") as running:
        yield running


@pytest.fixture
def kms(server):
    return server.client("kms")


@pytest.fixture
def make(kms):
    """Makes a key and returns its id."""

    def create(**more):
        return kms.create_key(**more)["KeyMetadata"]["KeyId"]

    return create


@pytest.fixture
def arn(server):
    """The ARN of a key id."""
    return lambda key_id: f"arn:aws:kms:us-east-1:{server.account}:key/{key_id}"


_numbers = itertools.count(1)


@pytest.fixture
def person(server):
    """Makes a user with an inline policy of the statements given; returns its ARN and a function that makes clients."""

    def create(*statements):
        user, key = server.add_user(f"person-{next(_numbers)}", *statements)

        def client(service="kms", **more):
            return server.client(service, **key, **more)

        return user, client

    return create


def allow(*actions, resource="*", **more):
    """A statement that allows."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def policy_of(*statements):
    """A policy document as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def code(error):
    """The code that an SDK shows for an error."""
    return error.value.response["Error"]["Code"]


def message(error):
    """The message of an error."""
    return error.value.response["Error"]["Message"]
