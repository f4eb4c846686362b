"""Lines that several calls of a function print together: one begins a line, `pr_cont` goes on in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from ksrcfind.match.body import Body
from ksrcfind.match.candidates import MessageIndex
from ksrcfind.match.fragment import Overlap, overlaps
from ksrcfind.match.pattern import Pattern, pattern
from ksrcfind.source.message import Message

_NEIGHBOURS = 8  # messages of a function that are looked at for parts of one line
_KEPT = 65536


@dataclass(frozen=True, slots=True)
class Joins:
    """How a message shares its line with others."""

    before: bool = False
    """It goes on in a line that another call began."""
    after: bool = False
    """Another call goes on in its line."""


ALONE = Joins()
ANYHOW = Joins(before=True, after=True)


class Together:
    """Knows which messages of an index share lines."""

    def __init__(self, index: MessageIndex) -> None:
        self._index = index
        self.joins = lru_cache(_KEPT)(self._joins)
        """How a message, given by its number, shares its line."""

    def _joins(self, number: int) -> Joins:
        message = self._index.message(number)
        is_continued = not _ends_line(message) and any(True for _ in self._around(number, message, 1, _goes_on))
        return Joins(_goes_on(message), is_continued)

    def explains(self, number: int, body: Body, overlap: Overlap) -> bool:
        """Tell whether what a message does not explain of a line can be of another call of its function."""
        if overlap.end == len(body.text):
            return self._is_begun(number, body, overlap)
        return overlap.start == 0 and self._is_ended(number, body, overlap)

    def _is_begun(self, number: int, body: Body, overlap: Overlap) -> bool:
        message = self._index.message(number)
        begun = self._around(number, message, -1, lambda other: not _ends_line(other)) if _goes_on(message) else ()
        lines = (pattern(form.printed.rpartition("\n")[2]) for one in begun for form in one.forms)
        return any(_can_begin(line, body.text, overlap.start) for line in lines)

    def _is_ended(self, number: int, body: Body, overlap: Overlap) -> bool:
        message = self._index.message(number)
        behind = () if _ends_line(message) else self._around(number, message, 1, _goes_on)
        lines = (form.printed.partition("\n")[0] for one in behind for form in one.forms if _ends_line(one))
        ends = (end for line in lines for end in overlaps(pattern(line), body.text) if end.begun and end.finished)
        return any(overlap.end <= end.start and end.end == len(body.text) for end in ends)

    def _around(self, number: int, message: Message, step: int, wanted: Callable[[Message], bool]) -> Iterator[Message]:
        """Messages of the same function before (step -1) or behind one (step 1), the nearest first."""
        for away in range(1, _NEIGHBOURS + 1):
            try:
                other = self._index.message(number + step * away)
            except KeyError:
                return
            if other.path != message.path or other.function != message.function:
                return
            if wanted(other):
                yield other


def _can_begin(line: Pattern, text: str, end: int) -> bool:
    """Tell whether a text begins with a pattern, before some offset; where any text alone would do, with one name."""
    if not any(line.segments):
        return " " not in text[:end].strip()
    return 0 <= line.head(text) <= end


def _goes_on(message: Message) -> bool:
    return message.level == "cont"


def _ends_line(message: Message) -> bool:
    return message.format.endswith("\n")
