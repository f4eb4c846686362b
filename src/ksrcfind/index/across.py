"""Several indexed revisions, asked at once: which of them can print a line."""

from collections.abc import Iterable, Sequence

from ksrcfind.index.search import RevisionIndex, is_live
from ksrcfind.index.store import Store
from ksrcfind.log.line import LogLine
from ksrcfind.match.rank import Matcher


class Across:
    """The messages of several revisions. A line is looked up once for all of them."""

    def __init__(self, store: Store, keys: Sequence[str]) -> None:
        """Open the revisions `keys`. Raises `KeyError` if one is not indexed."""
        self._live = [RevisionIndex(store, key).live for key in keys]
        self._matcher = Matcher(RevisionIndex(store, *keys))

    def printing(self, line: LogLine) -> list[bool]:
        """Return for each revision whether one of its messages prints the whole of a line."""
        numbers = self._matcher.printing(line)
        return [any(is_live(live, number) for number in numbers) for live in self._live]

    def count(self, lines: Iterable[LogLine]) -> list[int]:
        """Return for each revision how many of the lines one of its messages prints as a whole."""
        counts = [0] * len(self._live)
        for line in lines:
            for number, known in enumerate(self.printing(line)):
                counts[number] += known
        return counts
