"""A revision as a snapshot: the files of one commit, read from git objects only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ksrcfind.caching import Cache
from ksrcfind.tree import disk
from ksrcfind.tree.database import MissingObjectError
from ksrcfind.tree.grep import Found, Words, files_with, files_with_any
from ksrcfind.tree.repository import Repository
from ksrcfind.tree.snapshot import TreeInfo

FEW_FILES = 32
"""Files that are looked up one by one. For more, reading the list of all files (20 ms) is faster."""


class RevisionSnapshot:
    """The regular files of one commit, without symbolic links and submodules."""

    def __init__(self, repository: Repository, rev: str, commit: str, cache: Cache | None = None) -> None:
        """Open the revision `rev`, whose commit id is `commit`. A `cache` may have the list of files."""
        self.root = repository.root
        self.repository: Repository = repository
        self.commit = commit
        self.notes = repository.notes
        self.info = TreeInfo(rev=rev, commit=commit, source="git")
        self.objects = repository.objects
        self._listed = repository.blobs(commit, cache)
        self._blobs: dict[str, str] | None = None
        self._asked = 0

    def __getstate__(self) -> dict[str, Any]:
        # Listing the files again (0.1 s) is faster than copying the list.
        return {**self.__dict__, "_blobs": None, "_listed": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= {**state, "_listed": state["repository"].blobs(state["commit"])}

    def close(self) -> None:
        """End the git process that reads objects. The next question starts a new process."""
        self.objects.close()

    @property
    def key(self) -> str:
        """The commit id; it identifies the revision in the store."""
        return self.commit

    def is_current(self) -> bool:
        """Return whether the revision, such as a branch, still names the same commit.

        Raises `KsrcfindError` if it names no commit any more.
        """
        return self.repository.commit(self.info.rev or self.commit) == self.commit

    @property
    def state(self) -> str | None:
        """The commit id, which identifies the content of all files. None if git may replace objects or use grafts."""
        return self.commit if self.objects.ids_are_final else None

    @property
    def blobs(self) -> Mapping[str, str]:
        """Path → blob id of every regular file, in git's order of paths. The list is read when it is first used."""
        if self._blobs is None:
            self._blobs = self._listed()
        return self._blobs

    def blob(self, path: str) -> str | None:
        """Return the blob id of one regular file; None if there is no such file."""
        if self._blobs is None and self._asked < FEW_FILES:
            self._asked += 1
            return self.objects.blob(self.commit, path)
        return self.blobs.get(path)

    def files(self, suffixes: Sequence[str], names: Sequence[str] = ()) -> Mapping[str, str]:
        """Return path → blob id of the files with one of the suffixes or base names. The paths are sorted."""
        ends, wanted = tuple(suffixes), frozenset(names)
        blobs = self.blobs
        return {path: blobs[path] for path in sorted(path for path in blobs if disk.wanted(path, ends, wanted))}

    def read(self, path: str) -> bytes:
        """Return the bytes of one file. Raises `FileNotFoundError` if the commit has no such file.

        Raises `KsrcfindError` if the repository lacks the object, as a partial clone may.
        """
        blob = self.blob(path)
        if blob is None:
            raise FileNotFoundError(path)
        try:
            return self.objects.read(blob)
        except MissingObjectError as error:
            raise self.repository.missing(path) from error

    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield (path, bytes) of each file, in the order of `paths`. Missing files are left out.

        27,000 files take 2 s.
        """
        present = [path for path in paths if path in self.blobs]
        found = self.objects.read_many(self.blobs[path] for path in present)
        for path, item in zip(present, found, strict=True):
            if item is None:
                raise self.repository.missing(path)
            yield path, item[1]

    def grep(self, words: Sequence[str], suffixes: Sequence[str]) -> Found:
        """Return path → searched words that the file contains."""
        if not words:
            return {}
        searched = Words(words)
        paths = files_with_any(self.repository.git, searched.pieces(), suffixes, self.commit, prefix=f"{self.commit}:")
        return searched.within(self.read_many(paths))

    def files_with(self, pattern: str, paths: Sequence[str]) -> list[str]:
        """Files with a line that a regular expression matches; see `grep.files_with`."""
        return files_with(self.repository.git, pattern, paths, self.commit, prefix=f"{self.commit}:")
