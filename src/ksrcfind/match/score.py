"""How much of a line a wording explains, judged by the text alone (for similar texts: `match.rewording`).

All weights are in bits of information (`word_weights`). What a wording explains of the line counts for it; what it
leaves unexplained, and what the line lacks of it, count against it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ksrcfind.match.answer import Tier
from ksrcfind.match.body import Body, Token
from ksrcfind.match.overlap import Overlap, is_cut_off, searching
from ksrcfind.match.pattern import Pattern, Span, StepBudget
from ksrcfind.match.tuned_weights import (
    ANY_TEXT_COST,
    ANY_TEXT_EVIDENCE,
    CUT_BEHIND_VALUE,
    CUT_OFF_MOST,
    CUT_OFF_SHARE,
    DRIFTED_LEAD,
    EXPLAINS_MOST,
    LEAST_OF_TIER,
    MISSING_COST,
    PUNCTUATION,
    SIMILAR_TEXT,
    STRONG_SHARE,
    TYPED_MOST,
    UNEXPLAINED_COST,
    WITH_ANY_TEXT,
    WITH_NAMED_WRITER,
    WITH_TYPED_VALUES,
    WITHOUT_VALUES,
    WORDS_LEAST,
)
from ksrcfind.match.word_weights import total
from ksrcfind.match.wording import Wording
from ksrcfind.match.wording_search import Occurrence
from ksrcfind.source.printed_lines import ALONE, Continuation

ANYHOW = Continuation(before=True, after=True)
"""Other calls may print before and behind the explained part: the most favourable case."""
_LONGEST_PREFIX = 60  # characters before a colon that can name who prints


class Score(msgspec.Struct, frozen=True, gc=False):
    """How a wording explains a line, in bits."""

    wording: Wording
    tier: Tier
    spans: tuple[Span, ...]
    """Where the values of the wording are in the line."""
    explained: float
    """Bits of the line that are literal text or values of the right type."""
    inside: float
    """Bits of the line within the explained part that are unexplained, or are values that accept any text."""
    missing: float
    """Bits of the wording that the line lacks."""
    prefix: str = ""
    """The part of the line that names who prints."""
    before: float = 0.0
    """Bits of the line before the explained part."""
    after: float = 0.0
    """Bits of the line behind the explained part."""
    words: float = 0.0
    """Bits that explained words contribute."""
    least: float = 0.0
    """Bits that a wording of the whole line must explain."""
    likeness: float = 1.0
    """How similar the whole texts are, from 0 to 1."""
    cut: float = 0.0
    """Bits against a wording that goes on where the line ends with a value. They count against other wordings only."""
    occurrences: tuple[Occurrence, ...] | None = None
    """The messages to which the score applies; None for all that print the wording."""

    def unexplained(self, joins: Continuation) -> float:
        """Return the bits of the line that the message should explain and does not."""
        return self.inside + (0.0 if joins.before else self.before) + (0.0 if joins.after else self.after)

    def share(self, joins: Continuation = ALONE) -> float:
        """Return which part of the information in line and wording is explained, from 0 to 1."""
        rest = UNEXPLAINED_COST * self.unexplained(joins) + MISSING_COST * self.missing
        return self.explained / (self.explained + rest + 0.01)

    def bits(self, joins: Continuation = ALONE) -> float:
        """Return the score in bits of information.

        It is what the wording explains of the line, minus the costs of words that only one of them has.
        """
        left = ANY_TEXT_COST if self.tier is Tier.EXACT else UNEXPLAINED_COST
        return self.explained - left * self.unexplained(joins) - MISSING_COST * (self.missing + self.cut)

    def is_strong(self, joins: Continuation = ALONE) -> bool:
        """Return whether no wording of a later tier can explain clearly more."""
        if self.tier is not Tier.EXACT and self.share() < STRONG_SHARE:
            return False
        # A similar wording explains at most all of the text, times its similarity.
        return self.explained + DRIFTED_LEAD >= SIMILAR_TEXT / 100 * (self.explained + self.unexplained(joins))

    @property
    def explains_most(self) -> bool:
        """True if the wording explains more of the line than it leaves."""
        return self.share() >= EXPLAINS_MOST

    @property
    def ends_in_any_text(self) -> bool:
        """True if the end of the line is a value that accepts any text: another wording may have it, and go on."""
        return self.is_open and self.inside > 0 and not self.wording.ends[1]

    @property
    def goes_on(self) -> bool:
        """True if the wording has all of the line as it is, and more text behind it: the end of the line is cut off."""
        return self.tier is Tier.PARTIAL and self.missing > 0 and self.unexplained(ALONE) == 0

    @property
    def is_open(self) -> bool:
        """True if the whole line fits because the wording accepts any text, besides the name of who prints."""
        return self.least >= WITH_ANY_TEXT

    def counts(self, beyond: float = 0.0, joins: Continuation = ALONE) -> bool:
        """Return whether the wording explains enough for an answer; `beyond` is the evidence beyond the text."""
        if self.tier is Tier.EXACT:
            return self.explained + (ANY_TEXT_EVIDENCE * beyond if self.is_open else beyond) >= self.least
        least, share = LEAST_OF_TIER[self.tier]
        return self.explained + beyond >= least and self.share(joins) >= share and self.words >= WORDS_LEAST


def score_whole(body: Body, wording: Wording, spans: tuple[Span, ...]) -> Score:
    """Score a wording of which the whole line is a rendering."""
    pattern = wording.pattern
    any_text = [span for span, is_text in zip(spans, pattern.texts, strict=True) if is_text and span[0] >= 0]
    prefix = _value_prefix(body.text, pattern, spans, any_text)
    is_named = bool(prefix) and ": " not in prefix.removesuffix(": ")
    left = before = 0.0
    for token in _open_tokens(body, wording, spans, any_text):
        if token.end > len(prefix):
            left += token.bits
        elif not is_named:
            before += token.bits
    least = _least(pattern, has_other_text=sum(pattern.texts) > (pattern.named if is_named else 0))
    prefix = prefix or prefix_before_colon(body.text)
    return Score(wording, Tier.EXACT, spans, wording.whole, left, 0.0, prefix, before, least=least)


def _value_prefix(text: str, pattern: Pattern, spans: Sequence[Span], any_text: Sequence[Span]) -> str:
    """Return the values with which a rendering begins and which name who prints."""
    if pattern.prefix and any_text:
        return text[: any_text[min(pattern.named, len(any_text)) - 1][1]]
    return text[: spans[0][1]] if spans and pattern.texts[0] and spans[0][0] == 0 else ""


def _open_tokens(body: Body, wording: Wording, spans: Sequence[Span], any_text: Sequence[Span]) -> Iterator[Token]:
    """Return the words of the line that are values of any text."""
    if (-1, -1) in spans:
        # These values cannot be separated; all that is neither literal text nor a typed value belongs to them.
        typed = Spans(span for span, is_text in zip(spans, wording.pattern.texts, strict=True) if not is_text)
        return (token for token in body.tokens if token.word not in wording.words and not typed.touch(token))
    texts = Spans(any_text)
    return (token for token in body.tokens if texts.touch(token))


def _least(pattern: Pattern, *, has_other_text: bool) -> float:
    """Return the bits that a wording of the whole line must explain.

    `has_other_text` is true if it accepts any text elsewhere than in the name of who prints.
    """
    if has_other_text:
        return WITH_ANY_TEXT
    if any(pattern.texts):
        return WITH_NAMED_WRITER
    return WITH_TYPED_VALUES if pattern.conversions else WITHOUT_VALUES


def can_explain(wording: Wording, beyond: float) -> bool:
    """Return whether a rendering of a wording can be an answer, with at most `beyond` bits of other evidence."""
    least_counted = ANY_TEXT_EVIDENCE * beyond
    if wording.bits + least_counted >= WITH_ANY_TEXT or wording.whole + least_counted >= WITH_ANY_TEXT:
        return True
    if not wording.values.accept_text:
        return wording.whole + beyond >= (WITH_TYPED_VALUES if wording.values.each else WITHOUT_VALUES)
    pattern = wording.pattern
    return sum(pattern.texts) == pattern.named and wording.whole + beyond >= WITH_NAMED_WRITER


class Spans:
    """Spans of a line, in order and apart; spans of (-1, -1) are dropped."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in spans:
            if start >= 0:
                self._starts.append(start)
                self._ends.append(end)

    def touch(self, token: Token) -> bool:
        """Return whether a span contains a part of a word."""
        before = bisect_left(self._starts, token.end)
        return before > 0 and token.start < self._ends[before - 1]

    def hold(self, token: Token) -> bool:
        """Return whether a span contains a whole word."""
        before = bisect_right(self._starts, token.start)
        return before > 0 and token.end <= self._ends[before - 1]


