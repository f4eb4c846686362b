"""The server with its client settings, open documents and tree; `features` registers its features.

No message from a client ends the server. An error in a tree or a setting is shown to the user once.
"""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from lsprotocol import types
from msgspec.structs import replace
from pygls import uris
from pygls.exceptions import JsonRpcException, JsonRpcInternalError, JsonRpcInvalidRequest, JsonRpcParseError
from pygls.io_ import StdoutWriter
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from ksrcfind import __version__
from ksrcfind.config import Settings
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.open import open_engine
from ksrcfind.errors import KsrcfindError, NoTreeError
from ksrcfind.lsp.background_matching import FIRST_LINES, OpenLog, ProgressReport, match_rest, match_window
from ksrcfind.lsp.frames import Frames, Refused
from ksrcfind.lsp.indexing import build_index
from ksrcfind.lsp.log_document import LogDocument
from ksrcfind.lsp.settings import SECTION, ClientSettings, client_settings
from ksrcfind.lsp.tree_service import TreeService
from ksrcfind.lsp.views import diagnostics
from ksrcfind.lsp.virtual_documents import VirtualDocuments
from ksrcfind.lsp.worker import Urgency
from ksrcfind.progress import SILENT, Progress
from ksrcfind.tree.disk import LARGEST, open_regular

C_LANGUAGES = ("c", "cpp")
C_SUFFIXES = (".c", ".h")

QUIET = 0.3
"""Seconds that the tree must stay unchanged before it is reopened."""

_Result = TypeVar("_Result")


class Protocol(LanguageServerProtocol):
    """The protocol implementation of pygls, with public access to the states that the server needs."""

    @property
    def is_shut_down(self) -> bool:
        """True if the client sent the shutdown request."""
        return self._shutdown

    def send(self, message: dict[str, Any]) -> None:
        """Send a message given as plain data."""
        self._send_data(message)


