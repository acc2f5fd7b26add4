"""An engine exists once in a server, whoever needs it first: jobs that go on after a start all need it at the same moment."""

import threading
from types import SimpleNamespace

import pytest

from coldframe.core.installation import Parts
from coldframe.services.rds.databases import Databases


@pytest.mark.parametrize("kind", ["engine", "endpoints"])
def test_many_who_need_an_engine_at_once_share_one(tmp_path, kind):
    begun, go = [], threading.Event()

    def make():
        begun.append(object())
        go.wait(0.2)
        return begun[-1]

    installation = SimpleNamespace(
        settings=SimpleNamespace(data_dir=tmp_path), clock=None, store=None, parts=Parts()
    )
    databases = Databases(installation, {"mariadb": make}, {"mariadb": make})
    found, together = [], threading.Barrier(8)

    def need():
        together.wait()
        found.append(getattr(databases, kind)("mariadb"))

    threads = [threading.Thread(target=need) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8
    assert len(begun) == 1
    assert set(found) == {begun[0]}
