"""Build a missing index while the server keeps answering.

The work runs in a separate process (`index/separate_process.py`), because the server has threads; one thread
waits for it.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.progress import Progress

ReportProgress = Callable[[str, int | None], None]
"""Receives a description of the work and a percentage (None if unknown). It is called from another thread."""


class _CancelledError(KsrcfindError):
    """Raised when the client cancelled the building of the index."""


@dataclass(slots=True)
class _CancellableProgress:
    """Forwards progress and cancels the work on request: a `Progress` and its `Task` in one."""

    report: ReportProgress
    stop: threading.Event
    description: str = ""
    total: int | None = None
    done: int = 0
    reported: int = field(default=-1)

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator["_CancellableProgress"]:
        """Start a piece of work."""
        one = _CancellableProgress(self.report, self.stop, description, total)
        one.advance(0)
        yield one

    def advance(self, amount: int = 1) -> None:
        """Add to the finished units. Raises `_CancelledError` if the work was cancelled."""
        if self.stop.is_set():
            raise _CancelledError("building the index was cancelled")
        self.done += amount
        percent = min(100, self.done * 100 // self.total) if self.total else 0
        if percent != self.reported:
            self.reported = percent
            self.report(self.description, percent if self.total else None)


async def build_index(open_tree: Callable[[Progress], Engine], report: ReportProgress) -> None:
    """Build the index of a tree. Raises `KsrcfindError` if that fails. Cancelling the task cancels the work."""
    stop = threading.Event()

    def build() -> None:
        engine = open_tree(_CancellableProgress(report, stop))
        try:
            engine.index.build()
        finally:
            engine.close()

    try:
        await asyncio.to_thread(build)
    finally:
        stop.set()
