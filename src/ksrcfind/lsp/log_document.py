"""A log that is open in an editor: its lines and their answers.

Only a newline ends a line, as everywhere in ksrcfind and in Vim, Neovim, Emacs and VS Code. Lines are numbered from 0,
as in the protocol.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from ksrcfind.batch.answer_cache import AnswerCache
from ksrcfind.batch.matched_row import MatchedRow, match_rows
from ksrcfind.log.line import LIMIT
from ksrcfind.log.raw_lines import RawLine
from ksrcfind.log.records import Row, read_rows

AROUND = 60
"""Number of lines read before and after a range, because records and reports can span several lines."""


class MessageLines(Struct, frozen=True):
    """A message with the lines of the document that match it."""

    first: MatchedRow
    lines: tuple[int, ...]


@dataclass(slots=True)
class LogDocument:
    """The lines of a log with their answers, as far as they are matched."""

    lines: list[str]
    matched_to: int = 0
    """Number of the first line that is not matched yet: all lines before it are."""
    _rows: list[MatchedRow | None] = field(init=False)

    def __post_init__(self) -> None:
        self._rows = [None] * len(self.lines)

    @classmethod
    def of(cls, text: str) -> "LogDocument":
        """Return a document with this text and no answers."""
        return cls(_lines(text))

    def has(self, text: str) -> bool:
        """Return True if this is the text of the document."""
        return self.lines == _lines(text)

    def update(self, text: str) -> int:
        """Replace the text; return the first line that must be matched.

        Lines before the first difference keep their answers, so that a growing log is not matched again; unfinished
        matching continues where it was.
        """
        before, self.lines = self.lines, _lines(text)
        same = next((n for n, (old, new) in enumerate(zip(before, self.lines, strict=False)) if old != new), None)
        if same is None:
            same = min(len(before), len(self.lines))
        kept = max(0, same - AROUND)
        self._rows = [*self._rows[:kept], *[None] * (len(self.lines) - kept)]
        self.matched_to = min(self.matched_to, kept)
        return self.matched_to

    def rows(self, first: int, last: int) -> Iterator[Row]:
        """Yield the rows of the lines from `first` up to, not including, `last`."""
        lines = self.lines  # An update may replace the list while another thread reads it.
        return read_rows(_raw(number, lines[number]) for number in range(first, min(last, len(lines))))

    def match_from(self, first: int, answers: AnswerCache) -> Iterator[MatchedRow]:
        """Yield the rows of a log from line `first` to the end, with their answers, from top to bottom."""
        return match_rows(self.rows(first, len(self.lines)), answers)

    def match_window(self, first: int, last: int, answers: AnswerCache) -> Iterator[MatchedRow]:
        """Yield the rows from line `first` to `last` that are not matched yet, with their answers."""
        known = self._rows  # An update may replace `_rows`, even by a shorter list, while another thread reads them.
        unmatched = {number for number in range(max(first, 0), min(last + 1, len(known))) if not known[number]}
        if not unmatched:
            return iter(())
        # Lines around them are read only to find records and reports that span several lines.
        rows = self.rows(max(0, min(unmatched) - AROUND), max(unmatched) + 1 + AROUND)
        return match_rows((row for row in rows if row.line - 1 in unmatched), answers)

    def store(self, items: Iterable[MatchedRow]) -> None:
        """Store the answers of lines."""
        for item in items:
            if item.row.line <= len(self._rows):
                self._rows[item.row.line - 1] = item

    def clear(self) -> None:
        """Discard all answers, because the tree changed."""
        self.lines = [*self.lines]  # A new list, so that running tasks notice the change.
        self._rows = [None] * len(self.lines)
        self.matched_to = 0

    def at(self, line: int) -> MatchedRow | None:
        """Return the row of a line, with its answer.

        None if the line is not matched yet, or if there is no such line.
        """
        return self._rows[line] if 0 <= line < len(self._rows) else None

    def matched(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, MatchedRow]]:
        """Yield the number and the row of each matched line from `first` to `last`."""
        for number, item in enumerate(self._rows[first : None if last is None else last + 1], first):
            if item is not None:
                yield number, item

    def messages(self) -> list[MessageLines]:
        """Return the messages of the matched lines, in the order of their first lines."""
        found: dict[object, tuple[MatchedRow, list[int]]] = {}
        for number, item in self.matched():
            if item.cached.key is not None:
                found.setdefault(item.cached.key, (item, []))[1].append(number)
        return [MessageLines(first, tuple(lines)) for first, lines in found.values()]


def _lines(text: str) -> list[str]:
    return text.split("\n")


def _raw(number: int, line: str) -> RawLine:
    data = line.encode("utf-8", "replace")
    return RawLine(number + 1, data[:LIMIT], len(data))
