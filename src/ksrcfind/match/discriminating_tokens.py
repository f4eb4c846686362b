"""Discriminating tokens: the names and numbers of a line that can decide which message printed it.

A log repeats its lines with other values. Most tokens with digits are values: `sda1`, `veth3`, `42`. Some are not: a
driver's name (`e1000e`), a function's name, a number in the literal text of a format (`40 MHz`). Two lines that only
differ in values have the same answer.
"""

from functools import lru_cache
from typing import Protocol

from ksrcfind.match.body import Body
from ksrcfind.match.limits import LONGEST_NAME, LONGEST_WORD
from ksrcfind.match.message_index import MessageIndex
from ksrcfind.match.wording_search import Wordings
from ksrcfind.regex import regex
from ksrcfind.source.template import LINE_WORD

DIGITS = regex("[0-9]+")
_ADDRESS = regex("[0-9a-f]{8,}")


class DiscriminatingTokens(Protocol):
    """Returns which tokens with digits can be more than values."""

    def name(self, name: str) -> bool:
        """Return whether a word with digits can decide which message printed a line."""
        ...

    def numbers(self, text: str) -> frozenset[str]:
        """Return the numbers in the literal text of messages that fit a text if its numbers are ignored."""
        ...


class AllNames:
    """Implements `DiscriminatingTokens` without an index: every name can be one of the tree."""

    def name(self, name: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """Return True."""
        return True

    def numbers(self, text: str) -> frozenset[str]:  # noqa: ARG002 - the protocol's signature
        """Return none: a line whose numbers do not fit a cached answer is matched by itself."""
        return frozenset()


class IndexedTokens:
    """Implements `DiscriminatingTokens` for an index."""

    def __init__(self, index: MessageIndex, wordings: Wordings) -> None:
        self._index = index
        self._wordings = wordings
        self.name = lru_cache(maxsize=65536)(self._is_discriminating)

    def numbers(self, text: str) -> frozenset[str]:
        """Return the numbers in the literal text of messages that fit a text if its numbers are ignored."""
        body = Body.of(text)
        found: set[str] = set()
        for wording in self._wordings.fitting(self._wordings.known(body.words)):
            numbered = [part for part in wording.parts if DIGITS.search(part)]
            if numbered and all(piece in body.text for part in wording.parts for piece in DIGITS.split(part)):
                found.update(number for part in numbered for number in DIGITS.findall(part))
        return frozenset(found)

    def _is_discriminating(self, name: str) -> bool:
        """Return whether the tree has a word, a function, a module, a file or a directory of this name."""
        if len(name) > LONGEST_NAME or _ADDRESS.fullmatch(name):
            return False
        if "_" in name:
            return True  # Mostly a function; the index does not know functions.
        if any(self._index.contains(word) for word in LINE_WORD.findall(name.lower()) if len(word) <= LONGEST_WORD):
            return True
        # A device is named after its driver: in `nvme0`, 0 is a value; in `iwl4965-phy0`, 4965 is a part of the name.
        known = name.lower().replace("-", "_")
        digit = DIGITS.search(known)
        return digit is not None and any(
            self._index.knows(known[:end]) for end in range(digit.start() + 1, len(known) + 1)
        )
