"""Worker processes: how many there are, how work is divided among them, how they end."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from typing import TypeVar

_PORTIONS = 24  # for each worker at least, so that none waits long for another

_Item = TypeVar("_Item")


def cores(jobs: int | None) -> int:
    """How many processes to use."""
    return jobs or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else jobs or os.cpu_count() or 1


def may_fork() -> bool:
    """Tell whether this process may fork workers: it has one thread, and is no worker itself.

    A fork copies one thread; what the others had locked stays locked in the copy.
    """
    return threading.active_count() == 1 and not multiprocessing.current_process().daemon


def portions(items: Sequence[_Item], processes: int, most: int) -> list[Sequence[_Item]]:
    """Divide work among processes: in portions of at most so many items, and of fewer if there are few."""
    size = min(most, len(items) // (processes * _PORTIONS) + 1)
    return [items[start : start + size] for start in range(0, len(items), size)]


def leave_interrupts_to_parent() -> None:
    """Let Ctrl-C, which every process of a terminal gets, end the workers through their pool, without a word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
