"""The lock of those who write: one build of an index, or one change of the settings. Readers never take it."""

import fcntl
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 0.05

# The kernel's record locks belong to a process, so threads need a lock of their own.
_between_threads: dict[Path, threading.Lock] = defaultdict(threading.Lock)


@contextmanager
def file_lock(path: Path, *, wait: bool, waiting: Callable[[], object] = lambda: None) -> Iterator[bool]:
    """Hold the lock file at `path` during the `with` block; yield whether this process has the lock.

    If another run holds the lock: without `wait`, the block gets False at once. With `wait`, the call blocks until the
    lock is free and calls `waiting` every 50 ms.

    Worker processes do not inherit this lock (a record lock, `fcntl`), and it ends with the process, even if that is
    killed. Raises `OSError` if the file cannot be opened or locked.
    """
    threads = _between_threads[path]
    if not _acquired(lambda: threads.acquire(blocking=False), wait, waiting):
        yield False
        return
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            held = _acquired(lambda: _lock(file), wait, waiting)
            yield held
        finally:
            os.close(file)  # This releases the lock.
    finally:
        threads.release()


def _acquired(attempt: Callable[[], bool], wait: bool, waiting: Callable[[], object]) -> bool:
    while not attempt():
        if not wait:
            return False
        waiting()
        time.sleep(_POLL_S)
    return True


def _lock(file: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES: another process holds it (fcntl(2)).
        return False
    return True
