"""Posting lists: for each word, the numbers of the messages that contain it."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from ksrcfind.source.printed_lines import ORIGIN, anchor, ranks

Lists = tuple[bytes, bytes, bytes]
"""The three posting lists of a word:

- the messages that contain the word, as `array("I")` of ascending message numbers;
- the messages anchored at the word, as `array("I")`: those that print a line of which it is the rarest word;
- for each anchored message, a fingerprint of that line's second rarest word, as `array("H")`.

`printed.anchor` computes the index key of a line: its rarest word and the fingerprint. A message is listed in the last
two lists once for each distinct key of its lines."""


def postings(
    words: Sequence[list[str]], origins: Mapping[int, list[str]], first: int
) -> Iterator[tuple[str, bytes, bytes, bytes]]:
    """Yield (word, *posting lists as in `Lists`) for each word of some messages, sorted by word.

    The messages are numbered from `first`. `words` has one list for each message: the words of each line that it
    prints, separated by blanks. `origins` maps the number of a file's first message to the names of that file, its
    directories and its modules (`printed.origin_names`): they are indexed like words, because a line may name them.
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
