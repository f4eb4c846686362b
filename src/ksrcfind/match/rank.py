"""Which message printed a line: candidates found, fitted, weighed and ordered.

What a wording explains of the line (`fit`) and what is known beyond the text (`evidence`) is added up in bits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice

import msgspec

from ksrcfind.log.line import LogLine
from ksrcfind.match import evidence
from ksrcfind.match.answer import Answer, Match, Tier, Value
from ksrcfind.match.body import Body
from ksrcfind.match.candidates import MessageIndex
from ksrcfind.match.confidence import confidence
from ksrcfind.match.continuation import ContinuationMatcher
from ksrcfind.match.conversions import compiled
from ksrcfind.match.decode import decoded
from ksrcfind.match.fragment import begun_by_text, most_literal, overlaps
from ksrcfind.match.limits import CONTINUED_WORDINGS, LINE_STEPS, PATTERN_STEPS, SCORE_STEPS, SHAPE_STEPS, SORTED_FROM
from ksrcfind.match.pattern import Span, StepBudget, value
from ksrcfind.match.reasons import beyond_matching, row_of_report, unexplained
from ksrcfind.match.score import (
    ANYHOW,
    Score,
    can_explain,
    may_score_overlap,
    score_overlap,
    score_reworded,
    score_similar,
    score_whole,
)
from ksrcfind.match.telling import TellingTokens
from ksrcfind.match.thresholds import (
    ANY_TEXT_FACTOR,
    CONTINUED_LEAST,
    DISTINCTIVE_SHAPE,
    DISTINCTIVE_TEXT,
    EVIDENCE_REACH,
    HALF_SIMILAR,
    LEAD_OVER_EXACT,
    LEAD_OVER_PARTIAL,
    MODULE,
    NAMING_WORDS,
    OPPOSITE_FACTOR,
    OUTSIDE_TREE,
    PREFIX_LEAST,
    RARE_PLACE,
    RARE_PLACE_MOST,
    SCORE_HALVING,
    SHARED_LEAST,
    SHARED_PREFIX,
    SIMILAR_WORDINGS,
    TIE,
    UNLIKELY_PLACE,
    VALUE_WORDS,
)
from ksrcfind.match.wording import Wording
from ksrcfind.match.wordings import Occurrence, Similar, Wordings
from ksrcfind.source.message import Argument, Message
from ksrcfind.source.printed import ALONE
from ksrcfind.source.template import WORD, words

_ORIGINS_KEPT = 65536
_TELLING_KEPT = 65536


class _Candidate(msgspec.Struct, frozen=True, gc=False):
    fit: Score
    use: Occurrence
    bits: float
    named: float
    """Bits for what the line is prefixed with."""
    beyond: float
    """Bits beyond the text that count for its being an answer at all: who prints, and what speaks against it."""
    place: float
    """Bits for where the call stands alone: code that few run, or of another architecture than the machine."""
    is_opposite: bool = False
    """True if the line says the opposite of the text."""

    @property
    def is_unlikely(self) -> bool:
        """True if the code hardly runs anywhere, and other code may well have had its few words before it changed."""
        return self.place <= UNLIKELY_PLACE and self.fit.explained < DISTINCTIVE_TEXT

    @property
    def is_rare(self) -> bool:
        """True if the code runs on few machines, and takes any text or says little: usual code says alike."""
        fit = self.fit
        return self.place <= RARE_PLACE and (
            fit.is_open or fit.tier is not Tier.EXACT or fit.explained < 2 * DISTINCTIVE_TEXT
        )

    @property
    def is_strong(self) -> bool:
        """True if no other wording can explain clearly more, and nothing speaks against the code."""
        return not self.is_unlikely and self.fit.is_strong(self.use.joins)

    def beats(self, other: "_Candidate") -> bool:
        """Tell whether it explains clearly more than one of a better tier, with all words of one that fits whole."""
        mine, others = self.fit.wording, other.fit.wording
        lacks = other.fit.tier is Tier.EXACT and not others.words <= mine.words
        margin = LEAD_OVER_EXACT if other.fit.tier is Tier.EXACT else LEAD_OVER_PARTIAL
        return mine is not others and not lacks and self.bits > other.bits + margin

    def has_piece_of(self, first: "_Candidate") -> bool:
        """Tell whether the line is a piece of its text as it is of the first one's, whatever else they have."""
        mine, others = self.fit, first.fit
        if mine.tier is not Tier.PARTIAL or mine.unexplained(ALONE) or others.unexplained(ALONE):
            return False
        rest = self.bits - mine.bits(self.use.joins) - (first.bits - others.bits(first.use.joins))
        return mine.explained > others.explained - TIE and rest > -TIE

    @property
    def share(self) -> float:
        """Explained part of all that the message is to explain, 0–1."""
        return self.fit.share(self.use.joins)


