"""A server that has nothing to do writes nothing, however often it looks whether there is something."""

import time

from coldframe.core.clock import Clock
from coldframe.core.config import Settings
from coldframe.jobs.attempt import Timing
from coldframe.jobs.schedule import Schedule, ScheduleRow
from coldframe.server.assembly import assemble, periodic_work

PATIENCE = 20.0


def test_nothing_is_written_when_nothing_is_due(tmp_path):
    begun = time.time()
    with assemble(Settings(tmp_path / "data"), Clock(lambda: begun)) as assembly:
        store, moment = assembly.installation.store, [begun]
        every = list(periodic_work(assembly.services, assembly.installation))
        # The server's own schedule stands still once it has written down when rare work is due.
        rare = {each.name for each in every if each.rare}
        deadline = time.monotonic() + PATIENCE
        while not all(store.cached(ScheduleRow, "", "", name) for name in rare):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        schedule = Schedule(store, every, Timing(lambda: moment[0]))
        schedule.run_due()
        before, looked = store.changes, 0
        while moment[0] < begun + 3590:
            following = schedule.run_due()
            assert following is not None
            moment[0] = following
            looked += 1
        assert looked > 300
        assert store.changes == before
