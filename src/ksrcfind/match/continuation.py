"""Lines that several calls print: the first one begins a line, `pr_cont` continues it (`source.printed_lines`)."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from ksrcfind.match.body import Body
from ksrcfind.match.limits import NEIGHBOUR_STEPS
from ksrcfind.match.message_index import MessageIndex
from ksrcfind.match.overlap import Overlap, overlaps
from ksrcfind.match.pattern import StepBudget
from ksrcfind.match.pattern_builder import pattern
from ksrcfind.match.wording import Wording
from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import NEAR, NEIGHBOURS, ends_line, is_continuation, is_open
from ksrcfind.source.template import literal_words


class ContinuationMatcher:
    """Finds the messages of an index that print parts of one line."""

    def __init__(self, index: MessageIndex) -> None:
        self._index = index

    def rest(self, number: int, body: Body, overlap: Overlap, budget: StepBudget) -> float | None:
        """Return the bits of the call that can have printed the part of a line that a message does not explain.

        They are 0 if there is other text between both parts. None means that no other call can have printed it.
        """
        budget.left -= NEIGHBOUR_STEPS
        if budget.left < 0:
            return None
        if overlap.end == len(body.text):
            return self._begun(number, body, overlap, budget)
        return self._ended(number, body, overlap, budget) if overlap.start == 0 else None

    def _begun(self, number: int, body: Body, overlap: Overlap, budget: StepBudget) -> float | None:
        message = self._index.message(number)
        if not is_continuation(message):
            return None
        begun = self._around(number, message, -1, lambda other: not ends_line(other))
        lines = (form.printed.rpartition("\n")[2] for one in begun for form in one.forms)
        return _most(_beginning(line, body.text, overlap.start, budget) for line in lines)

    def _ended(self, number: int, body: Body, overlap: Overlap, budget: StepBudget) -> float | None:
        message = self._index.message(number)
        if ends_line(message):
            return None
        helpers = self._of_others(number, message) if is_open(message) else ()
        endings = chain(self._endings(number, message), helpers)
        lines = (form.printed.partition("\n")[0] for one in endings for form in one.forms)
        return _most(_ending(line, body.text, overlap.end, budget) for line in lines)

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


def _most(found: Iterable[float | None]) -> float | None:
    return max((bits for bits in found if bits is not None), default=None)


def _ending(line: str, text: str, start: int, budget: StepBudget) -> float | None:
    """Return the bits of a line's end that begins at an offset, 0 if it begins behind it; None for another end."""
    for overlap in overlaps(pattern(line), text, budget):
        if overlap.begun and overlap.finished and start <= overlap.start and overlap.end == len(text):
            return _bits(line) if not text[start : overlap.start].strip() else 0.0
    return None


def _beginning(line: str, text: str, end: int, budget: StepBudget) -> float | None:
    """Return the bits of a line's beginning that ends at an offset, 0 if it ends before; None for another beginning.

    A pattern of any text can be one name.
    """
    begun = pattern(line)
    if not any(begun.segments):
        return None if " " in text[:end].strip() else 0.0
    head = begun.head(text, budget)
    if not 0 <= head <= end:
        return None
    return _bits(line) if not text[head:end].strip() else 0.0


def _bits(line: str) -> float:
    return Wording(line, frozenset(literal_words(line))).whole
