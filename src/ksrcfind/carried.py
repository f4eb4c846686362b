"""Answers from a carried index, and making one: what a tree, its index and its history say, in one file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import msgspec

from ksrcfind import __version__
from ksrcfind.config import Settings
from ksrcfind.errors import KsrcfindError
from ksrcfind.finder import LONGEST_FILE, MAKEFILE, Finder
from ksrcfind.history.provenance import Commit, Provenance
from ksrcfind.history.trace import Request, wording_place
from ksrcfind.index.carried import About, CarriedIndex, write_carried
from ksrcfind.index.report import IndexReport
from ksrcfind.index.search import RevisionIndex
from ksrcfind.match.rank import Matcher
from ksrcfind.progress import Progress
from ksrcfind.source.maintainers import FILE as MAINTAINERS
from ksrcfind.source.message import Message
from ksrcfind.tree.snapshot import TreeInfo

CARRIED_FILES = {MAINTAINERS: 10**9, MAKEFILE: 20}
"""Files of the tree that are carried: how many of their first lines."""

NOT_CARRIED = "The carried index was made without history; ksrcfind index --output FILE --with-history puts it in."
"""What an answer says that would need it."""

PLACE_CALLS = "place-calls"
"""Name of what tells the calls of each file that tell their own place."""

# JSON, since msgpack has no time zones: dates are told as their authors wrote them.
_provenance = msgspec.json.Decoder(Provenance)
_commit = msgspec.json.Decoder(Commit)
_place_calls_of = msgspec.json.Decoder(dict[str, list[tuple[int, str]]])
_encoder = msgspec.json.Encoder()


def open_finder(settings: Settings, rev: str | None, start: Path, progress: Progress) -> Finder:
    """Return the finder that settings mean: from the carried index that they name, else of a tree.

    Raises `KsrcfindError`: no tree, unknown revision, a repository that git refuses, an index that cannot be used.
    """
    if settings.index is not None:
        return CarriedFinder(settings.index)
    return Finder.open(repo=settings.repo, start=start, rev=rev, settings=settings, progress=progress)


class CarriedFinder(Finder):
    """Answers questions from a carried index, without a tree and without git."""

    _whole = "this index"

    def __init__(self, path: Path) -> None:
        """Open an index. Raises `KsrcfindError` if it cannot be used."""
        self._carried = CarriedIndex(path)
        self._index = RevisionIndex(self._carried, "")
        self._matcher = Matcher(self._index)
        self._history = _CarriedHistory(self._carried)
        self._maintainers = None
        self._releases = None
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

    def patch(self, commit: str) -> str:
        """What a commit says: its changes are not carried."""
        return self.commit(commit).message

    def build_index(self) -> IndexReport:
        """Refuse: what is carried cannot change."""
        raise KsrcfindError("a carried index cannot be built from itself", "Leave --index out, inside a kernel tree.")

    def _ready(self) -> Matcher:
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

    def _length(self, path: str) -> int | None:
        """Return None for a file without messages; how many lines the others have is not carried."""
        return LONGEST_FILE if path in self._carried.paths() else None

    def _has_file(self, path: str) -> bool:
        return path in self._all_place_calls()

    def _place_calls(self, path: str) -> Sequence[tuple[int, str]]:
        return self._all_place_calls().get(path, ())

    def _all_place_calls(self) -> dict[str, list[tuple[int, str]]]:
        if self._calls is None:
            data = self._carried.further(PLACE_CALLS)
            self._calls = _place_calls_of.decode(data) if data is not None else {}
        return self._calls

    def _read(self, path: str) -> bytes:
        found = self._carried.further(path) if path in CARRIED_FILES else None
        if found is None:
            raise FileNotFoundError(path)
        return found


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

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return the commits that are in the file."""
        found = {commit_id: self.carried.further(f"commit:{commit_id}") for commit_id in ids}
        return {commit_id: _commit.decode(data) for commit_id, data in found.items() if data is not None}

    def _provenance(self, request: Request) -> Provenance:
        data = self.carried.further(_story(request))
        return _provenance.decode(data) if data is not None else Provenance("unavailable")


def _story(request: Request) -> str:
    path, line = wording_place(request)
    return f"story:{path}:{line}"


def carry(finder: Finder, output: Path, progress: Progress, *, with_history: bool) -> About:
    """Write what a finder knows of its tree into one file. Histories told before are not asked for again.

    Raises `KsrcfindError` for a file that cannot be written: before the work, as far as that can be told.
    """
    if output.exists() and not output.is_file():  # A device would be replaced by the file.
        raise KsrcfindError(f"cannot write {output}: it is no regular file", "Name a new file, or an index to replace.")
    if not output.parent.is_dir():
        raise KsrcfindError(f"cannot write {output}: there is no directory {output.parent}", "Make it first.")
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
