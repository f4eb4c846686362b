"""The tree of a server, used in two threads: one matches lines, the other traces histories.

Each thread opens, uses and closes an engine of its own, so a slow history never delays matching.

Invariant: an engine serves one question at a time, and only until that question returns. Between two questions its
thread may close it and reopen the tree. Work that spans several questions gets the engine again for each.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.batch.answer_cache import AnswerCache
from ksrcfind.batch.matched_row import MatchedRow
from ksrcfind.engine.engine import Engine
from ksrcfind.finding import Finding, HistoryMode
from ksrcfind.history.provenance import Provenance
from ksrcfind.lsp.settings import ClientSettings
from ksrcfind.lsp.worker import Urgency, Worker
from ksrcfind.tree.snapshot import TreeInfo

_Result = TypeVar("_Result")

Open = Callable[[], Engine]
"""Opens the tree. Raises `KsrcfindError` if there is none."""


AROUND = 3
"""Lines of source before and after a call that a hover shows."""


class History(Struct, frozen=True):
    """The histories of a message's matches and of the location that its line names."""

    provenance: tuple[Provenance, ...]
    points_to: Provenance | None


class EngineThread:
    """A thread with an engine."""

    def __init__(self, name: str, open_tree: Open) -> None:
        self._worker = Worker(name)
        self._open = open_tree
        self._engine: Engine | None = None
        self._stale = False

    async def ask(self, question: Callable[[Engine], _Result], urgency: Urgency) -> _Result:
        """Return the result of a question to the engine.

        Raises what the question raises, and `KsrcfindError` if there is no tree.
        """
        return await self._worker.run(lambda: question(self._current()), urgency)

    def reopen(self) -> None:
        """Reopen the tree at the next question."""
        self._stale = True

    def end(self) -> None:
        """Answer the waiting questions, then close the engine and end the thread."""
        self._worker.end(self._close)

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _current(self) -> Engine:
        if self._stale:
            self._close()
        self._stale = False
        if self._engine is None:
            self._engine = self._open()
        return self._engine


class TreeService:
    """Answers the server's questions about lines and histories, and caches the answers until the tree changes."""

    def __init__(self, open_tree: Open, client: ClientSettings) -> None:
        self.matching = EngineThread("matching", open_tree)
        self.tracing = EngineThread("tracing", open_tree)
        self.client = client
        self._answers: tuple[Engine, AnswerCache] | None = None
        self._histories: dict[object, History] = {}
        self._tree: TreeInfo | None = None

    def reopen(self) -> None:
        """Reopen the tree at the next question, and discard all cached answers and histories."""
        self.matching.reopen()
        self.tracing.reopen()
        self._histories = {}
        self._tree = None

    def end(self) -> None:
        """Close the tree and end both threads."""
        self.matching.end()
        self.tracing.end()

    async def finding(self, item: MatchedRow) -> Finding:
        """Return the finding of a line, without history."""
        if self._tree is None:
            self._tree = await self.matching.ask(lambda engine: engine.info, Urgency.ASKED)
        return item.finding(self._tree)

    async def explained(self, item: MatchedRow) -> Finding:
        """Return the finding of a line with the circumstances of its call and the code around it, without history."""
        return await self.matching.ask(
            lambda engine: engine.why.added_to(item.finding(engine.info), AROUND), Urgency.ASKED
        )

    def answers(self, engine: Engine) -> AnswerCache:
        """Return the answer cache of an engine, for use within one question to `matching`."""
        if self._answers is None or self._answers[0] is not engine:
            ask = partial(engine.answer, limit=self.client.limit, build=False)
            self._answers = engine, AnswerCache(ask, engine.tokens)
        return self._answers[1]

    def cached_history(self, item: MatchedRow) -> History | None:
        """Return the history of a line's message if it is cached, else None."""
        return self._histories.get(item.cached.key)

    async def history(self, item: MatchedRow, urgency: Urgency) -> History:
        """Return the history of a line's message."""
        histories = self._histories  # `reopen` replaces the dictionary, so a late result of the old tree is dropped.
        cached = self.cached_history(item)
        if cached is not None:
            return cached

        def trace(engine: Engine) -> History:
            cached = self.cached_history(item)
            if cached is not None:
                return cached
            mode = HistoryMode.FIRST if self.client.history else HistoryMode.OFF
            [(_, finding)] = engine.histories.traced([item.finding(engine.info)], mode)
            return History(finding.provenance, finding.points_to)

        history = await self.tracing.ask(trace, urgency)
        histories[item.cached.key] = history
        return history


def with_history(finding: Finding, history: History | None) -> Finding:
    """Return a finding with its history; if the history is None, return the finding unchanged."""
    if history is None:
        return finding
    return replace(finding, provenance=history.provenance, points_to=history.points_to)
