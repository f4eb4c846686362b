"""The protocols of an engine's data source.

Trees (`engine.tree_backend`) and bundles (`bundle.backend`), which are indexes in one file, implement these protocols.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from ksrcfind.match.matcher import Matcher
from ksrcfind.search.revision_index import MessageStore, RevisionIndex

if TYPE_CHECKING:
    from ksrcfind.documents.word_list import WordList
    from ksrcfind.history.provenance import Commit, Later, Provenance
    from ksrcfind.history.releases import ReleaseTag
    from ksrcfind.history.request import Request
    from ksrcfind.index.report import IndexReport, ReleasesReport
    from ksrcfind.log.line import LogLine
    from ksrcfind.match.message_index import MessageIndex
    from ksrcfind.search.differing_files import FilePair
    from ksrcfind.source.definitions import Definition
    from ksrcfind.source.message import Message
    from ksrcfind.tree.snapshot import TreeInfo

LONGEST_FILE = 10**9
"""More lines than any file has."""


class Indexed(Struct, frozen=True):
    """The index of a revision, with a matcher over it."""

    messages: RevisionIndex
    matcher: Matcher
    """Matches log lines against these messages."""

    @classmethod
    def of(cls, store: MessageStore) -> "Indexed":
        """Return an index and a matcher over stored messages."""
        index = RevisionIndex(store)
        return cls(index, Matcher(index))


class Index(Protocol):
    """The index of a revision: opens it, builds it, updates it."""

    @property
    def key(self) -> str:
        """Identifies the revision in the store, the cache directory of the tree."""
        ...

    @property
    def unsaved(self) -> str | None:
        """Why the last built index could not be written to the disk. None if it was written."""
        ...

    def current(self) -> Indexed | None:
        """Return the index of the revision, and update it first if the tree has changed. None if there is no index.

        If another run is updating the index, the state before the update is returned.
        """
        ...

    def ensure(self) -> Indexed:
        """Return the index of the revision, and build it if there is none.

        If another run is building or updating the index, this call waits.
        """
        ...

    def ensure_complete(self) -> Indexed:
        """Return the index of the tree's present state, after every file was checked for changes."""
        ...

    def refresh(self, paths: Iterable[str], /) -> bool:
        """Update the index if one of these files of a plain directory has changed. Return whether it was updated."""
        ...

    def build(self) -> "IndexReport":
        """Build or update the index of the whole tree and return a report.

        If another run is building or updating the index, this call waits.
        """
        ...


class Messages(Protocol):
    """The messages of a revision, whether it is indexed or not."""

    @property
    def skipped(self) -> Sequence[str]:
        """Escaped names of the files that are skipped because their names are not UTF-8.

        Empty before the files of the tree were listed.
        """
        ...

    def of(self, path: str) -> list["Message"]:
        """Return the messages of a source file, in source order. Empty if there is no such file.

        This builds no index.
        """
        ...

    def prefetch(self, paths: Iterable[str], /) -> None:
        """Read these files together, since the caller will ask for the messages of each one with `of`."""
        ...

    def switched_off(self, path: str, line: int, /) -> list["Message"]:
        """Return the messages of a file as if the comment or `#if 0` around a line were removed.

        Empty if the line is in neither.
        """
        ...

    def likely(self, body: str, /) -> Iterator["MessageIndex"]:
        """Yield indexes of messages that may have printed a log line, `body`; each one after a longer search."""
        ...


