"""Values that are cached together with the state that they were computed from."""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

import msgspec

_Value = TypeVar("_Value")


class Cache(Protocol):
    """Caches bytes by name. It may drop any entry at any time."""

    def get(self, name: str) -> bytes | None:
        """Return the cached bytes; None if they are not cached (any more)."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Cache bytes, in place of what the name had."""
        ...


class MemoryCache(dict[str, bytes]):
    """A cache for one run."""

    def put(self, name: str, data: bytes) -> None:
        """Cache bytes."""
        self[name] = data


def cached(
    cache: Cache | None, name: str, state: str | None, kind: type[_Value], compute: Callable[[], _Value]
) -> _Value:
    """Return the value that is cached under a name for this state; compute and cache it if there is none.

    `state` names everything that the value depends on; None means that nothing names it, and then nothing is cached.
    A name holds one value: that of the state which was asked for last. An error of `compute` is not cached.
    """
    if cache is None or state is None:
        return compute()
    value = lookup(cache, name, state, kind)
    if value is None:
        value = compute()
        store(cache, name, state, value)
    return value


def lookup(cache: Cache | None, name: str, state: str | None, kind: type[_Value]) -> _Value | None:
    """Return the value that is cached under a name for this state; None if there is none."""
    data = cache.get(name) if cache is not None and state is not None else None
    if data is not None:
        with suppress(msgspec.MsgspecError):  # Damaged, or of another version.
            its_state, value = msgspec.msgpack.decode(data, type=tuple[str, msgspec.Raw])
            if its_state == state:
                return msgspec.msgpack.decode(value, type=kind)
    return None


def store(cache: Cache | None, name: str, state: str | None, value: object) -> None:
    """Cache a value for this state, in place of the one that the name had."""
    if cache is not None and state is not None:
        with suppress(UnicodeEncodeError):  # It holds a file name that is not UTF-8.
            cache.put(name, msgspec.msgpack.encode((state, value)))
