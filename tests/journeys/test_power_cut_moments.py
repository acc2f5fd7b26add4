"""Power cuts at chosen moments: the first start of a server, sealing of its key, and the end and the midst of a backup."""

import subprocess

import pytest

from tests.journeys.power import cut_disk, needs_root
from tests.journeys.process import MAIN, ServerProcess, until

pytestmark = [needs_root, pytest.mark.xdist_group("power-cut")]

# The files of a first start, in the order in which they come.
FIRST = ["coldframe.sqlite3", "master.key", "root-credentials.json"]


@pytest.fixture(scope="module")
def disk():
    with cut_disk("data=writeback,noauto_da_alloc", size=256 << 20) as made:
        yield made


def command(*words):
    """Run a command of coldframe to its end."""
    return subprocess.run([*MAIN, *map(str, words)], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("name", FIRST)
def test_a_first_start_that_is_cut_off_is_mended_by_the_next(tmp_path, disk, name):
    data = disk.folder / name.replace("/", "-")
    first = ServerProcess(data, "--tls-port", "0", log=tmp_path / "first")
    until((data / name).exists)
    disk.cut()
    first.kill()
    disk.back()
    with ServerProcess(data, "--tls-port", "0", log=tmp_path / "second") as server:
        assert server.client("sts").get_caller_identity()["Arn"].endswith(":root")
        assert server.stop() == 0
    assert [path.name for path in data.rglob("*.new")] == []
    said = (tmp_path / "second").read_text(encoding="utf-8")
    assert "Traceback" not in said, said


def test_a_key_that_was_sealed_stays_so(tmp_path, disk):
    data, passphrase = disk.folder / "sealed", tmp_path / "passphrase"
    passphrase.write_text("correct horse", encoding="utf-8")
    with ServerProcess(data, "--tls-port", "0", log=tmp_path / "log") as server:
        assert server.stop() == 0
    key = (data / "master.key").read_bytes()
    done = command("seal", "--data", data, "--passphrase-file", passphrase)
    disk.cut()
    assert done.returncode == 0, done.stderr
    disk.back()
    assert not (data / "master.key").exists()
    assert disk.holds(key) == []
    done = command("seal", "--data", data, "--passphrase-file", passphrase, "--open")
    disk.cut()
    assert done.returncode == 0, done.stderr
    disk.back()
    assert (data / "master.key").read_bytes() == key
    assert not (data / "master.key.sealed").exists()


def test_a_backup_is_whole_when_it_says_so_and_none_before(tmp_path, disk):
    data, whole, half = (disk.folder / name for name in ("original", "whole", "half"))
    with ServerProcess(data, "--tls-port", "0", log=tmp_path / "log") as server:
        logs, s3 = server.client("logs"), server.client("s3")
        logs.create_log_group(logGroupName="g")
        s3.create_bucket(Bucket="versioned")
        for number in range(40):
            s3.put_object(Bucket="versioned", Key=f"k{number}", Body=b"x" * 100_000)
        server.client("sns").create_topic(Name="t")
        making = subprocess.Popen([*MAIN, "backup", "--data", str(data), str(half)], stderr=subprocess.PIPE)
        until((half / "coldframe.sqlite3").exists)
        disk.cut()
        making.kill()
        making.communicate()
        server.kill()
    disk.back()
    assert "half of a backup" in ServerProcess(half, "--tls-port", "0", log=tmp_path / "half").refused()
    done = command("backup", "--data", data, half)
    assert done.returncode == 0, done.stderr
    done = command("backup", "--data", data, whole)
    disk.cut()
    assert done.returncode == 0, done.stderr
    disk.back()
    for each in (half, whole):
        done = command("backup", "--verify", each)
        assert done.returncode == 0, done.stderr
    with ServerProcess(whole, "--tls-port", "0", log=tmp_path / "restored") as server:
        s3 = server.client("s3")
        assert len(s3.list_objects_v2(Bucket="versioned")["Contents"]) == 40
        assert s3.get_object(Bucket="versioned", Key="k39")["Body"].read() == b"x" * 100_000
        disk.cut()
        server.kill()
    disk.back()
    # It is a data directory since, and is not taken for a backup again.
    assert not (whole / "backup.json").exists()
    with ServerProcess(whole, "--tls-port", "0", log=tmp_path / "again") as server:
        assert server.stop() == 0
