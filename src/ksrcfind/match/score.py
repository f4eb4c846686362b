"""How a wording explains a line, before anything is known of the messages that print it.

All weights are in bits of information (`weights`): what a wording explains of the line counts for it, what it leaves
unexplained and what the line lacks of it counts against it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import msgspec
from rapidfuzz import fuzz, process

from ksrcfind.match.answer import Tier
from ksrcfind.match.body import Body, Token
from ksrcfind.match.fragment import Overlap, is_cut_off, searching
from ksrcfind.match.limits import COMPARED_WORDS, ORDERED_WORDS
from ksrcfind.match.pattern import Pattern, Span, StepBudget, first_in
from ksrcfind.match.thresholds import (
    ANY_TEXT_COST,
    ANY_TEXT_EVIDENCE,
    CONTAINED_LENGTHS,
    CUT_OFF_MOST,
    CUT_OFF_SHARE,
    DISTINCTIVE_SHAPE,
    DRIFTED_LEAD,
    EXPLAINS_MOST,
    LEAST_OF_TIER,
    MISSING_COST,
    MISSPELT_SIMILARITY,
    MISSPELT_WORD,
    ORDERED_LEAST,
    ORDERED_SHARE,
    PUNCTUATION,
    REORDERED_VALUE,
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
from ksrcfind.match.word_weights import bits
from ksrcfind.match.wording import Wording
from ksrcfind.match.wordings import Occurrence
from ksrcfind.source.printed import ALONE, Continuation
from ksrcfind.source.template import WORD

# Bits that a whole wording must explain to count as an answer: without values; with values of a shape; with who prints
# in front ("%s %s: "); with any text elsewhere, which could be anybody's.
# What other tiers must explain: bits, and share of all that is to be explained.
ANYHOW = Continuation(before=True, after=True)


class Score(msgspec.Struct, frozen=True, gc=False):
    """How a wording explains a line."""

    wording: Wording
    tier: Tier
    spans: tuple[Span, ...]
    explained: float
    """Bits of the line that are literal text or values of the right type."""
    inside: float
    """Bits of the line that are left over between, or stand for "any text"."""
    missing: float
    """Bits of the wording that the line lacks."""
    prefix: str = ""
    """The part of the line that names who prints."""
    before: float = 0.0
    """Bits of the line before the part that it explains."""
    after: float = 0.0
    """Bits of the line behind it."""
    words: float = 0.0
    """Bits of the words among what is explained."""
    least: float = 0.0
    """Bits that a whole wording must explain."""
    likeness: float = 1.0
    """How alike the texts are as a whole, 0–1."""
    uses: tuple[Occurrence, ...] | None = None
    """The messages that it is about, if not all that print the wording."""

    def unexplained(self, joins: Continuation) -> float:
        """Bits of the line that the message should explain and does not."""
        return self.inside + (0.0 if joins.before else self.before) + (0.0 if joins.after else self.after)

    def share(self, joins: Continuation = ALONE) -> float:
        """Explained part of all that is to be explained, 0–1."""
        rest = UNEXPLAINED_COST * self.unexplained(joins) + MISSING_COST * self.missing
        return self.explained / (self.explained + rest + 0.01)

    def bits(self, joins: Continuation = ALONE) -> float:
        """What speaks for it, in all."""
        left = ANY_TEXT_COST if self.tier is Tier.EXACT else UNEXPLAINED_COST
        return self.explained - left * self.unexplained(joins) - MISSING_COST * self.missing

    def is_strong(self, joins: Continuation = ALONE) -> bool:
        """Tell whether so much is explained that no part of another wording can explain clearly more."""
        if self.tier is not Tier.EXACT and self.share() < STRONG_SHARE:
            return False
        # One that drifted explains all of the text at most, as far as it is like the line.
        return self.explained + DRIFTED_LEAD >= SIMILAR_TEXT / 100 * (self.explained + self.unexplained(joins))

    @property
    def explains_most(self) -> bool:
        """True if more is explained than left to any text."""
        return self.share() >= EXPLAINS_MOST

    @property
    def is_open(self) -> bool:
        """True if it fits whole and takes any text, beside who prints."""
        return self.least >= WITH_ANY_TEXT

    def counts(self, beyond: float = 0.0, joins: Continuation = ALONE) -> bool:
        """Tell whether it explains enough to be an answer, with some bits of evidence beyond the text."""
        if self.tier is Tier.EXACT:
            return self.explained + (ANY_TEXT_EVIDENCE * beyond if self.is_open else beyond) >= self.least
        least, share = LEAST_OF_TIER[self.tier]
        return self.explained + beyond >= least and self.share(joins) >= share and self.words >= WORDS_LEAST


def score_whole(body: Body, wording: Wording, spans: tuple[Span, ...]) -> Score:
    """Weigh a wording that the whole line is a rendering of."""
    pattern = wording.pattern
    any_text = [span for span, is_text in zip(spans, pattern.texts, strict=True) if is_text and span[0] >= 0]
    prefix = ""
    if pattern.prefix and any_text:
        prefix = body.text[: any_text[min(pattern.named, len(any_text)) - 1][1]]
    elif spans and pattern.texts[0] and spans[0][0] == 0:
        prefix = body.text[: spans[0][1]]
    is_named = bool(prefix) and ": " not in prefix.removesuffix(": ")
    if (-1, -1) in spans:
        # Of neighbours nobody can tell whose text is whose: all that is neither literal nor a typed value is theirs.
        typed_spans = Spans(span for span, is_text in zip(spans, pattern.texts, strict=True) if not is_text)
        open_tokens = (
            token for token in body.tokens if token.word not in wording.words and not typed_spans.touch(token)
        )
    else:
        texts = Spans(any_text)
        open_tokens = (token for token in body.tokens if texts.touch(token))
    left = before = 0.0
    for token in open_tokens:
        if token.end > len(prefix):
            left += token.bits
        elif not is_named:
            before += token.bits
    if any(pattern.texts):
        least = WITH_ANY_TEXT if sum(pattern.texts) > (pattern.named if is_named else 0) else WITH_NAMED_WRITER
    else:
        least = _least_typed(pattern)
    prefix = prefix or _prefix_of(body.text)
    return Score(wording, Tier.EXACT, spans, wording.whole, left, 0.0, prefix, before, least=least)


def _least_typed(pattern: Pattern) -> float:
    return WITH_TYPED_VALUES if pattern.conversions else WITHOUT_VALUES


def can_explain(wording: Wording, beyond: float) -> bool:
    """Tell whether a rendering of a wording can be an answer, with at most so many bits of evidence beyond the text."""
    if wording.bits + ANY_TEXT_EVIDENCE * beyond >= WITH_ANY_TEXT:
        return True
    texts = sum(wording.pattern.texts)
    if texts > wording.pattern.named:
        return wording.whole + ANY_TEXT_EVIDENCE * beyond >= WITH_ANY_TEXT
    return wording.whole + beyond >= (WITH_NAMED_WRITER if texts else _least_typed(wording.pattern))


class Spans:
    """Spans of a line that are known, one behind the other."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in spans:
            if start >= 0:
                self._starts.append(start)
                self._ends.append(end)

    def touch(self, token: Token) -> bool:
        """Tell whether a part of a word is in one of them."""
        before = bisect_left(self._starts, token.end)
        return before > 0 and token.start < self._ends[before - 1]

    def hold(self, token: Token) -> bool:
        """Tell whether a word is in one of them as a whole."""
        before = bisect_right(self._starts, token.start)
        return before > 0 and token.end <= self._ends[before - 1]


