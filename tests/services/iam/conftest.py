"""One server for each module of IAM's tests, names that no other test uses, and clients of users made for a test."""

import itertools

import pytest
from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("iam") / "data") as running:
        yield running


@pytest.fixture
def iam(cloud):
    return cloud.client("iam")


_numbers = itertools.count(1)


@pytest.fixture
def fresh():
    """Makes names: `fresh("user")`."""
    return lambda word: f"{word}-{next(_numbers)}"


@pytest.fixture
def person(cloud, iam, fresh):
    """Makes a user with an access key; returns its name and a function that makes its clients."""

    def make(path="/", **more):
        name = fresh("person")
        iam.create_user(UserName=name, Path=path, **more)
        key = iam.create_access_key(UserName=name)["AccessKey"]

        def client(service="iam"):
            return cloud.client(
                service,
                aws_access_key_id=key["AccessKeyId"],
                aws_secret_access_key=key["SecretAccessKey"],
            )

        client.key = key["AccessKeyId"]
        return name, client

    return make
