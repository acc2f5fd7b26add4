"""Keys leave the kernel when their time is over, by a clock that counts suspended time too."""

import time
from pathlib import Path

import pytest

from coldframe.engines.keyring import PROCESS, KeyringError
from coldframe.engines.keyring.fake import FakeKernel
from coldframe.keys.agent.boot_timer import BootTimer
from coldframe.keys.agent.expiry import Expiry


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def timer():
    made = BootTimer()
    yield made
    made.close()


def test_the_timer_is_of_the_clock_that_goes_on_in_a_suspend(timer):
    timer.set(timer.now() + 1000)
    told = Path(f"/proc/self/fdinfo/{timer.descriptor}").read_text(encoding="ascii")
    assert f"clockid: {time.CLOCK_BOOTTIME}\n" in told


def test_a_moment_that_is_over_does_not_wait_and_a_later_one_does(timer):
    timer.set(timer.now() - 5)
    timer.wait()
    timer.set(0.0)
    timer.wait()
    begun = timer.now()
    timer.set(begun + 0.2)
    timer.wait()
    assert timer.now() >= begun + 0.2


def test_keys_go_in_the_order_of_their_time():
    kernel = FakeKernel(clock=lambda: 0.0)
    process = kernel.process()
    ring = process.add_key("keyring", "agent", b"", PROCESS)
    long, short, kept = (process.add_key("user", name, b"x", ring) for name in ("long", "short", "kept"))
    expiry = Expiry(process, ring)
    expiry.after(3600, kept)
    expiry.after(1, long)
    # A key with less time than the one that is waited for.
    expiry.after(0, short)
    until(lambda: short not in kernel.keys)
    assert long in kernel.keys
    until(lambda: long not in kernel.keys)
    assert kept in kernel.keys
    # One that is gone already harms nothing.
    with pytest.raises(KeyringError):
        process.describe(long)
    expiry.after(0, long)
    again = process.add_key("user", "again", b"x", ring)
    expiry.after(0, again)
    until(lambda: again not in kernel.keys)
