"""Blame lines with the simplified history of a file: only the commits that changed the file.

`git blame -S` reads the parents of commits from a file. With the parents of the simplified history (History
Simplification in git-rev-list(1)), it visits the ten or hundred commits that changed the file instead of a hundred
thousand. The blames are the same: where a merge has the same file as some of its parents, git blame itself continues
with the first of these parents only. If the commit that added a file also removed files, a removed file may be the same
file under its earlier name: the blame then continues there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from threading import Lock

from msgspec.structs import replace

from ksrcfind.history.blame import Blame, blame
from ksrcfind.history.file_diffs import FileDiffs, Version, older_line
from ksrcfind.history.renames import Renames, UnclearRenameError
from ksrcfind.history.whole_history import FileChange, WholeHistory, file_name
from ksrcfind.tree.repository import Repository

TOGETHER = 256
"""Number of files whose changes are collected in one pass over the commit graph."""

Parents = dict[str, tuple[str, ...]]
"""Full id of a commit → full ids of its parents."""


class _UnclearError(Exception):
    """Raised when the simplified history of a file is not known, so that git must walk the whole history."""


class _File:
    """A file with the commits that changed it."""

    def __init__(self, path: str, changes: Sequence[FileChange], reached: list[int], first_bit: int) -> None:
        """`reached` holds, for each commit, the changes of several files that it contains, one bit for each change.

        The bits of this file begin at `first_bit`.
        """
        self.path = path
        self.changes = {change.commit: change for change in changes}
        self._reached = reached
        self._first_bit = first_bit
        self._bits = (1 << len(changes)) - 1
        times = Counter(change.after for change in changes)
        self._last = {self.reached_by(change.commit): change.commit for change in changes if times[change.after] == 1}

    def reached_by(self, commit: int) -> int:
        """Return the changes of this file that a commit contains, as one bit for each change."""
        return self._reached[commit] >> self._first_bit & self._bits

    def last_change(self, commit: int) -> int | None:
        """Return the commit that last changed the file in the history of a commit.

        None if the set of changes alone does not determine it. The set determines it if one change contains all the
        others and no other change has the same result: then no merge can have taken the same file from another parent.
        """
        return self._last.get(self.reached_by(commit))


class SimpleBlame:
    """Blames lines of files by the commits that changed the files. Several threads may use it."""

    def __init__(self, repository: Repository, whole_history: WholeHistory, renames: Renames) -> None:
        self._repository = repository
        self._renames = renames
        self._whole_history = whole_history
        self._objects = repository.objects
        self._place = {path: number for number, path in enumerate(sorted(whole_history.paths))}
        self._group = lru_cache(maxsize=4)(self._read_group)
        self._parents: dict[str, dict[int, tuple[int, ...]]] = defaultdict(dict)
        names = [*whole_history.names, *whole_history.earlier_names]
        self._file_diffs = FileDiffs(repository.git, repository.objects, names)
        self._lock = Lock()

    @property
    def names(self) -> frozenset[str]:
        """Names, without directories, of the files whose changes were read."""
        return self._whole_history.names

    def blame(self, commit: str, path: str, lines: Iterable[int]) -> dict[int, Blame]:
        """Return the blame of some lines of a file version, by line number, like `blame.blame`. Raises `GitError`."""
        with self._lock:
            parents = self.parents(commit, path)
        if parents is None:
            return blame(self._repository, commit, path, lines)
        found = self._walk(commit, path, lines, parents)
        if found is None:
            found = blame(self._repository, commit, path, lines, parents=parents)
        older: dict[str, list[int]] = defaultdict(list)
        for line, item in found.items():
            if item.commit is not None and item.boundary:
                number = self._whole_history.numbers[item.commit]
                if self._whole_history.parents[number]:
                    found[line] = replace(item, boundary=False)
                    if self._whole_history.removes(number):
                        older[item.commit].append(line)
        for first, ends in older.items():
            before = self._blame_before_rename(first, path, [found[line].line for line in ends])
            found.update((line, before[found[line].line]) for line in ends if found[line].line in before)
        return found

    def beginning(self, commit: str, path: str) -> tuple[str, str] | None:
        """Return the commit that added a file, and the parent of this commit.

        `commit` is the full id of a commit that has the file. Returns None if the adding commit is not known: several
        commits of the simplified history added the file, or the commit is a root.
        """
        with self._lock:
            history = self.parents(commit, path)
        first = [child for child, parents in (history or {}).items() if not parents]
        if len(first) != 1:
            return None
        parents = self._whole_history.parents[self._whole_history.numbers[first[0]]]
        return (first[0], self._whole_history.ids[parents[0]]) if len(parents) == 1 else None

    def _blame_before_rename(self, commit: str, path: str, lines: list[int]) -> dict[int, Blame]:
        """Return the earlier blame of lines of a file that a commit added, if the commit renamed the file.

        Lines without an earlier blame are left out, except that lines which the commit itself added may be blamed on
        it.
        """
        [parent] = (
            self._whole_history.ids[number]
            for number in self._whole_history.parents[self._whole_history.numbers[commit]]
        )
        try:
            source = self._renames.source(parent, commit, path)
        except UnclearRenameError:
            return blame(self._repository, commit, path, lines)
        if source is None:
            return {}
        old, new = self._objects.ids([f"{parent}:{source}", f"{commit}:{path}"])
        hunks = None
        if old is not None and new is not None and (old == new or file_name(source) == file_name(path)):
            hunks = self._file_diffs.between(Version(parent, source, old), Version(commit, path, new))
        if hunks is None:
            return blame(self._repository, commit, path, lines)
        kept = {line: passed for line in lines if (passed := older_line(hunks, line)) is not None}
        before = self.blame(parent, source, kept.values()) if kept else {}
        return {line: before[passed] for line, passed in kept.items()}

    def _walk(self, commit: str, path: str, lines: Iterable[int], parents: Parents) -> dict[int, Blame] | None:
        """Return the blame of lines, by line number, by going back through the simplified history.

        None if git does not report a diff that is needed. As in `git blame`, a line is passed to the first parent that
        has it; a line that no parent has is blamed on the commit.
        """
        lines = list(lines)
        data = self._objects.read(f"{commit}:{path}")
        if max(lines, default=0) > data.count(b"\n") + (not data.endswith(b"\n")):
            return None  # The caller then asks git, whose error names the number of lines.
        changes = {self._whole_history.ids[change.commit]: change for change in self._whole_history.of(path)}
        found: dict[int, Blame] = {}
        for line in lines:
            suspect, number = commit, line
            while (passed := self._passed_on(path, suspect, number, parents[suspect], changes)) is not None:
                if passed[1] == 0:
                    return None
                suspect, number = passed
            found[line] = Blame(suspect, path, number, boundary=not parents[suspect])
        return found

    def _passed_on(
        self, path: str, commit: str, line: int, parents: tuple[str, ...], changes: Mapping[str, FileChange]
    ) -> tuple[str, int] | None:
        """Return the parent that has a line of a commit, and the line's number in the parent.

        None if the line is new in the commit. The number is 0 if git does not report the diff.
        """
        change = changes.get(commit)
        if change is None:  # The commit did not change the file.
            return parents[0], line
        for parent in parents:
            before = changes[parent].after
            # The real parent has the same version of the file, and fewer of its other files differ.
            real = self._whole_history.parents[change.commit][change.before.index(before)]
            older, newer = Version(self._whole_history.ids[real], path, before), Version(commit, path, change.after)
            hunks = self._file_diffs.between(older, newer)
            if hunks is None:
                return parent, 0
            passed = older_line(hunks, line)
            if passed is not None:
                return parent, passed
        return None

    def parents(self, commit: str, path: str) -> Parents | None:
        """Return the simplified history of a file, from a commit (full id) back to the commits that added the file.

        None if it is not known, so that git must walk the whole history.
        """
        start = self._whole_history.numbers.get(commit)
        if start is None or path not in self._place or not self._whole_history.is_complete(path, start):
            return None
        file, ids = self._file(path), self._whole_history.ids
        result: Parents = {}
        try:
            first = self._next(file, start)
            if [file.changes[first].after] != list(self._objects.ids([f"{commit}:{path}"])):
                return None
            if first != start:
                result[commit] = (ids[first],)
            waiting = [first]
            while waiting:
                number = waiting.pop()
                if ids[number] not in result:
                    own = self._parents_of(file, number)
                    result[ids[number]] = tuple(ids[parent] for parent in own)
                    waiting += own
        except _UnclearError:
            return None
        return result

    def _parents_of(self, file: _File, commit: int) -> tuple[int, ...]:
        """Return the simplified parents of a commit that changed a file.

        For each real parent, this is the last commit up to it that changed the file.
        """
        known = self._parents[file.path]
        if commit not in known:
            change = file.changes[commit]
            if change.kinds == "A":
                known[commit] = ()
            elif change.modifies:
                own = [self._next(file, parent) for parent in self._whole_history.parents[commit]]
                if [file.changes[parent].after for parent in own] != list(change.before):
                    raise _UnclearError
                known[commit] = tuple(dict.fromkeys(own))
            else:  # A merge took the file from elsewhere, or it was not a regular file.
                raise _UnclearError
        return known[commit]

    def _next(self, file: _File, commit: int) -> int:
        """Return the last commit that changed a file, up to and including a commit that has the file."""
        while (last := file.last_change(commit)) is None:
            touched = self._whole_history.nearest(commit, file.changes)
            if touched is not None:
                return touched
            commit = self._taken_from(file, self._whole_history.end[commit])
        return last

    def _taken_from(self, file: _File, merge: int) -> int:
        """Return the first parent with the same file as a merge that did not change the file itself."""
        parents = self._whole_history.parents[merge]
        if len({file.reached_by(parent) for parent in parents}) == 1:
            return parents[0]
        names = [f"{self._whole_history.ids[commit]}:{file.path}" for commit in (merge, *parents)]
        own, *others = self._objects.ids(names)
        if own is None or own not in others:
            raise _UnclearError
        return parents[others.index(own)]

    def _file(self, path: str) -> _File:
        place = self._place[path]
        return self._group(place // TOGETHER)[path]

    def _read_group(self, number: int) -> dict[str, _File]:
        """Return the files of one group, with the changes that each commit contains."""
        paths = [path for path, place in self._place.items() if place // TOGETHER == number]
        bits: dict[int, int] = defaultdict(int)
        first_bits: dict[str, int] = {}
        bit = 0
        for path in paths:
            first_bits[path] = bit
            for change in self._whole_history.of(path):
                bits[change.commit] |= 1 << bit
                bit += 1
        reached = [0] * len(self._whole_history.parents)
        for commit in range(len(reached) - 1, -1, -1):  # Parents first.
            found = bits.get(commit, 0)
            for parent in self._whole_history.parents[commit]:
                # Most commits add no change: they share one number object with their parents, which saves memory.
                if found is not (other := reached[parent]):
                    found = found | other if found and other else found or other
            reached[commit] = found
        return {path: _File(path, self._whole_history.of(path), reached, first_bits[path]) for path in paths}
