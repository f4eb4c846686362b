"""The interface of all output formats: a writer receives findings and writes text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ksrcfind.history.provenance import Commit

if TYPE_CHECKING:
    from ksrcfind.batch.coverage import Summary
    from ksrcfind.batch.filters import Group
    from ksrcfind.batch.fold import Folded
    from ksrcfind.finding import Finding
    from ksrcfind.tree.snapshot import TreeInfo

Write = Callable[[str], object]
"""Writes text."""

Commits = Callable[[str], Commit]
"""Returns the commit with an id (`Finder.commit`)."""

TreeOptions = Callable[["TreeInfo"], Sequence[str]]
"""Returns the options with which another command of the user answers from a tree."""

Head = Callable[["Summary"], str]
"""Returns what a log is, in words: its kind, its host, its kernel, its length and the tree that explains it."""


class Writer(Protocol):
    """Writes findings in one format."""

    def finding(self, finding: Finding) -> None:
        """Write one finding."""
        ...

    def folded(self, folded: Folded) -> None:
        """Write a message of a log. If the log is still growing, it is written again with each new repeat."""
        ...

    def group(self, group: Group) -> None:
        """Write a group of messages of a log."""
        ...

    def end(self, summary: Summary | None) -> None:
        """Write the end of the output; only batch has a summary."""
        ...