class Server(LanguageServer):
    """The language server."""

    protocol: Protocol

    def __init__(self, settings: Settings, rev: str | None, directory: Path) -> None:
        """`directory` is where the search for a tree starts if the client has no folder."""
        # Full synchronisation: pygls applies partial changes to lines that also end at other characters than newlines.
        super().__init__("ksrcfind", __version__, types.TextDocumentSyncKind.Full, protocol_cls=Protocol)
        self._settings = settings
        self._rev = rev
        self._directory = directory
        self._initial: Any = None
        self._shown: set[str] = set()
        self._indexing: asyncio.Task[None] | None = None
        self._reopening: asyncio.TimerHandle | None = None
        self.client = ClientSettings()
        self.documents = VirtualDocuments()
        self.logs: dict[str, OpenLog] = {}
        self._closed: tuple[str, LogDocument] | None = None
        self.service = TreeService(self._open_tree, self.client)

    def run(self, source: BinaryIO, channel: BinaryIO) -> None:
        """Serve one client until it disconnects: read messages from `source`, write them to `channel`."""
        self.protocol.set_writer(StdoutWriter(channel))
        try:
            asyncio.run(self._serve(Frames(source)))
        except (BrokenPipeError, ConnectionResetError, KeyboardInterrupt, SystemExit):
            pass
        finally:
            self.shutdown()  # type: ignore[no-untyped-call]

    async def _serve(self, frames: Frames) -> None:
        loop = asyncio.get_running_loop()
        while (body := await loop.run_in_executor(self.thread_pool, frames.read)) is not None:
            if isinstance(body, Refused):
                self._refuse(None, JsonRpcInvalidRequest(body.reason))
            else:
                self._receive(body)

    def _receive(self, body: bytes) -> None:
        """Process a message. An invalid request gets an error, and the server continues."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            self._refuse(None, JsonRpcParseError("not JSON in UTF-8"))
            return
        number = data.get("id") if isinstance(data, dict) else None
        if not isinstance(data, dict) or data.get("jsonrpc") != "2.0" or not _is_id(number, present="id" in data):
            self._refuse(None, JsonRpcInvalidRequest("not a JSON-RPC 2.0 message"))
            return
        is_request = number is not None and "method" in data
        try:
            self._check(data, is_request=is_request)
            self.protocol.handle_message(self.protocol.structure_message(data))
        except JsonRpcException as error:
            if is_request:
                self._refuse(number, error)
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # noqa: BLE001 - no message of a client ends the server
            if is_request:
                self._refuse(number, JsonRpcInternalError(str(error)))

    def _check(self, data: Mapping[str, object], *, is_request: bool) -> None:
        """Raise `JsonRpcInvalidRequest` for a message that pygls must not see."""
        if not isinstance(data.get("method", ""), str):
            raise JsonRpcInvalidRequest("the method must be a string")
        if is_request and self.protocol.is_shut_down:
            raise JsonRpcInvalidRequest("the server was shut down")

    def _refuse(self, number: int | str | None, error: JsonRpcException) -> None:
        self.protocol.send({"jsonrpc": "2.0", "id": number, "error": {"code": error.code, "message": error.message}})

    def initialize_client(self, params: types.InitializeParams) -> None:
        """Store the folder and the initialization options of the client."""
        folders = params.workspace_folders or []
        root = folders[0].uri if folders else params.root_uri
        path = uris.to_fs_path(root) if root else None
        if path:
            self._directory = Path(path)
        self._initial = params.initialization_options
        self.configure(None)

    async def ask_settings(self) -> None:
        """Request the client's settings, if it supports the request."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.configuration:
            item = types.ConfigurationItem(section=SECTION)
            self.configure(
                next(iter(await self.workspace_configuration_async(types.ConfigurationParams([item]))), None)
            )

    def configure(self, given: Any) -> None:
        """Apply settings of the client; they override its initialization options."""
        try:
            client = client_settings(self._initial, given)
        except KsrcfindError as error:
            self.show_error(error)
            return
        if client != self.client:
            self.client = client
            self.reopen()

    async def warm_up(self) -> None:
        """Open the tree before the first question."""
        with suppress(KsrcfindError):  # The first question shows the error.
            await self.service.matching.ask(lambda engine: engine.index.current() is not None, Urgency.LATER)

    def tree_changed(self) -> None:
        """Reopen the tree after `QUIET` seconds without another change: a checkout changes many files."""
        if self._reopening is not None:
            self._reopening.cancel()
        self._reopening = asyncio.get_running_loop().call_later(QUIET, self.reopen)

    def reopen(self) -> None:
        """Reopen the tree and match the open logs again."""
        self.service.client = self.client
        self.service.reopen()
        self._closed = None
        for uri, log in self.logs.items():
            log.document.clear()
            self.match_log(uri, log, 0)

    def stop(self) -> None:
        """Cancel all work and close the tree."""
        for log in self.logs.values():
            log.stop()
        if self._indexing is not None:
            self._indexing.cancel()
        if self._reopening is not None:
            self._reopening.cancel()
        self.service.end()
        self.documents.end()

    def show_error(self, error: KsrcfindError) -> None:
        """Show an error to the user, each error only once."""
        if error.title not in self._shown:
            self._shown.add(error.title)
            text = f"{error.title}. {error.hint}" if error.hint else error.title
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, f"ksrcfind: {text}"))

    async def or_show_error(self, answer: Awaitable[_Result], *, needs_tree: bool = True) -> _Result | None:
        """Return an answer; on an error, show it to the user and return None.

        `needs_tree` is False for C files: most of them are not kernel code, so a missing tree is not an error.
        """
        try:
            return await answer
        except NoTreeError as error:
            if needs_tree:
                self.show_error(error)
            return None
        except KsrcfindError as error:
            self.show_error(error)
            return None

    def units(self, text: str) -> int:
        """Return the length of a text in the units of the client's position encoding."""
        return len(text) if text.isascii() else self.workspace.position_codec.client_num_units(text)

    @property
    def tree(self) -> tuple[Settings, str | None]:
        """Settings and revision for the tree: those of the client, else those of the command line."""
        client, settings = self.client, self._settings
        if client.index:
            return replace(settings, index=Path(client.index).expanduser()), None
        if client.repo or client.rev:
            repo = Path(client.repo).expanduser() if client.repo else settings.repo
            return replace(settings, index=None, repo=repo), client.rev or self._rev
        return settings, self._rev

    def open_log(self, uri: str, text: str) -> None:
        """Open a log document.

        If it was the last log closed, its answers are reused: some editors reopen a log that grew.
        """
        if self._closed is not None and self._closed[0] == uri:
            document, first = self._closed[1], self._closed[1].update(text)
        else:
            document, first = LogDocument.of(text), 0
        self._closed = None
        self.logs[uri] = log = OpenLog(document)
        self.match_log(uri, log, first)

    def change_log(self, uri: str, text: str) -> None:
        """Apply the new text of a log."""
        log = self.logs[uri]
        if not log.document.has(text):
            self.match_log(uri, log, log.document.update(text))

    def grow_log(self, uri: str) -> None:
        """Apply lines that were appended to the file of a log; any other change of the file is ignored."""
        path = Path(uris.to_fs_path(uri) or "")
        try:
            with open_regular(path) as file:
                text = file.read(LARGEST).decode("utf-8", "replace")
        except OSError:
            return
        if text.startswith(self.workspace.get_text_document(uri).source):
            self.change_log(uri, text)

    def close_log(self, uri: str) -> None:
        """Close a log; its answers are kept until another log is closed or opened."""
        log = self.logs.pop(uri, None)
        if log is not None:
            log.stop()
            self._closed = uri, log.document
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def match_log(self, uri: str, log: OpenLog, first: int) -> None:
        """Match a log in the background, starting at a line."""
        log.stop()
        log.complete = asyncio.Event()
        log.task = asyncio.create_task(self._match_log(uri, log, first))

    async def _match_log(self, uri: str, log: OpenLog, first: int) -> None:
        report, complete = ProgressReport(self, "Matching log lines"), log.complete
        try:
            await match_window(self.service, log, first, first + FIRST_LINES, Urgency.SHOWN)
            self._publish(uri, log)
            if not await self.service.matching.ask(lambda engine: engine.index.current() is not None, Urgency.LATER):
                await self._index()
            await match_rest(self.service, log, first, report)
            self._publish(uri, log)
        except KsrcfindError as error:
            self.show_error(error)
        finally:
            report.end()
            complete.set()
        await self._refresh()

    async def _index(self) -> None:
        """Build a missing index; all tasks that need it wait for the same build."""
        if not self.client.build_index:
            return
        if self._indexing is None or self._indexing.done():
            self._indexing = asyncio.create_task(self._build())
        await asyncio.shield(self._indexing)

    async def _build(self) -> None:
        report = ProgressReport(self, "Indexing the kernel tree")
        news: list[tuple[str, int | None]] = []
        building = asyncio.create_task(build_index(self._open_tree, lambda text, percent: news.append((text, percent))))
        try:
            while not building.done():
                await asyncio.wait([building], timeout=0.5)
                if news:
                    report.at(*news[-1])
                if report.cancelled:
                    building.cancel()
            if not building.cancelled():
                building.result()
        finally:
            building.cancel()
            report.end()
        self.service.reopen()

    def _publish(self, uri: str, log: OpenLog) -> None:
        least = self.client.diagnostics
        found = [] if least == "off" else diagnostics(log.document, least, self.units)
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found))

    async def _refresh(self) -> None:
        """Ask the client to request visible lenses and hints again."""
        workspace = self.client_capabilities.workspace
        with suppress(JsonRpcException):  # The client claims support but refuses.
            if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
                await self.workspace_code_lens_refresh_async(None)
            if workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
                await self.workspace_inlay_hint_refresh_async(None)

    def _open_tree(self, progress: Progress = SILENT) -> Engine:
        settings, rev = self.tree
        return open_engine(settings, rev, self._directory, progress)


def _is_id(number: object, *, present: bool) -> bool:
    """Return True if the id of a message is valid, or if the message has no id (`present` is False)."""
    return not present or (isinstance(number, int | str) and not isinstance(number, bool))


def is_c(document: types.TextDocumentItem) -> bool:
    """Return True if a document is C; every other document is a log."""
    return document.language_id in C_LANGUAGES or document.uri.endswith(C_SUFFIXES)
