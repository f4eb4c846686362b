"""Find what happened to a message after a release: moves, new wordings, and the commit that removed it."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from ksrcfind.history.commit_diff import changed_source_files
from ksrcfind.history.events import EventKind
from ksrcfind.history.occurrences import ALIKE_IN_FUNCTION, Occurrence, Occurrences
from ksrcfind.history.wording import Wording, words
from ksrcfind.match.similarity import similarity
from ksrcfind.tree.repository import Repository

LONGEST = 100
"""Limit of steps for one message. More steps mean that its history goes in circles."""


class Removal(Struct, frozen=True):
    """A commit that removed a text from its place: the message was moved, reworded or removed."""

    commit: str
    kind: EventKind
    """`MOVED` (to another file), `REWORDED` or `REMOVED`."""
    was: Occurrence
    """The text before that commit."""
    now: Occurrence | None
    """The message after that commit; None if it was removed."""


Removing = Callable[[str, str, str, str], list[str] | None]
"""Returns the commits that may have removed a text: called with path, text, first and last commit.

The newest comes first. None if it does not know them."""


class Removals:
    """Finds the commits that removed messages of one repository."""

    def __init__(self, repository: Repository) -> None:
        self._git = repository.git
        self._objects = repository.objects
        self._occurrences = Occurrences(repository)
        self.removing: Removing | None = None
        """Finds these commits without a walk through the history; None without a history index."""

    def removals_after(self, start: str, path: str, line: int, end: str) -> Iterator[Removal]:
        """Yield what later commits did to the text on a line of a file version, up to the commit `end`, oldest first.

        If the message is no longer in `end`, the last item has the kind `removed`. Nothing is yielded if the text is
        still in its place, or if the line has no text.
        """
        source = self._occurrences.source(start, path)
        wording = source.at(line) if source is not None else None
        seen = Occurrence(start, path, wording, source) if source is not None and wording is not None else None
        for _ in range(LONGEST):
            if seen is None or self._find(end, seen) is not None:
                return
            removal = self._last_removal(seen, end)
            if removal is None:
                return
            yield removal
            seen = removal.now

    def _last_removal(self, seen: Occurrence, end: str) -> Removal | None:
        """Return the last commit that removed the text from the file; None if there is none."""
        for commit in self._changing(seen, end):
            raw = self._occurrences.commit(commit)
            if raw is None or self._find(commit, seen) is not None:
                continue
            for parent in raw.parents:
                was = self._find(parent, seen)
                # A merge removes a text only if every parent still has it.
                if was is not None and (len(raw.parents) == 1 or all(self._find(p, seen) for p in raw.parents)):
                    now = self._elsewhere(was, commit) or self._reworded(was, commit)
                    return Removal(commit, _kind(was, now), was, now)
        return None

    def _changing(self, seen: Occurrence, end: str) -> list[str]:
        """Return the commits up to `end` that changed the file of a text, or with an index, the text."""
        known = self.removing(seen.path, seen.text, seen.commit, end) if self.removing is not None else None
        if known is not None:
            return known
        listed = self._git.lines(
            "rev-list", "--full-history", "--topo-order", f"{seen.commit}..{end}", "--", f":(top,literal){seen.path}"
        )
        return [line.decode() for line in listed]

    def _find(self, commit: str, seen: Occurrence) -> Occurrence | None:
        return self._occurrences.find(commit, seen.path, seen.text, seen.wording.line_start)

    def _elsewhere(self, was: Occurrence, commit: str) -> Occurrence | None:
        """Return the occurrence of the text in another file, to which the commit added it; None if there is none."""
        wanted = [word.encode() for word in words(was.text)]
        if not wanted:
            return None
        for path in changed_source_files(self._objects, was.commit, commit, "AM"):
            if path == was.path:
                continue
            found = self._occurrences.find(commit, path, was.text, was.wording.line_start)
            before = self._occurrences.source(was.commit, path)
            if found is not None and len(found.source.same(was.text)) > len(before.same(was.text) if before else ()):
                return found
        return None

    def _reworded(self, was: Occurrence, commit: str) -> Occurrence | None:
        """Return the new text of the same function that is most similar to the removed one; None if all differ much."""
        source = self._occurrences.source(commit, was.path)
        if source is None:
            return None
        old = {wording.text for wording in was.source.wordings}
        new = [w for w in source.wordings if w.text not in old and source.function(w) == was.function]

        def likeness(wording: Wording) -> float:
            alike = not set(words(wording.text)).isdisjoint(words(was.text))
            return similarity(wording.text, was.text) if alike else 0.0

        best = max(new, key=likeness, default=None)
        if best is None or likeness(best) < ALIKE_IN_FUNCTION:
            return None
        return Occurrence(commit, was.path, best, source)


def _kind(was: Occurrence, now: Occurrence | None) -> EventKind:
    if now is None:
        return EventKind.REMOVED
    return EventKind.MOVED if now.text == was.text else EventKind.REWORDED
