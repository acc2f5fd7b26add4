"""PostgreSQL drops every connection under a running server: calls fail as something to try again, or not at all."""

import psycopg
from botocore.exceptions import ClientError

from tests.conftest import emptied_database
from tests.journeys.process import ServerProcess, until


def test_connections_that_are_cut_are_made_anew(tmp_path, postgresql):
    url = emptied_database(postgresql)
    with ServerProcess(tmp_path / "data", "--store", url) as server:
        logs = server.client("logs")
        logs.create_log_group(logGroupName="before")
        for turn in range(3):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE application_name LIKE 'coldframe %' AND pid <> pg_backend_pid()"
                )

            def made(name=f"after-{turn}"):
                try:
                    logs.create_log_group(logGroupName=name)
                except ClientError as error:
                    assert error.response["ResponseMetadata"]["HTTPStatusCode"] in {500, 503}
                    assert error.response["Error"]["Code"] == "ServiceUnavailableException", error
                    return False
                return True

            until(made)
        names = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        assert names == ["after-0", "after-1", "after-2", "before"]
        # The lock of the one server went with its connection, and must be held again before anybody else starts.
        said = ServerProcess(tmp_path / "other", "--store", url, log=tmp_path / "other.log").refused()
        assert "master key" not in said, said
        assert str(server.process.pid) in said or "another" in said, said
        assert server.stop() == 0
