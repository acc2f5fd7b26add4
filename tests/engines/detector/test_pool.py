"""The scanner pool finds what its detector finds, whichever process scans, and outlives the death of one."""

import os
import signal
import threading

import pytest

from coldframe.engines.detector import Detector
from coldframe.engines.detector.pool import PoolSettings, ScannerPool

LINES = [f"user {number}: mail jane{number}@example.com card 4532015112830366" for number in range(2000)]
SMALL = PoolSettings(processes=2, characters=1000, idle_seconds=30.0)


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    made = Detector("auto", tmp_path_factory.getbasetemp().parent / "detector-cache")
    made.warm()
    return made


@pytest.fixture
def pool(detector):
    made = ScannerPool(detector, SMALL)
    yield made
    made.close()


def together(pool, selection, count=4):
    """The findings of several scans that run at once; they begin together."""
    answers = [None] * count
    gate = threading.Barrier(count)

    def scan(index):
        gate.wait()
        answers[index] = pool.scan(LINES, selection)

    threads = [threading.Thread(target=scan, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_single_scan_needs_no_process(pool, detector):
    selection = detector.select(["EmailAddress"])
    assert pool.scan(LINES, selection) == detector.scan(LINES, selection)
    assert pool.processes == 0


def test_scans_at_once_find_the_same_in_processes_of_their_own(pool, detector):
    selection = detector.select(["EmailAddress", "CreditCardNumber"], [("user", "user [0-9]+")])
    expected = detector.scan(LINES, selection)
    assert all(answer == expected for answer in together(pool, selection))
    assert 1 <= pool.processes <= 2


def test_a_process_that_is_killed_loses_nothing(pool, detector):
    selection = detector.select(["EmailAddress"])
    expected = detector.scan(LINES, selection)
    together(pool, selection)
    for scanner in list(pool._free):
        os.kill(scanner.process.pid, signal.SIGKILL)
        scanner.process.join()
    assert all(answer == expected for answer in together(pool, selection))


def test_closing_ends_the_processes(detector):
    pool = ScannerPool(detector, SMALL)
    selection = detector.select(["EmailAddress"])
    together(pool, selection)
    processes = [scanner.process for scanner in pool._free]
    pids = [process.pid for process in processes]
    assert pids
    pool.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
