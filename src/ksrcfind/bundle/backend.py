"""Implements `backend.Backend` with a bundle (an index in one file), without a kernel tree and without git."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import msgspec

from ksrcfind.backend import LONGEST_FILE, Indexed
from ksrcfind.bundle.code import as_file, kept_lines
from ksrcfind.bundle.format import BUNDLED_FILES, PLACE_CALLS, Bundle, history_name
from ksrcfind.errors import KsrcfindError
from ksrcfind.history.provenance import Commit, Later, Provenance
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.history.request import Request
from ksrcfind.log.line import LogLine
from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.source.message import Message
from ksrcfind.tree.names import skipped_note
from ksrcfind.tree.repository import COMMIT_ID
from ksrcfind.tree.snapshot import TreeInfo

NO_HISTORY = "The bundle has no history. Add it with: ksrcfind index --output FILE --with-history"
"""The note of an answer that has no history because the bundle has none."""

NO_CODE = "The bundle has no code. Add it with: ksrcfind index --output FILE --with-code"
"""The note of an answer that was to show code, but the bundle has none."""

# JSON, since msgpack does not keep time zones: dates are shown as the commits' authors wrote them.
_provenance = msgspec.json.Decoder(Provenance)
_commit = msgspec.json.Decoder(Commit)
_place_calls_of = msgspec.json.Decoder(dict[str, list[tuple[int, str]]])


def needs_tree(bundle: Path, what: str) -> KsrcfindError:
    """Return the error for a question that a bundle cannot answer: it has one revision and no source.

    `what` completes the sentence "the bundle cannot …".
    """
    return KsrcfindError(
        f"the bundle {bundle} cannot {what}",
        "This needs a kernel tree: name one with --repo, or run inside one, without --index or KSRCFIND_INDEX.",
    )


class BundleBackend:
    """Implements `backend.Backend` with a bundle: answers come from its index and its cached histories."""

    source_root = None

    def __init__(self, path: Path) -> None:
        """Open the bundle at a path. Raises `KsrcfindError` if it is missing, damaged or of another format version."""
        self._bundle = Bundle(path)
        self._file = _file_now(path)
        self.index = BundleIndex(self._bundle)
        self.messages = BundleMessages(self._bundle, self.index.indexed.messages)
        self.source = BundleSource(self._bundle)
        self.histories = BundleHistories(self._bundle)
        self.releases = NoReleases(self._bundle.path, self.index.indexed)

    @property
    def info(self) -> TreeInfo:
        """The description of the tree from which the bundle was made."""
        about = self._bundle.about
        return TreeInfo(about.rev, about.commit, about.source)

    @property
    def root(self) -> Path:
        """The directory that contains the bundle, since there is no tree."""
        return self._bundle.path.parent

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user: what the bundle was made from, and which files it lacks."""
        about = self._bundle.about
        what = about.rev or about.commit or about.tree
        made = f"answers from {self._bundle.path}, made from {what} on {about.made[:10]}"
        return (made, skipped_note(about.skipped)) if about.skipped else (made,)

    def is_current(self) -> bool:
        """Return whether the bundle's file is the one that was opened: it was not replaced since."""
        return _file_now(self._bundle.path) == self._file

    def at_revision(self, rev: str) -> NoReturn:
        """Raise `KsrcfindError`: a bundle has only one revision."""
        raise needs_tree(self._bundle.path, f"answer for {rev}")

    def close(self) -> None:
        """Close the bundle's file."""
        self._bundle.close()


class BundleIndex:
    """Implements `backend.Index` with a bundle: a complete index that never changes."""

    unsaved = None

    def __init__(self, bundle: Bundle) -> None:
        self._path = bundle.path
        self.indexed = Indexed.of(bundle)
        """The messages of the bundle."""

    @property
    def key(self) -> str:
        """The path of the bundle, which identifies its only revision."""
        return str(self._path)

    def current(self) -> Indexed:
        """Return the messages of the bundle."""
        return self.indexed

    def ensure(self) -> Indexed:
        """Return the messages of the bundle."""
        return self.indexed

    def ensure_complete(self) -> Indexed:
        """Return the messages of the bundle: its index is always complete."""
        return self.indexed

    def refresh(self, _paths: Iterable[str]) -> bool:
        """Return False: a bundle has no files that could change."""
        return False

    def build(self) -> NoReturn:
        """Raise `KsrcfindError`: a bundle never changes."""
        raise needs_tree(self._path, "build an index")