class Source(Protocol):
    """The files of a revision."""

    def paths(self) -> list[str]:
        """Return the paths of all files that can have messages, sorted."""
        ...

    def read(self, path: str) -> bytes:
        """Return the bytes of a file. Raises `FileNotFoundError` if it does not exist."""
        ...

    def read_many(self, paths: Iterable[str], /) -> Iterable[tuple[str, bytes]]:
        """Return path and content of files; those that are not there are left out."""
        ...

    def with_words(self, words: Sequence[str], /) -> Mapping[str, Iterable[str]]:
        """Return path → words, for the files of the kernel's code that contain one of some words as a whole word.

        Raises `KsrcfindError` where there is no code to search.
        """
        ...

    @property
    def without_code(self) -> str | None:
        """A note for the user that says why no code can be shown. None if it can."""
        ...

    def known_lines(self, path: str, line: int, /) -> range:
        """Return the lines around a line that `read` returns as they are in the tree; other lines may be empty."""
        ...

    def has_file(self, path: str) -> bool:
        """Return whether a file exists."""
        ...

    def length(self, path: str) -> int | None:
        """Return the number of lines of a file. None if it does not exist."""
        ...

    def place_calls(self, path: str) -> Sequence[tuple[int, str]]:
        """Return (line, name) of the calls in a file that print their own path and line, such as `WARN_ON`."""
        ...

    def all_place_calls(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Yield (path, calls) for every C and assembly file: the calls that print their own path and line.

        Each call is (line, name).
        """
        ...

    def definitions(self, name: str, /) -> Iterator[tuple[str, "Definition"]]:
        """Yield the functions and macros of a name, with their files. Raises `KsrcfindError` without source."""
        ...

    def all_definitions(self, names: Sequence[str], /) -> Iterator[tuple[str, "Definition"]]:
        """Yield the functions and macros of some names, with their files; one pass over the tree.

        Raises `KsrcfindError` without source.
        """
        ...

    def similar_names(self, name: str, /) -> Iterable[str]:
        """Return names of functions that begin or end as a name does."""
        ...

    def document_words(self) -> "WordList | None":
        """Return which documents of the tree have a word. None if that is not known: without an index, in a bundle."""
        ...


class Histories(Protocol):
    """The histories of messages: commits and releases."""

    @property
    def known(self) -> bool:
        """Whether this data source has histories: False for a plain directory, and for a bundle made without."""
        ...

    def expect(self, requests: Sequence["Request"]) -> None:
        """Prepare to trace these messages, which the caller then requests in several calls of `trace`."""
        ...

    def undecided(self, requests: Sequence["Request"]) -> list["Request"]:
        """Return the requests that the history index does not answer, so that git must; none without an index."""
        ...

    def trace(self, requests: Sequence["Request"]) -> list["Provenance"]:
        """Return the history of each requested message, in the order of `requests`.

        Messages of one file share a run of `git blame`.
        """
        ...

    def commits(self, ids: Iterable[str], *, thorough: bool = False) -> dict[str, "Commit"]:
        """Return full commit id → commit. Ids of commits that do not exist are left out.

        `thorough` searches the whole tree for the names in their messages.
        """
        ...

    def named(self, name: str, /) -> "Commit | None":
        """Return the commit that a revision names, None if there is none.

        Raises `KsrcfindError` for an ambiguous id, and without a repository.
        """
        ...

    def build_index(self) -> None:
        """Build or extend the history index, which answers without git. Raises `KsrcfindError` without git."""
        ...

    def later(self, start: str, request: "Request", /) -> "Later":
        """Return what happened to a message between the commit `start` and HEAD."""
        ...

    def patch(self, commit_id: str, /) -> str | None:
        """Return the commit message and the diff of a commit, as `git show` prints them. None without git."""
        ...


class Releases(Protocol):
    """The release tags of a repository, and the releases that are indexed."""

    @property
    def tags(self) -> tuple["ReleaseTag", ...]:
        """The release tags, the earliest version first. Empty without git."""
        ...

    @property
    def advice(self) -> str | None:
        """Advice for the user that would make later answers faster. None before the first answers."""
        ...

    def indexed(self) -> list["ReleaseTag"]:
        """Return the indexed releases except this revision, the latest first."""
        ...

    def printing(self, log: "LogLine", /) -> Iterator[tuple["ReleaseTag", Indexed]]:
        """Yield (tag, index) of each other indexed release that can print a line as a whole, the latest first."""
        ...

    def lines_known(self, lines: Iterable["LogLine"]) -> tuple[int, list[tuple["ReleaseTag", int]]]:
        """Return (number of lines that this revision can print as a whole, such numbers for the indexed releases).

        The second part has (tag, number) for each indexed release, the earliest first. A missing index of this revision
        is built.
        """
        ...

    def index_all(self, candidates: bool, /) -> "ReleasesReport":
        """Index every release tag, the earliest first. With `candidates`, index the `-rc` tags too.

        Indexed releases are skipped, so an interrupted run continues where it stopped. Raises `KsrcfindError` if there
        are no release tags.
        """
        ...

    def differing(self, newer: str, /) -> list["FilePair"]:
        """Return the files whose messages can differ between this revision and another one.

        `newer` is the key of the other revision, which must be indexed.
        """
        ...

    def check_lives(self) -> None:
        """Raise `KsrcfindError` if there are no releases across which a message's changes could be shown."""
        ...


class Backend(Protocol):
    """The data source of an engine: one revision of a tree, or a bundle."""

    @property
    def info(self) -> "TreeInfo":
        """The description of the tree, or of the tree from which a bundle was made."""
        ...

    @property
    def root(self) -> Path:
        """The directory of the tree. For a bundle, the directory that contains it."""
        ...

    @property
    def source_root(self) -> Path | None:
        """The directory of the source files that answers name. None for a bundle, which has no source."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about the tree and its index. Answering a question can add notes."""
        ...

    @property
    def index(self) -> Index:
        """The index of this revision."""
        ...

    @property
    def messages(self) -> Messages:
        """The messages of this revision."""
        ...

    @property
    def source(self) -> Source:
        """The files of this revision."""
        ...

    @property
    def histories(self) -> Histories:
        """The histories of this revision's messages."""
        ...

    @property
    def releases(self) -> Releases:
        """The releases of the same repository."""
        ...

    def is_current(self) -> bool:
        """Return whether a newly opened backend would give the same answers."""
        ...

    def at_revision(self, rev: str, /) -> AbstractContextManager["Backend"]:
        """Return a context with another revision of the same tree, which is closed at the end of the context."""
        ...

    def close(self) -> None:
        """Close the files and end the processes of this backend."""
        ...
