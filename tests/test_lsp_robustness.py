"""Big logs, changing logs, cancelled work, no tree and broken clients: the server goes on."""

import asyncio
import json
import re
import socket
import subprocess
from random import Random

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from commandline import DEMO, ksrcfind
from language_client import (
    PATIENCE,
    SERVER,
    at,
    capabilities,
    change_document,
    editing,
    hover,
    open_document,
    settled,
    with_server,
)

LOG = "file:///var/log/demo.log"
OTHER = "eth0: hw csum failure"
NOT_ASKED = "MINIFS-fs (sda1): unable to read superblock"


@pytest.fixture
def indexed(linux_mini):
    assert ksrcfind("-C", linux_mini, "index").status == 0
    return linux_mini


def lenses(client):
    return client.text_document_code_lens_async(types.CodeLensParams(types.TextDocumentIdentifier(LOG)))


def different_lines(count):
    """Return lines of which no two have the same shape, so that each is matched."""
    words = (f"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676 % 26)}" for n in range(count))
    return [f"OOM victim {word} exiting, {word[::-1]} is {word} already" for word in words]


def test_a_long_log_answers_before_it_is_read_and_is_read_to_its_end(indexed):
    lines = [DEMO.replace("46452", str(number)) for number in range(50_000)]

    async def test(client):
        open_document(client, LOG, "\n".join([*lines, OTHER]))
        assert "nginx" in await hover(client, LOG, 49_990)
        groups = await settled(client, LOG)
        assert sum(len(group.children) for group in groups) == 2
        assert [lens.range.start.line for lens in await lenses(client)] == [0, 50_000]

    with_server(indexed)(test)


def test_work_in_the_background_shows_progress_and_can_be_cancelled(indexed):
    text = "\n".join(different_lines(17_000))

    async def test(client):
        open_document(client, LOG, text)
        while not client.progress_reports or not any(client.progress_reports.values()):
            await asyncio.sleep(0.05)
        [token] = client.progress_reports
        client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
        await settled(client, LOG)
        kinds = [report.kind for report in client.progress_reports[token]]
        assert (kinds[0], kinds[-1]) == ("begin", "end")
        assert (await client.text_document_hover_async(at(LOG, 16_900, types.HoverParams))) is not None

    with_server(indexed)(test)


def test_a_request_that_is_cancelled_ends_and_the_next_is_answered(indexed):
    async def test(client):
        open_document(client, LOG, "\n".join(DEMO.replace("46452", str(number)) for number in range(20_000)))
        waiting = asyncio.ensure_future(settled(client, LOG))
        await asyncio.sleep(0)
        [number] = list(client.protocol._request_futures)
        client.cancel_request(types.CancelParams(number))
        with pytest.raises((JsonRpcException, asyncio.CancelledError)):
            await waiting
        assert "nginx" in await hover(client, LOG, 0)

    with_server(indexed)(test)


def test_a_log_that_grows_or_is_replaced_is_followed(indexed):
    async def test(client):
        open_document(client, LOG, DEMO)
        await settled(client, LOG)
        change_document(client, LOG, f"{DEMO}\n{OTHER}", 2)
        assert "checksum" in await hover(client, LOG, 1)
        change_document(client, LOG, f"{OTHER}\n\n\n{DEMO}", 3)
        assert "checksum" in await hover(client, LOG, 0)
        assert "nginx" in await hover(client, LOG, 3)
        change_document(client, LOG, "", 4)
        await settled(client, LOG)
        assert await hover(client, LOG, 3) is None
        assert not await lenses(client)

    with_server(indexed, settings={"historyWait": 30})(test)


def test_the_outline_waits_for_a_text_that_came_while_another_was_read(indexed):
    lines = [*different_lines(8_000), OTHER, *different_lines(1_000)]

    async def test(client):
        open_document(client, LOG, "\n".join(lines))
        await hover(client, LOG, 0)
        change_document(client, LOG, "\n".join([*lines, NOT_ASKED]))
        groups = await settled(client, LOG)
        found = {child.selection_range.start.line for group in groups for child in group.children}
        assert {8_000, len(lines)} <= found

    with_server(indexed)(test)


def changed(client, *paths):
    """Tell the server that files changed, as an editor does that watches them."""
    changes = [types.FileEvent(path.as_uri(), types.FileChangeType.Changed) for path in paths]
    client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes))


