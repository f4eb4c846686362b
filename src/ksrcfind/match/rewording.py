"""How much of a line a similar wording explains: of another kernel, misspelt, damaged, or in another order.

The values of such a wording are not read: the spans of its score are (-1, -1).
"""

from collections.abc import Sequence

from ksrcfind.match.answer import Tier
from ksrcfind.match.body import Body, Token
from ksrcfind.match.limits import COMPARED_WORDS, ORDERED_WORDS
from ksrcfind.match.pattern import Span, first_in
from ksrcfind.match.score import Score, prefix_before_colon
from ksrcfind.match.tuned_weights import (
    CONTAINED_LENGTHS,
    MISSPELT_SIMILARITY,
    MISSPELT_WORD,
    ORDERED_LEAST,
    ORDERED_SHARE,
    REORDERED_VALUE,
    SIMILAR_TEXT,
    WORDS_LEAST,
)
from ksrcfind.match.word_weights import bits, total
from ksrcfind.match.wording import Wording
from ksrcfind.source.template import WORD


def common_words(body: Body, wording: Wording) -> float:
    """Return how much of a line and a wording is words that both have in the same order, from 0 to 1, by their bits.

    This is twice the weight of the longest common subsequence of words, divided by the weight of all words of both.
    The driver and the device before a line do not count.
    """
    own = [token for token in body.tokens if token.start >= body.prefix_end][:ORDERED_WORDS]
    words = WORD.findall(wording.plain)[:ORDERED_WORDS]
    best = [(0.0, 0)] * (len(own) + 1)  # Bits and number of words in common, for each beginning of the line.
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
    return 2 * shared / (total(words) + sum(bits(one.word) for one in own if one.word in theirs) + rest)


def score_similar(body: Body, wording: Wording) -> Score | None:
    """Score a wording that is similar to the line: of another kernel, misspelt, damaged; None if it is not similar."""
    from rapidfuzz import fuzz

    text, own = wording.plain, body.plain_with(wording.numbered)
    alike = max(
        fuzz.ratio(text, own, score_cutoff=SIMILAR_TEXT), fuzz.token_sort_ratio(text, own, score_cutoff=SIMILAR_TEXT)
    )
    if len(own) >= len(text) and len(text) in CONTAINED_LENGTHS:
        alike = max(alike, fuzz.partial_ratio(text, own, score_cutoff=SIMILAR_TEXT))
    if alike < SIMILAR_TEXT and not (wording.values.distinctive and wording.words and wording.words <= body.words):
        return None
    shaped = _shaped_values(body, wording)
    if alike < SIMILAR_TEXT:
        if (-1, -1) in (span for span, _ in shaped):
            return None
        alike = SIMILAR_TEXT  # The line has all words and values of the wording, in another order.
    return _score_words(body, wording, shaped, alike / 100, weight=alike / 100)


def score_reworded(body: Body, wording: Wording) -> Score | None:
    """Score a wording that has many words in common with the line, in the same order; None if it has too few."""
    share = common_words(body, wording)
    if share < ORDERED_SHARE:
        return None
    return _score_words(body, wording, _shaped_values(body, wording), share, weight=1.0)


def _shaped_values(body: Body, wording: Wording) -> list[tuple[Span, float]]:
    """Return for each distinctive value of a wording the first span of the line with its shape, and its bits."""
    return [(first_in(conversion, body.text), worth) for conversion, worth in wording.values.distinctive]


def _score_words(
    body: Body, wording: Wording, shaped: Sequence[tuple[Span, float]], likeness: float, *, weight: float
) -> Score:
    """Compare a line with a similar wording word by word; `weight` is the share of the explained bits that counts."""
    shared = wording.words & body.words
    found = [span for span, _ in shaped if span[0] >= 0]
    explained = total(shared) + sum(REORDERED_VALUE * worth for span, worth in shaped if span[0] >= 0)
    others = {
        token.word: token
        for token in body.tokens
        if token.word not in shared and not any(low <= token.start and token.end <= high for low, high in found)
    }
    misspelt, missing = _misspelt(sorted(wording.words - shared), others)
    explained = (explained + misspelt) * weight
    spans = ((-1, -1),) * len(wording.values.each)
    prefix = max(prefix_before_colon(body.text), body.text[: body.prefix_end], key=len)
    left = sum(token.bits for token in others.values() if token.end > len(prefix))
    return Score(wording, Tier.FUZZY, spans, explained, left, missing, prefix, words=WORDS_LEAST, likeness=likeness)


def _misspelt(wanted: Sequence[str], others: dict[str, Token]) -> tuple[float, float]:
    """Find misspelt copies of words among the words of a line, and remove these from it.

    Returns the bits of the copies, and of the words that the line lacks.
    """
    from rapidfuzz import fuzz, process

    explained = missing = 0.0
    compared = 0
    for word in wanted:
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
    return explained, missing
