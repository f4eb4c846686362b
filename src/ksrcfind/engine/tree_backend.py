"""Implements `backend.Backend` with a tree: its files, its index and the history of its repository."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ksrcfind.engine.index_manager import IndexManager
from ksrcfind.engine.mentions import MentionResolver
from ksrcfind.engine.releases import TreeReleases
from ksrcfind.engine.source_view import TreeSource
from ksrcfind.engine.tree_messages import TreeMessages
from ksrcfind.errors import KsrcfindError
from ksrcfind.history.provenance import Commit, Later, Provenance
from ksrcfind.history.request import Request, wording_place
from ksrcfind.history.trace import History
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.names import skipped_note

if TYPE_CHECKING:
    from ksrcfind.engine.context import TreeContext
    from ksrcfind.history.releases import Releases
    from ksrcfind.tree.snapshot import TreeInfo


class TreeBackend:
    """Implements `backend.Backend` for a source tree: a git repository or a plain directory."""

    def __init__(self, context: "TreeContext") -> None:
        snapshot = context.snapshot
        releases = _releases(context)
        self._context = context
        self.index = IndexManager(context)
        self.source = TreeSource(snapshot, context.store.cache)
        self.messages = TreeMessages(context, self.index, self.source)
        self.histories = TreeHistories(context, releases)
        self.releases = TreeReleases(context, self.index, releases)

    @property
    def info(self) -> "TreeInfo":
        """The description of the tree for an answer."""
        return self._context.snapshot.info

    @property
    def root(self) -> Path:
        """The top directory of the tree."""
        return self._context.snapshot.root

    @property
    def source_root(self) -> Path:
        """The top directory of the tree, which has the source files that answers name."""
        return self._context.snapshot.root

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about the tree and its index. Answering a question can add notes."""
        skipped = self.messages.skipped
        names = [skipped_note(skipped)] if skipped else []
        return (*self._context.snapshot.notes, *self._context.store.notes, *self.index.notes, *names)

    def is_current(self) -> bool:
        """Return whether a newly opened backend would give the same answers.

        True if the commit, the edited files, the index, the tags and the settings of histories are unchanged.
        """
        if not self.index.is_current():
            return False
        snapshot = self._context.snapshot
        if isinstance(snapshot, DirectorySnapshot):
            return True
        try:
            return snapshot.is_current() and self.histories.is_current()
        except KsrcfindError:  # The repository was removed.
            return False

    @contextmanager
    def at_revision(self, rev: str) -> Iterator["TreeBackend"]:
        """Return a context with another revision of the same tree, which is closed at the end of the context."""
        with self._context.at_revision(rev) as context:
            yield TreeBackend(context)

    def close(self) -> None:
        """Close the index and the tree, and end the git process that reads objects."""
        self._context.close()


def _releases(context: "TreeContext") -> "Releases | None":
    """Return the release tags of a repository; a plain directory has none."""
    if isinstance(context.snapshot, DirectorySnapshot):
        return None
    # Imported here because a plain directory does not need it.
    from ksrcfind.history.releases import Releases

    return Releases(context.snapshot.repository, context.settings.release_tags, context.store.cache)


class TreeHistories:
    """Implements `backend.Histories` with the git repository of a tree. A plain directory has no histories."""

    def __init__(self, context: "TreeContext", releases: "Releases | None") -> None:
        settings = context.settings
        self._snapshot = context.snapshot
        self._history = History(
            context.snapshot,
            releases,
            context.store.cache,
            follow=settings.follow,
            jobs=settings.jobs,
            progress=context.progress,
            index_directory=context.store.directory,
        )
        self._context = context
        self._mentions = MentionResolver(context, self._history)

    @property
    def known(self) -> bool:
        """Whether the tree is in a git repository, which has histories."""
        return not isinstance(self._snapshot, DirectorySnapshot)

    def expect(self, requests: Sequence[Request]) -> None:
        """Prepare to trace these messages, which the caller then requests in several calls of `trace`."""
        self._history.expect(requests)

    def undecided(self, requests: Sequence[Request]) -> list[Request]:
        """Return the requests that the history index does not answer; none without an index."""
        return self._history.undecided(requests)

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each requested message, in the order of `requests`.

        Messages of one file share a run of `git blame`.
        """
        return self._history.trace(requests)

    def build_index(self) -> None:
        """Build or extend the history index of the revision, and use it from now on.

        Raises `KsrcfindError` without git, and if the index cannot be written.
        """
        # Imported here because few runs build.
        from ksrcfind.history.index.build import build_history_index

        context = self._context
        if isinstance(self._snapshot, DirectorySnapshot):
            raise KsrcfindError("a history index needs a git repository", "`ksrcfind doctor` shows which tree is used.")
        if not context.settings.follow:
            return
        repository, directory = self._snapshot.repository, context.store.directory
        build_history_index(repository, self._snapshot.commit, directory, context.settings.jobs, context.progress)
        self._history.index_changed()

    def is_current(self) -> bool:
        """Return whether the references, and all settings on which histories depend, are unchanged."""
        return self._history.is_current()

    def commits(self, ids: Iterable[str], *, thorough: bool = False) -> dict[str, Commit]:
        """Return full commit id → commit with its `mentions`. Ids of commits that do not exist are left out."""
        return {
            commit_id: replace(commit, mentions=self._mentions.resolved(commit, thorough=thorough))
            for commit_id, commit in self._history.commits(ids).items()
        }

    def named(self, name: str) -> Commit | None:
        """Return the commit that a revision names, None if there is none.

        Raises `KsrcfindError` for an ambiguous id, and without a repository.
        """
        if isinstance(self._snapshot, DirectorySnapshot):
            raise KsrcfindError(
                "`show` needs a git repository for a commit", "`ksrcfind doctor` shows which tree is used."
            )
        found = self._snapshot.repository.find_commit(name)
        return self.commits([found], thorough=True)[found] if found is not None else None

    def later(self, start: str, request: Request) -> Later:
        """Return what happened to a message between the commit `start` and HEAD."""
        if isinstance(self._snapshot, DirectorySnapshot):
            return Later()
        return self._history.later(start, wording_place(request), self._snapshot.repository.head())

    def patch(self, commit_id: str) -> str | None:
        """Return the commit message and the diff of a commit, as `git show` prints them. None without git."""
        if isinstance(self._snapshot, DirectorySnapshot):
            return None
        shown = self._snapshot.repository.git.run("show", "--end-of-options", commit_id)
        return shown.decode("utf-8", "replace")
