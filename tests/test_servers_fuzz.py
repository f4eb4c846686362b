"""Both servers over real pipes, fed with what no client should send: they answer what can be answered, and go on."""

import json
import os
import random
import subprocess
import sys
import threading
from queue import Empty, Queue

import pytest

from commandline import DEMO, ksrcfind

pytest.importorskip("mcp", reason="the SDK of the Model Context Protocol is not installed")
pytest.importorskip("pygls", reason="the language server's packages are not installed")

PATIENCE = 60
"""Seconds after which a test takes a server for stuck."""

ROUNDS = 40
LOG = "file:///var/log/demo.log"
DEEP = b"[" * 100_000 + b"]" * 100_000
PLACE = {"textDocument": {"uri": LOG}, "position": {"line": 0, "character": 0}}


class Running:
    """A server whose messages are read in a thread, so that a test never waits for ever."""

    def __init__(self, command, root):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ksrcfind", "-C", root, command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.said = Queue()
        self.threads = [threading.Thread(target=self.read), threading.Thread(target=self.process.stderr.read)]
        for thread in self.threads:
            thread.start()
        self.number = 0

    def read(self):
        for message in self.messages(self.process.stdout):
            self.said.put(json.loads(message))
        self.said.put(None)

    def send(self, data):
        self.process.stdin.write(data if isinstance(data, bytes) else self.frame(json.dumps(data).encode()))
        self.process.stdin.flush()

    def answer(self, number):
        """Wait for the answer with an id; what else is said is passed over."""
        while True:
            try:
                message = self.said.get(timeout=PATIENCE)
            except Empty:
                pytest.fail(f"no answer to {number!r}")
            assert message is not None, f"the server ended without an answer to {number!r}"
            if "method" not in message and "id" in message and message["id"] == number:
                return message

    def ask(self, method, params):
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        return self.answer(self.number)

    def end(self):
        self.process.stdin.close()
        try:
            assert self.process.wait(PATIENCE) is not None
        finally:
            self.process.kill()
            for thread in self.threads:
                thread.join()
            self.process.stdout.close()
            self.process.stderr.close()


class LanguageServer(Running):
    def __init__(self, root):
        super().__init__("lsp", root)
        self.ask("initialize", {"capabilities": {}, "processId": None})
        self.open()

    def open(self):
        text = {"uri": LOG, "languageId": "log", "version": 1, "text": DEMO}
        self.send({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": text}})

    @staticmethod
    def frame(data):
        return b"Content-Length: %d\r\n\r\n%s" % (len(data), data)

    @staticmethod
    def messages(stream):
        while header := stream.readline():
            if header.startswith(b"Content-Length"):
                length = int(header.split()[1])
                while stream.readline().strip():
                    pass
                yield stream.read(length)

    def works(self):
        return "oom_kill.c" in json.dumps(self.ask("textDocument/definition", PLACE))


class ToolServer(Running):
    def __init__(self, root):
        super().__init__("mcp", root)
        client = {"name": "test", "version": "1"}
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    @staticmethod
    def frame(data):
        return data + b"\n"

    @staticmethod
    def messages(stream):
        return stream

    def works(self):
        asked = {"name": "find", "arguments": {"line": DEMO, "history": False}}
        return "oom_kill.c" in json.dumps(self.ask("tools/call", asked))


SERVERS = {"lsp": LanguageServer, "mcp": ToolServer}


@pytest.fixture(params=SERVERS)
def server(request, linux_mini):
    assert ksrcfind("-C", linux_mini, "index").status == 0
    running = SERVERS[request.param](linux_mini)
    yield running
    running.end()


@pytest.fixture
def lsp(linux_mini):
    running = LanguageServer(linux_mini)
    yield running
    running.end()


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 999999999999\r\n\r\n",
        b"Content-Length: 999999999999999999999999999999999999999999\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 1e3\r\n\r\n",
        b"Content-Length: \xff\r\n\r\n",
        b"Content-Length:\r\n\r\n",
        b"Content-Length: 0\r\n\r\n",
        b"\r\n\r\n{}",
        b"{}" * 100_000,
        b"Content-Type: text/html\r\n\r\n",
    ],
)
def test_a_header_that_makes_no_sense_is_passed_over(servers, header):
    lsp, _ = servers
    lsp.send(header)
    assert lsp.works()
    # A message that is longer than it says, too: what is left of it stands in front of the next header.
    lsp.send(b'Content-Length: 10\r\n\r\n{"jsonrpc":"2.0","id":99,"method":"shutdown"}')
    assert lsp.works()


