"""Progress bars for long work.

A bar appears after one second and is redrawn when work advances, at most ten times a second. No thread is used, so
processes may be forked at any time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from ksrcfind.output.sanitize import sanitized_line
from ksrcfind.progress import Task

DELAY_S = 1.0
"""Seconds before a bar appears."""

INTERVAL_S = 0.1
"""Seconds between two drawings, at least."""


class Bars:
    """Implements `progress.Progress` on a terminal."""

    def __init__(self, stream: TextIO, *, color: bool = True) -> None:
        self._console = Console(file=stream, color_system="auto" if color else None)

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Task]:
        """Start a piece of work; its bar disappears when the context ends."""
        bar = _Bar(self._console, sanitized_line(description), total)
        try:
            yield bar
        finally:
            bar.end()


class _Bar:
    """One bar."""

    def __init__(self, console: Console, description: str, total: int | None) -> None:
        self._console = console
        self._description = description
        self._total = total
        self._done = 0
        self._due = time.monotonic() + DELAY_S
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def advance(self, amount: int = 1) -> None:
        """Add to the count, and draw the bar if it is time."""
        self._done += amount
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + INTERVAL_S
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._progress.add_task(self._description, total=self._total)
            self._progress.start()
        self._progress.update(self._task, completed=self._done)
        self._progress.refresh()

    def end(self) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.stop()
