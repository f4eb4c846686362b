"""Lists of the messages that contain a word."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from ksrcfind.source.printed import ORIGIN, anchor, ranks

Lists = tuple[bytes, bytes, bytes]
"""The posting lists of a word: messages that contain it and messages anchored at it, as `array("I")`, and for each of
the latter the fingerprint of the second word of its key (`printed.anchor`), as `array("H")`. Numbers are ascending; a
message is listed once for each distinct key of its lines."""


def postings(
    words: Sequence[list[str]], origins: Mapping[int, list[str]], first: int
) -> Iterator[tuple[str, bytes, bytes, bytes]]:
    """Yield each word with its `Lists`, sorted.

    `words` holds for each message, from number `first` on, the words of each of its lines with blanks between them;
    `origins` the names of a file (`printed.origin_names`) by the number of its first message.
    """
    split = [[line.split() for line in lines] for lines in words]
    own = [some[0] if len(some) == 1 else set(chain.from_iterable(some)) for some in split]
    rank = ranks(Counter(chain.from_iterable(own))).__getitem__
    containing: dict[str, array[int]] = defaultdict(lambda: array("I"))
    anchored: dict[str, array[int]] = defaultdict(lambda: array("I"))
    marks: dict[str, array[int]] = defaultdict(lambda: array("H"))
    for number, (lines, some) in enumerate(zip(split, own, strict=True), first):
        for word in (*some, *(ORIGIN + name for name in origins.get(number, ()))):
            containing[word].append(number)
        for word, other in sorted({anchor(line, rank) for line in lines}):
            anchored[word].append(number)
            marks[word].append(other)
    for word in sorted(containing.keys() | anchored.keys()):
        yield word, containing[word].tobytes(), anchored[word].tobytes(), marks[word].tobytes()
