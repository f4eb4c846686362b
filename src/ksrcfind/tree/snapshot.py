"""What a kernel tree looks like at one moment: its files, their content ids and bytes.

Three things can be a snapshot: a revision read from git objects, a checkout (the commit with the edited files as they
are on disk), and a plain directory without git. Everything after this module sees only the protocol.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TreeInfo:
    """What an answer says about the tree that it was found in (`tree` in the record)."""

    rev: str | None
    """The revision as asked for, or as git describes HEAD; None without git."""
    commit: str | None
    """The commit id; None without git."""
    source: str
    """`git` (objects only), `checkout` (a commit with the working tree's edits) or `files` (a plain directory)."""


class Snapshot(Protocol):
    """A kernel tree at one moment. Picklable, and usable after a fork: open handles are opened again where needed."""

    @property
    def info(self) -> TreeInfo:
        """What to say about it."""
        ...

    @property
    def key(self) -> str:
        """Names the state of the whole tree: a commit id where git objects alone decide, else the directory."""
        ...

    @property
    def state(self) -> str | None:
        """Names the content of all files: a value cached for it is valid for every snapshot with the same state.

        None where only reading the files would tell whether they changed.
        """
        ...

    def files(self, suffixes: Sequence[str], names: Sequence[str] = ()) -> Mapping[str, str]:
        """Paths (relative, with slashes) of regular files with one of the suffixes or base names, sorted → content key.

        The key is the git blob id (40 hex digits) where git knows it. For files that only the disk knows it is
        `stat:SIZE:MTIME_NS:INODE`: cheap, changes when the file does, and only `read` returns the bytes.
        """
        ...

    def read(self, path: str) -> bytes:
        """Bytes of one file. Raises `FileNotFoundError`."""
        ...

    def read_many(self, paths: Iterable[str]) -> Iterable[tuple[str, bytes]]:
        """Path and bytes of many files, in the order asked; the fast way for thousands. Missing ones are left out."""
        ...

    def grep(self, words: Sequence[str], suffixes: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Path → word → count of lines for the files that contain one of the fixed words as a whole word.

        Case counts. One pass over the tree (`git grep`), about as fast as a user's own.
        """
        ...

    def files_with(self, pattern: str, paths: Sequence[str]) -> list[str]:
        """Files with a line that a regular expression matches, which all of git, POSIX and Python read alike.

        `paths` are patterns of git that end in a suffix: `*.c`.
        """
        ...
