"""A disk that is full or takes no writes any more, under every service: clear errors, reads that go on, nothing lost."""

import contextlib

import pytest
from botocore.exceptions import ClientError

from tests.journeys.power import cut_disk, needs_root
from tests.journeys.process import ServerProcess, until
from tests.journeys.test_power_cut import WORK, Client

pytestmark = [needs_root, pytest.mark.xdist_group("power-cut")]


def refused(client, step):
    """What a service answers to work that the disk does not take; it says it in its own words, and that it may be tried again."""
    client.begun.append(step)
    with pytest.raises(ClientError) as caught:
        client.work.do(step)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] in {500, 503}, answer
    assert answer["Error"]["Code"] not in {"InternalFailure", "InternalError"}, answer
    return answer["Error"]["Message"]


def done(client, step):
    """Whether a step of work was taken."""
    client.begun.append(step)
    try:
        client.acknowledged.append(client.work.do(step))
    except ClientError:
        return False
    return True


def test_a_full_disk_and_one_that_is_read_only(tmp_path):
    with cut_disk(size=96 << 20) as disk:
        data, ballast = disk.folder / "data", disk.folder / "ballast"
        with ServerProcess(data, "--tls-port", "0", log=tmp_path / "first") as server:
            clients = [Client(server, each, disk) for each in WORK]
            assert all(done(client, step) for client in clients for step in range(3))
            with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            # What the stores have set aside may take some more.
            numbers = dict.fromkeys(clients, 3)

            def full(client):
                numbers[client] += 1
                return not done(client, numbers[client])

            for client in clients:
                until(lambda client=client: full(client))
                numbers[client] += 1
                assert "space" in refused(client, numbers[client]), client.work
            server.client("sts").get_caller_identity()
            ballast.unlink()

            def works_again(client):
                numbers[client] += 1
                return done(client, numbers[client])

            for client in clients:
                until(lambda client=client: works_again(client))
            # What ext4 does by itself when its disk reports an error.
            disk.remount("abort")
            for client in clients:
                numbers[client] += 1
                refused(client, numbers[client])
            assert server.client("logs").filter_log_events(logGroupName="g")["events"]
            key = f"k{clients[1].acknowledged[0][0]}"
            assert server.client("s3").get_object(Bucket="versioned", Key=key)["Body"].read()
            server.client("sts").get_caller_identity()
            server.kill()
        disk.back()
        assert "Traceback" not in (tmp_path / "first").read_text(encoding="utf-8")
        with ServerProcess(data, "--tls-port", "0", log=tmp_path / "second") as server:
            for client in clients:
                client.work.check(server, client)
            assert server.stop() == 0
