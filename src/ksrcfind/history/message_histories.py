"""A cache of message histories. The name of an entry is a digest of everything that the history depends on."""

import hashlib
from functools import cached_property

import msgspec
from msgspec import Struct

from ksrcfind.caching import Cache
from ksrcfind.history.blame import Blame
from ksrcfind.history.follow import MessageHistory
from ksrcfind.history.state import history_state
from ksrcfind.tree.repository import Repository

VERSION = 6
"""Version of the cache entries. A new version invalidates all entries; it is needed if an answer changes."""


class StoredHistory(Struct, frozen=True):
    """The cached blame and history of one line of a file version."""

    blame: Blame
    history: MessageHistory | None
    """None for a line without text, and if `followed` is False."""
    followed: bool = True
    """False if only the blame was computed, not the history."""


class MessageHistories:
    """The cached histories of one repository."""

    def __init__(self, repository: Repository, cache: Cache) -> None:
        self._repository = repository
        self._cache = cache
        self._decoder = msgspec.msgpack.Decoder(StoredHistory)

    def get(self, commit: str, path: str, line: int) -> StoredHistory | None:
        """Return the cached history of a line; None if it is not cached or the entry is damaged."""
        data = self._cache.get(self._name(commit, path, line))
        if data is None:
            return None
        try:
            return self._decoder.decode(data)
        except msgspec.MsgspecError:
            return None

    def is_current(self) -> bool:
        """Return whether the cached histories are still valid: the repository and git settings are unchanged."""
        return history_state(self._repository, self._repository.read_settings()) == self._state

    def may_store(self) -> bool:
        """Return whether histories may be cached now: the same answer as `is_current`.

        Starts no git process if no file of git's configuration has changed.
        """
        return history_state(self._repository, self._repository.current_settings()) == self._state

    @cached_property
    def _state(self) -> str:
        return history_state(self._repository)

    def put(self, commit: str, path: str, line: int, kept: StoredHistory) -> None:
        """Cache the history of a line."""
        try:
            data = msgspec.msgpack.encode(kept)
        except UnicodeEncodeError:  # A path that is not UTF-8.
            return
        self._cache.put(self._name(commit, path, line), data)

    def _name(self, commit: str, path: str, line: int) -> str:
        question = "\0".join((self._state, commit, path, str(line))).encode("utf-8", "surrogateescape")
        return f"history-{VERSION}-{hashlib.sha256(question).hexdigest()[:40]}"
