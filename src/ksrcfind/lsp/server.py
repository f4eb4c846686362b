"""The server: what it knows of its client, its open documents and its tree; the features are registered in `features`.

Nothing that a client sends ends it: what is wrong with a tree or a setting is shown as a message, once.
"""

import asyncio
import json
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from lsprotocol import types
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
from ksrcfind.lsp.background_matching import FIRST_LINES, OpenLog, Report, match_rest, match_window
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
"""Seconds without a change after which a tree is read anew."""

_Result = TypeVar("_Result")


class Protocol(LanguageServerProtocol):
    """The protocol, with what reading messages needs of it."""

    @property
    def is_shut_down(self) -> bool:
        """Whether the client said that it will ask nothing more."""
        return self._shutdown

    def send(self, message: dict[str, Any]) -> None:
        """Send a message that is plain data."""
        self._send_data(message)


class Server(LanguageServer):
    """The language server."""

    protocol: Protocol

    def __init__(self, settings: Settings, rev: str | None, directory: Path) -> None:
        """`directory` is where a tree is looked for if the client names no folder."""
        # Whole texts: pygls applies pieces to lines that it ends at other characters than newlines too.
        super().__init__("ksrcfind", __version__, types.TextDocumentSyncKind.Full, protocol_cls=Protocol)
        self._settings = settings
        self._rev = rev
        self._directory = directory
        self._initial: Any = None
        self._shown: set[str] = set()
        self._indexing: asyncio.Task[None] | None = None
        self._renewal: asyncio.TimerHandle | None = None
        self.client = ClientSettings()
        self.scratch = VirtualDocuments()
        self.logs: dict[str, OpenLog] = {}
        self._closed: tuple[str, LogDocument] | None = None
        self.desk = TreeService(self._open_tree, self.client)

    def run(self, source: BinaryIO, channel: BinaryIO) -> None:
        """Serve one client over two files, until it goes away."""
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
        """Hand on a message. Whatever is wrong with it, a request gets an answer and the server goes on."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            self._refuse(None, JsonRpcParseError("not JSON in UTF-8"))
            return
        number = data.get("id") if isinstance(data, dict) else None
        if not isinstance(data, dict) or data.get("jsonrpc") != "2.0" or not _is_id(number, present="id" in data):
            self._refuse(None, JsonRpcInvalidRequest("no message of JSON-RPC 2.0"))
            return
        is_request = number is not None and "method" in data
        try:
            if not isinstance(data.get("method", ""), str):
                raise JsonRpcInvalidRequest("a method is a text")  # noqa: TRY301 - answered like all that follows
            if is_request and self.protocol.is_shut_down:
                raise JsonRpcInvalidRequest("the server was shut down")  # noqa: TRY301
            self.protocol.handle_message(self.protocol.structure_message(data))
        except JsonRpcException as error:
            if is_request:
                self._refuse(number, error)
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # noqa: BLE001 - what a client sends never ends the server
            if is_request:
                self._refuse(number, JsonRpcInternalError(str(error)))

    def _refuse(self, number: int | str | None, error: JsonRpcException) -> None:
        told = {"code": error.code, "message": error.message}
        self.protocol.send({"jsonrpc": "2.0", "id": number, "error": told})

    def begin(self, params: types.InitializeParams) -> None:
        """Take what the client says of itself."""
        folders = params.workspace_folders or []
        root = folders[0].uri if folders else params.root_uri
        path = uris.to_fs_path(root) if root else None
        if path:
            self._directory = Path(path)
        self._initial = params.initialization_options
        self.configure(None)

    async def ask_settings(self) -> None:
        """Ask the client for its settings, if it can be asked."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.configuration:
            item = types.ConfigurationItem(section=SECTION)
            self.configure(
                next(iter(await self.workspace_configuration_async(types.ConfigurationParams([item]))), None)
            )

    def configure(self, given: Any) -> None:
        """Take settings of the client, which go before those that it began with."""
        try:
            client = client_settings(self._initial, given)
        except KsrcfindError as error:
            self.say(error)
            return
        if client != self.client:
            self.client = client
            self.renew()

    async def warm_up(self) -> None:
        """Open the tree before it is asked for."""
        with suppress(KsrcfindError):  # Whoever asks is told.
            await self.desk.matching.ask(lambda engine: engine.index.current() is not None, Urgency.LATER)

    def tree_changed(self) -> None:
        """Answer from the tree as it is now, once it stays as it is: a checkout changes many files."""
        if self._renewal is not None:
            self._renewal.cancel()
        self._renewal = asyncio.get_running_loop().call_later(QUIET, self.renew)

    def renew(self) -> None:
        """Answer from the tree as it is now, and match the open logs again."""
        self.desk.client = self.client
        self.desk.renew()
        self._closed = None
        for uri, log in self.logs.items():
            log.document.forget()
            self.read(uri, log, 0)

    def stop(self) -> None:
        """Let go of everything."""
        for log in self.logs.values():
            log.stop()
        if self._indexing is not None:
            self._indexing.cancel()
        if self._renewal is not None:
            self._renewal.cancel()
        self.desk.end()
        self.scratch.end()

    def say(self, error: KsrcfindError) -> None:
        """Show an error, once."""
        if error.title not in self._shown:
            self._shown.add(error.title)
            text = f"{error.title}. {error.hint}" if error.hint else error.title
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, f"ksrcfind: {text}"))

    async def or_say(self, answer: Awaitable[_Result], *, takes_tree: bool = True) -> _Result | None:
        """Return an answer; None, with a message for the user, where there is an error to show.

        `takes_tree` is false for files of which it is not known that they are of interest: most C is no kernel's.
        """
        try:
            return await answer
        except NoTreeError as error:
            if takes_tree:
                self.say(error)
            return None
        except KsrcfindError as error:
            self.say(error)
            return None

    def units(self, text: str) -> int:
        """Return the length of a text as the client counts."""
        return len(text) if text.isascii() else self.workspace.position_codec.client_num_units(text)

    @property
    def tree(self) -> tuple[Settings, str | None]:
        """Settings and revision, those of the client before those of the command line."""
        client, settings = self.client, self._settings
        if client.index:
            return replace(settings, index=Path(client.index).expanduser()), None
        if client.repo or client.rev:
            repo = Path(client.repo).expanduser() if client.repo else settings.repo
            return replace(settings, index=None, repo=repo), client.rev or self._rev
        return settings, self._rev

    def open_log(self, uri: str, text: str) -> None:
        """Take a log that was opened. Editors that close and open one whose file grew do not have it read again."""
        if self._closed is not None and self._closed[0] == uri:
            document, first = self._closed[1], self._closed[1].update(text)
        else:
            document, first = LogDocument.of(text), 0
        self._closed = None
        self.logs[uri] = log = OpenLog(document)
        self.read(uri, log, first)

    def change_log(self, uri: str, text: str) -> None:
        """Take a log's new text."""
        log = self.logs[uri]
        if not log.document.has(text):
            self.read(uri, log, log.document.update(text))

    def grow_log(self, uri: str) -> None:
        """Read on where a log's file goes on behind what the editor has; its text is the editor's otherwise."""
        path = Path(uris.to_fs_path(uri) or "")
        try:
            with open_regular(path) as file:
                text = file.read(LARGEST).decode("utf-8", "replace")
        except OSError:
            return
        if text.startswith(self.workspace.get_text_document(uri).source):
            self.change_log(uri, text)

    def close_log(self, uri: str) -> None:
        """Forget a log."""
        log = self.logs.pop(uri, None)
        if log is not None:
            log.stop()
            self._closed = uri, log.document
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def read(self, uri: str, log: OpenLog, first: int) -> None:
        """Match a log in the background, from a line on."""
        log.stop()
        log.complete = asyncio.Event()
        log.task = asyncio.create_task(self._read(uri, log, first))

    async def _read(self, uri: str, log: OpenLog, first: int) -> None:
        report, complete = Report(self, "Matching log lines"), log.complete
        try:
            await match_window(self.desk, log, first, first + FIRST_LINES, Urgency.SHOWN)
            self._publish(uri, log)
            if not await self.desk.matching.ask(lambda engine: engine.index.current() is not None, Urgency.LATER):
                await self._index()
            await match_rest(self.desk, log, first, report)
            self._publish(uri, log)
        except KsrcfindError as error:
            self.say(error)
        finally:
            report.end()
            complete.set()
        await self._refresh()

    async def _index(self) -> None:
        """See to an index, built once for all who wait for it."""
        if not self.client.build_index:
            return
        if self._indexing is None or self._indexing.done():
            self._indexing = asyncio.create_task(self._build())
        await asyncio.shield(self._indexing)

    async def _build(self) -> None:
        report = Report(self, "Indexing the kernel tree")
        said: list[tuple[str, int | None]] = []
        building = asyncio.create_task(build_index(self._open_tree, lambda text, percent: said.append((text, percent))))
        try:
            while not building.done():
                await asyncio.wait([building], timeout=0.5)
                if said:
                    report.at(*said[-1])
                if report.cancelled:
                    building.cancel()
            if not building.cancelled():
                building.result()
        finally:
            building.cancel()
            report.end()
        self.desk.renew()

    def _publish(self, uri: str, log: OpenLog) -> None:
        least = self.client.diagnostics
        found = [] if least == "off" else diagnostics(log.document, least, self.units)
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found))

    async def _refresh(self) -> None:
        """Let the client ask again for what it shows."""
        workspace = self.client_capabilities.workspace
        with suppress(JsonRpcException):  # A client that says it can and does not.
            if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
                await self.workspace_code_lens_refresh_async(None)
            if workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
                await self.workspace_inlay_hint_refresh_async(None)

    def _open_tree(self, progress: Progress = SILENT) -> Engine:
        settings, rev = self.tree
        return open_engine(settings, rev, self._directory, progress)


def _is_id(number: object, *, present: bool) -> bool:
    """Tell whether a message may have an id, or none."""
    return not present or (isinstance(number, int | str) and not isinstance(number, bool))


def is_c(document: types.TextDocumentItem) -> bool:
    """Tell whether a document is C; everything else that a client sends is a log."""
    return document.language_id in C_LANGUAGES or document.uri.endswith(C_SUFFIXES)
