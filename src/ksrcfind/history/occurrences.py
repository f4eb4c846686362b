"""Find where a wording was before a commit: in the same file, or in a file that it may have come from.

A message can come from a file that the commit changed, a file in the same directory, or a file with the same name.
Identical text in unrelated files is ignored.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.history.commit_diff import SOURCE_SUFFIXES, changed_source_files
from ksrcfind.history.commits import RawCommit, read_commits
from ksrcfind.history.renames import Beginning, Rename, Renames
from ksrcfind.history.whole_history import WholeHistory
from ksrcfind.history.wording import SourceText, Wording, contains, lost_prefix, words
from ksrcfind.match.similarity import similarity
from ksrcfind.tree.database import MissingObjectError
from ksrcfind.tree.repository import Repository

LOOKED_AT = 4000
"""Limit of files that are read for one commit; treewide commits change more."""
SEARCHED_WORDS = 3
ALIKE = 0.62
"""Two texts are wordings of one message from this similarity (0–1) on …"""
ALIKE_IN_FUNCTION = 0.5
"""… or from this similarity on if both texts are in the same function."""


class Occurrence(Struct, frozen=True):
    """A wording in one version of a file."""

    commit: str
    path: str
    wording: Wording
    source: SourceText

    @property
    def function(self) -> str | None:
        """The name of the function that contains the wording."""
        return self.source.function(self.wording)

    @property
    def text(self) -> str:
        """The text of the wording."""
        return self.wording.text


class Ancestor(Struct, frozen=True):
    """Where a message was before a commit."""

    occurrence: Occurrence
    left: bool
    """True if the commit removed the message from that place."""
    renamed: bool = False
    """True if the commit removed the whole file of that place."""


class Occurrences:
    """Finds wordings in file versions of one repository. The files that were read last stay in memory."""

    def __init__(self, repository: Repository) -> None:
        self._shallow = repository.shallow
        self._objects = repository.objects
        self.source = lru_cache(maxsize=128)(self._source)
        self.commit = lru_cache(maxsize=4096)(self._commit)
        self._changed_files = lru_cache(maxsize=32)(self._read_changed_files)
        self.whole_history: WholeHistory | None = None
        """Every commit's changed files; None unless the whole history was read."""
        self.renames = Renames(repository)
        self.beginning: Beginning | None = None
        """Returns the commit that added a file, without a walk by git; None unless the whole history was read."""

    def find(self, commit: str, path: str, text: str, line: int) -> Occurrence | None:
        """Return the occurrence of a text in a file version, the one nearest to a line; None if there is none."""
        source = self.source(commit, path)
        found = source.same(text) if source is not None else []
        if source is None or not found:
            return None
        return Occurrence(commit, path, min(found, key=lambda wording: _distance(wording, line)), source)

    def before(self, seen: Occurrence, parent: str, *, merge: bool) -> Ancestor | None:
        """Return where the wording of a message was in one parent of the commit that `seen` is in."""
        here = self.source(parent, seen.path)
        if here is not None:
            same = here.same(seen.text)
            if same:
                there = _nearest(parent, seen.path, here, same, seen)
                return Ancestor(there, left=not _still_there(seen, there))
        changed = [] if merge else self._changed_files(parent, seen.commit)
        from_changed = list(self._in_files(seen, parent, changed, equal=True))
        left = [ancestor for ancestor in from_changed if ancestor.left]
        if left:
            return left[0]
        if here is not None:
            part = self._as_part(seen, parent, here)
            if part is not None:
                return part
        if from_changed:
            return from_changed[0]
        around = self._around(seen, parent)
        for equal in (True, False):
            for files in (around, [] if equal else changed):
                found = next(self._in_files(seen, parent, files, equal=equal), None)
                if found is not None:
                    return found
        return None

    def reworded(self, seen: Occurrence, parent: str, *, merge: bool) -> Ancestor | None:
        """Return the old wording that the commit of `seen` replaced; None if no removed wording is similar enough."""
        candidates: list[tuple[float, Occurrence]] = []
        changed = [] if merge else self._changed_files(parent, seen.commit)
        renamed = [path for path in changed if self.source(seen.commit, path) is None]
        for path in [seen.path, *renamed[:20]]:
            old = self.source(parent, path)
            if old is None:
                continue
            new = self.source(seen.commit, path)
            gone, came = _difference(old, new), _difference(seen.source, old)
            rivals = [wording.text for wording in came if wording.text != seen.text]
            for wording in gone:
                score = similarity(wording.text, seen.text)
                function = old.function(wording) == seen.function
                if score < (ALIKE_IN_FUNCTION if function else ALIKE):
                    continue
                # Another new text may be the one that replaces it.
                if any(similarity(wording.text, rival) > score for rival in rivals):
                    continue
                candidates.append((score + 0.1 * function, Occurrence(parent, path, wording, old)))
        if not candidates:
            return None
        best = max(candidates, key=lambda item: (item[0], -_distance(item[1].wording, seen.wording.line_start)))
        return Ancestor(best[1], left=True)

    def renamed(self, commit: str, path: str, first: str) -> list[Rename]:
        """Return the renames from a file's `first` name to its `path` in a commit, newest first."""
        return self.renames.between(commit, path, first, self.beginning)

    def _as_part(self, seen: Occurrence, parent: str, here: SourceText) -> Ancestor | None:
        """Return the longer text of the same file that contained the text of `seen`; None if there is none."""
        still = {wording.text for wording in seen.source.wordings}
        function = seen.function
        found = [
            wording
            for wording in here.wordings
            if contains(wording.text, seen.text) and (wording.text not in still or here.function(wording) == function)
        ]
        found = [wording for wording in found if wording.text not in still] or found
        if not found:
            return None
        there = _nearest(parent, seen.path, here, found, seen)
        return Ancestor(there, left=not _still_there(seen, there))

    def _in_files(self, seen: Occurrence, parent: str, paths: Iterable[str], *, equal: bool) -> Iterator[Ancestor]:
        """Yield where the text is in other files. Files from which the commit removed it come first, then namesakes."""
        wanted = words(seen.text)[:SEARCHED_WORDS]
        if not wanted:
            return
        found: list[tuple[tuple[bool, bool, bool, str], Ancestor]] = []
        name, function = PurePosixPath(seen.path).name, seen.function
        for path in self._with_words(parent, [path for path in paths if path != seen.path], wanted):
            source = self.source(parent, path)
            texts = [
                wording
                for wording in (source.wordings if source is not None else ())
                if (wording.text == seen.text if equal else lost_prefix(wording.text, seen.text))
            ]
            if source is None or not texts:
                continue
            there = _nearest(parent, path, source, texts, seen)
            now = self.source(seen.commit, path)
            left = now is None or len(now.same(there.text)) < len(source.same(there.text))
            order = (not left, PurePosixPath(path).name != name, there.function != function, path)
            found.append((order, Ancestor(there, left, renamed=now is None)))
        yield from (ancestor for _, ancestor in sorted(found, key=lambda item: item[0]))

    def _with_words(self, commit: str, paths: list[str], wanted: list[str]) -> list[str]:
        """Return those of the files that contain all the words. A thousand files take less than a second."""
        needles = [word.encode() for word in wanted]
        found = self._objects.read_many(f"{commit}:{path}" for path in paths)
        return [
            path
            for path, item in zip(paths, found, strict=True)
            if item is not None and all(needle in item[1] for needle in needles)
        ]

    def _around(self, seen: Occurrence, parent: str) -> list[str]:
        """Return the files in the same directory and the files of the same name that contain the words of the text."""
        wanted = words(seen.text)[:SEARCHED_WORDS]
        if len(wanted) < 2:  # A single word also occurs in unrelated files.
            return []
        path = PurePosixPath(seen.path)
        directory = "" if path.parent == PurePosixPath() else str(path.parent)
        suffixes = [suffix for suffix in dict.fromkeys((*SOURCE_SUFFIXES, path.suffix)) if suffix]
        # Searching every directory for files of this name takes longer than everything else.
        namesakes = self.whole_history.named(path.name) if self.whole_history is not None else None
        name = path.name if namesakes is None else None
        return list(
            dict.fromkeys([*self._objects.with_words(parent, wanted, directory, suffixes, name), *(namesakes or ())])
        )

    def _read_changed_files(self, parent: str, commit: str) -> list[str]:
        """Return the source files of the parent commit that a commit changed or removed."""
        known = self.whole_history.changed(parent, commit) if self.whole_history is not None else None
        return (changed_source_files(self._objects, parent, commit, "DMT") if known is None else known)[:LOOKED_AT]

    def _source(self, commit: str, path: str) -> SourceText | None:
        try:
            kind, data = self._objects.read_typed(f"{commit}:{path}")
        except MissingObjectError:
            return None
        return SourceText(data) if kind == "blob" else None

    def _commit(self, commit: str) -> RawCommit | None:
        """Return a commit. In a shallow clone, parents that the clone does not have are left out."""
        found = next(read_commits(self._objects, [commit]), None)
        if found is None or not self._shallow:
            return found
        parents = self._objects.read_many(found.parents)
        return replace(found, parents=tuple(p for p, item in zip(found.parents, parents, strict=True) if item))


def _difference(source: SourceText, other: SourceText | None) -> list[Wording]:
    """Return the wordings that occur more often in one version of a file than in another."""
    counts = Counter(wording.text for wording in source.wordings)
    counts.subtract(wording.text for wording in (other.wordings if other is not None else ()))
    return [wording for wording in source.wordings if counts[wording.text] > 0]


def _nearest(commit: str, path: str, source: SourceText, found: list[Wording], seen: Occurrence) -> Occurrence:
    """Return the best of several wordings: one in the same function, then the one with the nearest line."""
    function = seen.function if len(found) > 1 else None
    best = min(
        found,
        key=lambda wording: (
            function is not None and source.function(wording) != function,
            _distance(wording, seen.wording.line_start),
        ),
    )
    return Occurrence(commit, path, best, source)


def _still_there(seen: Occurrence, there: Occurrence) -> bool:
    """Return whether the function that a text came from still has the text or its earlier wording."""
    function = there.function
    if function == seen.function:
        return False
    texts = {seen.text, there.text}
    return any(wording.text in texts and seen.source.function(wording) == function for wording in seen.source.wordings)


def _distance(wording: Wording, line: int) -> int:
    return abs(wording.line_start - line)