class Matcher:
    """Answers lines from one index; holds what it learns of the index from line to line."""

    def __init__(self, index: MessageIndex) -> None:
        self._index = index
        self._wordings = Wordings(index)
        self.telling = TellingTokens(index, self._wordings)
        """Which names and numbers of a line can decide its answer."""
        self._origin = lru_cache(_ORIGINS_KEPT)(lambda number: evidence.Origin.of(index.message(number)))
        self._tells = lru_cache(_TELLING_KEPT)(lambda wording: can_explain(wording, MODULE))
        self._wordless = lru_cache(2)(self._find_wordless)
        self._together = ContinuationMatcher(index)
        self._left = LINE_STEPS
        """Steps that may still be taken for the line that is being answered."""

    def answer(self, line: LogLine, limit: int = 5) -> Answer:
        """Return the messages that explain a line, best first, or why there are none."""
        self._left = LINE_STEPS
        body = Body.of(line.body)
        reason = beyond_matching(line, body)
        if reason is not None:
            return Answer("none", reason, (), 0)
        candidates = self._best(body, line)
        if body.unmasked is not None and not (candidates and candidates[0].fit.tier is Tier.EXACT):
            whole = self._candidates(self._exact(body.unmasked, self._wordings.known(body.words)), body, line)
            candidates = whole or candidates
        if candidates and candidates[0].fit.tier is Tier.EXACT:
            return self._of(candidates, body, limit)
        row = row_of_report(line.body)
        if row is not None:
            return Answer("none", row, (), 0)
        if candidates and (candidates[0].fit.tier is Tier.PARTIAL or candidates[0].named > 0):
            return self._of(candidates, body, limit)
        general = self._general(body, line)
        if candidates and not _contradicts(general, candidates[0]):
            return self._of(candidates, body, limit)
        message = self._origin(general[0].use.number).message if general else None
        reason = unexplained(body, self._index, message, self._nearest(body))
        if reason.code != "any_text":
            return Answer("none", reason, (), 0)
        matches = self._of(general, body, limit).matches
        return Answer("none", reason, tuple(map(_of_any_text, matches)), 0)

    def _general(self, body: Body, line: LogLine) -> list[_Candidate]:
        """Return the messages that tell most among those that a line fits as any other text would."""
        fitting = self._wordings.fitting(self._wordings.known(body.words))
        found = list(self._rendered(fitting, body, _names_who))
        if not found:
            return []
        wording, spans = max(found, key=lambda one: one[0].whole)
        weighed = self._weighed(score_whole(body, wording, spans), body, line)
        return sorted(weighed, key=lambda candidate: (-candidate.bits, candidate.use.number))

    def _nearest(self, body: Body) -> Message | None:
        """Return a message that shares most words with a line; None if none shares enough to be looked at."""
        similar = self._wordings.similar(self._wordings.known(body.words))
        uses = self._wordings.uses(similar[0].wording) if similar else ()
        return self._origin(uses[0].number).message if uses else None

    def printing(self, line: LogLine) -> set[int]:
        """Return the numbers of all messages that print the whole of a line, as far as its text alone can tell."""
        self._left = LINE_STEPS
        body = Body.of(line.body)
        if beyond_matching(line, body) is not None:
            return set()
        fits = self._exact(body, self._wordings.known(body.words))
        return {use.number for fit in fits if fit.counts(MODULE) for use in self._wordings.uses(fit.wording)}

    def _best(self, body: Body, line: LogLine) -> list[_Candidate]:
        """Try tier after tier; a tier gives way to a later one that explains clearly more."""
        known = self._wordings.known(body.words)
        found = self._candidates(self._exact(body, known), body, line)
        if found and found[0].is_strong:
            return found
        for fits in (self._partial, self._fuzzy):
            more = self._candidates(fits(body, known), body, line)
            if more and (not found or more[0].beats(found[0])):
                found = _merged(more, found)
            if found and found[0].is_strong:
                return found
        if found and not found[0].is_unlikely:
            return found
        found = _merged(self._candidates(self._of_values(body), body, line), found)
        found = found or self._candidates(self._continued(body, known), body, line)
        return found or self._candidates(self._drifted(body, known), body, line)

    def _exact(self, body: Body, known: frozenset[str]) -> Iterator[Score]:
        return self._whole(self._wordings.fitting(known), body) if known else self._without_words(body, few=True)

    def _of_values(self, body: Body) -> Iterator[Score]:
        return self._without_words(body, few=len(body.words) <= VALUE_WORDS)

    def _without_words(self, body: Body, *, few: bool) -> Iterator[Score]:
        for telling, needles in self._wordless(few).items():
            self._left -= SHAPE_STEPS * len(body.text)
            if self._left > 0 and compiled(telling).search(body.text):
                for needle, wordings in needles.items():
                    if needle in body.text:
                        yield from self._whole(wordings, body)

    def _find_wordless(self, few: bool) -> dict[str, dict[str, list[Wording]]]:
        """Return the wordings without words by the most telling value and the longest literal that a line must have.

        Values alone print no line of many words.
        """
        found: dict[str, dict[str, list[Wording]]] = {}
        for wording in self._wordings.wordless():
            if self._tells(wording) and (few or any(wording.pattern.texts)):
                needles = found.setdefault(wording.features.telling, {})
                needles.setdefault(wording.needle, []).append(wording)
        return found

    def _whole(self, wordings: Sequence[Wording], body: Body) -> Iterator[Score]:
        """Yield the wordings that the whole line is a rendering of and that tell enough to be an answer."""
        for wording, spans in self._rendered(wordings, body, self._tells):
            if not self._passes_on(wording) and not _leaves_sentence(body, wording, spans):
                self._left -= SCORE_STEPS + len(body.tokens)
                yield score_whole(body, wording, spans)

    def _rendered(
        self, wordings: Sequence[Wording], body: Body, wanted: Callable[[Wording], bool]
    ) -> Iterator[tuple[Wording, tuple[Span, ...]]]:
        """Yield the wanted wordings that the whole line is a rendering of, with where their values stand."""
        text = body.text
        each = len(text) >> 9
        for wording in _telling_first(wordings, 0 if each > 1 else SORTED_FROM):
            if each:
                # To look for its parts, where every place may begin like one of them.
                self._left -= each * len(wording.line)
                if self._left <= 0:
                    return
            for part in wording.parts:
                if part not in text:
                    break
            else:
                head, tail = wording.ends
                if not (text.startswith(head) and text.endswith(tail) and wanted(wording)):
                    continue
                if self._left <= 0:
                    return
                work = StepBudget()
                spans = wording.pattern.spans(text, work)
                self._left -= PATTERN_STEPS - work.left
                if spans is not None:
                    yield wording, tuple(spans)

    def _passes_on(self, wording: Wording) -> bool:
        """Tell whether a wording only puts in front of any text what many messages begin with: `XFS (%s): %pV`."""
        if not wording.is_prefix:
            return False
        return len(wording.words) <= NAMING_WORDS and (
            not wording.words or self._wordings.begun_alike(wording, SHARED_PREFIX) > SHARED_PREFIX
        )

    def _partial(self, body: Body, known: frozenset[str]) -> list[Score]:
        found: list[Score] = []
        # A wording of another kernel may have had other text behind the driver and the device.
        parts = [(body, 0), *([(body.behind_prefix, body.prefix_end)] if body.behind_prefix else [])]
        similar = self._wordings.similar(known)
        seen = {one.wording for one in similar}
        # A line has all words of a wording that other words were put around, though both may be unlike as a whole.
        fitting = [one for one in self._wordings.fitting(known) if one.bits >= SHARED_LEAST and one not in seen]
        contained = (Similar(one, self._joins(one)) for one in _telling_first(fitting, 0)[:SIMILAR_WORDINGS])
        for wording, joined in chain(similar, contained):
            if self._left <= 0:
                break
            for part, offset in parts:
                work = StepBudget()
                if may_score_overlap(part, wording, MODULE, work, joined=joined):
                    best = most_literal(wording.pattern, part.text, work)
                    if best is not None:
                        fit = score_overlap(body, wording, best.moved(offset))
                        if _tells_in_part(body, fit):
                            found.append(_drifted(fit) if _differs_inside(body, fit) else fit)
                self._left -= PATTERN_STEPS - work.left
        return found

    def _fuzzy(self, body: Body, known: frozenset[str]) -> Iterator[Score]:
        similar = [wording for wording, _ in self._wordings.similar(known)]
        fitting = (wording for wording in self._wordings.fitting(known) if wording.bits >= SHARED_LEAST)
        # What the line has all words and values of may be unlike it as a whole, in another order.
        whole = (wording for wording in fitting if wording.features.shaped and wording not in similar)
        for wording in chain(similar, islice(whole, SIMILAR_WORDINGS)):
            fit = score_similar(body, wording)
            if fit is not None:
                yield fit

    def _drifted(self, body: Body, known: frozenset[str]) -> Iterator[Score]:
        """Yield wordings of which the line has many words in the same order, if nothing else explains it."""
        for wording, _ in self._wordings.similar(known):
            fit = score_reworded(body, wording)
            if fit is not None:
                yield fit

    def _continued(self, body: Body, known: frozenset[str]) -> Iterator[Score]:
        """Lines that several calls of a function printed together and of which none tells enough alone."""
        fitting = self._wordings.fitting(known)
        parts = [wording for wording in fitting if self._joins(wording) and wording.needle in body.text]
        for wording in _telling_first(parts, CONTINUED_WORDINGS)[:CONTINUED_WORDINGS]:
            if self._left <= 0:
                return
            work = StepBudget()
            first = begun_by_text(wording.pattern, body.text, work)
            for overlap in chain((first,) if first else (), overlaps(wording.pattern, body.text, work)):
                uses = self._wordings.uses(wording) if overlap.begun and overlap.finished else ()
                joined = (use for use in uses if use.joins != ALONE)
                some = tuple(use for use in joined if self._together.explains(use.number, body, overlap, work))
                if some:
                    fit = score_overlap(body, wording, overlap)
                    yield msgspec.structs.replace(fit, uses=some, tier=Tier.EXACT, least=CONTINUED_LEAST)
                    break
            self._left -= PATTERN_STEPS - work.left

    def _joins(self, wording: Wording) -> bool:
        """Tell whether other calls print into the lines of a wording."""
        return any(use.joins != ALONE for use in self._wordings.uses(wording))

    def _candidates(self, fits: Iterable[Score], body: Body, line: LogLine) -> list[_Candidate]:
        """Return the messages behind the fits that count, best first."""
        fits = list(fits)
        best = max((fit.bits(ANYHOW) for fit in fits), default=0.0)
        found: list[_Candidate] = []
        for fit in fits:
            if fit.bits(ANYHOW) < best - EVIDENCE_REACH or not fit.counts(MODULE, ANYHOW):
                continue
            # Only a prefix of a driver and a device can stand for words of its own, and none for more than is told.
            named = bool(fit.wording.words) or (fit.wording.pattern.prefix > 0 and fit.tells_most)
            found += (
                candidate
                for candidate in self._weighed(fit, body, line)
                if fit.counts(candidate.beyond if named else min(0.0, candidate.beyond), candidate.use.joins)
            )
        found.sort(key=lambda candidate: (-candidate.bits, candidate.use.number))
        if found and found[0].place <= RARE_PLACE and found[0].fit.tier is Tier.EXACT:
            found = self._with_usual(found, fits, body, line)
        first: dict[int, _Candidate] = {}
        for candidate in found:
            first.setdefault(candidate.use.number, candidate)
        return list(first.values())

    def _with_usual(
        self, found: list[_Candidate], fits: Sequence[Score], body: Body, line: LogLine
    ) -> list[_Candidate]:
        """Put the same text of a more usual machine, which has a part of it in a variable, in front of a rare one's."""
        rare = found[0]
        general = (
            fit for fit in fits if fit.explained >= DISTINCTIVE_TEXT and fit.wording.words < rare.fit.wording.words
        )
        usual = [one for fit in general for one in self._weighed(fit, body, line) if one.place > rare.place]
        usual.sort(key=lambda candidate: (-candidate.place, -candidate.bits, candidate.use.number))
        return [msgspec.structs.replace(one, bits=rare.bits) for one in usual[:1]] + found

    def _weighed(self, fit: Score, body: Body, line: LogLine) -> Iterator[_Candidate]:
        # What is literal text has been counted.
        names = [name for name in evidence.names_in(fit.prefix) if name not in fit.wording.words]
        conversions = fit.wording.pattern.conversions
        values = [value(c, body.text, span) for c, span in zip(conversions, fit.spans, strict=False)]
        named = evidence.names_of(values)
        # A text that tells little, and takes any text or fits in part, is of no other driver than the one named.
        opposite = 0.0 if fit.tier is Tier.EXACT else evidence.opposite_bits(body.words, fit.wording.words)
        is_weak = fit.explained < DISTINCTIVE_TEXT and (fit.is_open or fit.tier is not Tier.EXACT)
        for use in fit.uses if fit.uses is not None else self._wordings.uses(fit.wording):
            origin = self._origin(use.number)
            message = origin.message
            if is_weak and names and origin.is_unlike(names[0]) and self._has_driver(names[0], fit, origin):
                continue
            prefix = evidence.prefix_bits(names, origin)
            place = evidence.machine_bits(line.architecture, origin)
            beyond = prefix + place + evidence.level_bits(line.level, message)
            if values:
                arguments = message.forms[use.form].arguments[use.first :]
                beyond += (
                    evidence.value_bits(values, message)
                    + evidence.text_bits(named, origin)
                    + evidence.argument_bits(fit.prefix, values, arguments, message)
                    + evidence.resource_bits(values, message)
                )
            beyond += opposite
            bits = fit.bits(use.joins) + beyond + evidence.driver_bits(names, origin)
            yield _Candidate(fit, use, bits, prefix, prefix + min(0.0, beyond - prefix), place, opposite < 0)

    def _has_driver(self, name: str, fit: Score, origin: evidence.Origin) -> bool:
        """Tell whether a name in front of a line is a driver's: where it stands, or because the tree has such code."""
        return origin.prints_driver or (fit.tier is not Tier.EXACT and self._index.knows(name))

    def _of(self, candidates: Sequence[_Candidate], body: Body, limit: int) -> Answer:
        first = candidates[0]
        equal = sum(
            candidate.bits > first.bits - TIE or candidate.has_piece_of(first)
            for candidate in candidates
            if candidate.fit.tier is first.fit.tier and candidate.is_unlikely == first.is_unlikely
        )
        sure = confidence(first.fit.tier, first.share, first.fit.likeness) / equal
        if first.is_opposite:
            sure *= OPPOSITE_FACTOR
        if first.is_unlikely:
            sure *= 2.0 ** (first.place + OUTSIDE_TREE)
        elif first.is_rare:
            sure = min(sure, RARE_PLACE_MOST)
        matches: list[Match] = []
        for rank, candidate in enumerate(candidates[:limit]):
            fit = candidate.fit
            behind = 2.0 ** min(0.0, (candidate.bits - first.bits) / SCORE_HALVING)
            message = self._origin(candidate.use.number).message
            form = message.forms[candidate.use.form]
            matches.append(
                Match(
                    tier=fit.tier,
                    score=round(min(1.0, candidate.share * behind), 4),
                    confidence=round(sure if rank < equal else min(sure, (1 - sure) / 2) * behind, 4),
                    message=message,
                    form=form,
                    values=_values(candidate, body, form.arguments),
                )
            )
        return Answer(first.fit.tier.value, None, tuple(matches), equal - 1)


