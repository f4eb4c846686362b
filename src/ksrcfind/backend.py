"""The protocols of the data sources: a tree with its index, and a bundle, implement the parts declared here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ksrcfind.history.provenance import Commit, Later, Provenance
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.history.trace import Request
from ksrcfind.index.report import IndexReport, ReleasesReport
from ksrcfind.log.line import LogLine
from ksrcfind.match.message_index import MessageIndex
from ksrcfind.match.rank import Matcher
from ksrcfind.search.differing_files import FilePair
from ksrcfind.search.revision_index import MessageStore, RevisionIndex
from ksrcfind.source.message import Message
from ksrcfind.tree.snapshot import TreeInfo

LONGEST_FILE = 10**9
"""Lines."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A revision that is indexed."""

    messages: RevisionIndex
    matcher: Matcher
    """Matches lines against these messages."""

    @classmethod
    def of(cls, store: MessageStore) -> "Indexed":
        """Return what a store holds, ready for questions."""
        index = RevisionIndex(store)
        return cls(index, Matcher(index))


class Index(Protocol):
    """The index of a revision."""

    @property
    def key(self) -> str:
        """Identifies the revision among those of one store."""
        ...

    @property
    def unsaved(self) -> str | None:
        """Why the index that was built last could not be written; None if it was."""
        ...

    def current(self) -> Indexed | None:
        """Return the index if there is one; one of an older state is brought up to date first.

        If another run is doing that, the older state is returned.
        """
        ...

    def ensure(self) -> Indexed:
        """Return the index; build it if there is none, and wait for another run that updates it."""
        ...

    def ensure_complete(self) -> Indexed:
        """Return the index of the tree as it is now, with every file looked at."""
        ...

    def refresh(self, paths: Iterable[str], /) -> bool:
        """Return whether one of these files had changed and the index was updated for it."""
        ...

    def build(self) -> IndexReport:
        """Index the whole tree, or bring its index up to date; wait for another run that does so."""
        ...


class Messages(Protocol):
    """The messages of a revision, whether it is indexed or not."""

    @property
    def skipped(self) -> Sequence[str]:
        """Names of files that are skipped because they are not UTF-8, escaped; known once files were listed."""
        ...

    def of(self, path: str) -> list[Message]:
        """Return the messages of a file, by line; none if there is no such file. Builds no index."""
        ...

    def prefetch(self, paths: Iterable[str], /) -> None:
        """Read files together whose messages will be asked for one by one."""
        ...

    def switched_off(self, path: str, line: int, /) -> list[Message]:
        """Return the messages of a file as if the comment or `#if 0` around a line were not there."""
        ...

    def near_phrases(self, body: str, /) -> MessageIndex:
        """Return the messages of the files that most likely printed a text: those that hold phrases of it."""
        ...

    def near_words(self, body: str, /) -> MessageIndex:
        """Return the messages of the files that most likely printed a text: those that hold its rarest words."""
        ...


class Source(Protocol):
    """The files of a revision."""

    def paths(self) -> list[str]:
        """Return every file that can have messages, sorted."""
        ...

    def read(self, path: str) -> bytes:
        """Return the content of a file. Raises `FileNotFoundError`."""
        ...

    def read_many(self, paths: Iterable[str], /) -> Iterable[tuple[str, bytes]]:
        """Return path and content of files; those that are not there are left out."""
        ...

    def with_words(self, words: Sequence[str], /) -> Mapping[str, Iterable[str]]:
        """Return path → words, for the files of the kernel's code that contain one of some words as a whole word.

        Raises `KsrcfindError` where there is no code to search.
        """
        ...

    def has_file(self, path: str) -> bool:
        """Return whether there is such a file, and it is not empty."""
        ...

    def length(self, path: str) -> int | None:
        """Return how many lines a file has, None if there is no such file."""
        ...

    def place_calls(self, path: str) -> Sequence[tuple[int, str]]:
        """Return the calls of a file that print their own path and line, as `match.place.place_calls` does."""
        ...

    def all_place_calls(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Yield every file of C and assembly with its calls that print their own path and line."""
        ...


class Histories(Protocol):
    """Where messages came from."""

    @property
    def known(self) -> bool:
        """Whether commits and releases are known."""
        ...

    def expect(self, requests: Sequence[Request]) -> None:
        """Prepare for tracing many messages in parts."""
        ...

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each message, in order; blames of one file share a run."""
        ...

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return commits by their full ids; those that are not there are left out."""
        ...

    def later(self, start: str, request: Request, /) -> Later:
        """Return what happened to a message after a commit, until HEAD."""
        ...

    def patch(self, commit_id: str, /) -> str | None:
        """Return message and diff of a commit, as `git show` prints them; None without git."""
        ...


class Releases(Protocol):
    """The release tags of a repository, and those of them that are indexed."""

    @property
    def tags(self) -> tuple[ReleaseTag, ...]:
        """The release tags, earliest version first; none without git."""
        ...

    @property
    def advice(self) -> str | None:
        """What would make later answers faster, known after the first ones."""
        ...

    def indexed(self) -> list[ReleaseTag]:
        """Return other releases than this revision that are indexed, the latest first."""
        ...

    def printing(self, log: LogLine, /) -> Iterator[tuple[ReleaseTag, Indexed]]:
        """Yield the other indexed releases that can print a line, the latest first, with their index."""
        ...

    def lines_known(self, lines: Iterable[LogLine]) -> tuple[int, list[tuple[ReleaseTag, int]]]:
        """Return how many lines this revision can print as a whole, and how many each indexed release, earliest first.

        Builds a missing index.
        """
        ...

    def index_all(self, candidates: bool, /) -> ReleasesReport:
        """Index every release tag, the earliest first, with `candidates` those of `-rc` too.

        What is indexed already is passed over: an interrupted run continues where it was.
        Raises `KsrcfindError` if there are no release tags.
        """
        ...

    def differing(self, newer: str, /) -> list[FilePair]:
        """Return the files whose messages can differ in another indexed revision, named by its key."""
        ...

    def check_lives(self) -> None:
        """Raise `KsrcfindError` if the lives of messages cannot be shown here, for lack of releases."""
        ...


class Backend(Protocol):
    """The data source of one revision."""

    @property
    def info(self) -> TreeInfo:
        """What tree this is, or which one a bundle was made of."""
        ...

    @property
    def root(self) -> Path:
        """Directory of the tree, or of the bundle."""
        ...

    @property
    def source_root(self) -> Path | None:
        """Directory that has the files of answers; None for a bundle, which has no source."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user; answering can add notes."""
        ...

    @property
    def index(self) -> Index:
        """The index of this revision."""
        ...

    @property
    def messages(self) -> Messages:
        """Its messages."""
        ...

    @property
    def source(self) -> Source:
        """Its files."""
        ...

    @property
    def histories(self) -> Histories:
        """Where its messages came from."""
        ...

    @property
    def releases(self) -> Releases:
        """The releases beside it."""
        ...

    def is_current(self) -> bool:
        """Return whether a newly opened backend would give the same answers."""
        ...

    def at_revision(self, rev: str, /) -> AbstractContextManager["Backend"]:
        """Open another revision of the same tree, with the same index."""
        ...

    def close(self) -> None:
        """Close files and end the processes that belong to this backend."""
        ...
