"""How long work says how far it is, without knowing who watches.

Everything that may take more than a second takes a `Progress` and reports to it; only the command line decides whether
anybody sees it (`output/progress.py` draws bars). Advancing must stay cheap: callers may do it for every file or line.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, amount: int = 1) -> None:
        """Say that so many further units are done."""
        ...


class Progress(Protocol):
    """Where work reports to."""

    def task(self, description: str, total: int | None) -> AbstractContextManager[Task]:
        """Begin a piece of work of `total` units (None: not known beforehand); it ends with the context.

        `description` is a short phrase for people: `parsing 22,700 files`.
        """
        ...


class _Nothing:
    """A task and a progress that nobody watches."""

    def advance(self, amount: int = 1) -> None:
        """Drop the report."""

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Task]:  # noqa: ARG002 - the protocol's signature
        """Begin work that nobody watches."""
        yield self


SILENT: Progress = _Nothing()
"""Reports to nobody."""
