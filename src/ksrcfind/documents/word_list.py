"""Which documents of a tree contain a word, as a list that is small enough to be read for each answer.

`Documentation/` of Linux 6.1 has 3,500 documents (24 MB) with 105,000 words that are in at most 64 of them: listing
these takes 2 s, and 1.5 MB. A document that was changed since may be missing or be listed in vain, so a search reads
it before it names it.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from zlib import crc32

import msgspec

from ksrcfind.regex import regex

ROOT = "Documentation/"
SUFFIXES = (".rst", ".txt")
MOST_DOCUMENTS = 64
"""A word in more documents says too little about what a document is about."""

LARGEST = 1 << 20
"""Bytes of a document; the largest of Linux 6.1 has 0.3 million. Larger ones are no documentation."""

# Bindings of device trees and lists are about hardware; translations repeat what the English documents say.
_NO_PROSE = regex(r"Documentation/(?:devicetree|translations|features|output)/|.*(?:\bindex\.rst|list\.(?:rst|txt))")
_WORDS_ONLY = bytes(c if (chr(c).isalnum() and c < 128) or c == ord("_") else ord(" ") for c in range(256)).lower()


def is_document(path: str) -> bool:
    """Return whether a path below `ROOT` is a document that may explain a message."""
    return path.startswith(ROOT) and path.endswith(SUFFIXES) and _NO_PROSE.match(path) is None


def words_of(data: bytes) -> list[bytes]:
    """Return the words of a document or of a text, lower case, in order."""
    return data.translate(_WORDS_ONLY).split()


class WordList(msgspec.Struct, frozen=True, array_like=True):
    """For each rare word, the documents that contain it."""

    paths: tuple[str, ...]
    """Sorted."""
    hashes: bytes
    """As `array("I")`: the CRC-32 of each word that some documents have, ascending."""
    starts: bytes
    """As `array("I")`: where the numbers of each word begin, and at last the end of all."""
    numbers: bytes
    """As `array("H")`: positions in `paths`; none for a word that too many documents contain."""

    @classmethod
    def of(cls, documents: Iterable[tuple[str, bytes]]) -> "WordList":
        """Return the list of some documents, given with their contents."""
        listed = sorted(each for each in documents if len(each[1]) <= LARGEST)[: 1 << 16]
        containing: dict[bytes, array[int]] = defaultdict(lambda: array("H"))
        for number, (_, data) in enumerate(listed):
            for word in set(words_of(data)):
                containing[word].append(number)
        by_hash = sorted((crc32(word), numbers) for word, numbers in containing.items())
        starts, all_numbers = array("I", [0]), array("H")
        for _, numbers in by_hash:
            if len(numbers) <= MOST_DOCUMENTS:
                all_numbers += numbers
            starts.append(len(all_numbers))
        hashes = array("I", [each for each, _ in by_hash])
        return cls(tuple(path for path, _ in listed), hashes.tobytes(), starts.tobytes(), all_numbers.tobytes())

    def documents(self, word: bytes) -> list[int] | None:
        """Return the positions in `paths` of the documents with a word; None if too many documents have it."""
        hashes = memoryview(self.hashes).cast("I")
        wanted = crc32(word)
        position = bisect_left(hashes, wanted)
        if position == len(hashes) or hashes[position] != wanted:
            return []
        starts = memoryview(self.starts).cast("I")
        low, high = starts[position], starts[position + 1]
        return list(memoryview(self.numbers).cast("H")[low:high]) if low < high else None
