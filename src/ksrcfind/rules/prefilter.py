"""Choose the wordings that a rule can match at all, before an expensive search: by the words that the rule requires.

A match needs at least as much text of the message itself as of values (`rules.meeting`), so that a wording has about
half of the letters of the rule's words, or is no candidate.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate

from ksrcfind.regex import regex
from ksrcfind.rules.expression import LOWER, UPPER, Chars, Choice, Condition, Node, Repeat
from ksrcfind.rules.expression import Sequence as Parts
from ksrcfind.source.template import split

MOST_TEXTS = 16
"""Alternative texts of one required part, at most; with more, the part is not used."""
LIKELY, LEAST = 0.5, 0.3
"""Parts of the letters of the required words that a likely candidate, and any candidate, has in its own text."""
_WORD = regex(r"[a-z0-9_]{2,}")

Part = frozenset[str]
"""Alternative texts, one of which every match contains, in lower case."""


def required(node: Node) -> list[Part]:
    """Return the texts that every match of an expression contains: one out of each part."""
    exact, parts = _texts(node)
    return [*parts, *([exact] if exact is not None and "" not in exact else [])]


def _texts(node: Node) -> tuple[Part | None, list[Part]]:
    """Return all texts of a node, None if there are too many, and the parts that each of its texts contains."""
    if isinstance(node, Chars):
        folded = {chr(code).lower() for code in range(128) if node.mask >> code & 1} if _is_narrow(node.mask) else None
        return (frozenset(folded) if folded else None), []
    if isinstance(node, Condition):
        return frozenset({""}), []
    if isinstance(node, Parts):
        return _joined(node.parts)
    if isinstance(node, Choice):
        found = [_texts(part)[0] for part in node.parts]
        together: set[str] = set()
        for texts in found:
            if texts is None or len(together) > MOST_TEXTS:
                return None, []
            together |= texts
        return (frozenset(together), []) if len(together) <= MOST_TEXTS else (None, [])
    return _repeated(node)


def _is_narrow(mask: int) -> bool:
    folded = mask & ~UPPER | (mask & UPPER) << 32 if mask & UPPER else mask
    return 0 < (folded & ~LOWER | folded & LOWER).bit_count() <= 4


def _joined(nodes: Sequence[Node]) -> tuple[Part | None, list[Part]]:
    parts: list[Part] = []
    current: Part | None = frozenset({""})
    whole = True
    for node in nodes:
        texts, inside = _texts(node)
        parts += inside
        joined = {one + other for one in current for other in texts} if current and texts else None
        if joined is not None and len(joined) <= MOST_TEXTS:
            current = frozenset(joined)
            continue
        whole = False
        if current:
            parts.append(current)
        current = texts or frozenset({""})
    if whole:
        return current, parts
    return None, [part for part in [*parts, *([current] if current else [])] if "" not in part]


def _repeated(node: Repeat) -> tuple[Part | None, list[Part]]:
    texts, parts = _texts(node.part)
    if node.least == 0:
        if node.most == 1 and texts is not None and len(texts) < MOST_TEXTS:
            return texts | {""}, []
        return None, []
    if node.least == 1 and node.most == 1:
        return texts, parts
    return None, [*parts, *([texts] if texts and "" not in texts else [])]


class Wordings:
    """The distinct lines that messages print, searchable by the words of their literal text."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        """The lines in printf syntax."""
        texts = ["\0".join(split(line)[0]).lower().replace("\n", " ") for line in self.lines]
        self._starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
        self._text = "\n".join(texts)
        self._having: dict[str, frozenset[int]] = {}

    def having(self, word: str) -> frozenset[int]:
        """Return the numbers of the lines whose literal text contains a word, also inside a longer word."""
        known = self._having.get(word)
        if known is None:
            known = self._having[word] = frozenset(self._find(word))
        return known

    def _find(self, word: str) -> Iterable[int]:
        at = self._text.find(word)
        while at >= 0:
            number = bisect_right(self._starts, at) - 1
            yield number
            at = self._text.find(word, self._starts[number + 1])

    def candidates(self, node: Node) -> tuple[list[int], list[int]]:
        """Return the numbers of the lines that an expression can match: the likely ones and the others."""
        if isinstance(node, Choice):
            found = [self.candidates(part) for part in node.parts]
            likely = set().union(*(some for some, _ in found))
            return sorted(likely), sorted(set().union(*(some for _, some in found)) - likely)
        parts = [[_WORD.findall(text) for text in part] for part in required(node)]
        asked = sum(min(sum(map(len, words)) for words in texts) for texts in parts)
        if not asked:
            return list(range(len(self.lines))), []
        letters = sorted(self._letters(parts).items())
        likely_ones = [number for number, count in letters if count >= LIKELY * asked]
        return likely_ones, [number for number, count in letters if LEAST * asked <= count < LIKELY * asked]

    def _letters(self, parts: Sequence[Sequence[Sequence[str]]]) -> dict[int, int]:
        """Return how many letters of the required words each line has in its own text."""
        letters: dict[int, int] = defaultdict(int)
        for texts in parts:
            best: dict[int, int] = {}
            for words in texts:
                own: dict[int, int] = defaultdict(int)
                for word in dict.fromkeys(words):
                    for number in self.having(word):
                        own[number] += len(word) * words.count(word)
                for number, count in own.items():
                    best[number] = max(best.get(number, 0), count)
            for number, count in best.items():
                letters[number] += count
        return letters
