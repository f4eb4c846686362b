"""The provenance of a message: its history in the form that users see."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct


class Person(Struct, frozen=True):
    """Author or committer."""

    name: str
    email: str
    date: datetime
    """The date, in the time zone that the commit records."""


class Release(Struct, frozen=True):
    """The first release that contains a commit."""

    first_tag: str | None
    """The first release tag that contains the commit, by version; `-rc` tags come before the final: `v5.9-rc1`."""
    first_release: str | None
    """The final release of the same version, if its tag exists: `v5.9`."""


class Related(Struct, frozen=True):
    """A commit that names another commit, or is named by it."""

    commit: str
    subject: str
    release: Release


class Mentioned(Struct, frozen=True):
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


class Commit(Struct, frozen=True):
    """A commit with all fields of the output record."""

    id: str
    subject: str
    message: str
    """The whole message, decoded by the commit's encoding header. Undecodable bytes become U+FFFD."""
    author: Person
    committer: Person
    release: Release
    trailers: dict[str, list[str]]
    """Trailers such as `Fixes`, `Cc` and `Reviewed-by` → their values, in the order of the message."""
    links: tuple[str, ...]
    """URLs of `Link:` and similar trailers."""
    upstream: Related | None = None
    """The commit that this one names as the original of its backport, if the repository has it."""
    backports: tuple[Related, ...] = ()
    """Backports of this commit, as their messages say. The newest release comes first."""
    fixed_by: tuple[Related, ...] = ()
    """Commits whose `Fixes:` trailer names this commit or its upstream commit, oldest first.

    A backport of another commit in this list is left out."""
    reverted_by: tuple[Related, ...] = ()
    """Commits that revert this one, oldest first."""
    mentions: tuple[Mentioned, ...] | None = None
    """What the message names and the tree has; None if it was not looked up."""


class Change(Struct, frozen=True):
    """A commit that changed a message."""

    commit: str
    subject: str
    release: Release
    """The first release with the commit. For the commit that introduced a wording, `first_release` is the first final
    release that has the wording: it may be later, if the wording was taken back in between."""
    path: str
    """The file of the message right after the commit."""
    line: int
    """1-based line of the message right after the commit."""
    format: str | None = None
    """The text of the message right after the commit; None if the message was not looked up there."""
    upstream: Related | None = None
    """The original commit, if this commit is a backport (see `Commit.upstream`)."""


class Event(Struct, frozen=True):
    """One step of the history of a message."""

    kind: str
    """One of `events.EventKind`."""
    commit: str
    first_tag: str | None
    before: str | None
    after: str | None


class Provenance(Struct, frozen=True):
    """The history of one matched message."""

    status: str
    """`traced`, `blame-only`, `off` or `unavailable`."""
    last_changed: Change | None = None
    introduced: Change | None = None
    origin: Change | None = None
    events: tuple[Event, ...] = ()
    note: str | None = None
    """A sentence that explains the status: uncommitted line, start of the history."""
    lineage_id: str | None = None
    """Identifies the origin of the message: the same for all its wordings and places, in every release.

    None without a history index."""

    def commits(self) -> Iterator[str]:
        """Yield the ids of all commits in the history. An id can appear more than once."""
        changes = (self.last_changed, self.introduced, self.origin)
        yield from (change.commit for change in changes if change is not None)
        yield from (event.commit for event in self.events)


class Later(Struct, frozen=True):
    """What happened to a message after the revision in which it was found."""

    events: tuple[Event, ...] = ()
    """The events, oldest first. If the message is gone, the last event has the kind `removed`."""
    removed: Change | None = None
    """The commit that removed the message; None if the message is still there, or if there is no git history."""
