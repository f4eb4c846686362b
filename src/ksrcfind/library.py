"""What programs use: `from ksrcfind import Finder`.

A front end like the command line, of calls instead of options. docs/library.md shows it at work.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ksrcfind import carried, config, finder
from ksrcfind.batch.choose import by_severity
from ksrcfind.batch.coverage import Summary
from ksrcfind.batch.fold import Folded
from ksrcfind.batch.whole import WholeLog
from ksrcfind.config import Settings
from ksrcfind.finder import HistoryMode
from ksrcfind.finding import Finding
from ksrcfind.history.provenance import Commit
from ksrcfind.log.records import Row
from ksrcfind.log.stream import read_files, read_log
from ksrcfind.output import record as records
from ksrcfind.output.record import Record
from ksrcfind.progress import SILENT, Progress
from ksrcfind.source.message import Message
from ksrcfind.tree.snapshot import TreeInfo

Log = str | os.PathLike[str] | BinaryIO
"""A log file, a compressed one too, a directory of them, or an open file of bytes."""


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

    Not for several threads at the same time: open one for each. What was read of the tree and its history is kept in
    the cache directory, for later runs and for the command line; nothing is written into the tree.
    """

    def __init__(self, inner: finder.Finder) -> None:
        """Use `Finder.open`."""
        self._inner = inner

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
        return cls(carried.open_finder(chosen, rev, path, progress))

    def __enter__(self) -> Self:
        """Return the finder; it is closed with the context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the index and of the git process that reads objects."""
        self._inner.close()

    @property
    def tree(self) -> TreeInfo:
        """Which tree answers: revision, commit id, and whether git, a checkout or plain files are read."""
        return self._inner.info

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the tree and its index that a user should see: edited files, no cache, skipped files."""
        return self._inner.notes

    def index(self) -> None:
        """Index the whole tree, or bring its index up to date: minutes for all of Linux, seconds when little changed.

        Answers are faster and more complete with an index; `log`, `report` and `messages` build a missing one.
        Raises `KsrcfindError` for a bundle.
        """
        self._inner.build_index()

    def find(self, line: str, *, limit: int = 5, history: HistoryMode = HistoryMode.FIRST) -> Finding:
        """Explain one log line, with or without what a logger put in front of it.

        `limit` is how many calls are told at most, the likeliest first; `history` whose history is told: of the first,
        of all of them, of none (`HistoryMode`). A line that nothing explains has no matches and a reason.
        """
        return self._inner.find(line, limit=limit, history=history)

    def at(self, path: str, line: int, *, history: HistoryMode = HistoryMode.FIRST) -> Finding:
        """Tell what the log call at a place prints: a path from the root of the tree, with slashes, and a 1-based line.

        Any line of the call names it. Where there is no call, the finding has no matches and a reason.
        """
        [finding] = self._inner.at([(path, line)], history=history)
        return finding

    def log(self, log: Log, *, limit: int = 5, history: HistoryMode = HistoryMode.FIRST) -> Iterator[Finding]:
        """Explain a log line by line, in order, one finding for each line of the file, while it is read.

        Lines of one message are matched and traced once. Raises `KsrcfindError` if the log cannot be read.
        """
        return WholeLog(self._inner, limit=limit, history=history).findings(_rows(log))

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
        whole = WholeLog(self._inner, limit=limit, history=history, history_limit=history_limit)
        for _ in whole.folding((row for log in logs for row in _rows(log)), progress):
            pass
        return LogReport(tuple(by_severity(whole.messages(progress))), whole.summary())

    def messages(self, paths: Sequence[str] = ()) -> Iterator[Message]:
        """Yield every message of some files and directories, of the whole tree if none is named, by path and line.

        Raises `KsrcfindError` for a path that is not in the tree.
        """
        return self._inner.messages(paths)

    def commit(self, commit_id: str) -> Commit:
        """Return a commit that an answer names, by its full id. Raises `KeyError` if it is not there."""
        return self._inner.commit(commit_id)

    def commits(self, ids: Iterable[str]) -> list[Commit]:
        """Return several commits that answers name, in one go; those that are not there are left out."""
        return self._inner.commits(ids)

    def source(self, path: str, first: int, last: int) -> list[str]:
        """Return lines of a file of the tree, 1-based and inclusive, as far as it has them; none if there is no file.

        A bundle holds no source.
        """
        return self._inner.source(path, first, last)


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


def _rows(log: Log) -> Iterator[Row]:
    if isinstance(log, str | os.PathLike):
        return read_files(Path(log).expanduser())
    name = getattr(log, "name", None)
    return read_log(log, name if isinstance(name, str) else None)