def _prefix_of(text: str) -> str:
    """What stands before the first colon: often who prints."""
    head, colon, _rest = text.partition(":")
    return head if colon and len(head) < 60 else ""


def may_score_overlap(body: Body, wording: Wording, beyond: float, work: StepBudget, *, joined: bool) -> bool:
    """Tell whether `score_overlap` can explain enough with so many bits of evidence: False only if it never does.

    It costs a small part of laying one over the other. `joined` tells whether other calls can print into the same line.
    """
    made = wording.features
    beside = 0.0
    if not joined and not made.holds_words:
        # The words of the line can be those of a value that takes any.
        weight = ANY_TEXT_COST if any(wording.pattern.texts) else UNEXPLAINED_COST
        beside = weight * body.beside(made.words, hexadecimal=made.holds_hex)

    def is_enough(shared: float, typed: float) -> bool:
        least, share = LEAST_OF_TIER[Tier.PARTIAL]
        explained = shared + typed + PUNCTUATION * body.cut
        rest = beside + MISSING_COST * CUT_OFF_SHARE * (wording.bits - shared)
        return explained + beyond >= least and explained >= share * (explained + rest)

    if not is_enough(sum(map(bits, wording.words & body.words)), made.typed):
        return False
    # They have a run of whole pieces in common, of which an end of the line can cut off the first and the last.
    text = body.text
    begins, ends = text[:2], text[-2:]
    shared = typed = 0.0
    for piece, worth, behind in made.literals:
        work.left -= searching(piece, len(text))
        if work.left < 0:
            return False
        if piece in text:
            shared += worth
            typed += behind
        elif (begins in piece or ends in piece) and is_cut_off(piece, text, work):
            if is_enough(shared + worth, typed):
                return True
            shared, typed = worth, behind
        else:
            if is_enough(shared, typed):
                return True
            shared, typed = 0.0, behind
    return is_enough(shared, typed)


