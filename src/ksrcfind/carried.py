"""Answers from a bundle, and making one: what a tree, its index and its history say, in one file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import NoReturn

import msgspec

from ksrcfind import __version__
from ksrcfind.config import Settings
from ksrcfind.errors import KsrcfindError
from ksrcfind.finder import LONGEST_FILE, MAKEFILE, Finder
from ksrcfind.finding import Finding
from ksrcfind.history.provenance import Commit, Later, Provenance
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.history.trace import Request, wording_place
from ksrcfind.index.carried import About, CarriedIndex, write_carried
from ksrcfind.log.line import LogLine
from ksrcfind.match.rank import Matcher
from ksrcfind.progress import Progress
from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.source.message import Message
from ksrcfind.tree.maintainers import FILE as MAINTAINERS
from ksrcfind.tree.repository import COMMIT_ID
from ksrcfind.tree.snapshot import TreeInfo

CARRIED_FILES = {MAINTAINERS: 10**9, MAKEFILE: 20}
"""Files of the tree that are carried: how many of their first lines."""

NOT_CARRIED = "The bundle was made without history; ksrcfind index --output FILE --with-history puts it in."
"""What an answer says that would need it."""

PLACE_CALLS = "place-calls"
"""Name of what tells the calls of each file that tell their own place."""

# JSON, since msgpack has no time zones: dates are told as their authors wrote them.
_provenance = msgspec.json.Decoder(Provenance)
_commit = msgspec.json.Decoder(Commit)
_place_calls_of = msgspec.json.Decoder(dict[str, list[tuple[int, str]]])
_encoder = msgspec.json.Encoder()


def open_finder(settings: Settings, rev: str | None, start: Path, progress: Progress) -> Finder:
    """Return the finder that settings mean: from the bundle that they name, else of a tree.

    Raises `KsrcfindError`: no tree, unknown revision, a repository that git refuses, an index that cannot be used.
    """
    if settings.index is not None:
        if rev is not None:
            raise needs_tree(settings.index, f"answer for {rev}")
        return CarriedFinder(settings.index)
    return Finder.open(repo=settings.repo, start=start, rev=rev, settings=settings, progress=progress)


def needs_tree(bundle: Path, what: str) -> KsrcfindError:
    """Return the error for a question that a bundle, which holds one revision and no source, cannot answer."""
    return KsrcfindError(
        f"the bundle {bundle} cannot {what}",
        "This needs a kernel tree: name one with --repo, or run inside one, without --index or KSRCFIND_INDEX.",
    )


class CarriedFinder(Finder):
    """Answers questions from a bundle, without a tree and without git."""

    _whole = "this index"

    def __init__(self, path: Path) -> None:
        """Open an index. Raises `KsrcfindError` if it cannot be used."""
        self._carried = CarriedIndex(path)
        self._begin(_CarriedHistory(self._carried), None, RevisionIndex(self._carried))
        self._file = _file_now(path)
        self._calls: dict[str, list[tuple[int, str]]] | None = None

    @property
    def info(self) -> TreeInfo:
        """What tree the index was made of."""
        about = self._carried.about
        return TreeInfo(about.rev, about.commit, about.source)

    @property
    def root(self) -> Path:
        """Directory of the index: there is no tree."""
        return self._carried.path.parent

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before reading answers."""
        about = self._carried.about
        what = about.rev or about.commit or about.tree
        return (f"answers from {self._carried.path}, made of {what} on {about.made[:10]}",)

    @property
    def has_history(self) -> bool:
        """Whether the index was made with history."""
        return self._carried.about.history

    def close(self) -> None:
        """Close the file."""
        self._carried.close()

    def is_current(self) -> bool:
        """Tell whether the file is the one that was opened."""
        return _file_now(self._carried.path) == self._file

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
        return needs_tree(self._carried.path, what)

    def _ready(self, *, wait: bool = False) -> Matcher:  # noqa: ARG002 - nothing builds a bundle meanwhile
        assert self._matcher is not None  # noqa: S101 - made with the object
        return self._matcher

    def _complete(self) -> None:
        """Nothing is missing."""

    def _refresh(self, paths: Iterable[str]) -> bool:  # noqa: ARG002 - the tree is not there to change
        return False

    def _all_files(self) -> list[str]:
        return self._carried.paths()

    def _switched_off(self, path: str, line: int) -> list[Message]:  # noqa: ARG002 - the tree is not there to read
        return []

    def _releases_printing(self, log: LogLine) -> list[ReleaseTag]:  # noqa: ARG002 - it holds one revision
        return []

    def _length(self, path: str) -> int | None:
        """Return None for a file without messages; how many lines the others have is not carried."""
        return LONGEST_FILE if path in self._carried.paths() else None

    def _has_file(self, path: str) -> bool:
        return path in self._all_place_calls()

    def _place_calls(self, path: str) -> Sequence[tuple[int, str]]:
        return self._all_place_calls().get(path, ())

    def _all_place_calls(self) -> dict[str, list[tuple[int, str]]]:
        if self._calls is None:
            self._calls = self._carried.decoded(PLACE_CALLS, _place_calls_of) or {}
        return self._calls

    def _read(self, path: str) -> bytes:
        found = self._carried.further(path) if path in CARRIED_FILES else None
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
class _CarriedHistory:
    """History as it was told when the index was made."""

    carried: CarriedIndex

    def expect(self, requests: Sequence[Request]) -> None:
        """Do nothing: every history is at hand."""

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each message."""
        if not self.carried.about.history:
            return [Provenance("unavailable", note=NOT_CARRIED) for _ in requests]
        return [self._provenance(request) for request in requests]

    def is_current(self) -> bool:
        """Return True: they do not change."""
        return True

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return the commits that are in the file."""
        found = ((commit_id, self.carried.decoded(f"commit:{commit_id}", _commit)) for commit_id in ids)
        return {commit_id: self._checked(commit_id, commit) for commit_id, commit in found if commit is not None}

    def _provenance(self, request: Request) -> Provenance:
        told = self.carried.decoded(_story(request), _provenance)
        if told is None:
            return Provenance("unavailable")
        if told.status not in ("traced", "blame-only", "unavailable"):
            raise self.carried.unusable("a history cannot be")
        for commit_id in dict.fromkeys(told.commits()):
            if not COMMIT_ID.fullmatch(commit_id) or self.carried.further(f"commit:{commit_id}") is None:
                raise self.carried.unusable("a history names a commit that is not there")
        return told

    def _checked(self, commit_id: str, commit: Commit) -> Commit:
        if commit.id != commit_id or None in (commit.author.date.tzinfo, commit.committer.date.tzinfo):
            raise self.carried.unusable("a commit cannot be")
        return commit


