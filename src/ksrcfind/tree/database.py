"""The interface to the objects and references of a repository.

Two classes implement it with equal results: `objects.GitDatabase` runs git commands and reads every repository that git
reads; `direct.DirectDatabase` reads in this process, with libgit2 where that is faster.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


class MissingObjectError(LookupError):
    """The repository does not have the object."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A file in which two trees differ; a renamed one is one file gone and one new."""

    kind: str
    """A added, D deleted, M modified, T of another type."""
    path: str


class ObjectDatabase(Protocol):
    """The objects and references of one repository. Picklable, usable after a fork and by several threads."""

    @property
    def ids_are_final(self) -> bool:
        """Whether an id names the same content for ever: False where replaced objects and grafts may apply."""
        ...

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes] | None]:
        """Types and bytes of objects by id or any other name (`ID:mm/oom_kill.c`), in order; None for missing ones.

        An object of more than `disk.LARGEST` bytes reads as empty.
        """
        ...

    def read_typed(self, name: str) -> tuple[str, bytes]:
        """Type and bytes of one object. Raises `MissingObjectError`."""
        ...

    def read(self, name: str) -> bytes:
        """Bytes of one object. Raises `MissingObjectError`."""
        ...

    def ids(self, names: Iterable[str]) -> Iterator[str | None]:
        """Ids of objects by any name, in order; None for missing ones."""
        ...

    def commit(self, rev: str) -> str | None:
        """Id of the commit that a revision leads to: a reference, an id, the beginning of one; None if it is none."""
        ...

    def head(self) -> str | None:
        """Id of the commit that is checked out; None if there is none yet."""
        ...

    def head_name(self) -> str | None:
        """A tag on the commit that is checked out, else its branch; None if it has neither."""
        ...

    def references(self, *prefixes: str) -> dict[str, str]:
        """Full name → id of the references below some directories (`refs/tags/`), sorted by name."""
        ...

    def state(self, *prefixes: str) -> str | None:
        """A digest of HEAD and the references below some directories; None if that takes as long as reading them.

        Equal digests mean that the references lead to the same objects.
        """
        ...

    def tags(self) -> dict[str, str | None]:
        """Tag → id of the commit that it leads to; None for a tag on something else."""
        ...

    def tips(self) -> list[str]:
        """Ids of the commits that HEAD, branches and tags lead to, sorted."""
        ...

    def blobs(self, commit: str) -> dict[str, str]:
        """Path → blob id of the regular files of a commit or tree, in git's order."""
        ...

    def changed(self, old: str, new: str) -> Sequence[Changed]:
        """Files that differ between two commits or trees (full ids), in git's order; submodules do not count."""
        ...

    def with_words(
        self, commit: str, words: Sequence[str], directory: str, suffixes: Iterable[str], name: str | None
    ) -> list[str]:
        """Paths of the files of a commit that hold all of some words, as parts of others too, in git's order.

        Looked at are the files in one directory (empty for the root) with one of the suffixes, and those of a name
        everywhere.
        """
        ...

    def load(self) -> None:
        """Prepare for many questions, which takes some time."""
        ...

    def close(self) -> None:
        """End the processes that read objects; the next question starts others."""
        ...
