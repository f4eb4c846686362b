"""The class `Engine`, which every front end uses: it reads a log line, matches it, and adds histories."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ksrcfind.engine.about import AboutService
from ksrcfind.engine.histories import HistoryService
from ksrcfind.engine.matching import LineMatcher, is_weak
from ksrcfind.engine.places import CallsAt, PlaceResolver
from ksrcfind.engine.show import ShowService
from ksrcfind.engine.source_view import SourceView
from ksrcfind.engine.why import WhyService
from ksrcfind.finding import Finding, HistoryMode, Input, Shown
from ksrcfind.log.line import LogLine, read_line

if TYPE_CHECKING:
    from ksrcfind.backend import Backend
    from ksrcfind.log.records import Row
    from ksrcfind.log.report import Frame
    from ksrcfind.match.answer import Answer
    from ksrcfind.match.discriminating_tokens import DiscriminatingTokens
    from ksrcfind.source.message import Message
    from ksrcfind.tree.snapshot import TreeInfo


class Engine:
    """Answers questions about one revision, from a tree or from a bundle (`engine.open.open_engine`)."""

    def __init__(self, backend: "Backend") -> None:
        self.backend = backend
        self.index = backend.index
        self.releases = backend.releases
        self.source = SourceView(backend.source)
        self.histories = HistoryService(backend)
        self.about = AboutService(backend.source)
        self.names_subsystems = True
        """Whether all findings get their subsystem. False is faster: MAINTAINERS is then read only for a finding that
        is about another place than its call."""
        self.why = WhyService(backend.source)
        self.show = ShowService(backend)
        self._matching = LineMatcher(backend, PlaceResolver(backend))

    @property
    def info(self) -> "TreeInfo":
        """The description of the tree for an answer."""
        return self.backend.info

    @property
    def root(self) -> Path:
        """The directory of the tree. For a bundle, the directory that contains it."""
        return self.backend.root

    @property
    def source_root(self) -> Path | None:
        """The directory of the source files that answers name. None for a bundle, which has no source."""
        return self.backend.source_root

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about the tree and its index. Answering a question can add notes."""
        return self.backend.notes

    def close(self) -> None:
        """Close the index and the tree, and end the git process that reads objects."""
        self.backend.close()

    def find(
        self,
        text: str,
        *,
        limit: int = 5,
        history: HistoryMode = HistoryMode.FIRST,
        shown: Shown = None,
        callers: int = 0,
    ) -> Finding:
        """Return the answer to one log line: the messages that may have printed it, with their histories.

        `limit` is the largest number of matches. `history` says which matches get a history. `shown` says how much
        source code around the first match the answer contains. `callers` is the number of levels of callers.
        """
        log = read_line(text)
        return self._finding(Input(None, None, log.text, log.truncated), log, limit, history, shown, callers)

    def lines(
        self,
        rows: Iterable["Row"],
        *,
        limit: int = 5,
        history: HistoryMode = HistoryMode.FIRST,
        shown: Shown = None,
        callers: int = 0,
    ) -> Iterator[Finding]:
        """Yield the answer to each of a few log lines, in the order of the lines.

        For whole logs, `ksrcfind.batch` is faster. The parameters are those of `find`.
        """
        for row in rows:
            source = Input(row.source, row.line, row.log.text, row.log.truncated)
            yield self._finding(source, row.log, limit, history, shown, callers, event=row.part_of)

    def answer(self, log: LogLine, limit: int = 5, *, build: bool = True) -> "Answer":
        """Return the messages that may have printed a log line, without their histories.

        A missing index is built first. If `build` is false, the line is answered without an index instead.
        """
        if build:
            self.index.ensure()
        return self._matching.answer(log, limit)[0]

    def tokens(self) -> "DiscriminatingTokens":
        """Return an object that finds the names and numbers of a line that can decide which message printed it.

        Lines that differ only in other values have the same answer. Without an index, every name counts.
        """
        return self._matching.tokens()

    def at(
        self,
        places: Sequence[tuple[str, int]],
        *,
        history: HistoryMode = HistoryMode.FIRST,
        shown: Shown = None,
        callers: int = 0,
    ) -> Iterator[Finding]:
        """Yield what the log call at each source location (path, line) prints, in the order of `places`.

        A call inside a comment or `#if 0` is found as well; its finding has a note. Locations in one file share a run
        of `git blame`.
        """
        for finding in CallsAt(self.backend, self.histories).findings(places, history):
            yield self._explained(finding, shown, callers)

    def messages(self, paths: Sequence[str] = ()) -> Iterator["Message"]:
        """Yield every message of the files at `paths` (files and directories); without `paths`, of the whole tree.

        The messages are sorted by file and line. A missing index is built. Raises `KsrcfindError` for a path that is
        not in the tree.
        """
        indexed = self.index.ensure_complete()
        return indexed.messages.messages(self.source.files(paths))

    def messages_in(self, path: str) -> list["Message"]:
        """Return every message of one source file, in source order. Empty if there is no such file.

        This builds no index.
        """
        return self.backend.messages.of(path)

    @contextmanager
    def at_revision(self, rev: str) -> Iterator["Engine"]:
        """Return a context with an engine for another revision of the same tree.

        The end of the context closes the revision. Both engines share the store.
        """
        with self.backend.at_revision(rev) as backend:
            yield Engine(backend)

    def is_current(self) -> bool:
        """Return whether a newly opened engine would give the same answers. This is for long-running programs.

        False if another commit was checked out, a file was edited, a tag or a setting that histories depend on changed,
        or an index was built. For a repository of Linux, this runs git a few times and takes 0.1 s. For a plain
        directory, it lists all files and takes 0.4 s. A plain directory without an index is never current.
        """
        return self.backend.is_current()

    def catch_up(self) -> None:
        """Update the index if it exists and the tree has changed. In a plain directory, all files are checked."""
        if self.index.current() is not None and not self.is_current():
            self.index.build()

    def _explained(self, finding: Finding, shown: Shown, callers: int) -> Finding:
        """Return a finding with the reasons for its message; with a note if there is no code to show."""
        missing = self.backend.source.without_code if shown is not None and finding.match is not None else None
        if missing is not None:
            finding = replace(finding, notes=(*finding.notes, missing))
        return self.why.added_to(self.with_about(finding), shown, callers)

    def with_about(self, finding: Finding, frames: "Sequence[Frame]" = ()) -> Finding:
        """Return a finding with what it is about and the subsystem of that.

        `frames` is the stack of its report, whose functions `about.prepare` looked up.
        """
        about = self.about.of(finding, frames)
        if about is None:
            return finding
        if not self.names_subsystems and finding.answer.points_to is None:
            return replace(finding, about=about)
        return replace(finding, about=about, subsystem=self.source.subsystem(about.path))

    def _finding(
        self,
        source: Input,
        log: LogLine,
        limit: int,
        history: HistoryMode,
        shown: Shown,
        callers: int,
        event: int | None = None,
    ) -> Finding:
        answer, notes = self._matching.answer(log, limit)
        other = self._matching.in_other_release(log, limit) if is_weak(answer, log) else None
        if other is None:
            finding = Finding(source, log, self.info, answer, (), event=event, notes=notes)
            return self._explained(self.histories.added_to(finding, history), shown, callers)
        tag, answer = other
        note = f"not in {self.info.rev or self.root}; the latest indexed release with this message is {tag.name}"
        with self.at_revision(tag.name) as engine:
            finding = Finding(source, log, engine.info, answer, (), event=event, notes=(note,))
            return engine.why.added_to(engine.with_about(engine.histories.added_to(finding, history)), shown, callers)
