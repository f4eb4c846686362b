"""A log that is open in an editor: its lines and what is known about each.

Lines end at a newline and nowhere else, as everywhere in ksrcfind and in Vim, Neovim and Emacs; VS Code shows no other
ends of lines. Line numbers are those of the protocol, from 0.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ksrcfind.batch.answer_cache import AnswerCache
from ksrcfind.batch.matched_row import MatchedRow, explained
from ksrcfind.log.line import LIMIT
from ksrcfind.log.records import Raw, Row, read_rows

AROUND = 60
"""Lines above and below a place that are read with it: records and reports may take several."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A message with the lines of the document that it explains."""

    first: MatchedRow
    lines: tuple[int, ...]


@dataclass(slots=True)
class LogDocument:
    """The lines of a log and what is known about them."""

    lines: list[str]
    read: int = 0
    """Lines, from the first, that were read in order: whatever can be known about them is."""
    _known: list[MatchedRow | None] = field(init=False)

    def __post_init__(self) -> None:
        self._known = [None] * len(self.lines)

    @classmethod
    def of(cls, text: str) -> "LogDocument":
        """Return the document with a text."""
        return cls(_lines(text))

    def has(self, text: str) -> bool:
        """Tell whether this is the text of the document."""
        return self.lines == _lines(text)

    def update(self, text: str) -> int:
        """Take a new text; return the first line about which something is to be learned anew.

        Lines before the first that differs keep what is known about them, so that a log that grows is not read again;
        a reading that was not done yet goes on where it was.
        """
        before, self.lines = self.lines, _lines(text)
        same = next((n for n, (old, new) in enumerate(zip(before, self.lines, strict=False)) if old != new), None)
        if same is None:
            same = min(len(before), len(self.lines))
        kept = max(0, same - AROUND)
        self._known = [*self._known[:kept], *[None] * (len(self.lines) - kept)]
        self.read = min(self.read, kept)
        return self.read

    def rows(self, first: int, last: int) -> Iterator[Row]:
        """Read the rows of the lines from `first` to before `last`."""
        lines = self.lines  # An update replaces them while another thread reads.
        return read_rows(_raw(number, lines[number]) for number in range(first, min(last, len(lines))))

    def reading(self, first: int, answers: AnswerCache) -> Iterator[MatchedRow]:
        """Explain the lines from `first` to the end, in order."""
        return explained(self.rows(first, len(self.lines)), answers)

    def window(self, first: int, last: int, answers: AnswerCache) -> Iterator[MatchedRow]:
        """Explain the lines from `first` to `last` that nothing is known about."""
        known = self._known  # An update replaces it, perhaps by a shorter one, while another thread asks.
        unknown = {number for number in range(max(first, 0), min(last + 1, len(known))) if not known[number]}
        if not unknown:
            return iter(())
        # Lines around them are read only to see what belongs together.
        rows = self.rows(max(0, min(unknown) - AROUND), max(unknown) + 1 + AROUND)
        return explained((row for row in rows if row.line - 1 in unknown), answers)

    def learn(self, items: Iterable[MatchedRow]) -> None:
        """Keep what was found out."""
        for item in items:
            if item.row.line <= len(self._known):
                self._known[item.row.line - 1] = item

    def forget(self) -> None:
        """Keep nothing: the tree is another one."""
        self.lines = [*self.lines]  # Other lines, for those who still read the old ones.
        self._known = [None] * len(self.lines)
        self.read = 0

    def at(self, line: int) -> MatchedRow | None:
        """Return what is known about a line; None if nothing is, or if there is no such line."""
        return self._known[line] if 0 <= line < len(self._known) else None

    def known(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, MatchedRow]]:
        """Yield the lines from `first` to `last` about which something is known."""
        for number, item in enumerate(self._known[first : None if last is None else last + 1], first):
            if item is not None:
                yield number, item

    def messages(self) -> list[Seen]:
        """Return the messages that explain a line so far, in the order of their first lines."""
        found: dict[object, tuple[MatchedRow, list[int]]] = {}
        for number, item in self.known():
            if item.known.key is not None:
                found.setdefault(item.known.key, (item, []))[1].append(number)
        return [Seen(first, tuple(lines)) for first, lines in found.values()]


def _lines(text: str) -> list[str]:
    return text.split("\n")


def _raw(number: int, line: str) -> Raw:
    data = line.encode("utf-8", "replace")
    return Raw(number + 1, data[:LIMIT], len(data))
