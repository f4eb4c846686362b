"""A plain directory as a snapshot: an unpacked tarball, without git and so without history."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ksrcfind.tree import disk
from ksrcfind.tree.git import Git, GitError, GitMissingError
from ksrcfind.tree.grep import files_with, grep
from ksrcfind.tree.names import escaped
from ksrcfind.tree.snapshot import TreeInfo


class DirectorySnapshot:
    """The files of a directory as they are on disk at the time of each question."""

    repository = None
    """No git: no history."""

    def __init__(self, root: Path, notes: Sequence[str] = ()) -> None:
        self.root = root
        self.notes = tuple(notes)
        self.info = TreeInfo(rev=None, commit=None, source="files")

    def close(self) -> None:
        """Nothing is held open."""

    @property
    def key(self) -> str:
        """The directory."""
        return escaped(str(self.root))

    @property
    def state(self) -> None:
        """None: only listing the directory tells whether files changed."""

    def files(self, suffixes: Sequence[str], names: Sequence[str] = ()) -> Mapping[str, str]:
        """Paths with one of the suffixes or base names, sorted → `stat:SIZE:MTIME_NS:INODE`."""
        return dict(sorted(disk.walk(self.root, tuple(suffixes), frozenset(names))))

    def signature(self, path: str) -> str | None:
        """Content key of one file as it is now; None if it is gone."""
        return disk.file_signature(self.root, path)

    def read(self, path: str) -> bytes:
        """Bytes of one file. Raises `FileNotFoundError`."""
        return disk.read_file(self.root, path)

    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Path and bytes of many files, in the order asked; missing ones are left out."""
        return disk.read_files(self.root, paths)

    def grep(self, words: Sequence[str], suffixes: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Path → word → count of lines; with git if there is one (0.9 s for Linux 6.1), else file by file (6 s)."""
        try:
            return grep(Git(self.root, alone=True), words, suffixes, "--no-index")
        except (GitMissingError, GitError):
            return disk.grep_files(self.root, self.files(suffixes), words)

    def files_with(self, pattern: str, paths: Sequence[str]) -> list[str]:
        """Files with a line that a regular expression matches, with git if there is one; see `grep.files_with`."""
        try:
            return files_with(Git(self.root, alone=True), pattern, paths, "--no-index")
        except (GitMissingError, GitError):
            expression = re.compile(pattern.encode(), re.MULTILINE)
            read = disk.read_files(self.root, self.files(tuple(path.rpartition("*")[2] for path in paths)))
            return [path for path, data in read if expression.search(data)]
