"""What every format offers: findings go in as they come, text comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ksrcfind.finding import Finding
from ksrcfind.history.provenance import Commit

if TYPE_CHECKING:
    from ksrcfind.batch.coverage import Summary
    from ksrcfind.batch.filters import Group
    from ksrcfind.batch.fold import Folded

Write = Callable[[str], object]
"""Where text goes to."""

Commits = Callable[[str], Commit]
"""Tells about the commit with an id (`Finder.commit`)."""


class Writer(Protocol):
    """Shows findings in one format."""

    def finding(self, finding: Finding) -> None:
        """Show one finding."""
        ...

    def folded(self, folded: Folded) -> None:
        """Show a message of a log with its repeats; again, if there were more since it was shown."""
        ...

    def group(self, group: Group) -> None:
        """Show the messages of a log that stand under one heading."""
        ...

    def end(self, summary: Summary | None) -> None:
        """Show what comes last; `summary` is that of a batch."""
        ...
