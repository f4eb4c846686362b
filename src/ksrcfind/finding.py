"""`Finding`: a log line with the messages that may have printed it and their histories. All front ends show it."""

from enum import Enum
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from ksrcfind.callers.record import Callers
    from ksrcfind.conditions.record import Circumstances, Excerpt
    from ksrcfind.documents.record import Document
    from ksrcfind.history.provenance import Provenance
    from ksrcfind.log.line import LogLine
    from ksrcfind.match.answer import Answer, Match
    from ksrcfind.tree.maintainers import Subsystem
    from ksrcfind.tree.snapshot import TreeInfo


class HistoryMode(Enum):
    """Which matches of an answer get a history."""

    FIRST = "first"
    """Only the first match gets a history."""
    ALL = "all"
    """Every match of the answer gets a history."""
    OFF = "off"
    """No match gets a history."""


Shown = int | Literal["function"] | None
"""Which source code an answer shows: a number of lines around the call, the whole function, or (None) no code."""


class Input(Struct, frozen=True):
    """The text of a question, and the file and line that it was read from."""

    source: str | None
    """Name of the file; `-` for standard input. None for a text on the command line."""
    line: int | None
    """Line number in the file, counted from 1. None for a text on the command line."""
    text: str
    truncated: bool


class About(Struct, frozen=True):
    """What a line is about: the source location that it complains about, which need not be the call that printed it."""

    path: str
    line: int
    """1-based."""
    function: str | None


class Finding(Struct, frozen=True):
    """The answer to a log line or to a source line: the matching messages with their histories."""

    input: Input
    log: "LogLine | None"
    """The log line, split into its parts. None for a question about a source line."""
    tree: "TreeInfo"
    answer: "Answer"
    provenance: tuple["Provenance", ...]
    """For each match of the answer, its history, in the order of the matches."""
    points_to: "Provenance | None" = None
    """History of the source location that the line names. None if the line names none, or if it was not traced."""
    event: int | None = None
    """Line number, in the log, of the headline of the report (oops, warning, …) to which this line belongs."""
    about: About | None = None
    """What the line is about. None if nothing matches, or if it was not looked up."""
    subsystem: "Subsystem | None" = None
    """The subsystem that maintains what the line is about. None if it was not looked up, or if there is none."""
    circumstances: "Circumstances | None" = None
    """The conditions under which the call of the first match runs. None if its source was not read."""
    code: "Excerpt | None" = None
    """Source code around the call of the first match. None if the question did not ask for code."""
    callers: "Callers | None" = None
    """Callers of the function of the first match. None if the question did not ask for callers."""
    documented_in: tuple["Document", ...] | None = None
    """Documentation of the first match and its function. None if its source was not read."""
    notes: tuple[str, ...] = ()
    """Notes for the user, such as that an index may find more, or that the log is from another kernel."""

    @property
    def match(self) -> "Match | None":
        """The first match: the most likely message. None if nothing matches."""
        return self.answer.matches[0] if self.answer.matches else None

    @property
    def history(self) -> "Provenance | None":
        """The history of the first match. None if nothing matches."""
        return self.provenance[0] if self.provenance else None
