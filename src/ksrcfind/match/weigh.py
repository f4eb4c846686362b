"""From scored wordings to messages: evidence beyond the text is added, and the messages are ordered."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from ksrcfind.log.line import LogLine
from ksrcfind.log.prefixes import PLAIN
from ksrcfind.match import evidence
from ksrcfind.match.answer import Tier
from ksrcfind.match.body import Body
from ksrcfind.match.candidate import CERTAIN, Candidate, Doubts, distinct, ordered
from ksrcfind.match.message_index import MessageIndex
from ksrcfind.match.origin import Origin
from ksrcfind.match.pattern import value
from ksrcfind.match.score import ANYHOW, Score
from ksrcfind.match.tuned_weights import (
    DISTINCTIVE_TEXT,
    EVIDENCE_REACH,
    MODULE,
    OTHER_WRITER,
    RARE_PLACE,
    SHARED_LEAST,
    STRONG_SHARE,
)
from ksrcfind.match.word_weights import total
from ksrcfind.match.wording_search import Occurrence, Wordings
from ksrcfind.source.printed_lines import NEAR, ends_line, is_continuation
from ksrcfind.source.template import literal_words

_ORIGINS_KEPT = 65536
_AROUND_KEPT = 1024  # messages whose neighbours' words are remembered


class Weigher:
    """Weighs the messages of an index that print a scored wording."""

    def __init__(self, index: MessageIndex, wordings: Wordings) -> None:
        self._index = index
        self._wordings = wordings
        self.origin = lru_cache(_ORIGINS_KEPT)(lambda number: Origin.of(index.message(number)))
        """Where a message comes from, by its number."""
        self._words_around = lru_cache(_AROUND_KEPT)(self._find_words_around)

    def candidates(self, scores: Iterable[Score], body: Body, line: LogLine) -> list[Candidate]:
        """Return the messages whose text and evidence suffice for an answer, best first."""
        scores = list(scores)
        best = max((score.bits(ANYHOW) for score in scores), default=0.0)
        found: list[Candidate] = []
        for score in scores:
            if score.bits(ANYHOW) < best - EVIDENCE_REACH or not score.counts(MODULE, ANYHOW):
                continue
            # Only a prefix of a driver and a device can replace words, and only if the rest explains most of the line.
            can_name = bool(score.wording.words) or (score.wording.pattern.prefix > 0 and score.explains_most)
            found += (
                one
                for one in self.weighed(score, body, line)
                if score.counts(one.beyond if can_name else min(0.0, one.beyond), one.occurrence.joins)
                and not self._is_stray_part(one, body)
            )
        found = ordered(_put_together(found))
        if found and found[0].is_exact:
            found = self._with_usual(found, scores, body, line)
        return distinct(found)

    def weighed(self, score: Score, body: Body, line: LogLine) -> Iterator[Candidate]:
        """Yield the messages that print a wording, with the evidence for each."""
        # Names that are literal text are part of the score.
        names = [name for name in evidence.names_in(score.prefix) if name not in score.wording.words]
        conversions = score.wording.values.conversions
        values = [value(c, body.text, span) for c, span in zip(conversions, score.spans, strict=False)]
        value_names = evidence.names_of(values)
        opposite = 0.0 if score.tier is Tier.EXACT else evidence.opposite_bits(body.words, score.wording.words)
        # A weak text is not from another driver than the prefix names.
        is_weak = score.explained < DISTINCTIVE_TEXT and (score.is_open or score.tier is not Tier.EXACT)
        is_unnamed = score.tier is Tier.FUZZY and line.format == PLAIN and _lacks_writer(body, score)
        occurrences = self._wordings.occurrences(score.wording) if score.occurrences is None else score.occurrences
        for occurrence in occurrences:
            origin = self.origin(occurrence.number)
            if is_weak and names and origin.is_unlike(names[0]) and self._is_driver(names[0], score, origin):
                continue
            prefix = evidence.prefix_bits(names, origin)
            place = evidence.machine_bits(line.architecture, origin, is_of_64_bits=body.is_of_64_bits)
            beyond = prefix + place + evidence.level_bits(line.level, origin.message)
            if values:
                beyond += _of_values(score.prefix, values, value_names, occurrence, origin)
            beyond += opposite
            is_others = score.tier is Tier.FUZZY and bool(names) and prefix <= 0
            total = score.bits(occurrence.joins) + beyond + evidence.driver_bits(names, origin)
            if is_others and self._index.knows(names[0]):
                total += OTHER_WRITER
            certain = prefix + min(0.0, beyond - prefix)
            doubts = Doubts(opposite < 0, is_unnamed, is_others) if score.tier is Tier.FUZZY or opposite else CERTAIN
            yield Candidate(score, occurrence, total, prefix, certain, place, doubts)

    def _with_usual(
        self, found: list[Candidate], scores: Iterable[Score], body: Body, line: LogLine
    ) -> list[Candidate]:
        """Put a message of more usual code before one of code that few machines run, if it prints the same line.

        Its wording has a value in place of some words of the other one. More usual is code that most machines run, and
        a library in the directory of a driver that the line does not name.
        """
        first = found[0]
        origin, words = self.origin(first.occurrence.number), first.score.wording.words
        is_unnamed = origin.is_of_one_driver and not origin.is_named_by(evidence.names_in(first.score.prefix))
        if first.place > RARE_PLACE and not is_unnamed:
            return found
        general = (one for one in scores if one.explained >= DISTINCTIVE_TEXT and one.wording.words < words)
        usual = (
            one
            for score in general
            for one in self.weighed(score, body, line)
            if one.place > first.place or (is_unnamed and self.origin(one.occurrence.number).serves(origin))
        )
        best = min(usual, key=lambda one: (-one.place, -one.bits, one.occurrence.number), default=None)
        return [*([msgspec.structs.replace(best, bits=first.bits)] if best else []), *found]

    def _is_stray_part(self, candidate: Candidate, body: Body) -> bool:
        """Return whether a few words that continue a line are in a line that nothing else connects with their message.

        The rest must name who prints, or have words that another message around prints, or must be little.
        """
        score, occurrence = candidate.score, candidate.occurrence
        if score.tier is Tier.EXACT or not occurrence.joins.before or candidate.named > 0:
            return False
        is_by_another = body.prefix_end > 0
        if score.tier is Tier.PARTIAL and not score.before and not is_by_another:
            return False
        if score.explained >= 2 * DISTINCTIVE_TEXT or (score.share() >= STRONG_SHARE and not is_by_another):
            return False
        rest = body.words - score.wording.words
        return all(total(rest & words) < SHARED_LEAST for words in self._words_around(occurrence.number))

    def _find_words_around(self, number: int) -> tuple[frozenset[str], ...]:
        """Return the words of the messages near one in its file that share their lines with others."""
        path = self._index.message(number).path
        found: set[frozenset[str]] = set()
        for step in (-1, 1):
            for away in range(1, NEAR + 1):
                try:
                    other = self._index.message(number + step * away)
                except KeyError:
                    break
                if other.path != path:
                    break
                if is_continuation(other) or not ends_line(other):
                    found.update(frozenset(literal_words(form.printed)) for form in other.forms)
        return tuple(found)

    def _is_driver(self, name: str, score: Score, origin: Origin) -> bool:
        """Return whether a name before a line is a driver's: the call prints one, or the tree has code of this name."""
        return origin.prints_driver or (score.tier is not Tier.EXACT and self._index.knows(name))