def score_overlap(body: Body, wording: Wording, overlap: Overlap) -> Score:
    """Weigh a wording of which the line is a part, or the other way round."""
    values = list(zip(overlap.spans, wording.pattern.weights, wording.pattern.texts, strict=False))
    typed = Spans(span for span, _weight, is_text in values if not is_text)
    literals = Spans(overlap.literals)
    # A value without a blank is as good as any: `panic at src/lib/agent.c:62`.
    single = Spans(span for span, _weight, is_text in values if is_text and " " not in body.text[slice(*span)])
    explained = typed_bits = sum(min(weight, TYPED_MOST) for span, weight, _is_text in values if span[0] >= 0)
    before = inside = after = 0.0
    seen: set[str] = set()
    for token in body.tokens:
        start, end, word, worth = token
        if literals.hold(token):
            if word in wording.words:
                explained += bits(word) if word not in seen else 0.0
                seen.add(word)
            elif start == 0 or end == len(body.text):
                explained += PUNCTUATION * len(word)  # a word that is cut off
        elif not typed.hold(token):
            if end <= body.prefix_end:
                continue  # The driver and the device are evidence beyond the text (`evidence.prefix_bits`).
            if end <= overlap.start:
                before += worth
            elif start >= overlap.end:
                after += worth
            else:
                inside += worth * (ANY_TEXT_COST / UNEXPLAINED_COST if single.hold(token) else 1.0)
    missing = wording.bits - sum(bits(word) for word in seen)
    # What a pasted piece leaves out beyond its ends is no evidence against it; what the line has otherwise is.
    if overlap.end == len(body.text) and (overlap.begun or overlap.start in (0, body.prefix_end)):
        missing = min(missing * CUT_OFF_SHARE, explained * CUT_OFF_MOST)
    prefix = body.text[: overlap.literals[0][0]] if overlap.literals else body.text
    # Values alone fit too much, unless nothing but a name stands in front.
    is_alone = overlap.finished and " " not in body.text[: overlap.start].strip()
    words = WORDS_LEAST if is_alone else explained - typed_bits
    return Score(wording, Tier.PARTIAL, overlap.spans, explained, inside, missing, prefix, before, after, words)


