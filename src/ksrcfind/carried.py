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
from ksrcfind.finder import Finder
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

NOT_CARRIED = "The carried index was made without history; ksrcfind index --output FILE --with-history puts it in."
"""What an answer says that would need it."""

# JSON, since msgpack has no time zones: dates are told as their authors wrote them.
_provenance = msgspec.json.Decoder(Provenance)
_commit = msgspec.json.Decoder(Commit)
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

    def __init__(self, path: Path) -> None:
        """Open an index. Raises `KsrcfindError` if it cannot be used."""
        self._carried = CarriedIndex(path)
        self._index = RevisionIndex(self._carried, "")
        self._matcher = Matcher(self._index)
        self._history = _CarriedHistory(self._carried)
        self._maintainers = None
        self._releases = None

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

    def _read(self, path: str) -> bytes:
        found = self._carried.further(MAINTAINERS) if path == MAINTAINERS else None
        if found is None:
            raise FileNotFoundError(path)
        return found


@dataclass(frozen=True, slots=True)
class _CarriedHistory:
    """History as it was told when the index was made."""

    carried: CarriedIndex

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
    """Write what a finder knows of its tree into one file. Histories told before are not asked for again."""
    messages = sum(1 for _ in finder.messages())
    info = finder.info
    made = datetime.now(UTC).isoformat(timespec="seconds")
    about = About(info.rev, info.commit, info.source, finder.root.name, made, __version__, messages, with_history)

    extras = _maintainers(finder)
    if with_history:
        extras |= _histories(finder, messages, progress)
    units = ((path, list(own)) for path, own in groupby(finder.messages(), key=lambda message: message.path))
    write_carried(output, about, units, extras.items())
    return about


def _maintainers(finder: Finder) -> dict[str, bytes]:
    lines = finder.source(MAINTAINERS, 1, 10**9)
    return {MAINTAINERS: "\n".join(lines).encode("utf-8", "replace")} if lines else {}


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
