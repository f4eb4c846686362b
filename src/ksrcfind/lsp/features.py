"""Register a handler for each request and notification of the protocol."""

from pathlib import Path

from lsprotocol import types
from pygls import uris

from ksrcfind.finding import Finding
from ksrcfind.lsp import c_features, commands, log_features
from ksrcfind.lsp.server import C_SUFFIXES, Server, is_c


def register(server: Server) -> None:
    """Register all features of a server."""
    _register_lifecycle(server)
    _register_documents(server)
    _register_answers(server)
    for name in commands.TITLES:
        _register_command(server, name)


def _register_lifecycle(server: Server) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.initialize_client(params)

    @server.feature(types.INITIALIZED)
    async def initialized(_params: types.InitializedParams) -> None:
        await server.ask_settings()
        await server.warm_up()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configured(params: types.DidChangeConfigurationParams) -> None:
        if params.settings:
            server.configure(params.settings)
        else:
            await server.ask_settings()

    @server.feature(types.SHUTDOWN)
    def shut_down(_params: None) -> None:
        server.stop()


def _register_documents(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        if not is_c(params.text_document):
            server.open_log(params.text_document.uri, params.text_document.text)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        if uri in server.logs:
            server.change_log(uri, server.workspace.get_text_document(uri).source)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.close_log(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        if params.text_document.uri.endswith(C_SUFFIXES):
            server.service.reopen()  # The next question is answered from the new text;
            server.tree_changed()  # open logs are matched again once no more files are saved.

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(params: types.DidChangeWatchedFilesParams) -> None:
        if any(change.uri.endswith(C_SUFFIXES) or _is_head(change.uri) for change in params.changes):
            server.tree_changed()
        for uri in {change.uri for change in params.changes} & server.logs.keys():
            server.grow_log(uri)


def _register_answers(server: Server) -> None:
    logs = server.logs

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        uri = params.text_document.uri
        if uri in logs:
            return await server.or_show_error(log_features.hover(server, logs[uri], params.position))
        return await server.or_show_error(c_features.hover(server, uri, params.position), needs_tree=False)

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: types.DefinitionParams) -> list[types.Location] | None:
        log = logs.get(params.text_document.uri)
        return await server.or_show_error(log_features.definition(server, log, params.position)) if log else None

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def references(params: types.ReferenceParams) -> list[types.Location] | None:
        uri = params.text_document.uri
        found = None if uri in logs else c_features.references(server, uri, params.position)
        return await server.or_show_error(found, needs_tree=False) if found else None

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=True))
    async def code_lens(params: types.CodeLensParams) -> list[types.CodeLens] | None:
        uri = params.text_document.uri
        if not server.client.code_lens:
            return None
        if uri in logs:
            return await server.or_show_error(log_features.code_lenses(server, uri, logs[uri]))
        return await server.or_show_error(c_features.code_lenses(server, uri), needs_tree=False)

    @server.feature(types.CODE_LENS_RESOLVE)
    async def resolve(lens: types.CodeLens) -> types.CodeLens:
        uri = str(lens.data.get("uri", "")) if isinstance(lens.data, dict) else ""
        if uri in logs:
            resolved = await server.or_show_error(log_features.resolve_lens(server, lens, uri, logs[uri]))
        else:
            resolved = await server.or_show_error(c_features.resolve_lens(server, lens, uri), needs_tree=False)
        return resolved or lens

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def inlay_hint(params: types.InlayHintParams) -> list[types.InlayHint] | None:
        log = logs.get(params.text_document.uri)
        if log is None or not server.client.inlay_hints:
            return None
        return await server.or_show_error(log_features.inlay_hints(server, log, params.range))

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        log = logs.get(params.text_document.uri)
        return await server.or_show_error(log_features.symbols(server, log)) if log else None

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
    async def code_action(params: types.CodeActionParams) -> list[types.Command] | None:
        uri = params.text_document.uri
        log = logs.get(uri)
        return (
            await server.or_show_error(log_features.code_actions(server, uri, log, params.range.start.line))
            if log
            else None
        )


def _register_command(server: Server, name: str) -> None:
    @server.command(name)
    async def command(uri: str, line: int) -> dict[str, str] | None:
        async def finding() -> Finding | None:
            log = server.logs.get(uri)
            item = await log_features.matched(server, log, line) if log else None
            return await log_features.finding_with_history(server, item) if item else None

        return await server.or_show_error(commands.run(server, name, finding))


def _is_head(uri: str) -> bool:
    path = uris.to_fs_path(uri)
    return path is not None and Path(path).name == "HEAD" and ".git" in Path(path).parts