def prefix_before_colon(text: str) -> str:
    """Return the text before the first colon: it often names who prints."""
    head, colon, _rest = text.partition(":")
    return head if colon and len(head) < _LONGEST_PREFIX else ""


def may_score_overlap(body: Body, wording: Wording, beyond: float, budget: StepBudget, *, joined: bool) -> bool:
    """Return whether `score_overlap` may explain enough, with `beyond` bits of other evidence: an upper bound.

    False means that it never does. This costs a small part of the comparison. `joined` says whether other calls can
    print into the same line.
    """
    values = wording.values
    beside = 0.0
    if not joined and not values.hold_words:
        # Words of the line can belong to a value that accepts any text.
        weight = ANY_TEXT_COST if values.accept_text else UNEXPLAINED_COST
        beside = weight * body.beside(wording.all_words, hexadecimal=values.hold_hex)

    text = body.text
    begins, ends = text[:2], text[-2:]
    # Words alone must contribute enough, unless the line has the end of the wording (`is_alone` in `score_overlap`).
    tail = wording.ends[1]
    budget.left -= searching(tail, len(text))
    has_end = not tail or tail in text or begins in tail

    def is_enough(shared: float, typed: float, has_end: bool = False) -> bool:
        least, share = LEAST_OF_TIER[Tier.PARTIAL]
        words = shared + PUNCTUATION * body.cut
        if words < WORDS_LEAST and not has_end:
            return False
        explained = words + typed
        missing = min(CUT_OFF_SHARE * (wording.bits - shared), CUT_OFF_MOST * explained)
        rest = beside + MISSING_COST * missing
        return explained + beyond >= least and explained >= share * (explained + rest)

    if not is_enough(total(wording.words & body.words), values.typed, has_end):
        return False
    # Line and wording share consecutive pieces; the ends of the line can cut off the first and the last of them.
    shared = typed = 0.0
    for piece, worth, behind in wording.literals:
        budget.left -= searching(piece, len(text))
        if budget.left < 0:
            return False
        if piece in text:
            shared += worth
            typed += behind
        elif (begins in piece or ends in piece) and is_cut_off(piece, text, budget):
            if is_enough(shared + worth, typed):
                return True
            shared, typed = worth, behind
        else:
            if is_enough(shared, typed):
                return True
            shared, typed = 0.0, behind
    return is_enough(shared, typed, has_end)


