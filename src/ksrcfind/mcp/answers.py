"""What the tools answer: a document of the schema `ksrcfind/1`, and the same for people.

Everything here runs in the one thread that owns the finder.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ksrcfind.batch.choose import Choice, by_severity
from ksrcfind.batch.whole import WholeLog
from ksrcfind.errors import KsrcfindError
from ksrcfind.finder import Finder, HistoryMode
from ksrcfind.finding import Finding
from ksrcfind.life.differences import differences
from ksrcfind.life.life import life_of
from ksrcfind.log.records import Row, rows_of_text
from ksrcfind.log.stream import read_files
from ksrcfind.output.changes import changes
from ksrcfind.output.json import JsonWriter
from ksrcfind.output.lifetime import lifetime
from ksrcfind.output.listing import listing
from ksrcfind.output.logtext import LogTextWriter
from ksrcfind.output.style import Painter
from ksrcfind.output.text import TextWriter
from ksrcfind.output.writer import Writer

PLAIN = Painter(color=False)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer."""

    document: str
    """JSON, as `--format json` writes it."""
    text: str
    """For people."""


def find(finder: Finder, text: str, limit: int, *, history: bool) -> Told:
    """Explain one or several log lines."""
    mode = HistoryMode.FIRST if history else HistoryMode.OFF
    found = [finder.find(line, limit=limit, history=mode) for line in text.strip("\n").split("\n")]
    return _findings(finder, found)


def at(finder: Finder, path: str, line: int) -> Told:
    """Tell what the log call at a place prints."""
    return _findings(finder, list(finder.at([(path, line)])))


def messages(finder: Finder, paths: Sequence[str], limit: int) -> Told:
    """List the messages of files and directories of the tree, or of all of it, at most `limit` of them."""
    found = list(islice(finder.messages(list(paths)), limit + 1))
    document, text = ("".join(listing(form, found[:limit], PLAIN)) for form in ("json", "text"))
    more = f"\nThere are more than the {limit} that are listed: name a smaller part of the tree.\n"
    return Told(document, text + more if len(found) > limit else text)


def life(finder: Finder, text: str) -> Told:
    """Tell the life of the message that a line shows. Raises `KsrcfindError` if none does, or without releases."""
    if not finder.releases:
        raise KsrcfindError("life needs a git repository with release tags", "ksrcfind doctor says what is used.")
    finding = finder.find(text, limit=1)
    if not finding.answer.matches:
        reason = finding.answer.reason.text if finding.answer.reason else "nothing matched"
        raise KsrcfindError(reason, "Ask with find which messages are like the line.")
    told = life_of(finding, finder.later(finding), [tag.name for tag in finder.releases])
    return Told(*("".join(lifetime(form, told, finder.commit, PLAIN)) for form in ("json", "text")))


def diff(finder: Finder, old: str, new: str, paths: Sequence[str], limit: int) -> Told:
    """Tell which messages two revisions have not in common, at most `limit` of them."""
    with finder.at_revision(old) as older, finder.at_revision(new) as newer:
        found = differences((pair.old, pair.new) for pair in older.differing(newer, paths))
        trees = older.info, newer.info
        document, text = ("".join(changes(form, found[:limit], trees, PLAIN)) for form in ("json", "text"))
    return Told(document, f"{len(found)} differences, {min(limit, len(found))} of them told:\n{text}")


def batch(finder: Finder, log: str, *, is_file: bool, choice: Choice, limit: int, history: bool) -> Told:
    """Tell what a whole log says: its most severe messages with their repeats, at most `limit`, and a summary."""
    whole = WholeLog(finder, choice, history=HistoryMode.FIRST if history else HistoryMode.OFF, history_limit=limit)
    for _ in whole.folding(_rows(log, is_file=is_file)):
        pass
    chosen = by_severity(whole.messages())[:limit]
    summary = whole.summary()

    def write(writer: Writer) -> None:
        for one in chosen:
            writer.folded(one)
        writer.end(summary)

    return Told(
        _written(lambda put: JsonWriter(put, finder.commit), write),
        _written(lambda put: LogTextWriter(put, PLAIN, name_sources=False), write),
    )


def _rows(log: str, *, is_file: bool) -> Iterable[Row]:
    if not is_file:
        return rows_of_text(log)
    path = Path(log).expanduser()
    with suppress(OSError):  # What cannot be looked at is told by those who read it.
        if path.exists() and not (path.is_file() or path.is_dir()):
            # A pipe or device might never end, and every other question would wait for it.
            raise KsrcfindError(f"neither a file nor a directory: {log}", "Name a log, or give its text.")
    return read_files(path)


def _findings(finder: Finder, found: Sequence[Finding]) -> Told:
    def write(writer: Writer) -> None:
        for one in found:
            writer.finding(one)
        writer.end(None)

    return Told(
        _written(lambda put: JsonWriter(put, finder.commit), write),
        _written(lambda put: TextWriter(put, finder.commit, PLAIN), write),
    )


def _written(make: Callable[[Callable[[str], object]], Writer], write: Callable[[Writer], None]) -> str:
    parts: list[str] = []
    write(make(parts.append))
    return "".join(parts)
