"""The parts that compute the histories of a git repository, put together."""

from collections.abc import Mapping
from pathlib import Path

from ksrcfind.caching import Cache
from ksrcfind.history.blame_and_follow import Tracer
from ksrcfind.history.commit_info import CommitInfo
from ksrcfind.history.follow import Follower
from ksrcfind.history.index.answers import open_histories
from ksrcfind.history.message_histories import MessageHistories
from ksrcfind.history.occurrences import Occurrences
from ksrcfind.history.provenance_builder import ProvenanceBuilder
from ksrcfind.history.related_commits import RelatedCommits
from ksrcfind.history.releases import Releases
from ksrcfind.history.removal import Removals
from ksrcfind.history.renames import Renames
from ksrcfind.history.request import Place
from ksrcfind.history.simple_blame import SimpleBlame
from ksrcfind.history.state import is_plain
from ksrcfind.history.whole_history import WholeHistory, file_name
from ksrcfind.history.wording_releases import WordingReleases
from ksrcfind.progress import Progress
from ksrcfind.tree.git import GitError
from ksrcfind.tree.repository import has_commit_graph
from ksrcfind.tree.revision import RevisionSnapshot

MANY_FILES = 150
"""Number of files from which on the whole history is read at once: as many blames take about the same time."""
MANY_FILES_WITHOUT_GRAPH = 25
"""The same number for a repository without a commit-graph, where each blame takes longer."""


class GitHistory:
    """Computes histories of a git repository. `follow` and `jobs` are those of `trace.History`."""

    def __init__(
        self, snapshot: RevisionSnapshot, releases: Releases | None, cache: Cache | None, *, follow: bool, jobs: int
    ) -> None:
        repository = snapshot.repository
        releases = releases or Releases(repository)
        self._repository = repository
        self._releases = releases
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
            self._releases.contains = indexed.contains if indexed is not None else None

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
