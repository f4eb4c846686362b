"""The messages of a tree, read from its index. Without an index, only the files in question are parsed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ksrcfind.tree.names import is_utf8

if TYPE_CHECKING:
    from ksrcfind.backend import Source
    from ksrcfind.engine.context import TreeContext
    from ksrcfind.engine.index_manager import IndexManager
    from ksrcfind.match.message_index import MessageIndex
    from ksrcfind.search.unindexed import UnindexedSearch
    from ksrcfind.source.message import Message


class TreeMessages:
    """Implements `backend.Messages` for a tree."""

    def __init__(self, context: "TreeContext", index: "IndexManager", source: "Source") -> None:
        self._context = context
        self._index = index
        self._source = source
        self._unindexed: UnindexedSearch | None = None

    @property
    def skipped(self) -> Sequence[str]:
        """Escaped names of the files that are skipped because their names are not UTF-8.

        Empty before the files of the tree were listed.
        """
        if self._unindexed is not None:
            return self._unindexed.skipped
        revision = self._context.store.revision(self._index.key)
        return revision.skipped if revision is not None else ()

    def of(self, path: str) -> list["Message"]:
        """Return the messages of the present version of a source file, in source order. Empty without the file.

        This builds no index, but may update one.
        """
        indexed = self._index.current()
        if indexed is None:
            return self._without_index().messages_of([path])
        if not is_utf8(path):
            return []
        known = indexed.messages.messages_of(path)
        # If the index has no messages of a path and there is no such file, the index needs no update.
        if not known and not self._source.has_file(path):
            return []
        updated = self._index.current() if self._index.refresh([path]) else None
        return updated.messages.messages_of(path) if updated is not None else known

    def prefetch(self, paths: Iterable[str]) -> None:
        """Parse these files together if the tree is not indexed. `of` then returns their messages at once."""
        if self._index.current() is None:
            self._without_index().messages_of(dict.fromkeys(paths))

    def switched_off(self, path: str, line: int) -> list["Message"]:
        """Return the messages of a file as if the comment or `#if 0` around a line were removed.

        Empty if the line is in neither.
        """
        return self._without_index().switched_off(path, line)

    def likely(self, body: str) -> Iterator["MessageIndex"]:
        """Yield indexes of messages that may have printed a log line; each one after a longer search."""
        return self._without_index().likely(body)

    def _without_index(self) -> "UnindexedSearch":
        if self._unindexed is None:
            # The parser and the linker are imported only here, since most questions need neither.
            from ksrcfind.search.unindexed import UnindexedSearch

            self._unindexed = UnindexedSearch(self._context.snapshot, self._context.store.cache, self._context.roots)
        return self._unindexed
