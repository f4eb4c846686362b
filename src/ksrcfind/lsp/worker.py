"""A thread for work that must not keep the server's event loop waiting."""

import asyncio
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum
from queue import PriorityQueue
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class Urgency(IntEnum):
    """What is done first."""

    ASKED = 0
    """Somebody looks at the place and waits."""
    SHOWN = 1
    """It is on a screen."""
    LATER = 2
    """The rest of a document."""
    AT_LAST = 3
    """When nothing else is left to do."""


class Worker:
    """Does one job after the other in a thread of its own, the most urgent first, of equals in order.

    A job whose awaiting task is cancelled before it began is left out. `do` and `end` are called in one thread, that
    of the event loop.
    """

    def __init__(self, name: str) -> None:
        self._jobs: PriorityQueue[tuple[int, int, Callable[[], Any] | None, Future[Any]]] = PriorityQueue()
        self._numbers = itertools.count()
        self._ended = False
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def do(self, job: Callable[[], _Result], urgency: Urgency) -> _Result:
        """Return what a job returns. Raises what it raises, and `CancelledError` once the thread was told to end."""
        if self._ended:  # Nobody would ever do it.
            raise asyncio.CancelledError
        done: Future[_Result] = Future()
        self._jobs.put((urgency, next(self._numbers), job, done))
        return await asyncio.wrap_future(done)

    def end(self, last: Callable[[], object]) -> None:
        """End the thread after what it was given so far, and after `last`."""
        if self._ended:
            return
        self._ended = True
        for job in (last, None):
            self._jobs.put((Urgency.AT_LAST, next(self._numbers), job, Future()))

    def _work(self) -> None:
        while True:
            _, _, job, done = self._jobs.get()
            if job is None:
                return
            if not done.set_running_or_notify_cancel():
                continue
            try:
                done.set_result(job())
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
                done.set_exception(error)
