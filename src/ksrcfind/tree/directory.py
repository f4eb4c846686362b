"""A plain directory as a snapshot, such as an unpacked tarball: there is no git, and so no history."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ksrcfind.tree import disk
from ksrcfind.tree.git import Git, GitError, GitMissingError
from ksrcfind.tree.grep import Found, Words, files_with, files_with_any
from ksrcfind.tree.names import escaped
from ksrcfind.tree.snapshot import TreeInfo


class DirectorySnapshot:
    """The files of a directory as they are on disk at the time of each question."""

    repository = None
    """None: a plain directory has no git repository, and so no history."""

    def __init__(self, root: Path, notes: Sequence[str] = ()) -> None:
        self.root = root
        self.notes = tuple(notes)
        self.info = TreeInfo(rev=None, commit=None, source="files")

    def close(self) -> None:
        """Do nothing: no file stays open."""

    @property
    def key(self) -> str:
        """The path of the directory; it identifies the tree in the store."""
        return escaped(str(self.root))

    @property
    def state(self) -> None:
        """None: only a listing of the directory shows whether files changed."""

    def files(self, suffixes: Sequence[str], names: Sequence[str] = ()) -> Mapping[str, str]:
        """Return path → content key (`stat:SIZE:MTIME_NS:INODE`) of the files with a suffix or base name.

        The paths are sorted.
        """
        return dict(sorted(disk.walk(self.root, tuple(suffixes), frozenset(names))))

    def signature(self, path: str) -> str | None:
        """Return the content key of one file as it is now. None if the file does not exist."""
        return disk.file_signature(self.root, path)

    def read(self, path: str) -> bytes:
        """Return the bytes of one file. Raises `FileNotFoundError` if it does not exist."""
        return disk.read_file(self.root, path)

    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield (path, bytes) of each file, in the order of `paths`. Missing files are left out."""
        return disk.read_files(self.root, paths)

    def grep(self, words: Sequence[str], suffixes: Sequence[str]) -> Found:
        """Return path → searched words that the file contains.

        This uses `git grep` if git is installed, and else reads all files.
        """
        if not words:
            return {}
        searched = Words(words)
        paths: Iterable[str]
        try:
            paths = files_with_any(Git(self.root, alone=True), searched.pieces(), suffixes, "--no-index")
        except (GitMissingError, GitError):
            paths = self.files(suffixes)
        return searched.within(disk.read_files(self.root, paths))

    def files_with(self, pattern: str, paths: Sequence[str]) -> list[str]:
        """Files with a line that a regular expression matches, with git if there is one; see `grep.files_with`."""
        try:
            return files_with(Git(self.root, alone=True), pattern, paths, "--no-index")
        except (GitMissingError, GitError):
            expression = re.compile(pattern.encode(), re.MULTILINE)
            read = disk.read_files(self.root, self.files(tuple(path.rpartition("*")[2] for path in paths)))
            return [path for path, data in read if expression.search(data)]
