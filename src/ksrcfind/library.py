"""The public Python interface: `from ksrcfind import Finder`. docs/library.md has examples."""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind import config
from ksrcfind.batch.analysis import ROWS_TOGETHER, LogAnalysis
from ksrcfind.batch.coverage import Summary
from ksrcfind.batch.filters import by_severity
from ksrcfind.batch.fold import Folded
from ksrcfind.config import Settings
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.open import open_engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import Finding, HistoryMode, Shown
from ksrcfind.history.provenance import Commit
from ksrcfind.log.records import Row
from ksrcfind.log.stream import hosts_of_logs, read_files, read_log
from ksrcfind.output import record as records
from ksrcfind.output.record import Record
from ksrcfind.progress import SILENT, Progress
from ksrcfind.source.message import Message
from ksrcfind.tree.snapshot import TreeInfo

Log = str | os.PathLike[str] | BinaryIO
"""A log: the path of a log file (also compressed) or of a directory of logs, or an open binary file.

An open file is not closed.
"""

_Item = TypeVar("_Item")


class LogReport(Struct, frozen=True):
    """The analysis of a whole log, as `ksrcfind batch` shows it."""

    messages: tuple[Folded, ...]
    """One entry for each distinct message of the log, with its lines. The most severe message is first, of equally
    severe ones the rarest. Lines without a match and lines from user space are grouped into entries too
    (`Folded.is_message` is False for lines that are not messages)."""
    summary: Summary
    """Statistics of the log: numbers of lines by quality of match and by level, and the boots."""


