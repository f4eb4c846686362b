"""`Finding`, the result that all front ends share."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from ksrcfind.callers.record import Callers
from ksrcfind.conditions.record import Circumstances, Excerpt
from ksrcfind.history.provenance import Provenance
from ksrcfind.log.line import LogLine
from ksrcfind.match.answer import Answer, Match
from ksrcfind.tree.maintainers import Subsystem
from ksrcfind.tree.snapshot import TreeInfo


class HistoryMode(Enum):
    """Which matches get a history."""

    FIRST = "first"
    """The first match."""
    ALL = "all"
    """Every match shown."""
    OFF = "off"
    """No match."""


Shown = int | Literal["function"] | None
"""Which code an answer shows: so many lines around the call, the whole function, or none."""


@dataclass(frozen=True, slots=True)
class Input:
    """The text of a question, and where it came from."""

    source: str | None
    """File name, `-` for standard input, None for the command line."""
    line: int | None
    """1-based line in the source."""
    text: str
    truncated: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """A log line or a source line with its matches and their histories."""

    input: Input
    log: LogLine | None
    """None for a source line."""
    tree: TreeInfo
    answer: Answer
    provenance: tuple[Provenance, ...]
    """One for each match of the answer, in the same order."""
    points_to: Provenance | None = None
    """History of the source location that the line names; None if there is none or it was not traced."""
    event: int | None = None
    """Input line number of the headline whose report this row belongs to."""
    subsystem: Subsystem | None = None
    """The subsystem that maintains the file of the first match; None if not looked up."""
    circumstances: Circumstances | None = None
    """When the call of the first match runs; None if its source was not read."""
    code: Excerpt | None = None
    """Code around the call of the first match, if asked for."""
    callers: Callers | None = None
    """Callers of the function of the first match, if asked for."""
    notes: tuple[str, ...] = ()
    """Sentences for the reader: an index may find more, the log comes from another kernel."""

    @property
    def match(self) -> Match | None:
        """The first match: the call that printed the line; None if nothing matches."""
        return self.answer.matches[0] if self.answer.matches else None

    @property
    def history(self) -> Provenance | None:
        """The history of the first match; None if it was not traced."""
        return self.provenance[0] if self.provenance else None