def _merged(more: list[_Candidate], found: list[_Candidate]) -> list[_Candidate]:
    """Put candidates before others, each message once."""
    numbers = {candidate.use.number for candidate in more}
    return more + [candidate for candidate in found if candidate.use.number not in numbers]


def _leaves_sentence(body: Body, wording: Wording, spans: Sequence[Span]) -> bool:
    """Tell whether a wording of signs and values alone leaves several words to one value of any text.

    One that prints a name in front of values, `%s [<%016lx>] %pS`, would fit whatever ends with such values.
    """
    if wording.words or wording.features.words or not wording.features.shaped:
        return False
    texts = (span for span, is_text in zip(spans, wording.pattern.texts, strict=True) if is_text)
    return any(len(words(body.text[start:end])) > 1 for start, end in texts if start >= 0)


def _tells_in_part(body: Body, fit: Score) -> bool:
    """Tell whether a piece of a text has more than one word in common with the line, or a value that tells much.

    Behind a driver and a device, one word and a value do: the driver must be the call's, as with every weak text.
    """
    shared = fit.wording.words & body.words
    shaped = any(
        weight >= DISTINCTIVE_SHAPE and start >= 0
        for (start, _), weight in zip(fit.spans, fit.wording.pattern.weights, strict=False)
    )
    values = zip(fit.spans, fit.wording.pattern.texts, strict=False)
    has_value = any(start >= body.prefix_end > 0 for (start, _), is_text in values if not is_text)
    return len(shared) > 1 or shaped or (bool(shared) and has_value)


