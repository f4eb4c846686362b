"""The features of the server in logs."""

from lsprotocol import types

from ksrcfind.batch.matched_row import MatchedRow
from ksrcfind.engine.engine import Engine
from ksrcfind.finding import Finding
from ksrcfind.lsp import commands, views
from ksrcfind.lsp.background_matching import FIRST_LINES, OpenLog, match_window
from ksrcfind.lsp.hover import show_hover
from ksrcfind.lsp.places import best, location
from ksrcfind.lsp.server import Server
from ksrcfind.lsp.tree_service import History, with_history
from ksrcfind.lsp.worker import Urgency
from ksrcfind.match.answer import Answer

MOST_PLACES = 100
"""Limit of equally good matches that "go to definition" lists."""

NO_SUBSYSTEM = "no subsystem known"


async def matched(server: Server, log: OpenLog, line: int) -> MatchedRow | None:
    """Return the row of a line with its answer; matches the line if necessary. None if there is no such line."""
    await match_window(server.service, log, line, line)
    return log.document.at(line)


async def finding_with_history(server: Server, item: MatchedRow, urgency: Urgency = Urgency.ASKED) -> Finding:
    """Return the finding of a line with its history."""
    return await _add_history(server, item, await server.service.finding(item), urgency)


async def _add_history(server: Server, item: MatchedRow, finding: Finding, urgency: Urgency) -> Finding:
    history = await server.service.history(item, urgency) if item.answer.matches else History((), None)
    return with_history(finding, history)


async def hover(server: Server, log: OpenLog, position: types.Position) -> types.Hover | None:
    """Return the hover for a line."""
    item = await matched(server, log, position.line)
    if item is None or not item.row.log.text.strip():
        return None
    finding = await server.service.explained(item)
    shown = await show_hover(server, finding, _add_history(server, item, finding, Urgency.ASKED))
    shown.range = views.line_range(log.document, position.line, server.units)
    return shown


async def definition(server: Server, log: OpenLog, position: types.Position) -> list[types.Location] | None:
    """Return the source locations of a log line: the location that it names, if any, and the best matches.

    The best matches are the call that printed the line and all equally good matches.
    """
    item = await matched(server, log, position.line)
    if item is None:
        return None

    def locate(engine: Engine) -> list[types.Location]:
        answer = item.answer
        if answer.rivals >= len(answer.matches):  # There are more equally good matches than shown.
            answer = engine.answer(item.row.log, min(answer.rivals + 1, MOST_PLACES), build=False)
        found = (location(engine, server.documents, path, line) for path, line in _places(answer))
        return [one for one in found if one is not None]

    return await server.service.matching.ask(locate, Urgency.ASKED) or None


def _places(answer: Answer) -> list[tuple[str, int]]:
    pointed = [(answer.points_to.path, answer.points_to.line)] if answer.points_to else []
    return list(dict.fromkeys([*pointed, *((match.message.path, match.message.line_start) for match in best(answer))]))


async def code_lenses(server: Server, uri: str, log: OpenLog) -> list[types.CodeLens]:
    """Return a lens for the first line of each message found so far; `resolve_lens` adds the titles."""
    await match_window(server.service, log, 0, FIRST_LINES, Urgency.SHOWN)
    document = log.document
    return [
        types.CodeLens(
            views.line_range(document, seen.lines[0], server.units),
            data={"uri": uri, "line": seen.lines[0]},
        )
        for seen in document.messages()
    ]


async def resolve_lens(server: Server, lens: types.CodeLens, uri: str, log: OpenLog) -> types.CodeLens:
    """Return a lens with its title: release, commit, and number of lines of the message."""
    line = lens.range.start.line
    item = await matched(server, log, line)
    seen = next((seen for seen in log.document.messages() if seen.lines[0] == line), None)
    if item is None or seen is None:
        lens.command = types.Command("", "")
        return lens
    history = await server.service.history(item, Urgency.SHOWN)
    name = commands.COMMIT if any(one.last_changed for one in history.provenance) else commands.ANSWER
    lens.command = types.Command(views.lens_title(seen, history.provenance), name, arguments=[uri, line])
    return lens


async def inlay_hints(server: Server, log: OpenLog, lines: types.Range) -> list[types.InlayHint]:
    """Return the source locations to show behind the lines of a range, which is the visible part."""
    first, last = lines.start.line, lines.end.line
    await match_window(server.service, log, first, last)
    hints = (views.hint(log.document, line, item, server.units) for line, item in log.document.matched(first, last))
    return [hint for hint in hints if hint is not None]


async def symbols(server: Server, log: OpenLog) -> list[types.DocumentSymbol]:
    """Return the messages grouped by subsystem, once all lines are matched."""
    await log.wait_complete()
    messages = log.document.messages()
    paths = {seen.first.answer.matches[0].message.path for seen in messages}

    def name(engine: Engine) -> dict[str, str]:
        found = ((path, engine.source.subsystem(path)) for path in paths)
        return {path: subsystem.name if subsystem else NO_SUBSYSTEM for path, subsystem in found}

    names = await server.service.matching.ask(name, Urgency.SHOWN)
    return views.outline(log.document, messages, names.__getitem__, server.units)


async def code_actions(server: Server, uri: str, log: OpenLog, line: int) -> list[types.Command]:
    """Return the commands for a line that has a match."""
    item = await matched(server, log, line)
    if item is None or not item.answer.matches:
        return []
    return [types.Command(title, name, arguments=[uri, line]) for name, title in commands.TITLES.items()]
