"""The server: its tools, their parameters and what they return."""

import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.stdio import stdio_server
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BeforeValidator, Field

from ksrcfind import __version__
from ksrcfind.batch.filters import Filter
from ksrcfind.callers.record import DEEPEST
from ksrcfind.config import Settings
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.open import open_engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.levels import level_named
from ksrcfind.log.records import rows_of_text
from ksrcfind.mcp import answers
from ksrcfind.mcp.access import Access
from ksrcfind.mcp.answers import ToolResult
from ksrcfind.mcp.catalogue import INSTRUCTIONS, NOTICE, TOOLS
from ksrcfind.mcp.wire import Input, Output
from ksrcfind.output.json import encode
from ksrcfind.output.record import Record
from ksrcfind.progress import Progress

Line = Annotated[str, Field(description="A log line as in the log, or several lines.", max_length=1 << 20)]
Limit = Annotated[int, Field(description="Calls per line, at most.", ge=1, le=100)]
Count = Annotated[int, Field(description="Records, at most.", ge=1, le=1000)]
History = Annotated[bool, Field(description="Include commits and releases.")]
Level = Annotated[
    Literal["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"],
    BeforeValidator(lambda text: level_named(str(text)) or text),
]

Depth = Annotated[int, Field(description="Levels of callers to list; each is a search of the tree.", ge=0, le=DEEPEST)]

Paths = Annotated[list[str] | None, Field(description="Files and directories of the tree. Default: all.")]

Ask = Callable[[Engine], ToolResult]
Client = Context[Any, Any]

EVERY = 0.5
"""Seconds between two progress reports."""


@dataclass(slots=True)
class EngineProgress:
    """The progress of the engine, a `Progress` and its `Task` in one: written in its thread, read in another."""

    description: str = ""
    total: int | None = None
    done: int = 0

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator["EngineProgress"]:
        """Start a piece of work."""
        self.description, self.total, self.done = description, total, 0
        yield self

    def advance(self, amount: int = 1) -> None:
        """Add to the finished units."""
        self.done += amount

    def __str__(self) -> str:
        return f"{self.description}: {self.done:,} of {self.total:,}" if self.total else self.description


