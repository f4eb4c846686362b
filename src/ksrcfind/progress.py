"""The interface by which long work reports its progress.

Everything that may take more than a second takes a `Progress` and reports to it; only the command line decides whether
it is shown (`output/progress.py` draws bars). `advance` must stay cheap: callers use it for every file or line.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Task(Protocol):
    """A running piece of work."""

    def advance(self, amount: int = 1) -> None:
        """Add to the number of finished units of the work, such as files or lines."""
        ...


class Progress(Protocol):
    """Receives progress reports."""

    def task(self, description: str, total: int | None) -> AbstractContextManager[Task]:
        """Start a piece of work of `total` units (None: unknown); it ends with the context.

        `description` is a short phrase for people: `parsing 22,700 files`.
        """
        ...


class _Silent:
    """A progress and a task that discard their reports."""

    def advance(self, amount: int = 1) -> None:
        """Discard the report."""

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Task]:  # noqa: ARG002 - the protocol's signature
        """Start a piece of work."""
        yield self


SILENT: Progress = _Silent()
"""Discards all reports."""
