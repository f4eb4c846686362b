"""Lines that several calls print: the first one begins a line, `pr_cont` continues it (`source.printed`)."""

from collections.abc import Callable, Iterator
from itertools import chain

from ksrcfind.match.body import Body
from ksrcfind.match.limits import NEIGHBOUR_STEPS
from ksrcfind.match.message_index import MessageIndex
from ksrcfind.match.overlap import Overlap, overlaps
from ksrcfind.match.pattern import Pattern, StepBudget
from ksrcfind.match.pattern_builder import pattern
from ksrcfind.source.message import Message
from ksrcfind.source.printed import NEAR, NEIGHBOURS, ends_line, is_continuation, is_open


class ContinuationMatcher:
    """Finds the messages of an index that print parts of one line."""

    def __init__(self, index: MessageIndex) -> None:
        self._index = index

    def explains(self, number: int, body: Body, overlap: Overlap, budget: StepBudget) -> bool:
        """Return whether another call can have printed the part of a line that a message does not explain."""
        budget.left -= NEIGHBOUR_STEPS
        if budget.left < 0:
            return False
        if overlap.end == len(body.text):
            return self._is_begun(number, body, overlap, budget)
        return overlap.start == 0 and self._is_ended(number, body, overlap, budget)

    def _is_begun(self, number: int, body: Body, overlap: Overlap, budget: StepBudget) -> bool:
        message = self._index.message(number)
        begun = (
            self._around(number, message, -1, lambda other: not ends_line(other)) if is_continuation(message) else ()
        )
        lines = (pattern(form.printed.rpartition("\n")[2]) for one in begun for form in one.forms)
        return any(_can_begin(line, body.text, overlap.start, budget) for line in lines)

    def _is_ended(self, number: int, body: Body, overlap: Overlap, budget: StepBudget) -> bool:
        message = self._index.message(number)
        if ends_line(message):
            return False
        helpers = self._of_others(number, message) if is_open(message) else ()
        endings = chain(self._endings(number, message), helpers)
        lines = (pattern(form.printed.partition("\n")[0]) for one in endings for form in one.forms)
        return any(_can_end(line, body.text, overlap.end, budget) for line in lines)

    def _endings(self, number: int, message: Message) -> Iterator[Message]:
        """Return messages of the function that can end a line: with a line break, or with only a line break behind."""
        behind = tuple(self._around(number, message, 1, is_continuation))
        breaks = [place for place, one in enumerate(behind) if ends_line(one) and not one.format.strip()]
        before_break = max(breaks, default=0)
        return (one for place, one in enumerate(behind) if ends_line(one) or place < before_break)

    def _of_others(self, number: int, message: Message) -> Iterator[Message]:
        """Yield messages of other functions of the file that continue a line, the nearest first."""
        for step in (1, -1):
            for away in range(1, NEAR + 1):
                try:
                    other = self._index.message(number + step * away)
                except KeyError:
                    break
                if other.path != message.path:
                    break
                if is_continuation(other) and other.function != message.function:
                    yield other

    def _around(self, number: int, message: Message, step: int, wanted: Callable[[Message], bool]) -> Iterator[Message]:
        """Yield the wanted messages before (step -1) or behind (step 1) one in its function, the nearest first."""
        for away in range(1, NEIGHBOURS + 1):
            try:
                other = self._index.message(number + step * away)
            except KeyError:
                return
            if other.path != message.path or other.function != message.function:
                return
            if wanted(other):
                yield other


def _can_end(line: Pattern, text: str, start: int, budget: StepBudget) -> bool:
    """Return whether a text ends with the whole of a pattern, which begins at some offset or behind it."""
    found = (overlap for overlap in overlaps(line, text, budget) if overlap.begun and overlap.finished)
    return any(start <= overlap.start and overlap.end == len(text) for overlap in found)


def _can_begin(line: Pattern, text: str, end: int, budget: StepBudget) -> bool:
    """Return whether a text begins with a pattern, up to an offset; for a pattern of any text, with one name."""
    if not any(line.segments):
        return " " not in text[:end].strip()
    return 0 <= line.head(text, budget) <= end
