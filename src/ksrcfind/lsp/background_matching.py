"""Match the lines of open logs: visible lines at once, the rest in the background in short slices."""

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
"""Seconds of background matching, after which a waiting request is answered first."""

FIRST_LINES = 100
"""Lines that are assumed to be visible when a log is opened."""

PROGRESS_AFTER = 0.5
"""Seconds of work before progress is shown."""


@dataclass(slots=True)
class OpenLog:
    """A log in an editor."""

    document: LogDocument
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when every line is matched, or when matching was cancelled. Every run of matching has its own event."""
    task: asyncio.Task[None] | None = None

    async def wait_complete(self) -> None:
        """Wait until every line of the current text is matched, or until matching was cancelled."""
        event = None
        while event is not self.complete:  # The text changed while this waited.
            event = self.complete
            await event.wait()

    def stop(self) -> None:
        """Cancel background matching."""
        if self.task is not None:
            self.task.cancel()
            self.task = None


async def match_window(
    service: TreeService, log: OpenLog, first: int, last: int, urgency: Urgency = Urgency.ASKED
) -> None:
    """Match the lines of a log from `first` to `last`; if its text changes meanwhile, those of the new text."""
    document = log.document
    while not all(document.at(line) for line in range(max(first, 0), min(last + 1, len(document.lines)))):
        lines = document.lines
        async for found in _slices(service, lambda answers: document.match_window(first, last, answers), urgency):
            if document.lines is not lines:  # The text or the tree was replaced meanwhile.
                break
            document.store(found)
        if document.lines is lines:
            return


async def match_rest(service: TreeService, log: OpenLog, first: int, report: "ProgressReport") -> None:
    """Match all lines of a log from `first` to the end. Ends early if the client cancels."""
    document, done = log.document, first

    def start(answers: AnswerCache) -> Iterator[MatchedRow]:
        return document.match_from(first if done == first else max(first, document.matched_to - AROUND), answers)

    async for found in _slices(service, start, Urgency.LATER):
        document.store(found)
        document.matched_to = done = found[-1].row.line
        report.at(f"{done:,} of {len(document.lines):,} lines", done * 100 // max(len(document.lines), 1))
        if report.cancelled:
            return


async def _slices(
    service: TreeService, start: Callable[[AnswerCache], Iterator[MatchedRow]], urgency: Urgency
) -> AsyncIterator[list[MatchedRow]]:
    """Yield matched rows of a log in slices of `SLICE` seconds; more urgent questions run between two slices."""
    rows: Iterator[MatchedRow] = iter(())
    started_with: AnswerCache | None = None

    def match(engine: Engine) -> list[MatchedRow]:
        nonlocal rows, started_with
        answers = service.answers(engine)
        if answers is not started_with:
            rows, started_with = start(answers), answers
        until = time.monotonic() + SLICE
        found = []
        for item in rows:
            found.append(item)
            if time.monotonic() >= until:
                break
        return found

    while found := await service.matching.ask(match, urgency):
        yield found


class ProgressReport:
    """Reports progress to a client that supports it, once the work takes long enough; the client may cancel the work.

    The work never waits for the client.
    """

    def __init__(self, server: LanguageServer, title: str) -> None:
        self._server = server
        self._title = title
        self._token: str | None = None
        self._opening: asyncio.Task[None] | None = None
        self._began = time.monotonic()
        self._percent = -1
        window = server.client_capabilities.window
        self._supported = bool(window and window.work_done_progress)

    @property
    def cancelled(self) -> bool:
        """True if the client cancelled the work."""
        token = self._server.work_done_progress.tokens.get(self._token) if self._token else None
        return token is not None and token.cancelled()

    def at(self, message: str, percent: int | None) -> None:
        """Report how far the work is; a percentage is sent only once."""
        if not self._supported or time.monotonic() - self._began < PROGRESS_AFTER or percent == self._percent:
            return
        self._opening = self._opening or asyncio.create_task(self._open())
        if self._token is not None:
            self._percent = -1 if percent is None else percent
            report = types.WorkDoneProgressReport(message=message, percentage=percent)
            self._server.work_done_progress.report(self._token, report)

    async def _open(self) -> None:
        progress, token = self._server.work_done_progress, str(uuid4())
        with suppress(JsonRpcException):  # The client claims support but refuses.
            await progress.create_async(token)
            progress.begin(token, types.WorkDoneProgressBegin(self._title, cancellable=True, percentage=0))
            self._token = token

    def end(self) -> None:
        """Report that the work is finished."""
        if self._opening is not None:
            self._opening.cancel()
        if self._token is not None:
            self._server.work_done_progress.end(self._token, types.WorkDoneProgressEnd())
            self._server.work_done_progress.tokens.pop(self._token, None)
            self._token = None
