"""The mishaps of the switchover benchmark follow from their seed alone, and every kind of them comes up."""

from bench import mishaps
from tests.engines.databases.switchover_job import STEPS


def test_a_seed_means_the_same_mishaps_every_time():
    plan = mishaps.planned(7, 60, disks=True)
    assert plan == mishaps.planned(7, 60, disks=True)
    assert plan != mishaps.planned(8, 60, disks=True)
    assert list(plan) == list(range(2, 61, 2))


def test_every_kind_comes_at_some_step():
    plans = [mishaps.planned(seed, 200, disks=True) for seed in range(3)]
    found = [each for plan in plans for each in plan.values()]
    assert {each.kind for each in found} == set(mishaps.KINDS)
    assert {each.step for each in found} == set(STEPS)
    assert not any(each.kind.endswith("disk") for each in mishaps.planned(1, 200, disks=False).values()), (
        "only root has disks of its own"
    )
