"""Lists of the messages that contain a word."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ksrcfind.source.printed import ORIGIN, anchor


def postings(
    words: Sequence[list[str]], origins: Mapping[int, list[str]], first: int, segment: int
) -> Iterator[tuple[str, int, bytes, bytes]]:
    """Yield the rows of a segment: word, segment, messages that contain it and those anchored at it, as `array("I")`.

    `words` holds for each message, from number `first` on, the words of each of its lines with blanks between them;
    `origins` the names of a file (`printed.origin_names`) by the number of its first message.
    """
    own = [{word for line in lines for word in line.split()} for lines in words]
    count = Counter(word for some in own for word in some)
    containing: dict[str, array[int]] = defaultdict(lambda: array("I"))
    anchored: dict[str, array[int]] = defaultdict(lambda: array("I"))
    for number, (lines, some) in enumerate(zip(words, own, strict=True), first):
        for word in (*some, *(ORIGIN + name for name in origins.get(number, ()))):
            containing[word].append(number)
        for word in {anchor(line, count.__getitem__) for line in lines}:
            anchored[word].append(number)
    for word in sorted(containing.keys() | anchored.keys()):
        yield word, segment, containing[word].tobytes(), anchored[word].tobytes()