class Finder:
    """Answers questions about one kernel tree, or about a bundle.

    A finder belongs to the thread and the process that opened it: used in another one, or after `close`, it raises
    `KsrcfindError`. Open one finder for each thread; they share the cache. The cache directory keeps indexes and
    histories for later runs and for the command line; nothing is written into the tree.

    A method never closes files or iterators that the caller passes in.
    """

    def __init__(self, engine: Engine) -> None:
        """Use `Finder.open` instead."""
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
        """Return a finder for a git repository (or a directory inside it), an unpacked tarball, or a bundle.

        `rev` is a tag, branch or commit of a repository; without it, the checked-out files are used. `settings`
        default to those of the user's configuration file; environment variables are ignored. `progress` receives
        reports of long work.

        Raises `KsrcfindError` if there is no tree, if the revision is unknown, if git refuses the repository, if a
        bundle is damaged or has another format, and for a revision of a bundle.
        """
        path = Path(tree).expanduser()
        chosen = replace(settings or config.resolve({}), repo=path, index=path if path.is_file() else None)
        return cls(open_engine(chosen, rev, path, progress))

    def __enter__(self) -> Self:
        """Return the finder, which is closed at the end of the context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the finder."""
        self.close()

    def close(self) -> None:
        """Close the finder: its index and the git process that reads objects. A second call does nothing."""
        if self._opened is not None:
            self._engine.close()
            self._opened = None

    @property
    def tree(self) -> TreeInfo:
        """The description of the tree: revision, commit id, and whether it is a revision, a checkout or plain files."""
        return self._engine.info

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about the tree and its index, such as skipped files or an unwritable cache."""
        return self._engine.notes

    @property
    def is_current(self) -> bool:
        """True if a new finder would give the same answers. If False, a long-running program should open a new one.

        It becomes False when another commit is checked out, a file is edited, a tag is made, or the tree is indexed.
        The check takes 0.1 s for a repository of Linux. For a plain directory, it lists all files.
        """
        return self._engine.is_current()

    def index(self) -> None:
        """Index the whole tree or update its index. This takes minutes for all of Linux, seconds after small changes.

        With an index, answers are faster and more complete; `log`, `report` and `messages` build a missing one.
        Raises `KsrcfindError` for a bundle.
        """
        self._engine.index.build()

    def find(
        self,
        line: str,
        *,
        limit: int = 5,
        history: HistoryMode = HistoryMode.FIRST,
        code: Shown = None,
        callers: int = 0,
    ) -> Finding:
        """Return the log calls that may have printed a log line. The line may have the prefix of any logger.

        The finding has at most `limit` matches, the most likely first; `history` says which matches get a history. If
        no message matches, the finding has a reason instead of matches. `code` adds the source around the first call:
        a number of lines or `"function"`. `callers` adds so many levels of callers of its function; a bundle has none.
        """
        return self._engine.find(line, limit=limit, history=history, shown=code, callers=callers)

    def at(
        self, path: str, line: int, *, history: HistoryMode = HistoryMode.FIRST, code: Shown = None, callers: int = 0
    ) -> Finding:
        """Return what the log call at a source line prints.

        `path` is relative to the tree; `line` counts from 1 and can be any line of the call. If there is no log call,
        the finding has a reason instead of matches. `code` and `callers` work as in `find`.
        """
        [finding] = self._engine.at([(path, line)], history=history, shown=code, callers=callers)
        return finding

    def log(self, log: Log, *, limit: int = 5, history: HistoryMode = HistoryMode.FIRST) -> Iterator[Finding]:
        """Yield one finding for each line of a log, in the order of the lines, while the log is read.

        If several lines come from one message, it is matched and traced only once. Raises `KsrcfindError` if the log
        cannot be read.
        """
        together = ROWS_TOGETHER if isinstance(log, str | os.PathLike) else 1  # A stream may still grow.
        analysis = LogAnalysis(self._engine, limit=limit, history=history, rows_together=together)
        return self._guarded(analysis.findings(_rows(log)))

    def report(
        self,
        *logs: Log,
        limit: int = 5,
        history: HistoryMode = HistoryMode.FIRST,
        history_limit: int | None = None,
        progress: Progress = SILENT,
    ) -> LogReport:
        """Return the messages of one or several logs, with repeated messages grouped, and statistics.

        Only the `history_limit` most severe messages get a history; with None, all do. Memory is bounded by the number
        of distinct messages. Raises `KsrcfindError` if a log cannot be read.
        """
        names = hosts_of_logs([str(Path(log).expanduser()) for log in logs if isinstance(log, str | os.PathLike)])
        analysis = LogAnalysis(
            self._engine, limit=limit, history=history, history_limit=history_limit, host_names=names
        )
        read = [_rows(log) for log in logs]
        for _ in analysis.folding(chain.from_iterable(read), progress):
            pass
        return LogReport(tuple(by_severity(analysis.messages(progress))), analysis.summary())

    def messages(self, paths: Sequence[str] = ()) -> Iterator[Message]:
        """Yield every message of the files at `paths` (files and directories); without `paths`, of the whole tree.

        The messages are sorted by file and line. Raises `KsrcfindError` for a path that is not in the tree.
        """
        # A string is a sequence of strings too, but its letters are not paths.
        return self._guarded(self._engine.messages([paths] if isinstance(paths, str) else paths))

    def commit(self, commit_id: str) -> Commit:
        """Return the commit with a full id, such as an answer names. Raises `KeyError` if it does not exist."""
        return self._engine.histories.commit(commit_id)

    def commits(self, ids: Iterable[str]) -> list[Commit]:
        """Return the commits with these full ids, read in one batch. Unknown ids are omitted."""
        return self._engine.histories.commits([ids] if isinstance(ids, str) else ids)

    def source(self, path: str, first: int, last: int) -> list[str]:
        """Return the lines of a file from `first` to `last` (counted from 1, inclusive), as far as they exist.

        Empty if there is no such file, and for most files of a bundle, which has no source.
        """
        return self._engine.source.lines(path, first, last)

    @property
    def _engine(self) -> Engine:
        """The engine of this finder.

        Raises `KsrcfindError` if the finder is closed, or if it belongs to another thread or process.
        """
        if self._opened is None:
            raise KsrcfindError("this finder is closed", "Open a new one with Finder.open.")
        if self._owner != _here():
            raise KsrcfindError(
                "this finder belongs to another thread or process", "Open one for each with Finder.open."
            )
        return self._opened

    def _guarded(self, items: Iterator[_Item]) -> Iterator[_Item]:
        """Yield the items of a generator, and before each item check that the finder may be used.

        Raises `KsrcfindError` if the finder is closed, or if it belongs to another thread or process.
        """
        while self._engine is not None:
            try:
                item = next(items)
            except StopIteration:
                return
            yield item


def record(answer: Finding | Folded | Commit | Summary, number: int = 1) -> Record:
    """Return an answer as a record of the schema `ksrcfind/1` (docs/json.md): plain dictionaries and lists.

    `number` becomes the `id` of a finding. The other kinds of answers ignore it.
    """
    match answer:
        case Finding():
            return records.finding_record(answer, number)
        case Folded():
            return records.folded_record(answer)
        case Commit():
            return records.commit_record(answer)
        case Summary():
            return records.summary_record(answer)


def _here() -> tuple[int, int]:
    """Return the ids of the current process and thread."""
    return os.getpid(), threading.get_ident()


def _rows(log: Log) -> Iterator[Row]:
    if isinstance(log, str | os.PathLike):
        return read_files(Path(log).expanduser())
    if not hasattr(log, "readinto"):  # Text files do not have it.
        raise TypeError(f"a log must be a path or a binary file, not {type(log).__name__}")
    name = getattr(log, "name", None)
    return read_log(log, name if isinstance(name, str) else None)