def _story(request: Request) -> str:
    path, line = wording_place(request)
    return f"story:{path}:{line}"


def carry(finder: Finder, output: Path, progress: Progress, *, with_history: bool) -> About:
    """Write what a finder knows of its tree into one file. Histories told before are not asked for again.

    Raises `KsrcfindError` for a file that cannot be written: before the work, as far as that can be told.
    """
    if output.exists() and not output.is_file():  # A device would be replaced by the file.
        raise KsrcfindError(f"cannot write {output}: it is no regular file", "Name a new file, or a bundle to replace.")
    if not output.parent.is_dir():
        raise KsrcfindError(f"cannot write {output}: there is no directory {output.parent}")
    messages = sum(1 for _ in finder.messages())
    info = finder.info
    made = datetime.now(UTC).isoformat(timespec="seconds")
    about = About(info.rev, info.commit, info.source, finder.root.name, made, __version__, messages, with_history)

    extras = _files(finder) | {PLACE_CALLS: _place_calls(finder, progress)}
    if with_history:
        extras |= _histories(finder, messages, progress)
    units = ((path, list(own)) for path, own in groupby(finder.messages(), key=lambda message: message.path))
    write_carried(output, about, units, extras.items())
    return about


def _files(finder: Finder) -> dict[str, bytes]:
    """Return what is carried of files of the tree itself."""
    found = {path: finder.source(path, 1, last) for path, last in CARRIED_FILES.items()}
    return {path: "\n".join(lines).encode("utf-8", "replace") for path, lines in found.items() if lines}


def _place_calls(finder: Finder, progress: Progress) -> bytes:
    """Return the calls of every file that tell their own place, packed."""
    found: dict[str, list[tuple[int, str]]] = {}
    with progress.task("looking for calls that tell their place", None) as task:
        for path, calls in finder.all_place_calls():
            found[path] = calls
            task.advance()
    return _encoder.encode(found)


def _histories(finder: Finder, messages: int, progress: Progress) -> dict[str, bytes]:
    """Return the history of every message, and every commit that one names, packed."""
    told: dict[str, bytes] = {}
    commits: set[str] = set()
    with progress.task("telling histories", messages) as task:
        for _path, own in groupby(finder.messages(), key=lambda message: message.path):
            requests = list({_story(request): request for request in map(Request, own)}.values())
            for request, provenance in zip(requests, finder.histories(requests), strict=True):
                told[_story(request)] = _encoder.encode(provenance)
                commits.update(provenance.commits())
            task.advance(len(requests))
    return told | {f"commit:{one.id}": _encoder.encode(one) for one in finder.commits(sorted(commits))}
