"""Handler threads: work beyond what runs at once waits its turn."""

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
