"""One server process for all attacks: after each of them it must still serve, in little memory, having said nothing of failures."""

import pytest

from tests.journeys.process import ServerProcess


@pytest.fixture(scope="package")
def target(tmp_path_factory):
    """The server that is attacked."""
    with ServerProcess(tmp_path_factory.mktemp("target") / "data") as server:
        logs = server.client("logs")
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")
        yield server
        assert server.stop() == 0


@pytest.fixture(autouse=True)
def still_serving(request):
    """What must hold after every attack on the server."""
    if "target" not in request.fixturenames:
        yield
        return
    server = request.getfixturevalue("target")
    before = len(server.said())
    yield
    assert server.client("sts").get_caller_identity()["Account"] == server.root.account
    said = server.said()[before:]
    assert "Traceback" not in said, said
