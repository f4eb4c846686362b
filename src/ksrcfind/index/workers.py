"""Worker processes: their number, the division of work, and interrupts."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from typing import TypeVar

_PORTIONS = 24  # at least, for each worker: keeps all busy until the end

_Item = TypeVar("_Item")


def cores(jobs: int | None) -> int:
    """Return the number of processes to use."""
    return jobs or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else jobs or os.cpu_count() or 1


def may_fork() -> bool:
    """Return whether this process may fork workers: it has one thread, and is no worker itself.

    A fork copies only one thread; locks of other threads stay locked in the copy.
    """
    return threading.active_count() == 1 and not multiprocessing.current_process().daemon


def portions(items: Sequence[_Item], processes: int, most: int) -> list[Sequence[_Item]]:
    """Return portions of at most `most` items each, smaller for few items, to divide among processes."""
    size = min(most, len(items) // (processes * _PORTIONS) + 1)
    return [items[start : start + size] for start in range(0, len(items), size)]


def leave_interrupts_to_parent() -> None:
    """Ignore Ctrl-C, which every process of a terminal gets: the parent ends the workers through their pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