def test_a_log_that_grows_on_disk_is_read_on(indexed, tmp_path):
    log = tmp_path / "dmesg.log"
    log.write_text(f"{DEMO}\n")

    async def test(client):
        uri = log.as_uri()
        open_document(client, uri, log.read_text())
        assert await hover(client, uri, 1) is None
        log.write_text(f"{DEMO}\n{OTHER}\n")
        changed(client, log)
        assert "checksum" in await hover(client, uri, 1)
        change_document(client, uri, log.read_text())
        assert "checksum" in await hover(client, uri, 1)
        # What was edited is the editor's, whatever becomes of the file.
        change_document(client, uri, f"{OTHER}\n", 3)
        changed(client, log)
        assert "checksum" in await hover(client, uri, 0)
        log.unlink()
        changed(client, log)
        assert "checksum" in await hover(client, uri, 0)

    with_server(indexed, settings={"historyWait": 30})(test)


def test_another_checkout_is_answered_from(linux_mini, tmp_path, git):
    tree = tmp_path / "linux"
    git(tmp_path, "clone", "-q", str(linux_mini), str(tree))
    assert ksrcfind("-C", tree, "index").status == 0
    assert ksrcfind("-C", tree, "--rev", "v2.6.12", "index").status == 0

    async def test(client):
        open_document(client, LOG, DEMO)
        assert "v5\\.9" in await hover(client, LOG, 0)
        git(tree, "checkout", "-q", "v2.6.12")
        changed(client, tree / ".git/HEAD")
        while "exact match" in await hover(client, LOG, 0):
            await asyncio.sleep(0.05)

    with_server(tree, settings={"historyWait": 30})(test)


@pytest.mark.parametrize("seed", [1, 2])
def test_saving_while_a_log_is_matched_does_not_end_matching(linux_mini, tmp_path, git, seed):
    tree = tmp_path / "linux"
    git(tmp_path, "clone", "-q", str(linux_mini), str(tree))
    assert ksrcfind("-C", tree, "index").status == 0
    file, lines = tree / "net/core/datagram.c", [*different_lines(4_000), NOT_ASKED, *different_lines(200), OTHER]
    random = Random(seed)

    async def test(client):
        def save():
            params = types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(file.as_uri()))
            client.text_document_did_save(params)

        open_document(client, LOG, "\n".join(lines))
        outline = asyncio.ensure_future(settled(client, LOG))
        for _ in range(8):
            await asyncio.sleep(random.random() / 10)
            save()
            assert "csum failure" in await hover(client, LOG, len(lines) - 1)
        found = {child.selection_range.start.line for group in await outline for child in group.children}
        assert {lines.index(NOT_ASKED), len(lines) - 1} <= found
        # A line of the log leads to where its call stands after the last save.
        file.write_text("\n\n" + file.read_text())
        before = await client.text_document_definition_async(at(LOG, len(lines) - 1, types.DefinitionParams))
        save()
        while before == (
            after := await client.text_document_definition_async(at(LOG, len(lines) - 1, types.DefinitionParams))
        ):
            await asyncio.sleep(0.05)
        assert after[0].range.start.line == before[0].range.start.line + 2
        assert not client.messages

    with_server(tree, settings={"historyWait": 0})(test)


def test_a_missing_index_is_built(linux_mini):
    async def test(client):
        open_document(client, LOG, f"{DEMO}\n{OTHER}")
        groups = await settled(client, LOG)
        assert sum(len(group.children) for group in groups) == 2

    with_server(linux_mini)(test)
    done = ksrcfind("-C", linux_mini, "doctor", "--format", "json")
    assert "no index" not in done.out


def test_without_a_tree_there_is_one_message_and_no_end(tmp_path):
    async def test(client):
        open_document(client, LOG, DEMO)
        assert await hover(client, LOG, 0) is None
        assert await hover(client, LOG, 0) is None
        [message] = client.messages
        assert "no kernel tree found" in message.message

    with_server(tmp_path)(test)


def test_settings_that_make_no_sense_are_told_and_others_count(indexed):
    async def test(client):
        client.set_configuration({"ksrcfind": {"limit": "many"}})
        client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
        while not client.messages:
            await asyncio.sleep(0.02)
        assert "limit" in client.messages[0].message
        client.workspace_did_change_configuration(
            types.DidChangeConfigurationParams(settings={"ksrcfind": {"codeLens": False}})
        )
        open_document(client, LOG, DEMO)
        assert await lenses(client) is None

    with_server(indexed)(test)


