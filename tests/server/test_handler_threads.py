"""Handler threads: work that waits is done in order, and little work stays on one thread."""

import asyncio
import threading

from coldframe.server.handler_threads import HandlerThreads


def test_work_beyond_the_most_threads_waits_and_is_done_in_order() -> None:
    async def scenario() -> None:
        threads = HandlerThreads(asyncio.get_running_loop(), most=1, name="test")
        gate, order = threading.Event(), []

        def work(number: int) -> int:
            assert gate.wait(5)
            order.append(number)
            return number

        futures = [threads.run(work, number) for number in range(5)]
        gate.set()
        assert await asyncio.wait_for(asyncio.gather(*futures), 5) == [0, 1, 2, 3, 4]
        assert order == [0, 1, 2, 3, 4]
        threads.close()

    asyncio.run(scenario())


def test_a_thread_that_fell_idle_is_used_before_a_new_one_starts() -> None:
    async def scenario() -> None:
        threads = HandlerThreads(asyncio.get_running_loop(), most=4, name="test")
        both = threading.Barrier(2)
        first, second = threading.Event(), threading.Event()

        def meet(gate: threading.Event) -> str:
            both.wait(5)
            assert gate.wait(5)
            return threading.current_thread().name

        early, late = threads.run(meet, first), threads.run(meet, second)
        first.set()
        await asyncio.wait_for(early, 5)
        second.set()
        latest = await asyncio.wait_for(late, 5)
        assert await asyncio.wait_for(threads.run(_settled, None), 5) in {latest, early.result()}
        names = [await asyncio.wait_for(threads.run(_settled, None), 5) for _ in range(20)]
        assert len({*names, latest, early.result()}) == 2, "two threads are enough, and no third was started"
        threads.close()

    asyncio.run(scenario())


def _settled(_nothing: None) -> str:
    return threading.current_thread().name
