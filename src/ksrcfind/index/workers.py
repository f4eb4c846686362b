"""Worker processes of a build: how many there are, how work is divided among them, and what Ctrl-C does."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TypeVar

_PORTIONS = 24  # least number of portions for each worker, so that no worker is idle at the end

_Item = TypeVar("_Item")


def cores(jobs: int | None) -> int:
    """Return the number of processes to use: `jobs`, or if that is None, one for each usable core."""
    return jobs or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else jobs or os.cpu_count() or 1


def may_fork() -> bool:
    """Return whether this process may fork workers: whether it has only one thread, and is not a worker itself.

    A fork copies only one thread; the locks of other threads stay locked in the copy.
    """
    return threading.active_count() == 1 and not multiprocessing.current_process().daemon


def portions(items: Sequence[_Item], processes: int, most: int) -> list[Sequence[_Item]]:
    """Divide items into portions of at most `most` items, to be processed by several processes.

    With few items, portions are smaller, so that every process gets some.
    """
    size = min(most, len(items) // (processes * _PORTIONS) + 1)
    return [items[start : start + size] for start in range(0, len(items), size)]


def begin_worker() -> None:
    """Prepare this process to be a worker, which leaves Ctrl-C and all errors to its parent.

    The terminal sends Ctrl-C to all processes, and the parent ends its workers itself. Errors reach the parent as
    results; `multiprocessing` prints those that cannot reach it, because somebody killed the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - open until the process ends
