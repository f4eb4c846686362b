"""Which message printed a line: candidates found, fitted, weighed and ordered.

What a wording explains of the line (`fit`) and what is known beyond the text (`evidence`) is added up in bits.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ksrcfind.log.line import LogLine
from ksrcfind.match import evidence
from ksrcfind.match.answer import Answer, Match, Tier, Value
from ksrcfind.match.body import Body
from ksrcfind.match.candidates import MessageIndex
from ksrcfind.match.confidence import confidence
from ksrcfind.match.decode import decoded
from ksrcfind.match.fit import Fit, can_explain, fit_alike, fit_overlap, fit_whole
from ksrcfind.match.fragment import overlaps
from ksrcfind.match.pattern import value
from ksrcfind.match.reasons import beyond_matching, unexplained
from ksrcfind.match.weights import bits
from ksrcfind.match.wordings import Use, Wording, Wordings
from ksrcfind.source.message import Argument

_LOOKED_AT = 24  # wordings that partial and fuzzy matching look at
_SHARED = 9.0  # bits of words that a wording must have in common with the line to be looked at
_TIE = 0.25  # bits within which messages count as equal
_CLEARLY = 8.0  # bits by which a part of one wording must explain more than the whole of a weak other
_NEAR = 12.0  # bits below the best fit of a tier at which evidence can still turn the order
_ORIGINS_KEPT = 65536


@dataclass(frozen=True, slots=True)
class _Candidate:
    fit: Fit
    use: Use
    bits: float
    beyond: float
    """Bits beyond the text that count for its being an answer at all: who prints, and what speaks against it."""


class Matcher:
    """Answers lines from one index; holds what it learns of the index from line to line."""

    def __init__(self, index: MessageIndex) -> None:
        self._index = index
        self._wordings = Wordings(index)
        self._origin = lru_cache(_ORIGINS_KEPT)(lambda number: evidence.Origin.of(index.message(number)))

    def answer(self, line: LogLine, limit: int = 5) -> Answer:
        """Return the messages that explain a line, best first, or why there are none."""
        body = Body.of(line.body)
        reason = beyond_matching(line, body)
        if reason is not None:
            return Answer("none", reason, (), 0)
        candidates = self._best(body, line)
        if body.unmasked is not None and not (candidates and candidates[0].fit.tier is Tier.EXACT):
            whole = self._candidates(self._exact(body.unmasked, self._wordings.known(body.words)), body, line)
            candidates = whole or candidates
        if not candidates:
            return Answer("none", unexplained(body, self._index), (), 0)
        return self._of(candidates, body, limit)

    def _best(self, body: Body, line: LogLine) -> list[_Candidate]:
        """Try tier after tier; the whole of a weak wording gives way to a part of one that explains clearly more."""
        known = self._wordings.known(body.words)
        exact = self._candidates(self._exact(body, known), body, line)
        if exact and exact[0].fit.strong:
            return exact
        partial = self._candidates(self._partial(body, known), body, line)
        if exact and not (partial and partial[0].bits > exact[0].bits + _CLEARLY):
            return exact
        if partial and partial[0].fit.strong:
            return partial + exact
        fuzzy = self._candidates(self._fuzzy(body, known), body, line)
        if partial and not (fuzzy and fuzzy[0].bits > partial[0].bits + _CLEARLY):
            return partial + exact
        return fuzzy + partial + exact or self._candidates(self._wordless(body), body, line)

    def _exact(self, body: Body, known: frozenset[str]) -> Iterator[Fit]:
        return self._whole(self._wordings.fitting(known), body)

    def _wordless(self, body: Body) -> Iterator[Fit]:
        return self._whole(self._wordings.wordless(), body)

    def _whole(self, wordings: Iterable[Wording], body: Body) -> Iterator[Fit]:
        text = body.text
        for wording in wordings:
            if wording.needle in text and can_explain(wording, evidence.MODULE):
                spans = wording.pattern.spans(text)
                if spans is not None:
                    yield fit_whole(body, wording, tuple(spans))

    def _partial(self, body: Body, known: frozenset[str]) -> list[Fit]:
        found: list[Fit] = []
        for wording in self._alike(known):
            fits = [fit_overlap(body, wording, overlap) for overlap in overlaps(wording.pattern, body.text)]
            if fits:
                found.append(max(fits, key=lambda fit: fit.bits))
        return found

    def _alike(self, known: frozenset[str]) -> Iterator[Wording]:
        for wording in self._wordings.similar(known)[:_LOOKED_AT]:
            if sum(map(bits, wording.words & known)) >= _SHARED:
                yield wording

    def _fuzzy(self, body: Body, known: frozenset[str]) -> Iterator[Fit]:
        for wording in self._alike(known):
            fit = fit_alike(body, wording)
            if fit is not None:
                yield fit

    def _candidates(self, fits: Iterable[Fit], body: Body, line: LogLine) -> list[_Candidate]:
        """Return the messages behind the fits that count, best first."""
        fits = list(fits)
        best = max((fit.bits for fit in fits), default=0.0)
        found: list[_Candidate] = []
        for fit in fits:
            if fit.bits < best - _NEAR or not fit.counts(evidence.MODULE):
                continue
            # Only a prefix of a driver and a device can stand for words of its own.
            named = bool(fit.wording.words) or fit.wording.pattern.prefix > 0
            found += (
                c for c in self._weighed(fit, body, line) if fit.counts(c.beyond if named else min(0.0, c.beyond))
            )
        found.sort(key=lambda candidate: (-candidate.bits, candidate.use.number))
        first: dict[int, _Candidate] = {}
        for candidate in found:
            first.setdefault(candidate.use.number, candidate)
        return list(first.values())

    def _weighed(self, fit: Fit, body: Body, line: LogLine) -> Iterator[_Candidate]:
        # What is literal text has been counted.
        names = [name for name in evidence.names_in(fit.prefix) if name not in fit.wording.words]
        conversions = fit.wording.pattern.conversions
        values = [value(c, body.text, span) for c, span in zip(conversions, fit.spans, strict=False)]
        for use in self._wordings.uses(fit.wording):
            origin = self._origin(use.number)
            message = origin.message
            arguments = message.forms[use.form].arguments[use.first :]
            prefix = evidence.prefix_bits(names, origin)
            beyond = (
                prefix
                + origin.place
                + evidence.level_bits(line.level, message)
                + evidence.value_bits(values, message)
                + evidence.text_bits(values, origin)
                + evidence.argument_bits(fit.prefix, values, arguments, message)
            )
            yield _Candidate(fit, use, fit.bits + beyond, prefix + min(0.0, beyond - prefix))

    def _of(self, candidates: Sequence[_Candidate], body: Body, limit: int) -> Answer:
        first = candidates[0]
        equal = sum(
            candidate.bits > first.bits - _TIE for candidate in candidates if candidate.fit.tier is first.fit.tier
        )
        sure = confidence(first.fit.tier, first.fit.share) / equal
        matches: list[Match] = []
        for rank, candidate in enumerate(candidates[:limit]):
            fit = candidate.fit
            behind = 2.0 ** min(0.0, (candidate.bits - first.bits) / 2)
            message = self._origin(candidate.use.number).message
            form = message.forms[candidate.use.form]
            matches.append(
                Match(
                    tier=fit.tier,
                    score=round(min(1.0, fit.share * behind), 4),
                    confidence=round(sure if rank < equal else min(sure, (1 - sure) / 2) * behind, 4),
                    message=message,
                    form=form,
                    values=_values(candidate, body, form.arguments),
                )
            )
        return Answer(first.fit.tier.value, None, tuple(matches), equal - 1)


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
