"""The release tags of a tree, and the other releases that are indexed."""

import time
from collections.abc import Iterable, Iterator

from ksrcfind.backend import Indexed
from ksrcfind.engine.context import TreeContext
from ksrcfind.engine.index_manager import IndexManager
from ksrcfind.errors import KsrcfindError
from ksrcfind.history.releases import Releases, ReleaseTag
from ksrcfind.index.report import IndexReport, ReleasesReport
from ksrcfind.log.line import LogLine
from ksrcfind.search.differing_files import FilePair, differing_files
from ksrcfind.search.multi_revision import MultiRevisionIndex


class TreeReleases:
    """Implements `backend.Releases` for a tree."""

    def __init__(self, context: TreeContext, index: IndexManager, releases: Releases | None) -> None:
        """Take the releases of a repository; None for a plain directory."""
        self._context = context
        self._store = context.store
        self._index = index
        self._releases = releases
        self._together: tuple[list[ReleaseTag], MultiRevisionIndex] | None = None
        """The indexed releases as one index, opened when a line is not in this revision."""

    @property
    def tags(self) -> tuple[ReleaseTag, ...]:
        """The release tags of the repository, earliest version first; none without git."""
        return self._releases.tags if self._releases is not None else ()

    @property
    def advice(self) -> str | None:
        """Advice that would make later answers faster; known after the first answers."""
        return self._releases.advice if self._releases is not None else None

    def indexed(self) -> list[ReleaseTag]:
        """Return the indexed releases other than this revision, the latest first."""
        if self._releases is None:
            return []
        known, own = self._known(), self._context.snapshot.info.commit
        return [tag for tag in reversed(self.tags) if tag.commit in known and tag.commit != own]

    def printing(self, log: LogLine) -> Iterator[tuple[ReleaseTag, Indexed]]:
        """Yield the other indexed releases that can print a line, the latest first, with their index."""
        tags = self.indexed()
        if not tags:
            return
        if self._together is None or self._together[0] != tags:
            self._together = tags, MultiRevisionIndex(self._store, [tag.commit for tag in tags])
        for tag, prints in zip(tags, self._together[1].printing(log), strict=True):
            if prints:
                yield tag, Indexed.of(self._store.view(tag.commit))

    def lines_known(self, lines: Iterable[LogLine]) -> tuple[int, list[tuple[ReleaseTag, int]]]:
        """Return how many of the lines this revision prints, and how many each indexed release prints, earliest first.

        Builds a missing index.
        """
        self._index.ensure()
        own = self._index.key
        tags = {tag.commit: tag for tag in self.indexed()}
        tags |= {tag.commit: tag for tag in self.tags if tag.commit == own}
        released = sorted(tags.values(), key=lambda tag: tag.version)
        keys = [own, *(tag.commit for tag in released)]
        counts = dict(zip(keys, MultiRevisionIndex(self._store, keys).count(lines), strict=True))
        return counts[own], [(tag, counts[tag.commit]) for tag in released]

    def index_all(self, candidates: bool) -> ReleasesReport:
        """Index every release tag, the earliest first; with `candidates`, the `-rc` tags too.

        Indexed releases are skipped, so an interrupted run continues where it stopped.
        Raises `KsrcfindError` if there are no release tags.
        """
        started = time.monotonic()
        wanted = [tag for tag in self.tags if candidates or tag.version == tag.version.final]
        if not wanted:
            raise KsrcfindError("this tree has no release tags", "ksrcfind doctor shows which tags are releases.")
        known = self._known()
        new = [tag for tag in wanted if tag.commit not in known]
        reports: list[IndexReport] = []
        with self._context.progress.task(f"indexing {len(new):,} releases", len(new)) as task:
            for tag in new:
                with self._context.at_revision(tag.name) as other:
                    reports.append(IndexManager(other).build())
                task.advance()
        return ReleasesReport(
            len(wanted),
            len(wanted) - len(new),
            sum(report.parsed for report in reports),
            sum(report.parsed_bytes for report in reports),
            sum(report.linked for report in reports),
            time.monotonic() - started,
            self._store.size_bytes,
        )

    def differing(self, newer: str) -> list[FilePair]:
        """Return the files whose messages can differ between this and another indexed revision, given by its key."""
        return list(differing_files(self._store, self._index.key, newer))

    def check_lives(self) -> None:
        """Raise `KsrcfindError` if there are no releases, which `life` needs."""
        if not self.tags:
            raise KsrcfindError(
                "`life` needs a git repository with release tags", "`ksrcfind doctor` shows which tree is used."
            )

    def _known(self) -> set[str]:
        return {revision.key for revision in self._store.revisions()}
