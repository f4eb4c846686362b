"""What the tools answer: a compact document, and the same for people.

Everything here runs in the one thread that owns the engine.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from ksrcfind.batch.analysis import LogAnalysis
from ksrcfind.batch.filters import Choice, by_severity
from ksrcfind.engine.comparison import file_pairs
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.evolution.differences import differences
from ksrcfind.evolution.timelines import life_of
from ksrcfind.finding import Finding, HistoryMode
from ksrcfind.log.records import Row
from ksrcfind.mcp import compact
from ksrcfind.output.changes import changes
from ksrcfind.output.lifetime import lifetime
from ksrcfind.output.listing import listing
from ksrcfind.output.logtext import LogTextWriter
from ksrcfind.output.record import Record
from ksrcfind.output.style import Painter
from ksrcfind.output.text import TextWriter
from ksrcfind.output.writer import Writer

PLAIN = Painter(color=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """An answer."""

    document: Record
    """Plain dictionaries, lists, numbers and texts."""
    text: str
    """For people."""


def find(engine: Engine, text: str, limit: int, *, history: bool) -> ToolResult:
    """Explain one or several log lines."""
    mode = HistoryMode.FIRST if history else HistoryMode.OFF
    found = [engine.find(line, limit=limit, history=mode) for line in text.strip("\n").split("\n")]
    return _findings(engine, found)


def at(engine: Engine, path: str, line: int) -> ToolResult:
    """Show what the log call at a place prints."""
    return _findings(engine, list(engine.at([(path, line)])))


def messages(engine: Engine, paths: Sequence[str], limit: int) -> ToolResult:
    """List the messages of files and directories of the tree, or of all of it, at most `limit` of them."""
    found = list(islice(engine.messages(list(paths)), limit + 1))
    document: Record = {"records": [compact.message_record(message) for message in found[:limit]]}
    text = "".join(listing("text", found[:limit], PLAIN))
    if len(found) > limit:
        document["complete"] = False
        text += f"\nThere are more than the {limit} that are listed: name a smaller part of the tree.\n"
    return ToolResult(document, text)


def life(engine: Engine, text: str) -> ToolResult:
    """Show the life of the message that a line shows. Raises `KsrcfindError` if none does, or without releases."""
    engine.releases.check_lives()
    finding = engine.find(text, limit=1)
    if not finding.answer.matches:
        reason = finding.answer.reason.text if finding.answer.reason else "nothing matched"
        raise KsrcfindError(reason, "Ask with find which messages are like the line.")
    told = life_of(finding, engine.histories.later(finding), [tag.name for tag in engine.releases.tags])
    shown = "".join(lifetime("text", told, engine.histories.commit, PLAIN))
    return ToolResult({"records": [compact.life_record(told)]}, shown)


def diff(engine: Engine, old: str, new: str, paths: Sequence[str], limit: int) -> ToolResult:
    """Show which messages differ between two revisions, at most `limit` of them."""
    with engine.at_revision(old) as older, engine.at_revision(new) as newer:
        found = differences((pair.old, pair.new) for pair in file_pairs(older, newer, paths))
        trees = older.info, newer.info
    shown = found[:limit]
    document: Record = {"differences": len(found), "records": [compact.difference_record(one) for one in shown]}
    text = "".join(changes("text", shown, trees, PLAIN))
    return ToolResult(document, f"{len(found)} differences, {len(shown)} of them told:\n{text}")


def batch(engine: Engine, rows: Iterable[Row], choice: Choice, limit: int, *, history: bool) -> ToolResult:
    """Summarise a whole log: its most severe messages with repeats, at most `limit`, and how much is explained."""
    whole = LogAnalysis(engine, choice, history=HistoryMode.FIRST if history else HistoryMode.OFF, history_limit=limit)
    for _ in whole.folding(rows):
        pass
    chosen = by_severity(whole.messages())
    shown, summary = chosen[:limit], whole.summary()
    document: Record = {
        "records": [compact.folded_record(one) for one in shown],
        "omitted": len(chosen) - len(shown),
        "summary": compact.summary_record(summary),
    }
    lines = "".join(f"{compact.line_of(one)}\n" for one in shown)
    end = _written(lambda put: LogTextWriter(put, PLAIN, name_sources=False), lambda writer: writer.end(summary))
    more = f"{len(chosen) - len(shown)} more\n" if len(chosen) > len(shown) else ""
    return ToolResult(document, f"{lines}{more}\n{end}")


def _findings(engine: Engine, found: Sequence[Finding]) -> ToolResult:
    def write(writer: Writer) -> None:
        for one in found:
            writer.finding(one)
        writer.end(None)

    return ToolResult(
        {"records": [compact.finding_record(one) for one in found]},
        _written(lambda put: TextWriter(put, engine.histories.commit, PLAIN), write),
    )


def _written(make: Callable[[Callable[[str], object]], Writer], write: Callable[[Writer], None]) -> str:
    parts: list[str] = []
    write(make(parts.append))
    return "".join(parts)