class EngineThread:
    """A thread that owns an engine. It answers every question from the current state of the tree."""

    def __init__(self, open_tree: Callable[[Progress], Engine]) -> None:
        self._open = open_tree
        self._thread = ThreadPoolExecutor(1, "engine")
        self._engine: Engine | None = None
        self._progress = EngineProgress()

    async def ask(self, question: Ask, client: Client) -> CallToolResult:
        """Return the result of a question in the protocol's form; the client gets progress reports while it waits.

        Raises `ToolError` for a `KsrcfindError`.
        """
        done = self._thread.submit(self._answer, question)
        try:
            reported, count = "", 0
            while not (await anyio.to_thread.run_sync(partial(wait, [done], EVERY))).done:
                if (now := str(self._progress)) != reported:
                    reported, count = now, count + 1
                    await client.report_progress(count, message=now)
            result = done.result()
        except KsrcfindError as error:
            # The error may quote a log or the names of tags, so it is marked as data too.
            raise ToolError(_marked(f"{error.title}. {error.hint}\n" if error.hint else f"{error.title}\n")) from error
        document: Record = {"notice": NOTICE, **result.document}
        return CallToolResult(
            content=[TextContent(type="text", text=_marked(result.text))],
            structured_content=json.loads(encode(document)),
        )

    def end(self) -> None:
        """Close the engine and end the thread."""
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _answer(self, question: Ask) -> ToolResult:
        try:
            return question(self._current())
        except KsrcfindError:
            raise
        except Exception:
            self._close()  # The next question gets a new engine, which is not in the state that failed.
            raise

    def _current(self) -> Engine:
        if self._engine is not None and not self._engine.is_current():
            self._close()
        if self._engine is None:
            self._engine = self._open(self._progress)
            self._engine.catch_up()
        return self._engine

    def _close(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()


def _marked(text: str) -> str:
    """Return a text between random marks, which it cannot imitate, after the notice that it is data."""
    mark = secrets.token_hex(4)
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return f"{NOTICE}\n<data {mark}>\n{whole.rstrip()}\n</data {mark}>\n"


def server(engine_thread: EngineThread, access: Access | None = None) -> "Server":
    """Return the server with its tools. It may read logs in the tree and where `access` permits."""
    allowed = access or Access()

    async def find(
        client: Client, line: Line, limit: Limit = 3, callers: Depth = 0, *, history: History = True
    ) -> CallToolResult:
        question = partial(answers.find, text=line, limit=limit, history=history, callers=callers)
        return await engine_thread.ask(question, client)

    async def at(
        client: Client,
        path: Annotated[str, Field(description="Path relative to the root of the tree, such as mm/oom_kill.c.")],
        line: Annotated[int, Field(description="Any line of the call, from 1.", ge=1)],
        callers: Depth = 0,
    ) -> CallToolResult:
        return await engine_thread.ask(partial(answers.at, path=path, line=line, callers=callers), client)

    async def show(
        client: Client,
        name: Annotated[str, Field(description="Function, macro or commit.", max_length=200)],
    ) -> CallToolResult:
        return await engine_thread.ask(partial(answers.show, name=name), client)

    async def batch_summary(
        client: Client,
        file: Annotated[str, Field(description="A log file or a directory of logs that the server may read.")] = "",
        text: Annotated[str, Field(description="The text of the log, instead of a file.", max_length=1 << 24)] = "",
        min_level: Annotated[Level | None, Field(description="Only messages of this level or more severe.")] = None,
        limit: Count = 20,
        *,
        history: History = True,
    ) -> CallToolResult:
        if bool(file) == bool(text):
            raise ToolError("pass either the file or the text of a log")

        def summarise(engine: Engine) -> ToolResult:
            rows = _with_tree(allowed, engine).rows(file) if file else rows_of_text(text)
            return answers.batch(engine, rows, Filter(min_level), limit, history=history)

        return await engine_thread.ask(summarise, client)

    async def life(client: Client, line: Line) -> CallToolResult:
        return await engine_thread.ask(partial(answers.life, text=line), client)

    async def messages(client: Client, paths: Paths = None, limit: Count = 100) -> CallToolResult:
        return await engine_thread.ask(partial(answers.messages, paths=paths or [], limit=limit), client)

    async def diff(
        client: Client,
        old: Annotated[str, Field(description="The older tag, branch or commit.")],
        new: Annotated[str, Field(description="The newer tag, branch or commit.")],
        paths: Paths = None,
        limit: Count = 100,
    ) -> CallToolResult:
        return await engine_thread.ask(partial(answers.diff, old=old, new=new, paths=paths or [], limit=limit), client)

    offered = {tool.__name__: tool for tool in (find, batch_summary, at, show, messages, life, diff)}
    tools = [_tool(name, offered[name]) for name in TOOLS]
    return Server("ksrcfind", version=__version__, instructions=INSTRUCTIONS, tools=tools, log_level="WARNING")


def _with_tree(access: Access, engine: Engine) -> Access:
    """Return the access of a server, with its tree. The directory of a bundle is not added: it may hold any files."""
    return Access.to(*access.directories, engine.source_root) if engine.source_root is not None else access


def _tool(name: str, function: Callable[..., Any]) -> Tool:
    tool = Tool.from_function(
        function,
        description=TOOLS[name],
        annotations=ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False),
        structured_output=False,
    )
    tool.parameters = _without_titles(tool.parameters)
    tool.fn_metadata.output_schema = OUTPUT
    return tool


OUTPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "notice": {"type": "string"},
        "records": {"type": "array", "items": {"type": "object"}},
        "summary": {"type": "object"},
        "omitted": {"type": "integer"},
        "differences": {"type": "integer"},
        "complete": {"type": "boolean"},
    },
    "required": ["notice", "records"],
}
"""Schema of every document; the records' fields are those of `ksrcfind/1` (docs/assistants.md)."""


def _without_titles(schema: Any) -> Any:
    """Return a schema without titles, which only repeat names."""
    if isinstance(schema, dict):
        return {
            key: _without_titles(part) for key, part in schema.items() if not (key == "title" and isinstance(part, str))
        }
    return [_without_titles(part) for part in schema] if isinstance(schema, list) else schema


class Server(MCPServer[Any]):
    """The server, with a transport that survives every input."""

    async def serve(self, source: FileIO, channel: BinaryIO) -> None:
        """Serve one client until it disconnects."""
        output = Output(channel)
        # The transport of the SDK uses only the methods that these classes have.
        lines: Any = Input(source, output)
        answers_to: Any = output
        async with stdio_server(lines, answers_to) as (read, write):
            await self._lowlevel_server.run(read, write, self._lowlevel_server.create_initialization_options())


def serve(
    settings: Settings, rev: str | None, directory: Path, access: Access, source: FileIO, channel: BinaryIO
) -> None:
    """Serve one client over two files until it disconnects."""
    engine_thread = EngineThread(lambda progress: open_engine(settings, rev, directory, progress))
    try:
        anyio.run(server(engine_thread, access).serve, source, channel)
    finally:
        engine_thread.end()
