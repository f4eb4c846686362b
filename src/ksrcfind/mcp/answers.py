"""The answers of the tools: a compact document, and the same as text for people.

All functions run in the thread that owns the engine.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.batch.analysis import LogAnalysis
from ksrcfind.batch.filters import Filter, by_severity
from ksrcfind.conditions.record import Excerpt
from ksrcfind.engine.comparison import file_pairs
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.show import ShownFunction
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
from ksrcfind.output.shown import commit_text, functions_text
from ksrcfind.output.style import Painter
from ksrcfind.output.text import TextWriter
from ksrcfind.output.writer import Writer

PLAIN = Painter(color=False)


AROUND = 3
"""Lines of source before and after a call that an assistant gets."""

MOST_FUNCTIONS = 5
"""Functions of one name that an assistant gets."""

MOST_LINES = 200
"""Lines of a function that an assistant gets."""


class ToolResult(Struct, frozen=True):
    """The result of a tool."""

    document: Record
    """Plain dictionaries, lists, numbers and strings."""
    text: str
    """The content of `document` as text for people."""


def find(engine: Engine, text: str, limit: int, *, history: bool, callers: int) -> ToolResult:
    """Return the calls that printed one or several log lines."""
    mode = HistoryMode.FIRST if history else HistoryMode.OFF
    lines = text.strip("\n").split("\n")
    return _findings(
        engine, [engine.find(line, limit=limit, history=mode, shown=AROUND, callers=callers) for line in lines]
    )


def at(engine: Engine, path: str, line: int, *, callers: int) -> ToolResult:
    """Return what the log call at a source line prints."""
    return _findings(engine, list(engine.at([(path, line)], shown=AROUND, callers=callers)))


def show(engine: Engine, name: str) -> ToolResult:
    """Return the functions of a name, or the commit that it names. Raises `KsrcfindError` if there is neither."""
    functions = [_shortened(one) for one in islice(engine.show.functions(name), MOST_FUNCTIONS)]
    if functions:
        document: Record = {"records": [compact.function_record(one) for one in functions]}
        return ToolResult(document, "".join(functions_text(functions, PLAIN)))
    commit = engine.show.commit(name)
    if commit is None:
        meant = engine.show.similar(name)
        hint = f"Did you mean {meant}?" if meant else "Name a function, as in dump_header, or a commit by its id."
        raise KsrcfindError(f"no function, macro or commit is named {name}", hint)
    return ToolResult({"records": [compact.commit_record(commit)]}, "".join(commit_text(commit, PLAIN)))


def _shortened(shown: ShownFunction) -> ShownFunction:
    """Return a function with at most `MOST_LINES` lines of its source."""
    code = shown.code
    marked = tuple(line for line in code.marked if line < code.line_start + MOST_LINES)
    return replace(shown, code=Excerpt(code.line_start, code.lines[:MOST_LINES], marked))


def messages(engine: Engine, paths: Sequence[str], limit: int) -> ToolResult:
    """Return at most `limit` messages of files and directories of the tree, or of the whole tree."""
    found = list(islice(engine.messages(list(paths)), limit + 1))
    document: Record = {"records": [compact.message_record(message) for message in found[:limit]]}
    text = "".join(listing("text", found[:limit], PLAIN))
    if len(found) > limit:
        document["complete"] = False
        text += f"\nOnly the first {limit} messages are listed. For the others, name a smaller part of the tree.\n"
    return ToolResult(document, text)


def life(engine: Engine, text: str) -> ToolResult:
    """Return how the message of a log line changed. Raises `KsrcfindError` without a match or without releases."""
    engine.releases.check_lives()
    finding = engine.find(text, limit=1)
    if not finding.answer.matches:
        reason = finding.answer.reason.text if finding.answer.reason else "nothing matched"
        raise KsrcfindError(reason, "The tool find shows which messages are similar to the line.")
    found = life_of(finding, engine.histories.later(finding), [tag.name for tag in engine.releases.tags])
    shown = "".join(lifetime("text", found, engine.histories.commit, PLAIN))
    return ToolResult({"records": [compact.life_record(found)]}, shown)


def diff(engine: Engine, old: str, new: str, paths: Sequence[str], limit: int) -> ToolResult:
    """Return at most `limit` messages that differ between two revisions."""
    with engine.at_revision(old) as older, engine.at_revision(new) as newer:
        found = differences((pair.old, pair.new) for pair in file_pairs(older, newer, paths))
        trees = older.info, newer.info
    shown = found[:limit]
    document: Record = {"differences": len(found), "records": [compact.difference_record(one) for one in shown]}
    text = "".join(changes("text", shown, trees, PLAIN, names=(old, new)))
    return ToolResult(document, f"{len(found)} differences, {len(shown)} of them listed:\n{text}")


def batch(engine: Engine, rows: Iterable[Row], selected: Filter, limit: int, *, history: bool) -> ToolResult:
    """Return the `limit` most severe messages of a log with their counts, and statistics."""
    mode = HistoryMode.FIRST if history else HistoryMode.OFF
    log = LogAnalysis(engine, selected, history=mode, history_limit=limit)
    for _ in log.folding(rows):
        pass
    messages = by_severity(log.messages())
    shown, summary = messages[:limit], log.summary()
    document: Record = {
        "records": [compact.folded_record(one) for one in shown],
        "omitted": len(messages) - len(shown),
        "summary": compact.summary_record(summary),
    }
    lines = "".join(f"{compact.line_of(one)}\n" for one in shown)
    end = _written(lambda put: LogTextWriter(put, PLAIN, name_sources=False), lambda writer: writer.end(summary))
    more = f"{len(messages) - len(shown)} more messages\n" if len(messages) > len(shown) else ""
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
