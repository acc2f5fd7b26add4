"""The event loop of an endpoint's process: asyncio for whoever signs in or gives orders, and a short way for bytes of sessions.

asyncio spends more on an event than a session does on a message. So sockets of sessions are watched here, inside of what
asyncio takes for its selector, and what they want done is done there; asyncio is only woken for what is its own: its
sockets, its timers, what was called soon.
"""

import asyncio
import select
import selectors
import time
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from typing import Any

_IN, _OUT = select.EPOLLIN, select.EPOLLOUT
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_AT_ONCE = 256
Act = Callable[[], None]


class _Selector(selectors.BaseSelector):
    """Watches asyncio's sockets for it, and acts at once on events of all others."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._reads: dict[int, Act] = {}
        self._writes: dict[int, Act] = {}
        # Whether asyncio has got something to do since it was here last.
        self.wanted = False
        self.failed: Callable[[BaseException], None] = _raise

    def watch(self, fd: int, *, read: Act | None = None, write: Act | None = None) -> None:
        """Act from now on when a socket can be read or written; with neither it is watched no more."""
        before = (fd in self._reads) * _IN | (fd in self._writes) * _OUT
        for acts, act in ((self._reads, read), (self._writes, write)):
            if act is None:
                acts.pop(fd, None)
            else:
                acts[fd] = act
        after = (read is not None) * _IN | (write is not None) * _OUT
        if after == before:
            return
        if not after:
            self._epoll.unregister(fd)
        elif before:
            self._epoll.modify(fd, after)
        else:
            self._epoll.register(fd, after)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Act on events until asyncio is wanted, or its time has come, and return those that are its own."""
        poll, clock, reads = self._epoll.poll, time.monotonic, self._reads
        ready: list[tuple[selectors.SelectorKey, int]] = []
        self.wanted = False
        until = None if timeout is None else clock() + max(0.0, timeout)
        wait = timeout
        while True:
            for fd, what in poll(wait, _AT_ONCE):
                act = reads.get(fd)
                if act is None or what != _IN:
                    self._seldom(fd, what, ready)
                    continue
                try:
                    act()
                except Exception as problem:  # noqa: BLE001  (one session's trouble is not another's)
                    self.failed(problem)
            if ready or self.wanted:
                return ready
            if until is not None:
                wait = until - clock()
                if wait <= 0:
                    return ready

    def _seldom(self, fd: int, what: int, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        """Act on an event that is asyncio's, on room to write, or on the end of a connection."""
        key = self._keys.get(fd)
        if key is not None:
            mask = (_WRITE if what & ~_IN else 0) | (_READ if what & ~_OUT else 0)
            if mask & key.events:
                ready.append((key, mask & key.events))
            return
        try:
            if what & ~_IN and fd in self._writes:
                self._writes[fd]()
            if what & ~_OUT and fd in self._reads:
                self._reads[fd]()
        except Exception as problem:  # noqa: BLE001
            self.failed(problem)

    # What asyncio asks of a selector

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a socket of asyncio's."""
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} is registered already")
        key = self._keys[fd] = selectors.SelectorKey(fileobj, fd, events, data)
        self._epoll.register(fd, _mask(events))
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Watch it no more."""
        key = self.get_key(fileobj)
        del self._keys[key.fd]
        self._epoll.unregister(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch it for something else."""
        key = self.get_key(fileobj)._replace(events=events, data=data)
        self._keys[key.fd] = key
        self._epoll.modify(key.fd, _mask(events))
        return key

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """Return how a socket of asyncio's is watched; raises KeyError."""
        return self._keys[fileobj if isinstance(fileobj, int) else fileobj.fileno()]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return how each is watched, by its number."""
        return self._keys

    def close(self) -> None:
        """Watch nothing any more."""
        self._epoll.close()
        self._keys.clear()


class Loop(asyncio.SelectorEventLoop):
    """asyncio's loop with the short way; `watch` is its only addition."""

    def __init__(self) -> None:
        self._short = _Selector()
        super().__init__(self._short)
        self._short.failed = self._report

    def watch(self, fd: int, *, read: Act | None = None, write: Act | None = None) -> None:
        """Act when a session's socket can be read or written; must be told of no socket before it is closed."""
        self._short.watch(fd, read=read, write=write)

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Do as asyncio does, and let it have its turn."""
        self._short.wanted = True
        return super().call_soon(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Do as asyncio does, and let it count its time anew."""
        self._short.wanted = True
        return super().call_at(when, callback, *args, context=context)

    def _report(self, problem: BaseException) -> None:
        self.call_exception_handler({"message": "a session's event was not handled", "exception": problem})


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run the process of an endpoint to its end."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main)


def running() -> Loop:
    """Return the loop of this process."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)
    return loop


def _mask(events: int) -> int:
    return (_IN if events & _READ else 0) | (_OUT if events & _WRITE else 0)


def _raise(problem: BaseException) -> None:
    raise problem