class BundleMessages:
    """Implements `backend.Messages` with a bundle."""

    def __init__(self, bundle: Bundle, index: RevisionIndex) -> None:
        self._index = index
        self.skipped = bundle.about.skipped
        """Escaped names of the tree's files that the bundle lacks because their names are not UTF-8."""

    def of(self, path: str) -> list[Message]:
        """Return the messages of a source file, in source order. Empty if the bundle does not have the file."""
        return self._index.messages_of(path)

    def prefetch(self, _paths: Iterable[str]) -> None:
        """Do nothing: the bundle contains every message."""

    def switched_off(self, _path: str, _line: int) -> list[Message]:
        """Return an empty list: a bundle has no source in which to look for commented-out calls."""
        return []

    def likely(self, _body: str) -> Iterator[RevisionIndex]:
        """Yield the index of all messages: a bundle needs no search for likely files."""
        yield self._index


class BundleSource:
    """Implements `backend.Source` with the few parts of source files that a bundle contains."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def paths(self) -> list[str]:
        """Return the paths of all files that have messages, sorted."""
        return self._bundle.paths()

    def read(self, path: str) -> bytes:
        """Return the part of a file that the bundle contains. Raises `FileNotFoundError` if it contains none.

        Lines of C code that it does not contain are empty.
        """
        found = self._bundle.further(path) if path in BUNDLED_FILES else self._code(path)
        if found is None:
            raise FileNotFoundError(path)
        return found

    @property
    def without_code(self) -> str | None:
        """Why the bundle has no code. None if it was made with code."""
        return None if self._bundle.about.code else NO_CODE

    def known_lines(self, path: str, line: int) -> range:
        """Return the lines around a line that the bundle contains."""
        file = self._bundle.code.file(path) if self._bundle.code else None
        return kept_lines(file, line) if file is not None else range(0)

    def _code(self, path: str) -> bytes | None:
        file = self._bundle.code.file(path) if self._bundle.code else None
        return as_file(file) if file is not None else None

    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of the files that the bundle holds."""
        for path in paths:
            try:
                yield path, self.read(path)
            except FileNotFoundError:
                continue

    def with_words(self, _words: Sequence[str]) -> NoReturn:
        """Raise `KsrcfindError`: a bundle has no code to search."""
        raise needs_tree(self._bundle.path, "look for callers")

    def has_file(self, path: str) -> bool:
        """Return whether the tree of the bundle had this C or assembly file."""
        return path in self._calls

    def length(self, path: str) -> int | None:
        """Return an upper bound for the number of lines of a file with messages: a bundle has no line counts.

        None for a file without messages.
        """
        return LONGEST_FILE if self._bundle.spans_of(path) else None

    def place_calls(self, path: str) -> Sequence[tuple[int, str]]:
        """Return (line, name) of the calls in a file that print their own source location, such as `WARN_ON`."""
        return self._calls.get(path, ())

    def all_place_calls(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Yield (path, calls) for every C and assembly file: the calls that print their own source location.

        Each call is (line, name).
        """
        yield from self._calls.items()

    def definitions(self, _name: str) -> NoReturn:
        """Raise `KsrcfindError`: a bundle has no source."""
        raise needs_tree(self._bundle.path, "show a function")

    def all_definitions(self, _names: Sequence[str]) -> NoReturn:
        """Raise `KsrcfindError`: a bundle has no source."""
        raise needs_tree(self._bundle.path, "find functions")

    def similar_names(self, _name: str) -> Iterable[str]:
        """Return none: a bundle has no source."""
        return ()

    def document_words(self) -> None:
        """Return None: a bundle has no documents."""

    @cached_property
    def _calls(self) -> dict[str, list[tuple[int, str]]]:
        return self._bundle.decoded(PLACE_CALLS, _place_calls_of) or {}


class BundleHistories:
    """Implements `backend.Histories` with the histories that were traced when the bundle was made."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    @property
    def known(self) -> bool:
        """Whether the bundle contains the histories of its messages."""
        return self._bundle.about.history

    def expect(self, requests: Sequence[Request]) -> None:
        """Do nothing: the bundle's histories need no preparation."""

    def undecided(self, requests: Sequence[Request]) -> list[Request]:  # noqa: ARG002 - as in the protocol
        """Return an empty list: a bundle has the histories themselves."""
        return []

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each requested message, in the order of `requests`."""
        if not self.known:
            return [Provenance("unavailable", note=NO_HISTORY) for _ in requests]
        return [self._provenance(request) for request in requests]

    def commits(self, ids: Iterable[str], *, thorough: bool = False) -> dict[str, Commit]:
        """Return commit id → commit for those of the `ids` that the bundle contains."""
        del thorough  # What a message names was looked up when the bundle was made.
        found = ((commit_id, self._bundle.decoded(f"commit:{commit_id}", _commit)) for commit_id in ids)
        return {commit_id: self._checked(commit_id, commit) for commit_id, commit in found if commit is not None}

    def named(self, _name: str) -> NoReturn:
        """Raise `KsrcfindError`: a bundle holds only the commits of its messages."""
        raise needs_tree(self._bundle.path, "show a commit")

    def build_index(self) -> NoReturn:
        """Raise `KsrcfindError`: a bundle never changes."""
        raise needs_tree(self._bundle.path, "build an index")

    def later(self, _start: str, _request: Request) -> Later:
        """Return an empty result: a bundle does not know what happened to a message later."""
        return Later()

    def patch(self, _commit_id: str) -> None:
        """Return None: a bundle contains no patches."""

    def _provenance(self, request: Request) -> Provenance:
        found = self._bundle.decoded(history_name(request), _provenance)
        if found is None:
            return Provenance("unavailable")
        if found.status not in ("traced", "blame-only", "unavailable"):
            raise self._bundle.unusable("a history has an unknown status")
        for commit_id in dict.fromkeys(found.commits()):
            if not COMMIT_ID.fullmatch(commit_id) or self._bundle.further(f"commit:{commit_id}") is None:
                raise self._bundle.unusable("a history names a commit that is not there")
        return found

    def _checked(self, commit_id: str, commit: Commit) -> Commit:
        if commit.id != commit_id or None in (commit.author.date.tzinfo, commit.committer.date.tzinfo):
            raise self._bundle.unusable("a commit has another id, or a date without a time zone")
        return commit


class NoReleases:
    """Implements `backend.Releases` with a bundle: it has one revision and knows no other release."""

    tags = ()
    advice = None

    def __init__(self, path: Path, indexed: Indexed) -> None:
        self._path = path
        self._indexed = indexed

    def indexed(self) -> list[ReleaseTag]:
        """Return an empty list: no other release is indexed."""
        return []

    def printing(self, _log: LogLine) -> Iterator[tuple[ReleaseTag, Indexed]]:
        """Return an empty iterator: no other release is indexed."""
        return iter(())

    def lines_known(self, lines: Iterable[LogLine]) -> tuple[int, list[tuple[ReleaseTag, int]]]:
        """Return (number of lines that the bundle's messages can print as a whole, no results for other releases)."""
        return sum(bool(self._indexed.matcher.printing(line)) for line in lines), []

    def index_all(self, _candidates: bool) -> NoReturn:
        """Raise `KsrcfindError`: a bundle has no repository with releases to index."""
        raise needs_tree(self._path, "index releases")

    def differing(self, _newer: str) -> NoReturn:
        """Raise `KsrcfindError`: a bundle has only one revision, and so nothing to compare."""
        raise needs_tree(self._path, "compare revisions")

    def check_lives(self) -> NoReturn:
        """Raise `KsrcfindError`: a bundle does not know how a message changed after its own revision."""
        raise needs_tree(self._path, "show how a message changed")


def _file_now(path: Path) -> tuple[int, int, int] | None:
    """Return a value that changes when the file at a path is replaced or changed. None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