NOT_MESSAGES = [
    b"{not json",
    b"",
    b"nothing",
    b"[]",
    b"7",
    b'"text"',
    b"null",
    b"{}",
    b"\xff\xfe\xfa",
    b'{"jsonrpc":"2.0","id":"\xff"}',
    b'{"jsonrpc":"1.0","id":5,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":[1],"method":"ping"}',
    b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
    b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":true,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"ping"}',
    b'{"jsonrpc":"2.0","method":7}',
    b'{"jsonrpc":"2.0","id":77777,"result":{"a":[1]}}',
    b'{"jsonrpc":"2.0","id":"x","error":"no object"}',
    b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":[]}}',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}',
    DEEP,
    b'{"jsonrpc":"2.0","id":6,"method":"ping","params":' + DEEP + b"}",
]


def test_what_is_no_message_is_refused_or_passed_over(server):
    for data in NOT_MESSAGES:
        server.send(server.frame(data))
    assert server.works()
    server.send(server.frame(b"{not json"))
    error = server.answer(None)["error"]
    while error["code"] != -32700:
        error = server.answer(None)["error"]


@pytest.mark.parametrize("params", [None, [], {}, {"name": 7}, {"a": "\ud800"}, "text", 7, {"position": "here"}])
@pytest.mark.parametrize(
    "method",
    [
        "tools/call",
        "tools/list",
        "textDocument/hover",
        "textDocument/documentSymbol",
        "codeLens/resolve",
        "no/such",
        "",
    ],
)
def test_every_request_gets_an_answer(servers, method, params):
    for server in servers:
        server.number += 1
        server.send({"jsonrpc": "2.0", "id": server.number, "method": method, "params": params})
        assert server.answer(server.number)


@pytest.fixture(scope="module")
def servers(linux_mini):
    running = [kind(linux_mini) for kind in SERVERS.values()]
    yield running
    for server in running:
        assert server.works()
        server.end()


