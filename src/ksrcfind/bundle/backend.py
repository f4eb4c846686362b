"""Answers from a bundle, without a tree and without git."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import msgspec

from ksrcfind.bundle.format import BUNDLED_FILES, PLACE_CALLS, Bundle, story_name
from ksrcfind.config import Settings
from ksrcfind.errors import KsrcfindError
from ksrcfind.finder import LONGEST_FILE, Finder
from ksrcfind.finding import Finding
from ksrcfind.history.provenance import Commit, Later, Provenance
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.history.trace import Request
from ksrcfind.log.line import LogLine
from ksrcfind.match.rank import Matcher
from ksrcfind.progress import Progress
from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.source.message import Message
from ksrcfind.tree.repository import COMMIT_ID
from ksrcfind.tree.snapshot import TreeInfo

NO_HISTORY = "The bundle was made without history; ksrcfind index --output FILE --with-history puts it in."
"""What an answer says that would need it."""

# JSON, since msgpack has no time zones: dates are told as their authors wrote them.
_provenance = msgspec.json.Decoder(Provenance)
_commit = msgspec.json.Decoder(Commit)
_place_calls_of = msgspec.json.Decoder(dict[str, list[tuple[int, str]]])


def open_finder(settings: Settings, rev: str | None, start: Path, progress: Progress) -> Finder:
    """Return the finder that settings mean: from the bundle that they name, else of a tree.

    Raises `KsrcfindError`: no tree, unknown revision, a repository that git refuses, an index that cannot be used.
    """
    if settings.index is not None:
        if rev is not None:
            raise needs_tree(settings.index, f"answer for {rev}")
        return BundleFinder(settings.index)
    return Finder.open(repo=settings.repo, start=start, rev=rev, settings=settings, progress=progress)


def needs_tree(bundle: Path, what: str) -> KsrcfindError:
    """Return the error for a question that a bundle, which holds one revision and no source, cannot answer."""
    return KsrcfindError(
        f"the bundle {bundle} cannot {what}",
        "This needs a kernel tree: name one with --repo, or run inside one, without --index or KSRCFIND_INDEX.",
    )


class BundleFinder(Finder):
    """Answers questions from a bundle, without a tree and without git."""

    _whole = "this index"

    def __init__(self, path: Path) -> None:
        """Open an index. Raises `KsrcfindError` if it cannot be used."""
        self._bundle = Bundle(path)
        self._begin(_BundleHistory(self._bundle), None, RevisionIndex(self._bundle))
        self._file = _file_now(path)
        self._calls: dict[str, list[tuple[int, str]]] | None = None

    @property
    def info(self) -> TreeInfo:
        """What tree the index was made of."""
        about = self._bundle.about
        return TreeInfo(about.rev, about.commit, about.source)

    @property
    def root(self) -> Path:
        """Directory of the index: there is no tree."""
        return self._bundle.path.parent

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before reading answers."""
        about = self._bundle.about
        what = about.rev or about.commit or about.tree
        return (f"answers from {self._bundle.path}, made of {what} on {about.made[:10]}",)

    @property
    def has_history(self) -> bool:
        """Whether the index was made with history."""
        return self._bundle.about.history

    def close(self) -> None:
        """Close the file."""
        self._bundle.close()

    def is_current(self) -> bool:
        """Tell whether the file is the one that was opened."""
        return _file_now(self._bundle.path) == self._file

    def catch_up(self) -> None:
        """Nothing can change."""

    def patch(self, commit: str) -> str:
        """What a commit says: its changes are not carried."""
        return self.commit(commit).message

    def build_index(self) -> NoReturn:
        """Refuse: a bundle never changes."""
        raise self._needs_tree("build an index")

    def index_releases(self, *, candidates: bool) -> NoReturn:  # noqa: ARG002 - refused all the same
        """Refuse: there is no repository to index."""
        raise self._needs_tree("index releases")

    def differing(self, newer: Finder, paths: Sequence[str] = ()) -> NoReturn:  # noqa: ARG002
        """Refuse: a bundle holds one revision."""
        raise self._needs_tree("compare revisions")

    def at_revision(self, rev: str) -> NoReturn:
        """Refuse: a bundle holds one revision."""
        raise self._needs_tree(f"answer for {rev}")

    def check_lives(self) -> NoReturn:
        """Refuse: a bundle does not know in which releases a message changed after its own."""
        raise self._needs_tree("show the life of a message")

    def later(self, finding: Finding) -> Later:  # noqa: ARG002 - nobody can look
        """Nothing is known of later revisions."""
        return Later()

    def lines_known(self, lines: Iterable[LogLine]) -> tuple[int, list[tuple[ReleaseTag, int]]]:
        """Return how many lines this revision can print as a whole; no other release is known."""
        matcher = self._ready()
        return sum(bool(matcher.printing(line)) for line in lines), []

    def all_place_calls(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Yield every file of C and assembly with its calls that tell their own place."""
        yield from self._all_place_calls().items()

    def _needs_tree(self, what: str) -> KsrcfindError:
        return needs_tree(self._bundle.path, what)

    def _ready(self, *, wait: bool = False) -> Matcher:  # noqa: ARG002 - nothing builds a bundle meanwhile
        assert self._matcher is not None  # noqa: S101 - made with the object
        return self._matcher

    def _complete(self) -> None:
        """Nothing is missing."""

    def _refresh(self, paths: Iterable[str]) -> bool:  # noqa: ARG002 - the tree is not there to change
        return False

    def _all_files(self) -> list[str]:
        return self._bundle.paths()

    def _switched_off(self, path: str, line: int) -> list[Message]:  # noqa: ARG002 - the tree is not there to read
        return []

    def _releases_printing(self, log: LogLine) -> list[ReleaseTag]:  # noqa: ARG002 - it holds one revision
        return []

    def _length(self, path: str) -> int | None:
        """Return None for a file without messages; how many lines the others have is not carried."""
        return LONGEST_FILE if path in self._bundle.paths() else None

    def _has_file(self, path: str) -> bool:
        return path in self._all_place_calls()

    def _place_calls(self, path: str) -> Sequence[tuple[int, str]]:
        return self._all_place_calls().get(path, ())

    def _all_place_calls(self) -> dict[str, list[tuple[int, str]]]:
        if self._calls is None:
            self._calls = self._bundle.decoded(PLACE_CALLS, _place_calls_of) or {}
        return self._calls

    def _read(self, path: str) -> bytes:
        found = self._bundle.further(path) if path in BUNDLED_FILES else None
        if found is None:
            raise FileNotFoundError(path)
        return found


def _file_now(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with the file at a path; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


@dataclass(frozen=True, slots=True)
class _BundleHistory:
    """History as it was told when the index was made."""

    bundle: Bundle

    def expect(self, requests: Sequence[Request]) -> None:
        """Do nothing: every history is at hand."""

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each message."""
        if not self.bundle.about.history:
            return [Provenance("unavailable", note=NO_HISTORY) for _ in requests]
        return [self._provenance(request) for request in requests]

    def is_current(self) -> bool:
        """Return True: they do not change."""
        return True

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return the commits that are in the file."""
        found = ((commit_id, self.bundle.decoded(f"commit:{commit_id}", _commit)) for commit_id in ids)
        return {commit_id: self._checked(commit_id, commit) for commit_id, commit in found if commit is not None}

    def _provenance(self, request: Request) -> Provenance:
        told = self.bundle.decoded(story_name(request), _provenance)
        if told is None:
            return Provenance("unavailable")
        if told.status not in ("traced", "blame-only", "unavailable"):
            raise self.bundle.unusable("a history cannot be")
        for commit_id in dict.fromkeys(told.commits()):
            if not COMMIT_ID.fullmatch(commit_id) or self.bundle.further(f"commit:{commit_id}") is None:
                raise self.bundle.unusable("a history names a commit that is not there")
        return told

    def _checked(self, commit_id: str, commit: Commit) -> Commit:
        if commit.id != commit_id or None in (commit.author.date.tzinfo, commit.committer.date.tzinfo):
            raise self.bundle.unusable("a commit cannot be")
        return commit
