"""Find which name a file had before a commit renamed it.

Git stores no renames. When a commit adds a file and removes others, git compares the contents: the removed file that is
most similar, and at least half equal, is the earlier name. One git process for each such question takes longer than all
other steps of a history, so this module computes git's similarity itself. Where versions of git could disagree (two
similar candidates, or a similarity near the limit), it raises `UnclearRenameError`, and the caller asks git.
"""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from ksrcfind.history.whole_history import file_name
from ksrcfind.regex import regex
from ksrcfind.tree.git import Git
from ksrcfind.tree.repository import Repository

MOST_RENAMES = 8
"""Limit of renames that are followed for one file."""
MOST_CANDIDATES = 64
"""Limit of removed files whose contents are compared with one new file."""
RENAMED = 0.5
"""Similarity (0–1) from which on git calls a file renamed: git's default."""
RENAMED_UNDER_SAME_NAME = 0.75
"""Similarity from which on git (since 2.31) prefers a removed file of the same name in another directory, even if other
files are more similar: see `diffcore_rename_extended` in its `diffcore-rename.c`."""
MARGIN = 0.05
"""Difference of similarities that is too large to come from git's hashing of lines or its treatment of line ends."""

_CHUNK = regex(rb"[^\n]{0,63}\n|[^\n]{1,64}")
"""A unit of git's comparison: a line, or 64 bytes of a longer one (`hash_chars` in its `diffcore-delta.c`)."""


class Rename(Struct, frozen=True):
    """A commit that renamed a file."""

    commit: str
    before: str
    after: str


Beginning = Callable[[str, str], tuple[str, str] | None]
"""Returns the commit that added a file, and its parent, for a commit that has the file and for the file's path.

None if they are not known."""


class UnclearRenameError(Exception):
    """Only git can say whether a file was renamed, and from which name."""


class Renames:
    """Finds the renames of one repository. Recent answers stay in memory."""

    def __init__(self, repository: Repository) -> None:
        self._git = repository.git
        self._objects = repository.objects
        self.source = lru_cache(maxsize=256)(self._source)
        self._removed = lru_cache(maxsize=8)(self._read_removed)

    def between(self, commit: str, path: str, first: str, beginning: Beginning | None = None) -> list[Rename]:
        """Return the renames from a file's `first` name to its `path` in a commit, newest first.

        The list ends early where git sees no rename. `beginning` saves a walk through the history for each rename.
        """
        found: list[Rename] = []
        while path != first and len(found) < MOST_RENAMES:
            added = (beginning(commit, path) if beginning is not None else None) or self._added(commit, path)
            if added is None:
                break
            adding, parent = added
            try:
                source = self.source(parent, adding, path)
            except UnclearRenameError:
                source = _source_by_git(self._git, parent, adding, path)
            if source is None:
                break
            found.append(Rename(adding, source, path))
            commit, path = parent, source
        return found

    def _added(self, commit: str, path: str) -> tuple[str, str] | None:
        """Return the commit that added a file, and its first parent; None if no such commit with a parent exists."""
        # A merge counts only if it adds the file itself.
        options = ("-1", "--format=%H %P", "--diff-filter=A", "--no-renames")
        listed = self._git.run("log", *options, commit, "--", f":(top,literal){path}")
        adding, *parents = listed.decode().split() or [""]
        return (adding, parents[0]) if parents else None

    def _source(self, parent: str, commit: str, path: str) -> str | None:
        """Return the name that a file had in the parent of the commit that added it; None if the file is new.

        Raises `UnclearRenameError`.
        """
        removed = self._removed(parent, commit)
        if not removed:
            return None
        blob = next(self._objects.ids([f"{commit}:{path}"]))
        equal = [name for name, other in removed.items() if other == blob]
        if equal:
            # Of equal files git prefers one with the same name.
            best = [name for name in equal if file_name(name) == file_name(path)] or equal
            if len(best) > 1:
                raise UnclearRenameError
            return best[0]
        if len(removed) > MOST_CANDIDATES:
            raise UnclearRenameError
        new, *old = self._objects.read_many([f"{commit}:{path}", *removed.values()])
        if new is None or not new[1] or None in old:
            raise UnclearRenameError
        scores = {
            name: similarity(data[1], new[1]) for name, data in zip(removed, old, strict=True) if data is not None
        }
        return best_source(scores, path)

    def _read_removed(self, parent: str, commit: str) -> dict[str, str]:
        """Return the blob ids of the files that a commit removed, by path."""
        paths = [change.path for change in self._objects.changed(parent, commit) if change.kind == "D"]
        ids = self._objects.ids(f"{parent}:{path}" for path in paths)
        return {path: blob for path, blob in zip(paths, ids, strict=True) if blob is not None}


def similarity(old: bytes, new: bytes) -> float:
    """Return git's similarity of two versions of a file: the share of the larger one that both have (0–1)."""
    size, larger = sorted((len(old), len(new)))
    if size < larger * (RENAMED - MARGIN):
        return 0.0  # They cannot share more than the smaller one.
    before, after = _chunks(old), _chunks(new)
    shared = sum(len(chunk) * min(count, after[chunk]) for chunk, count in before.items() if chunk in after)
    return shared / larger if larger else 0.0


def best_source(scores: dict[str, float], path: str) -> str | None:
    """Return the removed file that a new file was renamed from, given the similarities; None if none is similar enough.

    Raises `UnclearRenameError` if some version of git could choose another file.
    """
    best = max(scores, key=scores.__getitem__, default=None)
    if best is None or scores[best] < RENAMED - MARGIN:
        return None
    others = {name: score for name, score in scores.items() if name != best}
    rival = max(others.values(), default=0.0)
    namesake = max((score for name, score in others.items() if file_name(name) == file_name(path)), default=0.0)
    if scores[best] < RENAMED + MARGIN or rival > scores[best] - MARGIN or namesake > RENAMED_UNDER_SAME_NAME - MARGIN:
        raise UnclearRenameError
    return best


def _chunks(data: bytes) -> Counter[bytes]:
    return Counter(_CHUNK.findall(data.replace(b"\r\n", b"\n")))


def _source_by_git(git: Git, parent: str, commit: str, path: str) -> str | None:
    """Return the name that a file had before a commit, computed by a git process; None if git sees no rename."""
    output = git.run("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", parent, commit)
    fields = [field.decode("utf-8", "surrogateescape") for field in output.split(b"\0")]
    sources = {after: before for before, after in zip(fields[1::3], fields[2::3], strict=False)}
    return sources.get(path)