def _put_together(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Add to the best wording of a message the words that its other wordings explain, if each accepts any text besides.

    A call that puts its text together in a buffer has a wording for each piece: `Result: %s`, `%s cmd_age=%lus`.
    """
    pieces: dict[int, list[Candidate]] = {}
    for one in candidates:
        if one.score.is_open and one.score.inside > 0:
            pieces.setdefault(one.occurrence.number, []).append(one)
    found = list(candidates)
    for several in pieces.values():
        best = max(several, key=lambda one: one.bits)
        score = best.score
        words = frozenset[str]().union(*(one.score.wording.words for one in several)) - score.wording.words
        more = min(score.inside, total(words))
        if more:
            score = msgspec.structs.replace(score, explained=score.explained + more, inside=score.inside - more)
            gained = score.bits(best.occurrence.joins) - best.score.bits(best.occurrence.joins)
            found.append(msgspec.structs.replace(best, score=score, bits=best.bits + gained))
    return found


def _lacks_writer(body: Body, score: Score) -> bool:
    """Return whether a wording begins with words for who prints it, and the line has none of them."""
    writer = score.wording.writer
    return bool(writer) and writer.isdisjoint(body.words)


def _of_values(
    prefix: str, values: Sequence[str | None], names: Sequence[str], occurrence: Occurrence, origin: Origin
) -> float:
    """Return the evidence in the values of a line."""
    message = origin.message
    arguments = message.forms[occurrence.form].arguments[occurrence.first :]
    return (
        evidence.value_bits(values, message)
        + evidence.text_bits(names, origin)
        + evidence.argument_bits(prefix, values, arguments, message)
        + evidence.resource_bits(values, message)
    )
