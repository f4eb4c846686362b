"""What programs use: `from ksrcfind import Finder`.

A front end like the command line, of calls instead of options. docs/library.md shows it at work.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

from ksrcfind import config
from ksrcfind.batch.analysis import LogAnalysis
from ksrcfind.batch.coverage import Summary
from ksrcfind.batch.filters import by_severity
from ksrcfind.batch.fold import Folded
from ksrcfind.config import Settings
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.open import open_engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import Finding, HistoryMode
from ksrcfind.history.provenance import Commit
from ksrcfind.log.records import Row
from ksrcfind.log.stream import read_files, read_log
from ksrcfind.output import record as records
from ksrcfind.output.record import Record
from ksrcfind.progress import SILENT, Progress
from ksrcfind.source.message import Message
from ksrcfind.tree.snapshot import TreeInfo

Log = str | os.PathLike[str] | BinaryIO
"""A log file, a compressed one too, a directory of them, or an open file of bytes, which stays open."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class LogReport:
    """What a whole log says, as `ksrcfind batch` tells it."""

    messages: tuple[Folded, ...]
    """One for each distinct message, the most severe first and of equals the rarest; lines that nothing explains are
    put together as well, and those of user space (`Folded.is_message` is False for what is no message)."""
    summary: Summary
    """How many lines were explained how well, which boots there were, how many lines each level has."""


