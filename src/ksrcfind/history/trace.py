"""The interface to histories: where wordings came from, what happened to them later, and the commits involved."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from ksrcfind.caching import Cache
from ksrcfind.history.blame_and_follow import Place, Tracer
from ksrcfind.history.commit_info import CommitInfo
from ksrcfind.history.follow import Follower
from ksrcfind.history.index.answers import open_histories
from ksrcfind.history.message_histories import MessageHistories
from ksrcfind.history.occurrences import Occurrences
from ksrcfind.history.provenance import Commit, Later, Provenance, Release
from ksrcfind.history.provenance_builder import ProvenanceBuilder
from ksrcfind.history.related_commits import RelatedCommits
from ksrcfind.history.releases import Releases
from ksrcfind.history.removal import Removals
from ksrcfind.history.renames import Renames
from ksrcfind.history.simple_blame import SimpleBlame
from ksrcfind.history.state import is_plain
from ksrcfind.history.whole_history import WholeHistory, file_name
from ksrcfind.history.wording_releases import WordingReleases
from ksrcfind.progress import SILENT, Progress
from ksrcfind.source.message import Message
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.git import GitError
from ksrcfind.tree.repository import has_commit_graph
from ksrcfind.tree.revision import RevisionSnapshot

MANY_FILES = 150
"""Number of files from which on the whole history is read at once: as many blames take about the same time."""
MANY_FILES_WITHOUT_GRAPH = 25
"""The same number for a repository without a commit-graph, where each blame takes longer."""

NO_GIT = "This tree is not the root of a git repository: it has no history to ask."


class Request(Struct, frozen=True):
    """A message whose history is wanted."""

    message: Message
    at: Place | None = None
    """Path and line in the question, if the message was found by its place."""


class History:
    """The histories of the messages of one snapshot."""

    def __init__(
        self,
        snapshot: RevisionSnapshot | DirectorySnapshot,
        releases: Releases | None = None,
        cache: Cache | None = None,
        *,
        follow: bool = True,
        jobs: int | None = None,
        progress: Progress = SILENT,
        index_directory: Path | None = None,
    ) -> None:
        """Compute histories with the first tags of `releases`, by default those with names such as `v5.9`.

        `cache` keeps the histories of committed files, which take from 0.1 s to a second each. Without `follow`, a
        history consists of what git blame reports. `jobs` blames run at the same time, by default one for each
        processor. `index_directory` is the directory that may hold a history index.
        """
        self._progress = progress
        self._git: _GitHistory | None = None
        if isinstance(snapshot, RevisionSnapshot):
            jobs = jobs or os.cpu_count() or 1
            self._git = _GitHistory(
                snapshot, releases or Releases(snapshot.repository), cache, follow=follow, jobs=jobs
            )
            if follow and index_directory is not None:
                self._git.use_index(index_directory)

    def expect(self, requests: Sequence[Request]) -> None:
        """Prepare for tracing many messages in parts: read the whole history once if that is faster."""
        if self._git is not None:
            self._git.expect(_places(requests), self._progress)

    def undecided(self, requests: Sequence[Request]) -> list[Request]:
        """Return the requests that the history index does not answer; none without an index."""
        if self._git is None or self._git.tracer.indexed is None:
            return []
        unknown = set(self._git.tracer.unknown(_places(requests)))
        return [request for request in requests if wording_place(request) in unknown]

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each requested message, in the order of the requests.

        Lines of one file share a run of git blame. Raises `KsrcfindError` for an error that the user must fix in the
        repository (partial clone).
        """
        if self._git is None:
            return [Provenance("unavailable", note=NO_GIT) for _ in requests]
        traced = self._git.tracer.trace(_places(requests))
        return self._git.builder.provenances([traced[wording_place(request)] for request in requests])

    def use_index(self, directory: Path) -> None:
        """Answer from the history index in a directory from now on, if it has the snapshot's commit."""
        if self._git is not None:
            self._git.use_index(directory)

    def is_current(self) -> bool:
        """Return whether all histories are still valid: tags, branches and settings are unchanged."""
        return self._git is None or self._git.is_current()

    def later(self, start: str, place: Place, end: str) -> Later:
        """Return what happened to the text on a source line of the commit `start` until the commit `end`."""
        if self._git is None:
            return Later()
        return self._git.builder.later(self._git.removals.removals_after(start, *place, end))

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return commits with all fields of the output record, by their full ids.

        Commits that the repository does not have are left out.
        """
        return self._git.commit_info.describe(ids) if self._git is not None else {}

    def changed_files(self, commit_id: str) -> list[str]:
        """Return the source files that a commit changed and left there; none for a first commit."""
        return self._git.commit_info.changed_files(commit_id) if self._git is not None else []

    def releases(self, names: Sequence[str]) -> dict[str, Release]:
        """Return the first release of the commits that names lead to; unknown ones are left out."""
        return self._git.commit_info.releases(names) if self._git is not None else {}


class _GitHistory:
    """The parts that compute histories of a git repository."""

    def __init__(
        self, snapshot: RevisionSnapshot, releases: Releases, cache: Cache | None, *, follow: bool, jobs: int
    ) -> None:
        repository = snapshot.repository
        self._repository = repository
        self._snapshot = snapshot
        self._occurrences = Occurrences(repository) if follow else None
        follower = Follower(self._occurrences) if self._occurrences is not None else None
        self._histories = MessageHistories(repository, cache) if follow and cache is not None else None
        self.tracer = Tracer(snapshot, follower, self._histories, jobs)
        self.removals = Removals(repository)
        self.commit_info = CommitInfo(repository.objects, releases, RelatedCommits(repository, cache))
        self._wording_releases = WordingReleases(repository.objects, releases)
        self.builder = ProvenanceBuilder(self.commit_info, self._wording_releases)

    def is_current(self) -> bool:
        """Return whether cached answers are still valid: references and settings that they depend on are unchanged."""
        self._repository.objects.load()  # Only a long-running server calls this; it will ask more questions.
        return (self._histories is None or self._histories.is_current()) and self.commit_info.is_current()

    def use_index(self, directory: Path) -> None:
        """Answer from the history index in a directory, if it has the snapshot's commit."""
        if self._occurrences is not None:
            self.tracer.indexed = open_histories(
                self._repository, self._snapshot.commit, directory, self._occurrences.commit
            )
            indexed = self.tracer.indexed
            self.builder.gives_lineages = indexed is not None
            self.removals.removing = indexed.removing if indexed is not None else None
            self._wording_releases.has_text = indexed.has_text if indexed is not None else None

    def expect(self, places: Mapping[Place, bool], progress: Progress) -> None:
        """Read the whole history once if that is faster than one walk of git for each file."""
        shared = self.tracer.simple_blame
        read = shared.names if shared is not None else frozenset[str]()
        files = [path for path in {path for path, _line in self.tracer.unknown(places)} if file_name(path) not in read]
        enough = MANY_FILES if has_commit_graph(self._repository) else MANY_FILES_WITHOUT_GRAPH
        if len(files) < enough or not is_plain(self._repository):
            return
        names = read | {file_name(path) for path in files}
        with progress.task("reading the history", None) as task:
            try:
                whole_history = WholeHistory(self._repository.git, self._snapshot.commit, names, task)
            except GitError:  # If an object is missing, the blame that needs it reports that.
                return
        renames = self._occurrences.renames if self._occurrences is not None else Renames(self._repository)
        self.tracer.simple_blame = SimpleBlame(self._repository, whole_history, renames)
        if self._occurrences is not None:
            self._occurrences.whole_history = whole_history
            self._occurrences.beginning = self.tracer.simple_blame.beginning


def _places(requests: Sequence[Request]) -> dict[Place, bool]:
    """Return, for each requested message, the place of its wording and whether it has a text to follow."""
    return {wording_place(request): bool(request.message.text_lines) for request in requests}


def wording_place(request: Request) -> Place:
    """Return the path and line whose blame is the last change of a message.

    If the wording has several lines, this is the requested line if it holds a part of the wording, else the line with
    most of the text, and the first of equally long ones. For a message without literal text, it
    is the line of the call.
    """
    message = request.message
    if not message.text_lines:
        return message.path, message.line_start
    for part in message.text_lines:
        if request.at == (part.path, part.line):
            return part.path, part.line
    longest = max(message.text_lines, key=lambda part: part.length)
    return longest.path, longest.line
