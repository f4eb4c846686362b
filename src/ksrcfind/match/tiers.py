"""Finds the wordings that explain a line, tier by tier: the whole line, a part, a similar text, then special cases.

All comparisons with one line share one budget of steps. When it is used up, no further wordings are compared.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import chain

import msgspec

from ksrcfind.match.answer import Tier
from ksrcfind.match.body import Body
from ksrcfind.match.continuation import ContinuationMatcher
from ksrcfind.match.conversions import compiled
from ksrcfind.match.limits import CONTINUED_WORDINGS, LINE_STEPS, PATTERN_STEPS, SCORE_STEPS, SHAPE_STEPS, SORTED_FROM
from ksrcfind.match.message_index import MessageIndex
from ksrcfind.match.overlap import begun_by_text, most_literal, overlaps
from ksrcfind.match.pattern import Span, StepBudget
from ksrcfind.match.rewording import score_reworded, score_similar
from ksrcfind.match.score import (
    ANYHOW,
    Score,
    can_explain,
    may_score_overlap,
    score_overlap,
    score_whole,
)
from ksrcfind.match.tuned_weights import (
    CONTINUED_LEAST,
    DISTINCTIVE_SHAPE,
    HALF_SIMILAR,
    MODULE,
    NAMING_WORDS,
    PREFIX_LEAST,
    SHARED_LEAST,
    SHARED_PREFIX,
    SIMILAR_WORDINGS,
    VALUE_WORDS,
)
from ksrcfind.match.wording import Wording
from ksrcfind.match.wording_search import Similar, Wordings
from ksrcfind.source.printed_lines import ALONE
from ksrcfind.source.template import WORD, words

_CAN_EXPLAIN_KEPT = 65536  # wordings for which `can_explain` is cached


class TierSearch:
    """Finds and scores the wordings of an index that explain a line.

    Most methods take the line's body and its known words: those that some message contains (`Wordings.known`).
    """

    def __init__(self, index: MessageIndex, wordings: Wordings) -> None:
        self._wordings = wordings
        self._can_explain = lru_cache(_CAN_EXPLAIN_KEPT)(lambda wording: can_explain(wording, MODULE))
        self._wordless = lru_cache(2)(self._find_wordless)
        self._continuations = ContinuationMatcher(index)
        self._left = LINE_STEPS
        """Steps left for the line that is being answered."""

    def start(self) -> None:
        """Begin with another line: it has the whole budget of steps."""
        self._left = LINE_STEPS

    # --- The whole line -----------------------------------------------------------------------------------------------

    def exact(self, body: Body, known: frozenset[str]) -> Iterator[Score]:
        """Yield the wordings of which the whole line is a rendering."""
        return self._whole(self._wordings.fitting(known), body) if known else self._without_words(body, few=True)

    def of_values(self, body: Body) -> Iterator[Score]:
        """Yield the wordings without words of which the whole line is a rendering: its words are values then."""
        return self._without_words(body, few=len(body.words) <= VALUE_WORDS)

    def _without_words(self, body: Body, *, few: bool) -> Iterator[Score]:
        text, found = body.text, list[Wording]()
        for shape, by_needle in self._wordless(few).items():
            self._left -= SHAPE_STEPS * len(text)
            if self._left > 0 and compiled(shape).search(text):
                found += chain.from_iterable(wordings for needle, wordings in by_needle.items() if needle in text)
        return self._whole(found, body)

    def _find_wordless(self, few: bool) -> dict[str, dict[str, list[Wording]]]:
        """Return the wordings without words, by their most distinctive value and their longest literal.

        A line must have both. For a line of more than a `few` words, only wordings that accept any text are returned.
        """
        found: dict[str, dict[str, list[Wording]]] = {}
        for wording in self._wordings.wordless():
            if (few or wording.values.accept_text) and self._can_explain(wording):
                by_needle = found.setdefault(wording.values.shape, {})
                by_needle.setdefault(wording.needle, []).append(wording)
        return found

    def _whole(self, wordings: Sequence[Wording], body: Body) -> Iterator[Score]:
        for wording, spans in self._rendered(wordings, body, self._can_explain):
            if not self._is_bare_prefix(wording) and not _leaves_sentence(body, wording, spans):
                self._left -= SCORE_STEPS + len(body.tokens)
                yield score_whole(body, wording, spans)

    def _rendered(
        self, wordings: Sequence[Wording], body: Body, wanted: Callable[[Wording], bool]
    ) -> Iterator[tuple[Wording, tuple[Span, ...]]]:
        """Yield the wanted wordings of which the whole line is a rendering, with the spans of their values."""
        text = body.text
        each = len(text) >> 9  # Steps to find the literals, where every place of a long line may begin like one.
        if not each:
            wordings = [wording for wording in wordings if wording.needle in text]
        for wording in _most_bits_first(wordings, 0 if each > 1 else SORTED_FROM):
            if each:
                self._left -= each * len(wording.line)
                if self._left <= 0:
                    return
            if not _has_literals(text, wording) or not wanted(wording):
                continue
            if self._left <= 0:
                return
            budget = StepBudget()
            spans = wording.pattern.spans(text, budget)
            self._left -= PATTERN_STEPS - budget.left
            if spans is not None:
                yield wording, tuple(spans)

    def _is_bare_prefix(self, wording: Wording) -> bool:
        """Return whether a wording only puts a prefix that many messages have before any text: `XFS (%s): %pV`."""
        if not wording.is_prefix or len(wording.words) > NAMING_WORDS:
            return False
        return not wording.words or self._wordings.begun_alike(wording, SHARED_PREFIX) > SHARED_PREFIX

    def naming_prefix(self, body: Body, known: frozenset[str]) -> Score | None:
        """Return the wording with most bits that begins with who prints and would accept any other text too."""
        found = self._rendered(self._wordings.fitting(known), body, _names_writer)
        best = max(found, key=lambda one: one[0].whole, default=None)
        return score_whole(body, *best) if best is not None else None

    # --- A part of the line, or of the wording ------------------------------------------------------------------------

    def partial(self, body: Body, known: frozenset[str]) -> list[Score]:
        """Return the wordings of which a part is a part of the line."""
        found: list[Score] = []
        parts = _parts(body)
        for wording, joined in self._close(known):
            if self._left <= 0:
                break
            for part, offset in parts:
                budget = StepBudget()
                score = self._score_part(body, wording, part, offset, joined, budget)
                if score is not None:
                    found.append(score)
                self._left -= PATTERN_STEPS - budget.left
        return found

    def may_outdo(self, body: Body, wording: Wording, judged: Set[Wording]) -> bool:
        """Return whether the tiers of parts and of similar texts may have an answer that beats a whole match.

        Only a wording that has all of its words does (`Candidate.beats`). `judged` are wordings that these tiers skip.
        """
        others = self._wordings.having(wording.words)
        if others is None:
            return True
        parts = _parts(body)
        for other, joined in others:
            if other is wording or other in judged:
                continue
            scores = [self._score_part(body, other, part, offset, joined, StepBudget()) for part, offset in parts]
            scores.append(score_similar(body, other))
            if any(score is not None and score.counts(MODULE, ANYHOW) for score in scores):
                return True
        return False

    def _score_part(
        self, body: Body, wording: Wording, part: Body, offset: int, joined: bool, budget: StepBudget
    ) -> Score | None:
        """Score a wording by what it shares with a part of the line; None if that is too little."""
        if not may_score_overlap(part, wording, MODULE, budget, joined=joined):
            return None
        best = most_literal(wording.pattern, part.text, budget)
        if best is None:
            return None
        score = score_overlap(body, wording, best.moved(offset))
        if not _is_more_than_a_word(body, score):
            return None
        return _as_reworded(score) if _replaces_text(body, score) else score

    def fuzzy(self, body: Body, known: frozenset[str]) -> Iterator[Score]:
        """Yield the wordings that are similar to the line: misspelt, reworded or in another order."""
        for wording, _ in self._close(known):
            score = score_similar(body, wording)
            if score is not None:
                yield score

    def _close(self, known: frozenset[str]) -> Iterator[Similar]:
        """Yield the wordings that are compared with a line in detail: the most similar ones, then contained ones.

        The line has all words of a contained wording; with many other words around them, both are not similar.
        """
        similar = self._wordings.similar(known)
        seen = {one.wording for one in similar}
        contained = [one for one in self._wordings.fitting(known) if one.bits >= SHARED_LEAST and one not in seen]
        yield from similar
        for wording in _most_bits_first(contained, 0)[:SIMILAR_WORDINGS]:
            yield Similar(wording, self._joins(wording))

    def reworded(self, body: Body, known: frozenset[str]) -> Iterator[Score]:
        """Yield the wordings that have many words in common with the line, in the same order."""
        for wording, _ in self._wordings.similar(known):
            score = score_reworded(body, wording)
            if score is not None:
                yield score

    def recased(self, body: Body, known: frozenset[str]) -> Iterator[Score]:
        """Yield the wordings that a line renders, as similar ones: its name in front is in the other case."""
        for score in self.exact(body, known):
            yield msgspec.structs.replace(_as_reworded(score), words=score.wording.whole)

    # --- Lines that several calls print -------------------------------------------------------------------------------

    def continued(self, body: Body, known: frozenset[str]) -> Iterator[Score]:
        """Yield wordings that print a part of the line, if neighbouring calls print the rest (`pr_cont`)."""
        fitting = self._wordings.fitting(known)
        parts = [wording for wording in fitting if self._joins(wording) and wording.needle in body.text]
        for wording in _most_bits_first(parts, CONTINUED_WORDINGS)[:CONTINUED_WORDINGS]:
            if self._left <= 0:
                return
            budget = StepBudget()
            score = self._score_continued(body, wording, budget)
            if score is not None:
                yield score
            self._left -= PATTERN_STEPS - budget.left

    def _score_continued(self, body: Body, wording: Wording, budget: StepBudget) -> Score | None:
        """Score the first way in which the line contains a wording and other calls explain the rest.

        Of a call that begins the line, its own part and the next one must explain enough together.
        """
        first = begun_by_text(wording.pattern, body.text, budget)
        for overlap in chain((first,) if first else (), overlaps(wording.pattern, body.text, budget)):
            if not (overlap.begun and overlap.finished):
                continue
            joined = (one for one in self._wordings.occurrences(wording) if one.joins != ALONE)
            found = [(one, self._continuations.rest(one.number, body, overlap, budget)) for one in joined]
            rest = max((bits for _, bits in found if bits is not None), default=None)
            if rest is not None:
                score = score_overlap(body, wording, overlap)
                together = wording.whole + rest if rest and overlap.start == 0 else 0.0
                return msgspec.structs.replace(
                    score,
                    tier=Tier.EXACT,
                    explained=max(score.explained, together),
                    least=CONTINUED_LEAST,
                    occurrences=tuple(one for one, bits in found if bits == rest),
                )
        return None

    def _joins(self, wording: Wording) -> bool:
        """Return whether other calls print into the lines of a wording."""
        return any(occurrence.joins != ALONE for occurrence in self._wordings.occurrences(wording))


def _parts(body: Body) -> list[tuple[Body, int]]:
    """Return the parts of a line that are searched for overlaps, with their offsets.

    Behind the driver and the device, a wording of another kernel may have begun with other text.
    """
    return [(body, 0), *([(body.behind_prefix, body.prefix_end)] if body.behind_prefix else [])]


def _has_literals(text: str, wording: Wording) -> bool:
    """Return whether a text contains all literals of a wording, with the first and the last at its ends."""
    for part in wording.parts:
        if part not in text:
            return False
    head, tail = wording.ends
    return text.startswith(head) and text.endswith(tail)


def _most_bits_first(wordings: Sequence[Wording], most: int) -> Sequence[Wording]:
    """Return wordings; if there are more than `most`, those with most bits first."""
    return wordings if len(wordings) <= most else sorted(wordings, key=lambda one: (-one.bits, one.line))


def _leaves_sentence(body: Body, wording: Wording, spans: Sequence[Span]) -> bool:
    """Return whether a wording without words leaves several words of the line to one value of any text.

    A wording that prints a name before values, `%s [<%016lx>] %pS`, would fit every line that ends with such values.
    """
    if wording.all_words or not wording.values.distinctive:
        return False
    texts = (span for span, is_text in zip(spans, wording.pattern.texts, strict=True) if is_text)
    return any(len(words(body.text[start:end])) > 1 for start, end in texts if start >= 0)


def _is_more_than_a_word(body: Body, score: Score) -> bool:
    """Return whether a partial match consists of more than one word, or contains a distinctive value.

    Behind a driver and a device, one word and a value suffice: the driver must be the call's, as for every weak text.
    """
    shared = score.wording.words & body.words
    weights, texts = score.wording.pattern.weights, score.wording.pattern.texts
    if len(shared) > 1 or any(
        weight >= DISTINCTIVE_SHAPE and start >= 0 for (start, _), weight in zip(score.spans, weights, strict=False)
    ):
        return True
    values = (start for (start, _), is_text in zip(score.spans, texts, strict=False) if not is_text)
    return bool(shared) and any(start >= body.prefix_end > 0 for start in values)


def _replaces_text(body: Body, score: Score) -> bool:
    """Return whether the line has a missing word of the wording inside of a value: neither contains the other."""
    values = zip(score.spans, score.wording.pattern.texts, strict=False)
    taken = {word for (start, end), is_text in values if is_text and start >= 0 for word in words(body.text[start:end])}
    return score.missing > 0 and not taken.isdisjoint(score.wording.words)


def _as_reworded(score: Score) -> Score:
    """Return a partial match as one of a reworded text."""
    return msgspec.structs.replace(score, tier=Tier.FUZZY, likeness=HALF_SIMILAR)


def _names_writer(wording: Wording) -> bool:
    """Return whether a wording that accepts any text begins with who prints it."""
    begins = WORD.search(wording.ends[0]) is not None or (wording.is_prefix and bool(wording.words))
    return wording.whole >= PREFIX_LEAST and begins
