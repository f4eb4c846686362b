"""The messages of a tree, from its index or, where there is none, from the files that are asked about."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from ksrcfind.backend import Source
from ksrcfind.engine.context import TreeContext
from ksrcfind.engine.index_manager import IndexManager
from ksrcfind.match.candidates import MessageIndex
from ksrcfind.source.message import Message

if TYPE_CHECKING:
    from ksrcfind.search.unindexed import UnindexedSearch


class TreeMessages:
    """Implements `backend.Messages` for a tree."""

    def __init__(self, context: TreeContext, index: IndexManager, source: Source) -> None:
        self._context = context
        self._index = index
        self._source = source

    def of(self, path: str) -> list[Message]:
        """Return the messages of a file as it is now, by line; none if there is no such file. Builds no index."""
        indexed = self._index.current()
        if indexed is None:
            return self._unindexed.messages_of([path])
        known = indexed.messages.messages_of(path)
        # A path without messages and without a file is not a file that changed.
        if not known and not self._source.has_file(path):
            return []
        updated = self._index.current() if self._index.refresh([path]) else None
        return updated.messages.messages_of(path) if updated is not None else known

    def prefetch(self, paths: Iterable[str]) -> None:
        """Read files together whose messages will be asked for one by one, if they are not indexed."""
        if self._index.current() is None:
            self._unindexed.messages_of(dict.fromkeys(paths))

    def switched_off(self, path: str, line: int) -> list[Message]:
        """Return the messages of a file as if the comment or `#if 0` around a line were not there."""
        return self._unindexed.switched_off(path, line)

    def near_phrases(self, body: str) -> MessageIndex:
        """Return the messages of the files that most likely printed a text: those that hold phrases of it."""
        return self._unindexed.index_for(body, phrases=True)

    def near_words(self, body: str) -> MessageIndex:
        """Return the messages of the files that most likely printed a text: those that hold its rarest words."""
        return self._unindexed.index_for(body)

    @cached_property
    def _unindexed(self) -> "UnindexedSearch":
        # The parser and the linker are imported where files are read: most questions read none.
        from ksrcfind.search.unindexed import UnindexedSearch

        return UnindexedSearch(self._context.snapshot, self._context.store.cache, self._context.roots)
