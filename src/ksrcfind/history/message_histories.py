"""Stories that are kept between runs, under names that say what they depend on."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import msgspec

from ksrcfind.caching import Cache
from ksrcfind.history.blame import Blame
from ksrcfind.history.follow import MessageHistory
from ksrcfind.history.state import history_state
from ksrcfind.tree.repository import Repository

VERSION = 5
"""Raised when the same question gets a different answer: what was kept is asked anew."""


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """What was found out about a line of a version of a file."""

    blame: Blame
    story: MessageHistory | None
    """None for a line without text."""
    followed: bool = True
    """False if only the blame was asked for."""


class MessageHistories:
    """Kept answers of one repository."""

    def __init__(self, repository: Repository, cache: Cache) -> None:
        self._repository = repository
        self._cache = cache
        self._decoder = msgspec.msgpack.Decoder(StoredHistory)

    def get(self, commit: str, path: str, line: int) -> StoredHistory | None:
        """Return the answer for a line, if it is there and whole."""
        data = self._cache.get(self._name(commit, path, line))
        if data is None:
            return None
        try:
            return self._decoder.decode(data)
        except msgspec.MsgspecError:
            return None

    def is_current(self) -> bool:
        """Return whether everything that cached histories depend on is as when the repository was opened."""
        return history_state(self._repository, self._repository.read_settings()) == self._state

    def may_store(self) -> bool:
        """Return the same as `is_current`, without a process of git if no file of the configuration has changed."""
        return history_state(self._repository, self._repository.current_settings()) == self._state

    @cached_property
    def _state(self) -> str:
        return history_state(self._repository)

    def put(self, commit: str, path: str, line: int, kept: StoredHistory) -> None:
        """Keep the answer for a line."""
        try:
            data = msgspec.msgpack.encode(kept)
        except UnicodeEncodeError:  # A path that is not UTF-8.
            return
        self._cache.put(self._name(commit, path, line), data)

    def _name(self, commit: str, path: str, line: int) -> str:
        question = "\0".join((self._state, commit, path, str(line))).encode("utf-8", "surrogateescape")
        return f"story-{VERSION}-{hashlib.sha256(question).hexdigest()[:40]}"
