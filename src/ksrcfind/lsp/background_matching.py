"""Logs that are open: what is on a screen is matched at once, the rest in the background, piece by piece."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from ksrcfind.batch.answer_cache import AnswerCache
from ksrcfind.batch.matched_row import MatchedRow
from ksrcfind.engine.engine import Engine
from ksrcfind.lsp.log_document import AROUND, LogDocument
from ksrcfind.lsp.tree_service import TreeService
from ksrcfind.lsp.worker import Urgency

SLICE = 0.03
"""Seconds of matching in one piece: as long as somebody who asks waits for the background."""

FIRST_LINES = 100
"""Lines that are taken to be on the screen when a log is opened."""

PROGRESS_AFTER = 0.5
"""Seconds of work before progress is shown."""


@dataclass(slots=True)
class OpenLog:
    """A log in an editor."""

    document: LogDocument
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when every line was matched, or when that was cancelled. Each reading has its own."""
    task: asyncio.Task[None] | None = None

    async def settled(self) -> None:
        """Wait until every line of the text as it is then was matched, or until that was cancelled."""
        reading = None
        while reading is not self.complete:  # A new text was read meanwhile.
            reading = self.complete
            await reading.wait()

    def stop(self) -> None:
        """End the work in the background."""
        if self.task is not None:
            self.task.cancel()
            self.task = None


async def match_window(
    desk: TreeService, log: OpenLog, first: int, last: int, urgency: Urgency = Urgency.ASKED
) -> None:
    """See to it that the lines from `first` to `last` are matched, of the text as it is when that is done."""
    document = log.document
    while not all(document.at(line) for line in range(max(first, 0), min(last + 1, len(document.lines)))):
        lines = document.lines
        async for found in _in_pieces(desk, lambda answers: document.window(first, last, answers), urgency):
            if document.lines is not lines:  # The text or the tree was replaced meanwhile.
                break
            document.learn(found)
        if document.lines is lines:
            return


async def match_rest(desk: TreeService, log: OpenLog, first: int, report: "Report") -> None:
    """Match all lines from `first` to the end. Ends early if the client cancels."""
    document, done = log.document, first

    def begin(answers: AnswerCache) -> Iterator[MatchedRow]:
        return document.reading(first if done == first else max(first, document.read - AROUND), answers)

    async for found in _in_pieces(desk, begin, Urgency.LATER):
        document.learn(found)
        document.read = done = found[-1].row.line
        report.at(f"{done:,} of {len(document.lines):,} lines", done * 100 // max(len(document.lines), 1))
        if report.cancelled:
            return


async def _in_pieces(
    desk: TreeService, begin: Callable[[AnswerCache], Iterator[MatchedRow]], urgency: Urgency
) -> AsyncIterator[list[MatchedRow]]:
    """Yield what matching gives, in pieces between which whatever is more urgent comes first.

    Where the tree was opened again between two pieces, matching begins again, with the new engine: `begin` knows which
    lines are left.
    """
    rows: Iterator[MatchedRow] = iter(())
    begun_with: AnswerCache | None = None

    def match(engine: Engine) -> list[MatchedRow]:
        nonlocal rows, begun_with
        answers = desk.answers(engine)
        if answers is not begun_with:
            rows, begun_with = begin(answers), answers
        until = time.monotonic() + SLICE
        found = []
        for item in rows:
            found.append(item)
            if time.monotonic() >= until:
                break
        return found

    while found := await desk.matching.ask(match, urgency):
        yield found


class Report:
    """Progress that the client shows, if it can and if the work takes long enough; the client may cancel it.

    The work does not wait for the client: one that never answers sees no progress.
    """

    def __init__(self, server: LanguageServer, title: str) -> None:
        self._server = server
        self._title = title
        self._token: str | None = None
        self._opening: asyncio.Task[None] | None = None
        self._began = time.monotonic()
        self._percent = -1
        window = server.client_capabilities.window
        self._able = bool(window and window.work_done_progress)

    @property
    def cancelled(self) -> bool:
        """Whether the client wants the work to end."""
        token = self._server.work_done_progress.tokens.get(self._token) if self._token else None
        return token is not None and token.cancelled()

    def at(self, message: str, percent: int | None) -> None:
        """Say how far the work is; nothing is sent twice for the same per cent."""
        if not self._able or time.monotonic() - self._began < PROGRESS_AFTER or percent == self._percent:
            return
        self._opening = self._opening or asyncio.create_task(self._open())
        if self._token is not None:
            self._percent = -1 if percent is None else percent
            report = types.WorkDoneProgressReport(message=message, percentage=percent)
            self._server.work_done_progress.report(self._token, report)

    async def _open(self) -> None:
        progress, token = self._server.work_done_progress, str(uuid4())
        with suppress(JsonRpcException):  # A client that says it can and does not.
            await progress.create_async(token)
            progress.begin(token, types.WorkDoneProgressBegin(self._title, cancellable=True, percentage=0))
            self._token = token

    def end(self) -> None:
        """Say that the work is done."""
        if self._opening is not None:
            self._opening.cancel()
        if self._token is not None:
            self._server.work_done_progress.end(self._token, types.WorkDoneProgressEnd())
            self._server.work_done_progress.tokens.pop(self._token, None)
            self._token = None
