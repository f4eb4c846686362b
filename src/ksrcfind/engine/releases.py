"""The release tags of a tree, and the releases that are indexed."""

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ksrcfind.backend import Indexed
from ksrcfind.engine.index_manager import IndexManager
from ksrcfind.errors import KsrcfindError
from ksrcfind.index.report import IndexReport, ReleasesReport
from ksrcfind.search.differing_files import FilePair, differing_files
from ksrcfind.search.multi_revision import MultiRevisionIndex

if TYPE_CHECKING:
    from ksrcfind.engine.context import TreeContext
    from ksrcfind.history.releases import Releases, ReleaseTag
    from ksrcfind.log.line import LogLine


class TreeReleases:
    """Implements `backend.Releases` for a tree."""

    def __init__(self, context: "TreeContext", index: IndexManager, releases: "Releases | None") -> None:
        """Use the release tags `releases` of a git repository. None for a plain directory."""
        self._context = context
        self._store = context.store
        self._index = index
        self._releases = releases
        self._together: tuple[list[ReleaseTag], MultiRevisionIndex] | None = None
        """One index over all other indexed releases, with their tags. It is opened for the first weak answer."""

    @property
    def tags(self) -> tuple["ReleaseTag", ...]:
        """The release tags of the repository, the earliest version first. Empty without git."""
        return self._releases.tags if self._releases is not None else ()

    @property
    def advice(self) -> str | None:
        """Advice for the user that would make later answers faster. None before the first answers."""
        return self._releases.advice if self._releases is not None else None

    def indexed(self) -> list["ReleaseTag"]:
        """Return the indexed releases except this revision, the latest first."""
        if self._releases is None:
            return []
        known, own = self._known(), self._context.snapshot.info.commit
        return [tag for tag in reversed(self.tags) if tag.commit in known and tag.commit != own]

    def printing(self, log: "LogLine") -> Iterator[tuple["ReleaseTag", Indexed]]:
        """Yield (tag, index) of each other indexed release that can print a line as a whole, the latest first."""
        tags = self.indexed()
        if not tags:
            return
        if self._together is None or self._together[0] != tags:
            self._together = tags, MultiRevisionIndex(self._store, [tag.commit for tag in tags])
        for tag, prints in zip(tags, self._together[1].printing(log), strict=True):
            if prints:
                yield tag, Indexed.of(self._store.view(tag.commit))

    def lines_known(self, lines: Iterable["LogLine"]) -> tuple[int, list[tuple["ReleaseTag", int]]]:
        """Return (number of lines that this revision can print as a whole, such numbers for the indexed releases).

        The second part has (tag, number) for each indexed release, the earliest first. A missing index of this revision
        is built.
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
        """Index every release tag, the earliest first. With `candidates`, index the `-rc` tags too.

        Indexed releases are skipped, so an interrupted run continues where it stopped. Raises `KsrcfindError` if there
        are no release tags.
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
                    reports.append(IndexManager(other).build(documents=False))
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
        """Return the files whose messages can differ between this revision and another one.

        `newer` is the key of the other revision, which must be indexed.
        """
        return list(differing_files(self._store, self._index.key, newer))

    def check_lives(self) -> None:
        """Raise `KsrcfindError` if there are no release tags, which the command `ksrcfind life` needs."""
        if not self.tags:
            raise KsrcfindError(
                "`life` needs a git repository with release tags", "`ksrcfind doctor` shows which tree is used."
            )

    def _known(self) -> set[str]:
        return {revision.key for revision in self._store.revisions()}
