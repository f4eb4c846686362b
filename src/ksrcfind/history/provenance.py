"""The provenance of a message: records as they are shown to the user."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Author or committer."""

    name: str
    email: str
    date: datetime
    """With the zone that the commit records."""


@dataclass(frozen=True, slots=True)
class Release:
    """The first release that contains a commit."""

    first_tag: str | None
    """Smallest release tag by parsed version, `-rc` before final: `v5.9-rc1`."""
    first_release: str | None
    """The same version without `-rcN`, if that tag exists: `v5.9`."""


@dataclass(frozen=True, slots=True)
class Related:
    """A commit that names another commit, or is named by it."""

    commit: str
    subject: str
    release: Release


@dataclass(frozen=True, slots=True)
class Mentioned:
    """Something that a commit message names, and where it is."""

    text: str
    """As the message has it."""
    kind: str
    """`function`, `macro`, `file`, `commit` or `message`."""
    path: str | None = None
    """Where it is in the tree; None for a commit."""
    line: int | None = None
    """1-based; None for a file and a commit."""
    first_release: str | None = None
    """The first release with the commit; None for anything else."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as the record shows it."""

    id: str
    subject: str
    message: str
    """The whole message, decoded by its own encoding header; undecodable bytes as U+FFFD."""
    author: Person
    committer: Person
    release: Release
    trailers: dict[str, list[str]]
    """`Fixes`, `Cc`, `Reviewed-by` … in order of appearance."""
    links: tuple[str, ...]
    """URLs of `Link:` and similar trailers."""
    upstream: Related | None = None
    """The commit that this one says it is a backport of, if the repository holds it."""
    backports: tuple[Related, ...] = ()
    """Commits that say they are a backport of this one, newest release first."""
    fixed_by: tuple[Related, ...] = ()
    """Commits whose `Fixes:` names this one or its upstream, in order of their dates; not the backports of those."""
    reverted_by: tuple[Related, ...] = ()
    """Commits that revert this one, in the same order."""
    mentions: tuple[Mentioned, ...] | None = None
    """What the message names and the tree has; None if it was not looked up."""


@dataclass(frozen=True, slots=True)
class Change:
    """A commit that touched a message."""

    commit: str
    subject: str
    release: Release
    path: str
    """Where the message stood right after that commit."""
    line: int
    """1-based."""
    format: str | None = None
    """How the message read then, if it was looked at."""
    upstream: Related | None = None
    """As in `Commit`."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of the history of a message."""

    kind: str
    """One of `events.EventKind`."""
    commit: str
    first_tag: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """The history of one match."""

    status: str
    """`traced`, `blame-only`, `off` or `unavailable`."""
    last_changed: Change | None = None
    introduced: Change | None = None
    origin: Change | None = None
    events: tuple[Event, ...] = ()
    note: str | None = None
    """A sentence that explains the status: uncommitted line, start of the history."""

    def commits(self) -> Iterator[str]:
        """Yield the ids of the commits that it names, with repeats."""
        changes = (self.last_changed, self.introduced, self.origin)
        yield from (change.commit for change in changes if change is not None)
        yield from (event.commit for event in self.events)


@dataclass(frozen=True, slots=True)
class Later:
    """What happened to a message after the revision in which it was found."""

    events: tuple[Event, ...] = ()
    """Oldest first; the last one is of kind `removed` if it is gone."""
    removed: Change | None = None
    """The commit that removed it; None if it is still there, or if there is no git history."""
