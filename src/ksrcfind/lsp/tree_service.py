"""The tree that a server answers from, asked in threads: one matches lines, another tells histories.

Each has an engine of its own, made, used and closed in its thread. A history takes git as long as it takes; lines are
matched meanwhile.

Invariant: an engine is used by one question at a time and only until that question returns. Between two questions its
seat may close it and open the tree again. Whatever goes on over several questions asks for an engine in each.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

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
"""Opens the tree. Raises `KsrcfindError`."""


@dataclass(frozen=True, slots=True)
class History:
    """What was told about a message."""

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
        """Return what a question returns. Raises what it raises, and `KsrcfindError` if there is no tree."""
        return await self._worker.do(lambda: question(self._current()), urgency)

    def renew(self) -> None:
        """Let the next question open the tree again: it changed."""
        self._stale = True

    def end(self) -> None:
        """Answer what was asked so far, then close the engine and end the thread."""
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
    """Where the server asks about lines and messages, for as long as it runs."""

    def __init__(self, open_tree: Open, client: ClientSettings) -> None:
        self.matching = EngineThread("matching", open_tree)
        self.telling = EngineThread("telling", open_tree)
        self.client = client
        """What the client wants to be told."""
        self._answers: tuple[Engine, AnswerCache] | None = None
        self._told: dict[object, History] = {}
        self._tree: TreeInfo | None = None

    def renew(self) -> None:
        """Answer from the tree as it is now from here on."""
        self.matching.renew()
        self.telling.renew()
        self._told = {}
        self._tree = None

    def end(self) -> None:
        """Let go of the tree."""
        self.matching.end()
        self.telling.end()

    async def finding(self, item: MatchedRow) -> Finding:
        """Return what is known about a line as every front end shows it, without history; no thread is waited for."""
        if self._tree is None:
            self._tree = await self.matching.ask(lambda engine: engine.info, Urgency.ASKED)
        return item.finding(self._tree)

    def answers(self, engine: Engine) -> AnswerCache:
        """Return what remembers the answers of an engine, for one question to `matching`."""
        if self._answers is None or self._answers[0] is not engine:
            self._answers = engine, AnswerCache(partial(engine.answer, limit=self.client.limit, build=False))
        return self._answers[1]

    def told(self, item: MatchedRow) -> History | None:
        """Return the history of the message that explains a line, if it was told already."""
        return self._told.get(item.known.key)

    async def tell(self, item: MatchedRow, urgency: Urgency) -> History:
        """Return the history of the message that explains a line."""
        told = self._told  # Another one once the tree changed: this answer is of the old one then.
        known = self.told(item)
        if known is not None:
            return known

        def trace(engine: Engine) -> History:
            again = self.told(item)
            if again is not None:
                return again
            mode = HistoryMode.FIRST if self.client.history else HistoryMode.OFF
            [(_, finding)] = engine.histories.traced([item.finding(engine.info)], mode)
            return History(finding.provenance, finding.points_to)

        history = await self.telling.ask(trace, urgency)
        told[item.known.key] = history
        return history


def with_history(finding: Finding, history: History | None) -> Finding:
    """Return a finding with its history as far as it was told."""
    if history is None:
        return finding
    return replace(finding, provenance=history.provenance, points_to=history.points_to)
