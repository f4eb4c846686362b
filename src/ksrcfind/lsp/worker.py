"""A thread for work that must not block the server's event loop."""

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
    """The priority of a job; lower values run first."""

    ASKED = 0
    """The user waits for the result."""
    SHOWN = 1
    """The result is for a visible part of a document."""
    LATER = 2
    """The result is for the rest of a document."""
    AT_LAST = 3
    """Runs when no other job is left."""


class Worker:
    """Runs jobs one by one in a thread of its own: the most urgent first, equally urgent ones in order.

    A job is skipped if its awaiting task is cancelled before it starts. `run` and `end` must be called in the thread of
    the event loop.
    """

    def __init__(self, name: str) -> None:
        self._jobs: PriorityQueue[tuple[int, int, Callable[[], Any] | None, Future[Any]]] = PriorityQueue()
        self._numbers = itertools.count()
        self._ended = False
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, job: Callable[[], _Result], urgency: Urgency) -> _Result:
        """Return the result of a job that runs in the thread.

        Raises what the job raises, and `CancelledError` after `end` was called.
        """
        if self._ended:  # The thread has ended: the job would never run.
            raise asyncio.CancelledError
        done: Future[_Result] = Future()
        self._jobs.put((urgency, next(self._numbers), job, done))
        return await asyncio.wrap_future(done)

    def end(self, last: Callable[[], object]) -> None:
        """End the thread after the waiting jobs, then the job `last`, have run."""
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
            except BaseException as error:  # noqa: BLE001 - passed to the task that awaits the job
                done.set_exception(error)
