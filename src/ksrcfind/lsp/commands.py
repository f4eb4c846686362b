"""The commands for a line of a log: show its answer, its commit, its message's timeline or its callers as a document.

A command returns the text and the document's URI, for clients that copy the text or show it in their own way. A client
that can open documents (`window/showDocument`) is asked to open it.
"""

from collections.abc import Awaitable, Callable

from lsprotocol import types

from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.evolution.timelines import life_of
from ksrcfind.finding import Finding
from ksrcfind.lsp.hover import plain
from ksrcfind.lsp.server import Server
from ksrcfind.lsp.worker import Urgency
from ksrcfind.output.lifetime import lifetime
from ksrcfind.output.record import NO_HISTORY
from ksrcfind.output.style import Painter
from ksrcfind.output.text import callers_text

ANSWER = "ksrcfind.copyAnswer"
COMMIT = "ksrcfind.openCommit"
LIFE = "ksrcfind.showLife"
CALLERS = "ksrcfind.showCallers"

TITLES = {
    ANSWER: "Copy the answer",
    COMMIT: "Open the commit",
    LIFE: "Show how the message changed",
    CALLERS: "Show what calls the function",
}
"""Command → title in a menu."""

_LEVELS = 2  # of callers; each is a search of the tree

Text = Callable[[Engine, Finding], tuple[str, str]]
"""Returns the name and the text of a document about a finding. Raises `KsrcfindError` if there is no such document."""


async def run(server: Server, command: str, finding: Callable[[], Awaitable[Finding | None]]) -> dict[str, str] | None:
    """Run a command; return the name, text and URI of its document. None if the line has no match."""
    found = await finding()
    if found is None or not found.answer.matches:
        return None
    name, text = await server.service.tracing.ask(lambda engine: _TEXTS[command](engine, found), Urgency.ASKED)
    uri = server.documents.show(name, text).as_uri()
    window = server.client_capabilities.window
    copied = command == ANSWER and server.client.copies
    if window and window.show_document and window.show_document.support and not copied:
        await server.window_show_document_async(types.ShowDocumentParams(uri, take_focus=True))
    return {"name": name, "text": text, "uri": uri}


def _answer(engine: Engine, finding: Finding) -> tuple[str, str]:
    return "answer.txt", plain(engine, finding)


def _commit(engine: Engine, finding: Finding) -> tuple[str, str]:
    history = finding.provenance[0] if finding.provenance else NO_HISTORY
    change = history.introduced or history.last_changed
    if change is None:
        raise KsrcfindError("no commit is known for this line", "ksrcfind doctor shows which history is used.")
    return f"{change.commit[:12]}.patch", engine.histories.patch(change.commit)


def _life(engine: Engine, finding: Finding) -> tuple[str, str]:
    engine.releases.check_lives()
    if not finding.provenance:
        raise KsrcfindError("`life` needs the history of a message", "Enable `history` in the editor's settings.")
    life = life_of(finding, engine.histories.later(finding), [tag.name for tag in engine.releases.tags])
    return "life.txt", "".join(lifetime("text", life, engine.histories.commit, Painter(False)))


def _callers(engine: Engine, finding: Finding) -> tuple[str, str]:
    callers = engine.why.with_callers(finding, _LEVELS).callers
    if callers is None or finding.match is None or finding.match.message.function is None:
        raise KsrcfindError("the call is in no function", "Only a function has callers.")
    title = f"{finding.match.message.function}()  {finding.match.message.path}\n\n"
    return "callers.txt", title + "".join(callers_text(callers, Painter(False)))


_TEXTS: dict[str, Text] = {ANSWER: _answer, COMMIT: _commit, LIFE: _life, CALLERS: _callers}
