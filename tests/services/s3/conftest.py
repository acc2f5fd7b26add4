"""One server for each file of tests, and buckets of a test's own."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.server_fixtures import RunningServer, running_server

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A running server that the tests of a file share."""
    with running_server(tmp_path_factory.mktemp("s3") / "data") as running:
        yield running


@pytest.fixture
def s3(s3_server: RunningServer) -> Any:
    """A boto3 client as root."""
    return s3_server.client("s3")


@pytest.fixture
def new_bucket(s3: Any) -> Callable[..., str]:
    """Makes a bucket of a new name; `versioned` turns versioning on."""

    def make(*, versioned: bool = False, **settings: Any) -> str:
        name = f"bucket-{next(_NUMBERS)}-of-tests"
        s3.create_bucket(Bucket=name, **settings)
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    return make


@pytest.fixture
def bucket(new_bucket: Callable[..., str]) -> str:
    """A bucket without versions."""
    return new_bucket()
