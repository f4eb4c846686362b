"""Building a missing index while the server goes on answering.

A thread waits for it; the work is done in a process of its own (`index/apart.py`), since the server has threads.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.progress import Progress

Say = Callable[[str, int | None], None]
"""Is told what is being done and how far it is, in per cent if that is known; from another thread."""


class _StoppedError(KsrcfindError):
    """Nobody wants the index any more."""


@dataclass(slots=True)
class _Watched:
    """Hands on progress, and ends the work once that is wanted: a `Progress` and its `Task` at once."""

    say: Say
    stop: threading.Event
    description: str = ""
    total: int | None = None
    done: int = 0
    told: int = field(default=-1)

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator["_Watched"]:
        """Begin a piece of work."""
        one = _Watched(self.say, self.stop, description, total)
        one.advance(0)
        yield one

    def advance(self, amount: int = 1) -> None:
        """Say that so many further units are done. Raises `_StoppedError` to end the work."""
        if self.stop.is_set():
            raise _StoppedError("building the index was cancelled")
        self.done += amount
        percent = min(100, self.done * 100 // self.total) if self.total else 0
        if percent != self.told:
            self.told = percent
            self.say(self.description, percent if self.total else None)


async def build_index(open_tree: Callable[[Progress], Engine], say: Say) -> None:
    """Build the index of a tree. Raises `KsrcfindError` if that cannot be done. Cancelled, it ends the work."""
    stop = threading.Event()

    def build() -> None:
        engine = open_tree(_Watched(say, stop))
        try:
            engine.index.build()
        finally:
            engine.close()

    try:
        await asyncio.to_thread(build)
    finally:
        stop.set()
