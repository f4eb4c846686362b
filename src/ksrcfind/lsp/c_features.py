"""The features of the server in C files of the tree."""

from pathlib import Path

from lsprotocol import types
from pygls import uris

from ksrcfind.engine.engine import Engine
from ksrcfind.finding import Finding, HistoryMode
from ksrcfind.history.provenance import Provenance
from ksrcfind.lsp import views
from ksrcfind.lsp.c_document import line_here, line_in_tree
from ksrcfind.lsp.hover import show_hover
from ksrcfind.lsp.places import TO_THE_END, best, path_in_tree
from ksrcfind.lsp.server import Server
from ksrcfind.lsp.worker import Urgency
from ksrcfind.source.message import Message


def _shown(server: Server, uri: str) -> list[str]:
    """Return the lines of a file as shown in the editor, else as on disk; an empty list if the file cannot be read."""
    is_open = uri in server.workspace.text_documents
    if not is_open and not Path(uris.to_fs_path(uri) or "").is_file():  # A pipe or device might never end.
        return []
    try:
        return server.workspace.get_text_document(uri).source.split("\n")
    except (OSError, ValueError):  # Closed and deleted, not text, not the name of a file.
        return []


async def _finding(server: Server, uri: str, line: int) -> Finding | None:
    """Return the finding for the log call at a line of a C file, without history.

    None if the line has no log call, or if it was edited.
    """
    file, here = uris.to_fs_path(uri), _shown(server, uri)
    if file is None:
        return None

    def find(engine: Engine) -> Finding | None:
        path = path_in_tree(engine, Path(file))
        if path is None:
            return None
        mapped = line_in_tree(line, here, engine.source.lines(path, 1, TO_THE_END))
        if mapped is None:
            return None
        finding = next(engine.at([(path, mapped + 1)], history=HistoryMode.OFF))
        return finding if finding.answer.matches else None

    return await server.service.matching.ask(find, Urgency.ASKED)


async def _with_history(server: Server, finding: Finding, urgency: Urgency) -> Finding:
    """Return the finding with its history."""
    message = finding.answer.matches[0].message
    mode = HistoryMode.FIRST if server.client.history else HistoryMode.OFF
    place = message.path, message.line_start
    return await server.service.tracing.ask(lambda engine: next(engine.at([place], history=mode)), urgency)


async def hover(server: Server, uri: str, position: types.Position) -> types.Hover | None:
    """Return the hover for the log call at a position."""
    finding = await _finding(server, uri, position.line)
    if finding is None:
        return None
    return await show_hover(server, finding, _with_history(server, finding, Urgency.ASKED))


async def code_lenses(server: Server, uri: str) -> list[types.CodeLens]:
    """Return a lens for each log call that is not edited."""
    file, here = uris.to_fs_path(uri), _shown(server, uri)
    if file is None:
        return []

    def calls(engine: Engine) -> list[tuple[Message, int]]:
        path = path_in_tree(engine, Path(file))
        if path is None:
            return []
        tree = engine.source.lines(path, 1, TO_THE_END)
        mapped = ((message, line_here(message.line_start - 1, here, tree)) for message in engine.messages_in(path))
        return [(message, line) for message, line in mapped if line is not None]

    found = await server.service.matching.ask(calls, Urgency.SHOWN)
    lenses = {line: types.CodeLens(_line(line), data={"uri": uri, "line": line}) for _, line in found}
    return list(lenses.values())


async def resolve_lens(server: Server, lens: types.CodeLens, uri: str) -> types.CodeLens:
    """Return a lens with its title: releases, and how often the message was reworded."""
    finding = await _finding(server, uri, lens.range.start.line)
    histories = (await _with_history(server, finding, Urgency.SHOWN)).provenance if finding else ()
    lens.command = types.Command(views.call_title(histories[0] if histories else Provenance("off")), "")
    return lens


async def references(server: Server, uri: str, position: types.Position) -> list[types.Location]:
    """Return the lines of open logs whose best match is the log call at a position, once all logs are matched."""
    finding = await _finding(server, uri, position.line)
    if finding is None:
        return []
    call = finding.answer.matches[0].message
    found = []
    for log_uri, log in list(server.logs.items()):
        await log.wait_complete()
        for line, item in log.document.matched():
            messages = (match.message for match in best(item.cached.answer))
            if any((one.path, one.line_start) == (call.path, call.line_start) for one in messages):
                found.append(types.Location(log_uri, views.line_range(log.document, line, server.units)))
    return found


def _line(line: int) -> types.Range:
    return types.Range(types.Position(line, 0), types.Position(line, 0))