def test_hostile_lines_are_shown_as_text(indexed):
    line = "OOM victim 1 ([x](command:evil) <img src=x> `` | \x1b[31m \u202e) is already exiting. Skip killing the task"

    async def test(client):
        open_document(
            client, LOG, f"Memory cgroup out of memory: {line}\n" + "\x0b\x85\u2028\r" * 9 + "\n\0\n" + "A" * 300_000
        )
        told = await hover(client, LOG, 0)
        assert "\x1b" not in told
        assert "\u202e" not in told
        outside = re.sub(r"(`+)(?:.*?[^`])?\1(?!`)", "", told, flags=re.DOTALL)
        assert "command:evil" in told
        assert "command:evil" not in outside
        assert "<img" not in outside
        await settled(client, LOG)
        assert await hover(client, LOG, 3) is not None

    with_server(indexed)(test)


def frame(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(data), data)


INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": None}}


@pytest.mark.parametrize(
    "nonsense",
    [
        frame(b"{not json"),
        frame({"jsonrpc": "2.0", "id": 7, "method": "textDocument/hover", "params": {"position": "here"}}),
        frame({"jsonrpc": "2.0", "id": 8, "method": "no/such"}),
        frame({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {}}),
        frame({"jsonrpc": "2.0", "id": 9, "method": "codeLens/resolve", "params": {"range": None}}),
        frame({"jsonrpc": "2.0", "id": 5, "method": "workspace/executeCommand", "params": {"command": "ksrcfind.x"}}),
        frame([]),
    ],
)
def test_a_broken_client_gets_its_answers_all_the_same(indexed, nonsense):
    opened = {"textDocument": {"uri": LOG, "languageId": "log", "version": 1, "text": DEMO}}
    place = {"textDocument": {"uri": LOG}, "position": {"line": 0, "character": 0}}
    answer = last_answer(
        indexed,
        frame(INITIALIZE),
        nonsense,
        frame({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": opened}),
        frame({"jsonrpc": "2.0", "id": 42, "method": "textDocument/definition", "params": place}),
    )
    assert b"oom_kill.c" in answer


def test_a_client_that_never_answers_is_not_waited_for(indexed):
    able = {
        "window": {"workDoneProgress": True},
        "workspace": {"configuration": True, "codeLens": {"refreshSupport": True}},
    }
    text = "\n".join([*different_lines(17_000), DEMO])
    opened = {"textDocument": {"uri": LOG, "languageId": "log", "version": 1, "text": text}}
    answer = last_answer(
        indexed,
        frame(INITIALIZE | {"params": {"capabilities": able, "processId": None}}),
        frame({"jsonrpc": "2.0", "method": "initialized", "params": {}}),
        frame({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": opened}),
        frame({"jsonrpc": "2.0", "id": 42, "method": "textDocument/documentSymbol", "params": opened}),
    )
    assert b"workDoneProgress/create" in answer
    assert b"oom_kill.c" in answer


def last_answer(root, *asked):
    """Send messages and hear nothing of the server's own questions; return all that it sent up to answer 42."""
    server = subprocess.Popen(SERVER, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    server.stdin.write(b"".join(asked))
    server.stdin.flush()
    answer = b""
    while b'"id": 42' not in answer and b'"id":42' not in answer:
        piece = server.stdout.read1()
        assert piece, server.stderr.read().decode()
        answer += piece
    # The client goes away without a word.
    server.stdin.close()
    answer += server.stdout.read()
    assert server.wait(PATIENCE) is not None
    server.stdout.close()
    server.stderr.close()
    return answer


def test_a_client_that_shows_plain_text_gets_plain_text(indexed):
    able = capabilities()
    able.text_document.hover.content_format = [types.MarkupKind.PlainText]

    async def whole():
        async with editing(indexed, settings={"historyWait": 30}, able=able) as client:
            open_document(client, LOG, DEMO)
            assert "  First release  v5.9" in await hover(client, LOG, 0)

    asyncio.run(whole())


def test_the_server_listens_at_a_port(indexed, unused_port):
    server = subprocess.Popen([*SERVER, "--tcp", str(unused_port)], cwd=indexed, stderr=subprocess.DEVNULL)

    async def ask():
        for _ in range(200):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", unused_port)
                break
            except OSError:
                await asyncio.sleep(0.1)
        writer.write(frame(INITIALIZE))
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length" in head
        writer.close()
        await writer.wait_closed()

    try:
        asyncio.run(asyncio.wait_for(ask(), PATIENCE))
    finally:
        server.terminate()
        server.wait(PATIENCE)


@pytest.fixture
def unused_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_port_that_is_taken_is_an_error(linux_mini):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*SERVER, "--tcp", str(port)]
        done = subprocess.run(command, cwd=linux_mini, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert done.stderr.decode() == (
        f"error: cannot listen on port {port}: Address already in use\n  Name another port with --tcp.\n"
    )
