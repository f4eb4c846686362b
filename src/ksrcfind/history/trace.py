"""The interface to histories: where wordings came from, what happened to them later, and the commits involved."""

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ksrcfind.caching import Cache
from ksrcfind.history.provenance import Commit, Later, Provenance, Release
from ksrcfind.history.request import Place, Request, wording_place
from ksrcfind.progress import SILENT, Progress
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.revision import RevisionSnapshot

if TYPE_CHECKING:
    from ksrcfind.history.git_history import GitHistory
    from ksrcfind.history.releases import Releases

NO_GIT = "This tree is not the root of a git repository: it has no history to ask."


class History:
    """The histories of the messages of one snapshot."""

    def __init__(
        self,
        snapshot: RevisionSnapshot | DirectorySnapshot,
        releases: "Releases | None" = None,
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
        self._snapshot = snapshot
        self._releases = releases
        self._cache = cache
        self._follow = follow
        self._jobs = jobs or os.cpu_count() or 1
        self._progress = progress
        self._index_directory = index_directory

    @cached_property
    def _git(self) -> "GitHistory | None":
        """What computes the histories; None without git."""
        if not isinstance(self._snapshot, RevisionSnapshot):
            return None
        # Imported here because a plain directory has no history, and a run may not ask for it.
        from ksrcfind.history.git_history import GitHistory

        found = GitHistory(self._snapshot, self._releases, self._cache, follow=self._follow, jobs=self._jobs)
        if self._follow and self._index_directory is not None:
            found.use_index(self._index_directory)
        return found

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

    def index_changed(self) -> None:
        """Answer from the history index as it is now. Histories that were not asked for yet open it when they are."""
        made: GitHistory | None = self.__dict__.get("_git")
        if made is not None and self._index_directory is not None:
            made.use_index(self._index_directory)

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


def _places(requests: Sequence[Request]) -> dict[Place, bool]:
    """Return, for each requested message, the place of its wording and whether it has a text to follow."""
    return {wording_place(request): bool(request.message.text_lines) for request in requests}
