"""Which message printed a line: candidates found, fitted, weighed and ordered.

All weights are in bits of information (`weights`, `evidence`): what a wording explains of the line counts for it, what
it leaves unexplained and what the line lacks of it counts against it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from ksrcfind.log.line import LogLine
from ksrcfind.log.report import RowKind, row_kind
from ksrcfind.match import evidence
from ksrcfind.match.answer import Answer, Match, Reason, Tier, Value
from ksrcfind.match.body import Body
from ksrcfind.match.candidates import MessageIndex
from ksrcfind.match.fragment import Overlap, overlaps
from ksrcfind.match.pattern import Span, value
from ksrcfind.match.weights import bits
from ksrcfind.match.wordings import Use, Wording, Wordings
from ksrcfind.source.message import Argument
from ksrcfind.source.template import CONVERSION

_UNEXPLAINED = 0.6  # of a bit, what a bit of unexplained text takes away
_MISSING = 0.6  # likewise for text of the wording that the line lacks
_PUNCTUATION = 0.5  # bits of a mark that is literal text
_PUNCTUATION_MOST = 12.0
_TYPED = 2.0  # bits of a value of the right type

# What a wording must explain to count as an answer at all: bits, and share of all that is to be explained.
_ENOUGH = {Tier.EXACT: (7.0, 0.3), Tier.PARTIAL: (16.0, 0.55), Tier.FUZZY: (18.0, 0.0)}
_ALIKE = 80.0  # per cent of similarity for the fuzzy tier
_LOOKED_AT = 24  # wordings that partial and fuzzy matching look at
_TIE = 0.25  # bits within which messages count as equal

_CONFIDENCE = {Tier.EXACT: 0.97, Tier.PARTIAL: 0.85, Tier.FUZZY: 0.6}


@dataclass(frozen=True, slots=True)
class Fit:
    """How a wording explains a line, before anything is known of the messages that print it."""

    wording: Wording
    tier: Tier
    spans: tuple[Span, ...]
    explained: float
    """Bits of the line that are literal text or values of the right type."""
    unexplained: float
    """Bits of the line that are left over or stand for "any text"."""
    missing: float
    """Bits of the wording that the line lacks."""
    prefix: str = ""
    """The part of the line that names who prints."""

    @property
    def share(self) -> float:
        """Explained part of all that is to be explained, 0–1."""
        rest = _UNEXPLAINED * self.unexplained + _MISSING * self.missing
        return self.explained / (self.explained + rest + 0.01)

    @property
    def bits(self) -> float:
        """What speaks for it, in all."""
        return self.explained - _UNEXPLAINED * self.unexplained - _MISSING * self.missing

    @property
    def counts(self) -> bool:
        """True if it explains enough to be an answer."""
        least, share = _ENOUGH[self.tier]
        return self.explained >= least and self.share >= share


@dataclass(frozen=True, slots=True)
class _Candidate:
    fit: Fit
    use: Use
    bits: float


class Matcher:
    """Answers lines from one index; holds what it learns of the index from line to line."""

    def __init__(self, index: MessageIndex) -> None:
        self._index = index
        self._wordings = Wordings(index)

    def answer(self, line: LogLine, limit: int = 5) -> Answer:
        """Return the messages that explain a line, best first, or why there are none."""
        body = Body.of(line.body)
        reason = _beyond(line, body)
        if reason is not None:
            return Answer("none", reason, (), 0)
        for tier, fitting in ((Tier.EXACT, self._exact), (Tier.PARTIAL, self._partial), (Tier.FUZZY, self._fuzzy)):
            fits = [fit for fit in fitting(body) if fit.counts]
            if fits:
                return self._of(tier, self._candidates(fits, body, line), body, limit)
        if not any(bits(word) for word in body.words):
            return Answer("none", Reason("no_words", "The line has no words to go by."), (), 0)
        return Answer("none", Reason("nothing_alike", "No message of this tree reads like this line."), (), 0)

    def _exact(self, body: Body) -> list[Fit]:
        found: list[Fit] = []
        for wording in self._wordings.fitting(body.words):
            spans = wording.pattern.spans(body.text)
            if spans is not None:
                found.append(_fit_whole(body, wording, tuple(spans)))
        return found

    def _partial(self, body: Body) -> list[Fit]:
        found: list[Fit] = []
        for wording in self._similar(body):
            fits = [_fit_overlap(body, wording, overlap) for overlap in overlaps(wording.pattern, body.text)]
            if fits:
                found.append(max(fits, key=lambda fit: fit.bits))
        return _near_best(found)

    def _fuzzy(self, body: Body) -> list[Fit]:
        found: list[Fit] = []
        for wording in self._similar(body):
            text = " ".join(CONVERSION.sub(" ", wording.line).split())
            alike = fuzz.token_sort_ratio(text, " ".join(body.text.split())) if len(text) > 8 else 0.0
            alike = max(alike, fuzz.partial_ratio(text, body.text) if len(text) > 16 else 0.0)
            if alike < _ALIKE:
                continue
            shared = sum(bits(word) for word in wording.words & body.words)
            spans = tuple((-1, -1) for _ in wording.pattern.conversions)
            left = sum(token.bits for token in body.tokens if token.word not in wording.words)
            found.append(Fit(wording, Tier.FUZZY, spans, shared * alike / 100, left, wording.bits - shared))
        return _near_best(found)

    def _similar(self, body: Body) -> Sequence[Wording]:
        return self._wordings.similar([token.word for token in body.tokens])[:_LOOKED_AT]

    def _candidates(self, fits: Iterable[Fit], body: Body, line: LogLine) -> list[_Candidate]:
        found: list[_Candidate] = []
        for fit in fits:
            names = evidence.names_in(fit.prefix)
            conversions = fit.wording.pattern.conversions
            values = [value(c, body.text, span) for c, span in zip(conversions, fit.spans, strict=False)]
            for use in self._wordings.uses(fit.wording):
                message = self._index.message(use.number)
                beyond = (
                    evidence.prefix_bits(names, message)
                    + evidence.level_bits(line.level, message)
                    + evidence.place_bits(message, None)
                    + evidence.value_bits(values, message)
                )
                found.append(_Candidate(fit, use, fit.bits + beyond))
        found.sort(key=lambda candidate: (-candidate.bits, candidate.use.number))
        best: dict[int, _Candidate] = {}
        for candidate in found:
            best.setdefault(candidate.use.number, candidate)
        return list(best.values())

    def _of(self, tier: Tier, candidates: Sequence[_Candidate], body: Body, limit: int) -> Answer:
        first = candidates[0]
        equal = sum(candidate.bits > first.bits - _TIE for candidate in candidates)
        confidence = _CONFIDENCE[tier] * min(1.0, 0.3 + first.fit.share) / equal
        matches: list[Match] = []
        for rank, candidate in enumerate(candidates[:limit]):
            fit = candidate.fit
            behind = 2.0 ** min(0.0, (candidate.bits - first.bits) / 2)
            message = self._index.message(candidate.use.number)
            form = message.forms[candidate.use.form]
            matches.append(
                Match(
                    tier=fit.tier,
                    score=round(min(1.0, fit.share * behind), 4),
                    confidence=round(confidence * (1.0 if rank < equal else behind / 2), 4),
                    message=message,
                    form=form,
                    values=_values(candidate, body, message.forms[candidate.use.form].arguments),
                )
            )
        return Answer(tier.value, None, tuple(matches), equal - 1)


def _beyond(line: LogLine, body: Body) -> Reason | None:
    """Why no log call of the kernel need be looked for."""
    if line.is_userspace:
        return Reason("userspace", f"A user-space program wrote this line: {line.process or line.facility}.")
    if not body.text:
        return Reason("empty", "The line has no text.")
    if row_kind(line.body) in (RowKind.STACK, RowKind.DUMP, RowKind.REGISTERS):
        return Reason("part_of_event", "A row of addresses or values that belongs to the report above it.")
    return None


def _near_best(fits: list[Fit]) -> list[Fit]:
    """Drop what explains far less than the best does."""
    best = max((fit.bits for fit in fits if fit.counts), default=0.0)
    return [fit for fit in fits if fit.bits > best - 12.0]


def _fit_whole(body: Body, wording: Wording, spans: tuple[Span, ...]) -> Fit:
    pattern = wording.pattern
    any_text = [span for span, is_text in zip(spans, pattern.texts, strict=True) if is_text and span[0] >= 0]
    prefix = ""
    if pattern.prefix and any_text:
        count = sum(gap.conversions for gap in pattern.gaps[: pattern.prefix])
        prefix = body.text[: any_text[min(count, len(any_text)) - 1][1]]
    elif spans and pattern.texts[0] and spans[0][0] == 0:
        prefix = body.text[: spans[0][1]]
    left = sum(
        token.bits
        for token in body.tokens
        if token.end > len(prefix) and any(low < token.end and token.start < high for low, high in any_text)
    )
    typed = _TYPED * sum(not is_text for is_text in pattern.texts)
    marks = _marks(body.text, [span for span in spans if span[0] >= 0])
    return Fit(wording, Tier.EXACT, spans, wording.bits + typed + marks, left, 0.0, prefix or _prefix_of(body.text))


def _prefix_of(text: str) -> str:
    """What stands before the first colon: often who prints."""
    head, colon, _rest = text.partition(":")
    return head if colon and len(head) < 60 else ""


def _marks(text: str, values: Sequence[Span]) -> float:
    """Bits of the punctuation outside of values."""
    count = position = 0
    for low, high in [*sorted(values), (len(text), len(text))]:
        count += sum(not c.isalnum() and not c.isspace() for c in text[position:low])
        position = max(position, high)
    return min(_PUNCTUATION * count, _PUNCTUATION_MOST)


def _fit_overlap(body: Body, wording: Wording, overlap: Overlap) -> Fit:
    typed = [span for span, is_text in zip(overlap.spans, wording.pattern.texts, strict=False) if not is_text]
    explained = left = 0.0
    seen: set[str] = set()
    for token in body.tokens:
        literal = any(low <= token.start and token.end <= high for low, high in overlap.literals)
        if literal and token.word in wording.words:
            explained += bits(token.word) if token.word not in seen else 0.0
            seen.add(token.word)
        elif literal and (token.start == 0 or token.end == len(body.text)):
            explained += _PUNCTUATION * len(token.word)  # a word that is cut off
        elif not literal and not any(low <= token.start and token.end <= high for low, high in typed):
            left += token.bits
    missing = wording.bits - sum(bits(word) for word in seen)
    # What a pasted piece leaves out at either end is no evidence against it; what lies inside would be.
    if not overlap.begun or not overlap.finished:
        missing *= 0.4
    prefix = body.text[: overlap.literals[0][0]] if overlap.literals else body.text
    return Fit(wording, Tier.PARTIAL, overlap.spans, explained, left, missing, prefix)


def _values(candidate: _Candidate, body: Body, arguments: Sequence[Argument]) -> tuple[Value, ...]:
    """The arguments of the form, with the text of the line where this wording shows them."""
    fit, first = candidate.fit, candidate.use.first
    conversions = fit.wording.pattern.conversions
    shown: dict[int, str | None] = {}
    for number, (conversion, span) in enumerate(zip(conversions, fit.spans, strict=False)):
        shown[first + number] = value(conversion, body.text, span)
    return tuple(
        Value(argument.conversion, argument.expression, shown.get(number)) for number, argument in enumerate(arguments)
    )
