"""The formats of `--format`, and the writer of each.

To add a format, name it in `Format`, add a module with its writer beside this one, and return the writer from
`writer_of`.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from ksrcfind.batch.coverage import Summary
    from ksrcfind.engine.engine import Engine
    from ksrcfind.output.style import Painter
    from ksrcfind.output.writer import TreeOptions, Write, Writer


class Format(StrEnum):
    """How answers are written."""

    TEXT = "text"
    JSON = "json"
    NDJSON = "ndjson"
    QUICKFIX = "quickfix"
    CSV = "csv"
    SARIF = "sarif"
    HTML = "html"


ANSWERS = (Format.TEXT, Format.JSON, Format.NDJSON, Format.QUICKFIX)
"""Formats of the commands that answer with findings."""

LOG_FORMATS = (*ANSWERS, Format.CSV, Format.SARIF, Format.HTML)
"""Formats of batch."""


class Output(Struct, frozen=True):
    """What a writer needs: where it writes, and which tree and logs it writes about."""

    write: "Write"
    painter: "Painter"
    """Colours text for a terminal."""
    engine: "Engine"
    """Gives a writer the commits, source lines and tree that it shows."""
    directory: Path
    """The current directory of the reader, to which paths are relative."""
    callers: int = 0
    """Levels of callers that a report lists for each message."""
    logs: Sequence[str] = ()
    """Names of the logs; empty for single lines and source locations."""
    tree_options: "TreeOptions | None" = None
    """Returns the options for commands that the output shows."""
    all_matches: bool = False
    """True if the text about a log shows all matches of a message, not only the first."""
    by_host: bool = False
    """True if text and CSV about a log show its hosts, not its messages."""
    everything: bool = False
    """True if text about the hosts of a log shows all of them."""
    only_incidents: bool = False
    """True if the text about a log shows its worst incidents, not every message."""


def writer_of(chosen: Format, output: Output) -> "Writer":
    """Return the writer of a format; text about whole logs has a writer of its own (`logtext.py`)."""
    write, engine = output.write, output.engine
    # Each writer is imported when its format is selected, to start faster.
    match chosen:
        case Format.JSON:
            from ksrcfind.output.json import JsonWriter

            return JsonWriter(write, engine.histories.commit)
        case Format.NDJSON:
            from ksrcfind.output.json import NdjsonWriter

            return NdjsonWriter(write, engine.histories.commit)
        case Format.QUICKFIX:
            from ksrcfind.output.quickfix import QuickfixWriter

            root = engine.source_root
            return QuickfixWriter(write, None if root == output.directory else root)
        case Format.CSV if output.by_host:
            from ksrcfind.output.hosts import HostTableWriter

            return HostTableWriter(write)
        case Format.CSV:
            from ksrcfind.output.csv import CsvWriter

            return CsvWriter(write)
        case Format.SARIF:
            from ksrcfind.output.sarif import SarifWriter

            return SarifWriter(write)
        case Format.HTML:
            from ksrcfind.output.html import HtmlWriter
            from ksrcfind.output.names import log_title, tree_title

            return HtmlWriter(
                write,
                engine.histories.commit,
                engine.source.lines,
                engine.why.added_to,
                title=partial(log_title, output.logs),
                tree=tree_title(engine),
                find_callers=partial(engine.why.all_with_callers, depth=output.callers) if output.callers else None,
            )
        case Format.TEXT if output.logs:
            from ksrcfind.log.stream import is_directory
            from ksrcfind.output.incidents import IncidentWriter
            from ksrcfind.output.logtext import LogTextWriter

            head = partial(_head, output)
            several = len(output.logs) > 1 or is_directory(Path(output.logs[0]))
            if output.by_host:
                from ksrcfind.output.hosts import HostWriter

                return HostWriter(write, output.painter, several, head, output.everything)
            if output.only_incidents:
                return IncidentWriter(write, output.painter, several, head)
            return LogTextWriter(write, output.painter, several, head, all_matches=output.all_matches)
        case Format.TEXT:
            from ksrcfind.output.text import TextWriter

            return TextWriter(write, engine.histories.commit, output.painter, tree_options=output.tree_options)


def _head(output: Output, summary: "Summary") -> str:
    from ksrcfind.output.names import log_title, tree_title
    from ksrcfind.output.style import number_of

    title, lines = log_title(output.logs, summary), number_of(summary.lines, "line")
    return f"{title}, {lines}, against {tree_title(output.engine)}"
