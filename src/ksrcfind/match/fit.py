"""How a wording explains a line, before anything is known of the messages that print it.

All weights are in bits of information (`weights`): what a wording explains of the line counts for it, what it leaves
unexplained and what the line lacks of it counts against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from ksrcfind.match.answer import Tier
from ksrcfind.match.body import Body, Token
from ksrcfind.match.fragment import Overlap
from ksrcfind.match.pattern import Span
from ksrcfind.match.weights import bits
from ksrcfind.match.wordings import Wording

_UNEXPLAINED = 0.6  # of a bit, what a bit of unexplained text takes away
_MISSING = 0.6  # likewise for text of the wording that the line lacks
_PUNCTUATION = 0.5  # bits of a mark that is literal text
_PUNCTUATION_MOST = 12.0
_TYPED = 2.0  # bits of a value of the right type
_MISSPELT = 0.7  # of a word's bits, when the line has a word that is nearly the same
_NEARLY = 75.0  # per cent of similarity for that
_ALIKE = 72.0  # per cent of similarity of the whole, for a wording that drifted

# What a wording must explain to count as an answer at all: bits, and share of all that is to be explained.
_ENOUGH = {Tier.EXACT: (7.0, 0.3), Tier.PARTIAL: (16.0, 0.55), Tier.FUZZY: (18.0, 0.4)}
_STRONG = 0.6  # share from which on nothing better need be looked for


@dataclass(frozen=True, slots=True)
class Fit:
    """How a wording explains a line."""

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
    def strong(self) -> bool:
        """True if so much is explained that no part of another wording can explain more."""
        return self.share >= _STRONG

    def counts(self, beyond: float = 0.0) -> bool:
        """Tell whether it explains enough to be an answer, with some bits of evidence beyond the text."""
        least, share = _ENOUGH[self.tier]
        return self.explained + beyond >= least and self.share >= share


def fit_whole(body: Body, wording: Wording, spans: tuple[Span, ...]) -> Fit:
    """Weigh a wording that the whole line is a rendering of."""
    pattern = wording.pattern
    any_text = [span for span, is_text in zip(spans, pattern.texts, strict=True) if is_text and span[0] >= 0]
    prefix = ""
    if pattern.prefix and any_text:
        count = sum(gap.conversions for gap in pattern.gaps[: pattern.prefix])
        prefix = body.text[: any_text[min(count, len(any_text)) - 1][1]]
    elif spans and pattern.texts[0] and spans[0][0] == 0:
        prefix = body.text[: spans[0][1]]
    if (-1, -1) in spans:
        # Of neighbours nobody can tell whose text is whose: all that is neither literal nor a typed value is theirs.
        typed_spans = [span for span, is_text in zip(spans, pattern.texts, strict=True) if not is_text]
        open_tokens = (
            token for token in body.tokens if token.word not in wording.words and not _inside(token, typed_spans)
        )
    else:
        open_tokens = (token for token in body.tokens if _inside(token, any_text))
    left = sum(token.bits for token in open_tokens if token.end > len(prefix))
    return Fit(wording, Tier.EXACT, spans, whole_bits(wording), left, 0.0, prefix or _prefix_of(body.text))


def whole_bits(wording: Wording) -> float:
    """Return what a wording explains of any line that is a rendering of it."""
    typed = _TYPED * sum(not is_text for is_text in wording.pattern.texts)
    return wording.bits + typed + min(_PUNCTUATION * wording.marks, _PUNCTUATION_MOST)


def can_explain(wording: Wording, beyond: float) -> bool:
    """Tell whether a rendering of a wording can be an answer, with at most so many bits of evidence beyond the text."""
    return whole_bits(wording) + beyond >= _ENOUGH[Tier.EXACT][0]


def _inside(token: Token, spans: Sequence[Span]) -> bool:
    return any(low < token.end and token.start < high for low, high in spans)


def _prefix_of(text: str) -> str:
    """What stands before the first colon: often who prints."""
    head, colon, _rest = text.partition(":")
    return head if colon and len(head) < 60 else ""


def fit_overlap(body: Body, wording: Wording, overlap: Overlap) -> Fit:
    """Weigh a wording of which the line is a part, or the other way round."""
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


def fit_alike(body: Body, wording: Wording) -> Fit | None:
    """Weigh a wording that is like the line: another kernel's, misspelt, with letters lost."""
    text, own = wording.plain, body.plain
    alike = max(fuzz.ratio(text, own, score_cutoff=_ALIKE), fuzz.token_sort_ratio(text, own, score_cutoff=_ALIKE))
    if len(own) >= len(text) > 12:
        alike = max(alike, fuzz.partial_ratio(text, own, score_cutoff=_ALIKE))
    if alike < _ALIKE:
        return None
    shared = wording.words & body.words
    explained = sum(map(bits, shared))
    others = {token.word: token for token in body.tokens if token.word not in shared}
    missing = 0.0
    for word in wording.words - shared:
        nearest = process.extractOne(word, others.keys(), scorer=fuzz.ratio, score_cutoff=_NEARLY)
        if nearest is None:
            missing += bits(word)
        else:
            explained += _MISSPELT * bits(word)
            del others[nearest[0]]
    spans = tuple((-1, -1) for _ in wording.pattern.conversions)
    prefix = _prefix_of(body.text)
    left = sum(token.bits for token in others.values() if token.end > len(prefix))
    return Fit(wording, Tier.FUZZY, spans, explained * alike / 100, left, missing, prefix)
