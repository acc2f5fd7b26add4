"""One server for each module of the tests of Secrets Manager, names of their own, and users whose policies a test says."""

import itertools

import pytest

from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("secretsmanager") / "data") as running:
        yield running


@pytest.fixture
def secrets(server):
    return server.client("secretsmanager")


_numbers = itertools.count(1)


@pytest.fixture
def fresh():
    """A name that no other test uses."""
    return f"app/secret{next(_numbers)}"


@pytest.fixture
def person(server):
    """Makes a user with an inline policy of the statements given; returns its ARN and its client."""

    def create(*statements):
        user, key = server.add_user(f"person-{next(_numbers)}", *statements)
        return user, server.client("secretsmanager", **key)

    return create


def code(error):
    """The code that an SDK shows for an error."""
    return error.value.response["Error"]["Code"]


def message(error):
    """The message of an error."""
    return error.value.response["Error"]["Message"]
