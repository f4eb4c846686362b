"""Building a missing index in a process of its own, so that the server goes on answering.

The process is spawned, not forked: the server has threads, and what reads the tree forks workers of its own.
"""

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from ksrcfind.carried import open_finder
from ksrcfind.config import Settings
from ksrcfind.errors import KsrcfindError

EVERY = 0.5
"""Seconds between two looks at how far it is."""

Say = Callable[[str, int | None], None]
"""Is told what is being done and how far it is, in per cent if that is known."""


@dataclass(slots=True)
class _Reporter:
    """Sends what is done through a pipe: a `Progress` and its `Task` at once."""

    pipe: Connection
    description: str = ""
    total: int | None = None
    done: int = 0
    told: int = field(default=-1)

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator["_Reporter"]:
        """Begin a piece of work."""
        one = _Reporter(self.pipe, description, total)
        one.advance(0)
        yield one

    def advance(self, amount: int = 1) -> None:
        """Say that so many further units are done."""
        self.done += amount
        percent = min(100, self.done * 100 // self.total) if self.total else 0
        if percent != self.told:
            self.told = percent
            self.pipe.send((self.description, percent if self.total else None))


def _build(settings: Settings, rev: str | None, start: Path, pipe: Connection) -> None:
    """Run in the process."""
    try:
        finder = open_finder(settings, rev, start, _Reporter(pipe))
        try:
            finder.build_index()
        finally:
            finder.close()
    except KsrcfindError as error:
        pipe.send(error.title)


async def build_index(settings: Settings, rev: str | None, start: Path, say: Say) -> None:
    """Build the index of a tree. Raises `KsrcfindError` if that cannot be done. Cancelled, it ends the process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_build, args=(settings, rev, start, theirs), name="ksrcfind index")
    process.start()
    theirs.close()
    failed: str | None = None
    try:
        while process.is_alive():
            await asyncio.sleep(EVERY)
            failed = _told(ours, say) or failed
        failed = _told(ours, say) or failed
    finally:
        if process.is_alive():
            process.terminate()
        process.join()
        ours.close()
    if failed is not None or process.exitcode != 0:
        raise KsrcfindError(
            f"the index could not be built: {failed or f'exit status {process.exitcode}'}",
            "Build it in a terminal, in the kernel tree: ksrcfind index",
        )


def _told(pipe: Connection, say: Say) -> str | None:
    """Hand on what came; return the error if one did."""
    failed = None
    try:
        while pipe.poll():
            news = pipe.recv()
            if isinstance(news, str):
                failed = news
            else:
                say(*news)
    except EOFError:
        pass
    return failed