class Finder:
    """Answers questions about one kernel tree, or about a bundle.

    A finder belongs to the thread and the process that opened it: used in another one, or after `close`, it raises
    `KsrcfindError`. Open one for each; they share what is kept. What was read of the tree and its history is kept in
    the cache directory, for later runs and for the command line; nothing is written into the tree.

    Files, paths and iterators that a method takes belong to the caller: nothing that was passed in is closed.
    """

    def __init__(self, engine: Engine) -> None:
        """Use `Finder.open`."""
        self._opened: Engine | None = engine
        self._owner = _here()

    @classmethod
    def open(
        cls,
        tree: str | os.PathLike[str] = ".",
        *,
        rev: str | None = None,
        settings: Settings | None = None,
        progress: Progress = SILENT,
    ) -> Self:
        """Open a kernel tree: a git repository (a directory inside it will do), an unpacked tarball, a bundle.

        `rev` is a tag, branch or commit of a repository; without it, the checked-out files are meant. `settings` are
        those of the user's configuration file if none are given; environment variables of the command line are not
        looked at. `progress` is told of what takes long.

        Raises `KsrcfindError`: no tree there, an unknown revision, a repository that git refuses, a bundle that is
        damaged or of another format, or a revision of a bundle.
        """
        path = Path(tree).expanduser()
        chosen = replace(settings or config.resolve({}), repo=path, index=path if path.is_file() else None)
        return cls(open_engine(chosen, rev, path, progress))

    def __enter__(self) -> Self:
        """Return the finder; it is closed with the context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the index and of the git process that reads objects. A second call does nothing."""
        if self._opened is not None:
            self._engine.close()
            self._opened = None

    @property
    def tree(self) -> TreeInfo:
        """Which tree answers: revision, commit id, and whether git, a checkout or plain files are read."""
        return self._engine.info

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the tree and its index that a user should see: edited files, no cache, skipped files."""
        return self._engine.notes

    @property
    def is_current(self) -> bool:
        """Whether a finder opened now would answer the same, for programs that run long: open another one if not.

        False once another commit is checked out, a file is edited, a tag is made, or the tree is indexed. Takes 0.1 s
        for a repository of Linux, and as long as listing all files for a plain directory.
        """
        return self._engine.is_current()

    def index(self) -> None:
        """Index the whole tree, or bring its index up to date: minutes for all of Linux, seconds when little changed.

        Answers are faster and more complete with an index; `log`, `report` and `messages` build a missing one.
        Raises `KsrcfindError` for a bundle.
        """
        self._engine.index.build()

    def find(self, line: str, *, limit: int = 5, history: HistoryMode = HistoryMode.FIRST) -> Finding:
        """Explain one log line, with or without what a logger put in front of it.

        `limit` is how many calls are told at most, the likeliest first; `history` whose history is told: of the first,
        of all of them, of none (`HistoryMode`). A line that nothing explains has no matches and a reason.
        """
        return self._engine.find(line, limit=limit, history=history)

    def at(self, path: str, line: int, *, history: HistoryMode = HistoryMode.FIRST) -> Finding:
        """Tell what the log call at a place prints: a path from the root of the tree, with slashes, and a 1-based line.

        Any line of the call names it. Where there is no call, the finding has no matches and a reason.
        """
        [finding] = self._engine.at([(path, line)], history=history)
        return finding

    def log(self, log: Log, *, limit: int = 5, history: HistoryMode = HistoryMode.FIRST) -> Iterator[Finding]:
        """Explain a log line by line, in order, one finding for each line of the file, while it is read.

        Lines of one message are matched and traced once. Raises `KsrcfindError` if the log cannot be read.
        """
        whole = LogAnalysis(self._engine, limit=limit, history=history)
        return self._guarded(whole.findings(_rows(log)))

    def report(
        self,
        *logs: Log,
        limit: int = 5,
        history: HistoryMode = HistoryMode.FIRST,
        history_limit: int | None = None,
        progress: Progress = SILENT,
    ) -> LogReport:
        """Read one or several logs to their end and tell what they say, repeats of one message folded into one.

        `history_limit` is for how many messages history is told at most, the most severe ones. Memory is bounded by the
        number of distinct messages. Raises `KsrcfindError` if a log cannot be read.
        """
        whole = LogAnalysis(self._engine, limit=limit, history=history, history_limit=history_limit)
        read = [_rows(log) for log in logs]
        for _ in whole.folding(chain.from_iterable(read), progress):
            pass
        return LogReport(tuple(by_severity(whole.messages(progress))), whole.summary())

    def messages(self, paths: Sequence[str] = ()) -> Iterator[Message]:
        """Yield every message of some files and directories, of the whole tree if none is named, by path and line.

        Raises `KsrcfindError` for a path that is not in the tree.
        """
        # A string is a sequence of strings too, and its letters are no paths.
        return self._guarded(self._engine.messages([paths] if isinstance(paths, str) else paths))

    def commit(self, commit_id: str) -> Commit:
        """Return a commit that an answer names, by its full id. Raises `KeyError` if it is not there."""
        return self._engine.histories.commit(commit_id)

    def commits(self, ids: Iterable[str]) -> list[Commit]:
        """Return several commits that answers name, in one go; those that are not there are left out."""
        return self._engine.histories.commits([ids] if isinstance(ids, str) else ids)

    def source(self, path: str, first: int, last: int) -> list[str]:
        """Return lines of a file of the tree, 1-based and inclusive, as far as it has them; none if there is no file.

        A bundle holds no source.
        """
        return self._engine.source.lines(path, first, last)

    @property
    def _engine(self) -> Engine:
        """The engine of this finder, if it may be used here and now."""
        if self._opened is None:
            raise KsrcfindError("this finder is closed", "Open another one with Finder.open.")
        if self._owner != _here():
            raise KsrcfindError(
                "this finder belongs to another thread or process", "Open one for each with Finder.open."
            )
        return self._opened

    def _guarded(self, items: Iterator[_Item]) -> Iterator[_Item]:
        """Yield what the finder makes while it is asked for, as long as it may be used here."""
        while self._engine is not None:
            try:
                item = next(items)
            except StopIteration:
                return
            yield item


def record(told: Finding | Folded | Commit | Summary, number: int = 1) -> Record:
    """Return an answer as a record of the schema `ksrcfind/1` (docs/json.md), of plain dictionaries and lists.

    `number` becomes the `id` of a finding; a folded message has its own.
    """
    match told:
        case Finding():
            return records.finding_record(told, number)
        case Folded():
            return records.folded_record(told)
        case Commit():
            return records.commit_record(told)
        case Summary():
            return records.summary_record(told)


def _here() -> tuple[int, int]:
    """Return the process and the thread that run this."""
    return os.getpid(), threading.get_ident()


def _rows(log: Log) -> Iterator[Row]:
    if isinstance(log, str | os.PathLike):
        return read_files(Path(log).expanduser())
    if not hasattr(log, "readinto"):  # A file of text has none.
        raise TypeError(f"a log is a path or a file opened for reading bytes, not {type(log).__name__}")
    name = getattr(log, "name", None)
    return read_log(log, name if isinstance(name, str) else None)