def common_words(body: Body, wording: Wording) -> float:
    """Return the share, 0-1, of the bits of a wording's and a line's words that both have in the same order.

    Other words between them do not matter, nor does a driver with its device in front of the line.
    """
    own = [token for token in body.tokens if token.start >= body.prefix_end][:ORDERED_WORDS]
    words = WORD.findall(wording.plain)[:ORDERED_WORDS]
    best = [(0.0, 0)] * (len(own) + 1)  # Bits and number of words, for so many words of the line.
    for word in words:
        worth, previous = bits(word), (0.0, 0)
        for place, token in enumerate(own, 1):
            above = best[place]
            if token.word == word:
                best[place] = max(above, (previous[0] + worth, previous[1] + 1))
            best[place] = max(best[place], best[place - 1])
            previous = above
    shared, count = best[-1]
    if count < ORDERED_LEAST:
        return 0.0
    theirs = frozenset(words)
    rest = sum(token.bits for token in own if token.word not in theirs)
    return 2 * shared / (sum(map(bits, words)) + sum(bits(one.word) for one in own if one.word in theirs) + rest)


def score_similar(body: Body, wording: Wording) -> Score | None:
    """Weigh a wording whose text is like the line: another kernel's, misspelt, with letters lost; None if it is not."""
    text, own = wording.plain, body.plain
    alike = max(
        fuzz.ratio(text, own, score_cutoff=SIMILAR_TEXT), fuzz.token_sort_ratio(text, own, score_cutoff=SIMILAR_TEXT)
    )
    if len(own) >= len(text) and len(text) in CONTAINED_LENGTHS:
        alike = max(alike, fuzz.partial_ratio(text, own, score_cutoff=SIMILAR_TEXT))
    shaped = _shaped_values(body, wording)
    if alike < SIMILAR_TEXT:
        shared = wording.words & body.words
        if not shaped or not shared or shared != wording.words or (-1, -1) in (span for span, _ in shaped):
            return None
        alike = SIMILAR_TEXT  # The line has all its words and its values, in another order.
    return _score_words(body, wording, shaped, alike / 100, weight=alike / 100)


def score_reworded(body: Body, wording: Wording) -> Score | None:
    """Weigh a wording of which the line has many words in the same order, whatever else both say; None if few."""
    share = common_words(body, wording)
    if share < ORDERED_SHARE:
        return None
    return _score_words(body, wording, _shaped_values(body, wording), share, weight=1.0)


def _shaped_values(body: Body, wording: Wording) -> list[tuple[Span, float]]:
    """Return, of the values with a shape of their own, where the line first has one like it, and their bits."""
    values = zip(wording.pattern.conversions, wording.pattern.weights, strict=True)
    return [
        (first_in(conversion, body.text), min(weight, TYPED_MOST))
        for conversion, weight in values
        if weight >= DISTINCTIVE_SHAPE
    ]


def _score_words(
    body: Body, wording: Wording, shaped: Sequence[tuple[Span, float]], likeness: float, *, weight: float
) -> Score:
    """Compare a drifted wording with a line word by word; `weight` is what counts of the bits that it explains."""
    shared = wording.words & body.words
    found = [span for span, _ in shaped if span[0] >= 0]
    explained = sum(map(bits, shared)) + sum(REORDERED_VALUE * worth for span, worth in shaped if span[0] >= 0)
    others = {
        token.word: token
        for token in body.tokens
        if token.word not in shared and not any(low <= token.start and token.end <= high for low, high in found)
    }
    missing, compared = 0.0, 0
    for word in sorted(wording.words - shared):
        compared += len(others)
        nearest = (
            process.extractOne(word, others.keys(), scorer=fuzz.ratio, score_cutoff=MISSPELT_SIMILARITY)
            if compared <= COMPARED_WORDS
            else None
        )
        if nearest is None:
            missing += bits(word)
        else:
            explained += MISSPELT_WORD * bits(word)
            del others[nearest[0]]
    spans = tuple((-1, -1) for _ in wording.pattern.conversions)
    prefix = max(_prefix_of(body.text), body.text[: body.prefix_end], key=len)
    left = sum(token.bits for token in others.values() if token.end > len(prefix))
    return Score(
        wording, Tier.FUZZY, spans, explained * weight, left, missing, prefix, words=WORDS_LEAST, likeness=likeness
    )
