"""The one result that the command line, batch mode and editors share."""

from dataclasses import dataclass
from enum import Enum

from ksrcfind.history.provenance import Provenance
from ksrcfind.log.line import LogLine
from ksrcfind.match.answer import Answer, Match
from ksrcfind.tree.maintainers import Subsystem
from ksrcfind.tree.snapshot import TreeInfo


class HistoryMode(Enum):
    """Whose history is wanted."""

    FIRST = "first"
    """That of the first match."""
    ALL = "all"
    """That of every match shown."""
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Input:
    """Where the text came from."""

    source: str | None
    """File name, `-` for standard input, None for the command line."""
    line: int | None
    """1-based line in the source."""
    text: str
    truncated: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """A log line or a place, its matches and their history."""

    input: Input
    log: LogLine | None
    """None for a place."""
    tree: TreeInfo
    answer: Answer
    provenance: tuple[Provenance, ...]
    """One for each match of the answer, in the same order."""
    points_to: Provenance | None = None
    """History of the place that the line names, when traced."""
    event: int | None = None
    """Input line number of the headline that this row belongs to."""
    subsystem: Subsystem | None = None
    """Who looks after the file of the first match, when asked for."""
    notes: tuple[str, ...] = ()
    """Sentences that help the reader: an index may know more, the log is of another kernel."""

    @property
    def match(self) -> Match | None:
        """The call that printed the line, the first match; None if nothing fits."""
        return self.answer.matches[0] if self.answer.matches else None

    @property
    def history(self) -> Provenance | None:
        """Where that call's message came from; None if it was not asked for."""
        return self.provenance[0] if self.provenance else None
