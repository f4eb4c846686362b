"""The protocol `Snapshot`: the files of a kernel tree at one moment, with their content keys and bytes.

There are three kinds of snapshots: a revision read from git objects, a checkout (a commit with the edited files as they
are on disk), and a plain directory without git. Code outside of `tree` mostly uses only this protocol.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from ksrcfind.tree.grep import Found


class TreeInfo(Struct, frozen=True):
    """The description of a tree in an answer (the field `tree` of the output record)."""

    rev: str | None
    """The revision that the user named, or without one a name for HEAD. None without git."""
    commit: str | None
    """The commit id. None without git."""
    source: str
    """`git` (objects only), `checkout` (a commit with the working tree's edits) or `files` (a plain directory)."""


class Snapshot(Protocol):
    """The files of a kernel tree at one moment.

    A snapshot can be pickled, and used after a fork: processes and files are opened again when they are needed.
    """

    @property
    def info(self) -> TreeInfo:
        """The description of the tree for an answer."""
        ...

    @property
    def key(self) -> str:
        """Identifies the tree in the store: the commit id of a revision; the directory of a checkout or plain tree."""
        ...

    @property
    def state(self) -> str | None:
        """Identifies the content of all files: two snapshots with equal states have the same files.

        A value that is cached with a state is valid for every snapshot with that state. None if only reading all files
        would show whether they changed.
        """
        ...

    def files(self, suffixes: Sequence[str], names: Sequence[str] = ()) -> Mapping[str, str]:
        """Return path → content key of the regular files with one of the suffixes or base names.

        Paths are relative to the tree, with slashes, and sorted. The content key is the git blob id (40 hex digits) if
        git has the content. For a file that is only on disk it is the signature `stat:SIZE:MTIME_NS:INODE`, which is
        cheap and changes when the file changes.
        """
        ...

    def read(self, path: str) -> bytes:
        """Return the bytes of one file. Raises `FileNotFoundError` if it does not exist."""
        ...

    def read_many(self, paths: Iterable[str]) -> Iterable[tuple[str, bytes]]:
        """Return (path, bytes) of each file, in the order of `paths`. Missing files are left out.

        For many files this is much faster than `read`.
        """
        ...

    def grep(self, words: Sequence[str], suffixes: Sequence[str]) -> Found:
        """Return path → searched words that the file contains as whole words, for the files with a suffix.

        Words are fixed strings, and case matters; `tree.grep` has the exceptions. All words are searched in one pass
        over the tree.
        """
        ...

    def files_with(self, pattern: str, paths: Sequence[str]) -> list[str]:
        """Files with a line that a regular expression matches, which all of git, POSIX and Python read alike.

        `paths` are patterns of git that end in a suffix: `*.c`.
        """
        ...
