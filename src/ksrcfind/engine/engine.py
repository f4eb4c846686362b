"""The sequence behind every front end: read a line, match it, add its history."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ksrcfind.backend import Backend
from ksrcfind.engine.histories import HistoryService
from ksrcfind.engine.matching import LineMatcher, is_weak
from ksrcfind.engine.places import CallsAt, PlaceResolver
from ksrcfind.engine.source_view import SourceView
from ksrcfind.engine.why import WhyService
from ksrcfind.finding import Finding, HistoryMode, Input, Shown
from ksrcfind.log.line import LogLine, read_line
from ksrcfind.log.records import Row
from ksrcfind.match.answer import Answer
from ksrcfind.match.discriminating_tokens import DiscriminatingTokens
from ksrcfind.source.message import Message
from ksrcfind.tree.snapshot import TreeInfo


class Engine:
    """Answers questions about one revision, from a tree or from a bundle (`engine.open.open_engine`)."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.index = backend.index
        self.releases = backend.releases
        self.source = SourceView(backend.source)
        self.histories = HistoryService(backend)
        self.why = WhyService(backend.source)
        self._matching = LineMatcher(backend, PlaceResolver(backend))

    @property
    def info(self) -> TreeInfo:
        """What tree this is."""
        return self.backend.info

    @property
    def root(self) -> Path:
        """Directory of the tree, or of the bundle."""
        return self.backend.root

    @property
    def source_root(self) -> Path | None:
        """Directory that has the files of answers; None for a bundle, which has no source."""
        return self.backend.source_root

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on tree and index for the user; answering can add notes."""
        return self.backend.notes

    def close(self) -> None:
        """Close the index and end the git process that reads objects."""
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
        """Explain one log line. `shown`: the code that the answer shows; `callers`: levels of callers."""
        log = read_line(text)
        return self._finding(Input(None, None, log.text, log.truncated), log, limit, history, shown, callers)

    def lines(
        self,
        rows: Iterable[Row],
        *,
        limit: int = 5,
        history: HistoryMode = HistoryMode.FIRST,
        shown: Shown = None,
        callers: int = 0,
    ) -> Iterator[Finding]:
        """Explain a few lines of a log, in order; for whole logs there is `ksrcfind.batch`."""
        for row in rows:
            source = Input(row.source, row.line, row.log.text, row.log.truncated)
            yield self._finding(source, row.log, limit, history, shown, callers, event=row.part_of)

    def answer(self, log: LogLine, limit: int = 5, *, build: bool = True) -> Answer:
        """Return the answer to a line, without history.

        A missing index is built first, unless `build` is false: then the line is answered without an index.
        """
        if build:
            self.index.ensure()
        return self._matching.answer(log, limit)[0]

    def tokens(self) -> DiscriminatingTokens:
        """Return which names and numbers of a line can decide its answer, judged by the index if there is one."""
        return self._matching.tokens()

    def at(
        self,
        places: Sequence[tuple[str, int]],
        *,
        history: HistoryMode = HistoryMode.FIRST,
        shown: Shown = None,
        callers: int = 0,
    ) -> Iterator[Finding]:
        """Yield a finding for the log call at each place, in order; places of one file share a run of blame.

        A call that is switched off, by a comment or by `#if 0`, is found as well, with a note.
        """
        for finding in CallsAt(self.backend, self.histories).findings(places, history):
            yield self.why.added_to(finding, shown, callers)

    def messages(self, paths: Sequence[str] = ()) -> Iterator[Message]:
        """Return every message of some files and directories, of the whole tree if none is named, by path and line.

        Builds a missing index. Raises `KsrcfindError` for what is not in the tree.
        """
        indexed = self.index.ensure_complete()
        return indexed.messages.messages(self.source.files(paths))

    def messages_in(self, path: str) -> list[Message]:
        """Return every message of one file, by line; none if there is no such file. Builds no index."""
        return self.backend.messages.of(path)

    @contextmanager
    def at_revision(self, rev: str) -> Iterator["Engine"]:
        """Open another revision of the same tree, with the same index."""
        with self.backend.at_revision(rev) as backend:
            yield Engine(backend)

    def is_current(self) -> bool:
        """Return whether a newly opened engine would give the same answers; for long-running programs.

        False if another commit was checked out, a file was edited, tags or settings of history changed, or an index was
        built. This runs git a few times, 0.1 s for Linux; a plain directory is listed, 0.4 s. A directory without an
        index is read for each question and is never current.
        """
        return self.backend.is_current()

    def catch_up(self) -> None:
        """Update the index, if there is one; for a plain directory, all files are checked."""
        if self.index.current() is not None and not self.is_current():
            self.index.build()

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
            return self.why.added_to(self.histories.added_to(finding, history), shown, callers)
        tag, answer = other
        note = f"not in {self.info.rev or self.root}; the latest indexed release with this message is {tag.name}"
        with self.at_revision(tag.name) as engine:
            finding = Finding(source, log, engine.info, answer, (), event=event, notes=(note,))
            return engine.why.added_to(engine.histories.added_to(finding, history), shown, callers)
