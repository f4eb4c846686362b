"""One index over several indexed revisions, to find which of the revisions can print a line."""

from collections.abc import Iterable, Sequence

from ksrcfind.log.line import LogLine
from ksrcfind.match.matcher import Matcher
from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.storage.bits import is_live
from ksrcfind.storage.store import Store


class MultiRevisionIndex:
    """The messages of several revisions; one lookup of a line covers all of them."""

    def __init__(self, store: Store, keys: Sequence[str]) -> None:
        """Open the revisions with these keys. Raises `KeyError` if a revision is not indexed."""
        view = store.view(*keys)
        self._live = view.lives
        self._matcher = Matcher(RevisionIndex(view))

    def printing(self, line: LogLine) -> list[bool]:
        """Return for each revision whether one of its messages can print the whole line."""
        numbers = self._matcher.printing(line)
        return [any(is_live(live, number) for number in numbers) for live in self._live]

    def count(self, lines: Iterable[LogLine]) -> list[int]:
        """Return for each revision the number of lines that its messages can print as a whole."""
        counts = [0] * len(self._live)
        for line in lines:
            for number, prints in enumerate(self.printing(line)):
                counts[number] += prints
        return counts