def score_overlap(body: Body, wording: Wording, overlap: Overlap) -> Score:
    """Score a wording that contains the line, that the line contains, or of which a part is a part of the line."""
    pattern = wording.pattern
    values = list(zip(overlap.spans, pattern.weights, pattern.texts, strict=False))
    typed = sum(min(weight, TYPED_MOST) for span, weight, _is_text in values if span[0] >= 0)
    seen, cut, others = _literal_words(body, wording, overlap)
    shared = total(seen)
    explained = typed + shared + cut
    before, inside, after = _unexplained(body, overlap, values, others)
    missing, behind_value = wording.bits - shared, 0.0
    # What a cut-off line leaves out beyond its ends hardly counts; what else it lacks does.
    if overlap.end == len(body.text) and (overlap.begun or overlap.start in (0, body.prefix_end)):
        missing = min(missing * CUT_OFF_SHARE, explained * CUT_OFF_MOST)
        # Few lines are cut off, and hardly one just behind a value.
        low, high = overlap.literals[-1] if overlap.literals else (0, 0)
        if not overlap.finished and not low < high == overlap.end:
            behind_value = CUT_BEHIND_VALUE
    prefix = body.text[: overlap.literals[0][0]] if overlap.literals else body.text
    # Values alone fit too many lines, unless only a name precedes them.
    is_alone = overlap.finished and " " not in body.text[: overlap.start].strip()
    words = WORDS_LEAST if is_alone else explained - typed
    spans = overlap.spans
    return Score(
        wording, Tier.PARTIAL, spans, explained, inside, missing, prefix, before, after, words, cut=behind_value
    )


def _literal_words(body: Body, wording: Wording, overlap: Overlap) -> tuple[Iterable[str], float, list[Token]]:
    """Return the words that a line shares with the literal text, the bits of words that are cut off, and the others."""
    literals = Spans(overlap.literals)
    seen: dict[str, None] = {}
    cut = 0.0
    others: list[Token] = []
    for token in body.tokens:
        if not literals.hold(token):
            others.append(token)
        elif token.word in wording.words:
            seen[token.word] = None
        elif token.start == 0 or token.end == len(body.text):
            cut += PUNCTUATION * len(token.word)
    return seen, cut, others


def _unexplained(
    body: Body, overlap: Overlap, values: Iterable[tuple[Span, float, bool]], others: Iterable[Token]
) -> tuple[float, float, float]:
    """Return the bits of the words that are not explained: before the overlap, inside of it, and behind it.

    The driver and the device do not count: they are evidence beyond the text (`evidence.prefix_bits`).
    """
    typed = Spans(span for span, _weight, is_text in values if not is_text)
    # A value of any text without a blank is as good as a typed one: `panic at src/lib/agent.c:62`. So is one between
    # pieces of literal text, if the line has the beginning of the wording.
    low, high = (overlap.literals[0][1], overlap.literals[-1][0]) if overlap.begun and overlap.literals else (0, -1)
    single = Spans(
        span
        for span, _weight, is_text in values
        if is_text and ((low <= span[0] and span[1] <= high) or " " not in body.text[slice(*span)])
    )
    before = inside = after = 0.0
    for token in others:
        if token.end <= body.prefix_end or typed.hold(token):
            continue
        if token.end <= overlap.start:
            before += token.bits
        elif token.start >= overlap.end:
            after += token.bits
        else:
            inside += token.bits * (ANY_TEXT_COST / UNEXPLAINED_COST if single.hold(token) else 1.0)
    return before, inside, after
