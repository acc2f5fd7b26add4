"""The log of an instance is archived by one at a time: two would write the same file in the archive."""

import threading
from types import SimpleNamespace

from coldframe.core.installation import Parts
from coldframe.services.rds import snapshotting
from coldframe.services.rds.databases import Databases


def test_two_who_archive_an_instance_wait_for_each_other(tmp_path, monkeypatch):
    busy, met, pause = threading.Lock(), [], threading.Event()

    def archive(spec, folder):
        met.append(busy.acquire(blocking=False))
        pause.wait(0.05)
        if met[-1]:
            busy.release()
        assert folder == tmp_path / "databases" / "archive" / "db-1"
        return 1.5

    engine = SimpleNamespace(backups=SimpleNamespace(archive=archive))
    installation = SimpleNamespace(
        settings=SimpleNamespace(data_dir=tmp_path), clock=None, store=None, parts=Parts()
    )
    databases, instance = (
        Databases(installation, {"mariadb": lambda: engine}, {}),
        SimpleNamespace(engine="mariadb", resource_id="db-1", encryption=None),
    )
    monkeypatch.setattr(databases, "spec", lambda found: found)
    found, together = [], threading.Barrier(4)

    def run():
        together.wait()
        found.append(snapshotting.archive(databases, instance))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [1.5] * 4
    assert met == [True] * 4