@pytest.mark.parametrize("text", ["\ud800", "\udfff x", "a\ud83d\ude00b\ud83d", "\0", "\\ud800", "\\\\\ud800"])
def test_half_a_character_is_a_character_like_others(servers, text):
    lsp, mcp = servers
    told = mcp.ask("tools/call", {"name": "find", "arguments": {"line": text}})
    assert told["result"]["isError"] is False
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
    if "\0" not in text:
        assert told["result"]["structuredContent"]["records"][0]["text"] == expected
    told = mcp.ask("tools/call", {"name": text, "arguments": {}})
    assert told["result"]["isError"] if "result" in told else told["error"]
    changed = {
        "textDocument": {"uri": LOG, "version": 2},
        "contentChanges": [{"text": f"{text}\n{DEMO} {text}\n{text}"}],
    }
    lsp.send({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": changed})
    for line in range(4):
        assert "result" in lsp.ask("textDocument/hover", PLACE | {"position": {"line": line, "character": 0}})
    assert "result" in lsp.ask("textDocument/documentSymbol", PLACE)
    lsp.open()


@pytest.mark.parametrize("line", [-1, 1, 10**6, 2**31 - 1, 2**31, 2**70, 1.5, "0", None])
def test_a_position_that_is_none_gets_an_answer(servers, line):
    lsp, _ = servers
    here = {"line": line, "character": line}
    for method in ("hover", "definition", "references", "codeAction", "inlayHint"):
        params = PLACE | {"position": here, "range": {"start": here, "end": here}, "context": {"diagnostics": []}}
        assert lsp.ask(f"textDocument/{method}", params)
    for name in ("ksrcfind.copyAnswer", "ksrcfind.openCommit", "ksrcfind.showLife", "ksrcfind.showCallers", "no.such"):
        for arguments in ([LOG, line], [LOG], [line, LOG], [], None, [LOG, 0, 1]):
            assert lsp.ask("workspace/executeCommand", {"command": name, "arguments": arguments})
    assert lsp.works()


def test_what_never_ends_is_not_read(servers, tmp_path):
    lsp, _ = servers
    os.mkfifo(tmp_path / "fifo.c")
    os.mkfifo(tmp_path / "fifo.log")
    for uri in (
        "file:///dev/zero",
        (tmp_path / "fifo.c").as_uri(),
        "file:///nul%00.c",
        "untitled:one",
        "",
        "file://%ff",
    ):
        for method in ("hover", "codeLens", "references"):
            params = {
                "textDocument": {"uri": uri},
                "position": PLACE["position"],
                "context": {"includeDeclaration": True},
            }
            assert lsp.ask(f"textDocument/{method}", params)["result"] in (None, [])
    log = {"uri": (tmp_path / "fifo.log").as_uri(), "languageId": "log", "version": 1, "text": DEMO}
    lsp.send({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": log}})
    changes = {"changes": [{"uri": log["uri"], "type": 2}]}
    lsp.send({"jsonrpc": "2.0", "method": "workspace/didChangeWatchedFiles", "params": changes})
    assert lsp.works()


def anything(chance, depth=3):
    """Return a value of any type."""
    kinds = ["none", "bool", "int", "float", "text", "known"] + ["list", "dict"] * (depth > 0)
    match chance.choice(kinds):
        case "none":
            return None
        case "bool":
            return chance.random() < 0.5
        case "int":
            return chance.choice([0, -1, 1, 2**31, 2**53, 2**64, 10**30])
        case "float":
            return chance.choice([0.5, -1e308, 1e-9])
        case "text":
            return "".join(chance.choice('aé\0\n\ud800\U0001f600%s\\"<>') for _ in range(chance.randrange(20)))
        case "known":
            return chance.choice([LOG, DEMO, "mm/oom_kill.c", "v5.9", "find", "/etc/passwd"])
        case "list":
            return [anything(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {chance.choice(KEYS): anything(chance, depth - 1) for _ in range(chance.randrange(5))}


KEYS = ["uri", "textDocument", "position", "range", "line", "character", "name", "arguments", "path", "text", "x"]
METHODS = {
    LanguageServer: [
        "textDocument/hover",
        "textDocument/didChange",
        "textDocument/didOpen",
        "textDocument/didClose",
        "textDocument/codeLens",
        "textDocument/inlayHint",
        "codeLens/resolve",
        "workspace/executeCommand",
        "workspace/didChangeConfiguration",
        "workspace/didChangeWatchedFiles",
        "$/cancelRequest",
        "$/setTrace",
    ],
    ToolServer: ["tools/call", "tools/list", "ping", "resources/read", "prompts/get", "logging/setLevel"],
}


def damaged(chance, data):
    """Return bytes with some of them changed, taken away or said twice."""
    at, length = chance.randrange(len(data)), chance.randrange(1, 9)
    match chance.randrange(3):
        case 0:
            return data[:at] + bytes(chance.randrange(256) for _ in range(length)) + data[at + length :]
        case 1:
            return data[:at] + data[at + length :]
    return data[: at + length] + data[at:]


@pytest.mark.parametrize("seed", range(3))
def test_a_server_outlives_what_it_is_sent(server, seed):
    chance = random.Random(seed)
    for number in range(ROUNDS):
        message = {"jsonrpc": "2.0", "method": chance.choice(METHODS[type(server)]), "params": anything(chance)}
        is_request = chance.random() < 0.7
        if is_request:
            message["id"] = f"fuzz-{number}"
        data = json.dumps(message).encode()
        if chance.random() < 0.4:
            # The frame stays whole: a length that is too large would take in what comes behind it.
            server.send(server.frame(damaged(chance, data).replace(b"\n", b" ")))
        else:
            server.send(message)
            if is_request:
                assert server.answer(message["id"])
        if number % 10 == 9:
            if isinstance(server, LanguageServer):
                server.open()
            assert server.works()


def test_frames_that_are_damaged_cost_a_message_at_most(lsp):
    chance = random.Random(4)
    for _ in range(ROUNDS):
        whole = lsp.frame(json.dumps({"jsonrpc": "2.0", "method": "no/such", "params": anything(chance)}).encode())
        # Behind it stands enough for the longest length that damage makes of three digits and a few more.
        lsp.send(damaged(chance, whole)[: len(whole)])
        for _ in range(2):
            lsp.send(b"x" * 1000 + b"\r\n")
    lsp.send(b"\r\n" * 10)
    for _ in range(200):  # A damaged length may be large; what comes fills it in the end.
        lsp.send({"jsonrpc": "2.0", "method": "no/such", "params": {"x": "y" * 1000}})
    assert lsp.works()
