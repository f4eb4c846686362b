"""A client that drives `ksrcfind lsp` over its standard input and output, as an editor does."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager

import pytest

pytest.importorskip("pytest_lsp", reason="the language server's packages are not installed")

from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import make_test_lsp_client

PATIENCE = 60
"""Seconds after which a test takes the server for stuck."""

SERVER = [sys.executable, "-m", "ksrcfind", "lsp"]


def capabilities():
    """What Neovim can do, and a window that shows documents and progress."""
    found = client_capabilities("neovim")
    found.window = types.WindowClientCapabilities(
        work_done_progress=True, show_document=types.ShowDocumentClientCapabilities(support=True)
    )
    found.workspace.configuration = True
    return found


@asynccontextmanager
async def editing(root, *arguments, settings=None, able=None):
    """Start a server for a folder, give its client, and end both as an editor would."""
    client = make_test_lsp_client()
    client.set_configuration({"ksrcfind": settings or {}})
    await client.start_io(SERVER[0], *SERVER[1:], *arguments, env=dict(os.environ))
    await client.initialize_session(
        types.InitializeParams(
            capabilities=able or capabilities(),
            workspace_folders=[types.WorkspaceFolder(root.as_uri(), root.name)],
            initialization_options=settings,
        )
    )
    try:
        yield client
    finally:
        await asyncio.wait_for(client.shutdown_session(), PATIENCE)
        await client.stop()


def with_server(root, *arguments, settings=None, able=None):
    """Run an async test with a client whose server answers for a folder."""

    def run(test):
        async def whole():
            async with editing(root, *arguments, settings=settings, able=able) as client:
                await asyncio.wait_for(test(client), PATIENCE)

        asyncio.run(whole())

    return run


def open_document(client: LanguageClient, uri, text, language="dmesg", version=1):
    """Tell the server that a document was opened."""
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, language, version, text)))


def change_document(client, uri, text, version=2):
    """Tell the server the new text of a document."""
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(version, uri),
            [types.TextDocumentContentChangeWholeDocument(text)],
        )
    )


def at(uri, line, kind=types.TextDocumentPositionParams, character=0):
    """Return the parameters of a question about a place."""
    return kind(types.TextDocumentIdentifier(uri), types.Position(line, character))


async def hover(client, uri, line):
    """Return the text of a hover, None if there is none."""
    shown = await client.text_document_hover_async(at(uri, line, types.HoverParams))
    return shown and shown.contents.value


async def settled(client, uri):
    """Wait until a log is matched from end to end: its outline waits for that."""
    return await client.text_document_document_symbol_async(
        types.DocumentSymbolParams(types.TextDocumentIdentifier(uri))
    )
