"""What can be done with a line of a log: its answer as text, its commit, its message's life, shown as documents.

A command returns the text and where it was written, for clients that copy it or show it in their own way; a client
that can open documents (`window/showDocument`) is asked to.
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

ANSWER = "ksrcfind.copyAnswer"
COMMIT = "ksrcfind.openCommit"
LIFE = "ksrcfind.showLife"

TITLES = {ANSWER: "Copy the answer", COMMIT: "Open the commit", LIFE: "Show the life of the message"}
"""Command → what it is called in a menu."""

Text = Callable[[Engine, Finding], tuple[str, str]]
"""Returns the name of a document and what it says. Raises `KsrcfindError` if there is nothing to say."""


async def run(server: Server, command: str, finding: Callable[[], Awaitable[Finding | None]]) -> dict[str, str] | None:
    """Show what a command is about; return its text, and where it was written as a URI."""
    told = await finding()
    if told is None or not told.answer.matches:
        return None
    name, text = await server.desk.telling.ask(lambda engine: _TEXTS[command](engine, told), Urgency.ASKED)
    uri = server.scratch.show(name, text).as_uri()
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
        raise KsrcfindError("no commit is known for this line", "ksrcfind doctor tells what history is used.")
    return f"{change.commit[:12]}.patch", engine.histories.patch(change.commit)


def _life(engine: Engine, finding: Finding) -> tuple[str, str]:
    engine.releases.check_lives()
    if not finding.provenance:
        raise KsrcfindError("`life` needs the history of a message", "Switch on histories in the editor's settings.")
    life = life_of(finding, engine.histories.later(finding), [tag.name for tag in engine.releases.tags])
    return "evolution.txt", "".join(lifetime("text", life, engine.histories.commit, Painter(False)))


_TEXTS: dict[str, Text] = {ANSWER: _answer, COMMIT: _commit, LIFE: _life}
