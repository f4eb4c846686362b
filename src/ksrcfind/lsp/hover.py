"""Make the text of a hover: the answer at once, with its history if that is ready in time."""

import asyncio
from collections.abc import Awaitable

from lsprotocol import types

from ksrcfind.engine.engine import Engine
from ksrcfind.finding import Finding
from ksrcfind.lsp.markdown import hover
from ksrcfind.lsp.server import Server
from ksrcfind.lsp.worker import Urgency
from ksrcfind.output.style import Painter
from ksrcfind.output.text import TextWriter


async def show_hover(server: Server, finding: Finding, traced: Awaitable[Finding]) -> types.Hover:
    """Return the hover of a finding. `traced` is the finding with its history; the client sets how long to wait."""
    pending = asyncio.ensure_future(traced)
    done, _ = await asyncio.wait([pending], timeout=server.client.history_wait)
    if done:
        finding = pending.result()
    else:
        pending.add_done_callback(_ignore)

    def write(engine: Engine) -> str:
        return render(server, engine, finding, pending=not done)

    # Without history, the text needs no commits, and the tracing thread is busy.
    thread = server.service.tracing if done else server.service.matching
    return types.Hover(types.MarkupContent(_kind(server), await thread.ask(write, Urgency.ASKED)))


def render(server: Server, engine: Engine, finding: Finding, *, pending: bool = False) -> str:
    """Return a finding as Markdown or plain text, whichever the client supports."""
    if _kind(server) is types.MarkupKind.PlainText:
        return plain(engine, finding)
    root = engine.source_root.as_uri() if engine.source_root is not None else None
    return hover(finding, engine.histories.commit, root, pending=pending)


def plain(engine: Engine, finding: Finding) -> str:
    """Return a finding as plain text, as `ksrcfind find` prints it."""
    parts: list[str] = []
    TextWriter(parts.append, engine.histories.commit, Painter(False)).finding(finding)
    return "".join(parts)


def _kind(server: Server) -> types.MarkupKind:
    text = server.client_capabilities.text_document
    formats = text.hover.content_format if text and text.hover else None
    return (
        types.MarkupKind.PlainText
        if formats and types.MarkupKind.Markdown not in formats
        else types.MarkupKind.Markdown
    )


def _ignore(late: "asyncio.Future[Finding]") -> None:
    """Discard the error of a history that came too late: asyncio would log it, and the next question gets it again."""
    if not late.cancelled():
        late.exception()
