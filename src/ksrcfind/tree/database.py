"""The interface to the objects and references of a repository.

Two classes implement the interface and return equal results. `objects.GitDatabase` runs git commands and can read every
repository that git can read. `direct.DirectDatabase` reads most repositories faster, in this process and with libgit2.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct


class MissingObjectError(LookupError):
    """The repository does not have the object."""


class Changed(Struct, frozen=True):
    """A file that differs between two trees. A renamed file counts as a deleted file and an added file."""

    kind: str
    """How the file differs: A (added), D (deleted), M (modified) or T (of another type, such as a symbolic link)."""
    path: str


class ObjectDatabase(Protocol):
    """Reads the objects and references of one repository.

    An object database can be pickled, and used after a fork and by several threads.
    """

    @property
    def ids_are_final(self) -> bool:
        """Whether an object id always names the same content. False if git may replace objects or use grafts."""
        ...

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes] | None]:
        """Yield (type, bytes) for each named object, in the order of `names`. None for a missing object.

        A name is an id or any other name that git accepts, such as `ID:mm/oom_kill.c`. For an object of more than
        `disk.LARGEST` bytes, the bytes are empty.
        """
        ...

    def read_typed(self, name: str) -> tuple[str, bytes]:
        """Return (type, bytes) of one object. Raises `MissingObjectError` if it does not exist."""
        ...

    def read(self, name: str) -> bytes:
        """Return the bytes of one object. Raises `MissingObjectError` if it does not exist."""
        ...

    def ids(self, names: Iterable[str]) -> Iterator[str | None]:
        """Yield the id of each named object, in the order of `names`. None for a missing object."""
        ...

    def commit(self, rev: str) -> str | None:
        """Return the id of the commit that a revision names. None if the revision names no commit.

        A revision is anything that git accepts: a branch, a tag, an id, the beginning of an id, `v5.9~3`.
        """
        ...

    def head(self) -> str | None:
        """Return the id of the commit that is checked out. None in a repository without commits."""
        ...

    def head_name(self) -> str | None:
        """Return the name of a tag on the checked-out commit; without one, the branch. None if there is neither."""
        ...

    def references(self, *prefixes: str) -> dict[str, str]:
        """Return full name → object id of the references whose names begin with a prefix, such as `refs/tags/`.

        They are sorted by name.
        """
        ...

    def state(self, *prefixes: str) -> str | None:
        """Return a digest of HEAD and of the references whose names begin with a prefix.

        Equal digests mean that these references lead to the same objects. None if this database cannot compute the
        digest faster than it can read the references.
        """
        ...

    def tags(self) -> dict[str, str | None]:
        """Return tag name → id of the tagged commit for all tags. None for a tag of another object, such as a tree."""
        ...

    def tips(self) -> list[str]:
        """Return the ids of the commits that HEAD, branches and tags lead to, sorted by id."""
        ...

    def blobs(self, commit: str) -> dict[str, str]:
        """Return path → blob id of the regular files of a commit or tree, in git's order of paths."""
        ...

    def blob(self, commit: str, path: str) -> str | None:
        """Return the blob id of one regular file of a commit or tree. None if there is no such file."""
        ...

    def changed(self, old: str, new: str) -> Sequence[Changed]:
        """Return the files that differ between two commits or trees (full ids), in git's order of paths.

        Submodules are ignored.
        """
        ...

    def with_words(
        self, commit: str, words: Sequence[str], directory: str, suffixes: Iterable[str], name: str | None
    ) -> list[str]:
        """Return the paths of the files of a commit that contain all of some texts, in git's order of paths.

        Only two groups of files are searched: the files directly in one directory (empty for the root) with one of the
        suffixes, and the files with a certain base name in any directory.
        """
        ...

    def load(self) -> None:
        """Prepare the database for many questions, for example by importing a library."""
        ...

    def close(self) -> None:
        """End the git processes that read objects. The next question starts new processes."""
        ...