def _differs_inside(body: Body, fit: Score) -> bool:
    """Tell whether text that the line should lack stands in place of a value: neither text is a part of the other."""
    values = zip(fit.spans, fit.wording.pattern.texts, strict=False)
    taken = {word for (start, end), is_text in values if is_text and start >= 0 for word in words(body.text[start:end])}
    return fit.missing > 0 and not taken.isdisjoint(fit.wording.words)


def _drifted(fit: Score) -> Score:
    """Return a fit of a part as one of a text that drifted."""
    return msgspec.structs.replace(fit, tier=Tier.FUZZY, likeness=HALF_SIMILAR)


def _telling_first(wordings: Sequence[Wording], most: int) -> Sequence[Wording]:
    """Return wordings, of more than so many those that tell most first."""
    return wordings if len(wordings) <= most else sorted(wordings, key=lambda one: (-one.bits, one.line))


def _values(candidate: _Candidate, body: Body, arguments: Sequence[Argument]) -> tuple[Value, ...]:
    """The arguments of the form, with the text of the line where this wording shows them."""
    fit, first = candidate.fit, candidate.use.first
    conversions = fit.wording.pattern.conversions
    shown: dict[int, str | None] = {}
    for number, (conversion, span) in enumerate(zip(conversions, fit.spans, strict=False)):
        shown[first + number] = value(conversion, body.text, span)
    values = [shown.get(number) for number in range(len(arguments))]
    return tuple(
        Value(argument.conversion, argument.expression, values[number], decoded(arguments, values, number))
        for number, argument in enumerate(arguments)
    )


def _contradicts(general: Sequence[_Candidate], drifted: _Candidate) -> bool:
    """Tell whether a line begins with a prefix that many messages have, and a text that drifted is of other code."""
    if not general or not general[0].fit.wording.is_prefix:
        return False
    return not general[0].fit.wording.words <= drifted.fit.wording.words


def _of_any_text(match: Match) -> Match:
    return replace(match, confidence=round(ANY_TEXT_FACTOR * match.confidence, 4))


def _names_who(wording: Wording) -> bool:
    """Tell whether a wording that takes any text says in front who prints it."""
    begins = WORD.search(wording.ends[0]) is not None or (wording.is_prefix and bool(wording.words))
    return wording.whole >= PREFIX_LEAST and begins
