"""Caches values together with the state from which they were computed, such as the state of a tree."""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

import msgspec

_Value = TypeVar("_Value")


class Cache(Protocol):
    """Caches bytes by name. It may drop any entry at any time."""

    def get(self, name: str) -> bytes | None:
        """Return the bytes that are cached under a name. None if there are none, or no longer."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Cache bytes under a name. They replace earlier bytes of this name."""
        ...


class MemoryCache(dict[str, bytes]):
    """A cache in memory, for one run."""

    def put(self, name: str, data: bytes) -> None:
        """Cache bytes under a name. They replace earlier bytes of this name."""
        self[name] = data


def cached(
    cache: Cache | None, name: str, state: str | None, kind: type[_Value], compute: Callable[[], _Value]
) -> _Value:
    """Return the value that is cached under a name for a state. If there is none, compute and cache the value.

    `state` identifies everything on which the value depends. None means that this cannot be identified; the value is
    then computed and not cached. Each name has one cached value, for the state that was requested last. An exception of
    `compute` is not cached.
    """
    value = lookup(cache, name, state, kind)
    if value is None:
        value = compute()
        store(cache, name, state, value)
    return value


def cached_later(
    cache: Cache | None, name: str, state: str | None, kind: type[_Value], compute: Callable[[], _Value]
) -> Callable[[], _Value]:
    """Return what returns the value of `cached`: it decodes a large value only when that is needed.

    The cache is used now and not later, so that the result can be called by any thread.
    """
    if cache is None or state is None:
        return compute
    data = _data(cache, name, state)
    if data is None:
        computed = compute()
        store(cache, name, state, computed)
        return lambda: computed
    return lambda: compute() if (value := _decoded(data, kind)) is None else value


def lookup(cache: Cache | None, name: str, state: str | None, kind: type[_Value]) -> _Value | None:
    """Return the value that is cached under a name for a state. None if there is none."""
    data = _data(cache, name, state)
    return _decoded(data, kind) if data is not None else None


def latest(cache: Cache, name: str, kind: type[_Value]) -> tuple[str, _Value] | None:
    """Return (state, value) as cached under a name last, for any state. None if there is no value."""
    entry = _entry(cache, name)
    value = _decoded(entry[1], kind) if entry is not None else None
    return (entry[0], value) if entry is not None and value is not None else None


def _data(cache: Cache | None, name: str, state: str | None) -> msgspec.Raw | None:
    """Return the encoded value that is cached under a name for a state. None if there is none."""
    entry = _entry(cache, name) if cache is not None and state is not None else None
    return entry[1] if entry is not None and entry[0] == state else None


def _entry(cache: Cache, name: str) -> tuple[str, msgspec.Raw] | None:
    """Return (state, encoded value) as cached under a name. None if there is none."""
    data = cache.get(name)
    if data is not None:
        with suppress(msgspec.MsgspecError):  # The value is damaged, or another version of ksrcfind wrote it.
            return msgspec.msgpack.decode(data, type=tuple[str, msgspec.Raw])
    return None


def _decoded(data: msgspec.Raw, kind: type[_Value]) -> _Value | None:
    """Return a decoded value; None if it is damaged or of another kind."""
    with suppress(msgspec.MsgspecError):
        return msgspec.msgpack.decode(data, type=kind)
    return None


def store(cache: Cache | None, name: str, state: str | None, value: object) -> None:
    """Cache a value under a name for a state. It replaces the earlier value of this name."""
    if cache is not None and state is not None:
        with suppress(UnicodeEncodeError):  # The value contains a file name that is not UTF-8.
            cache.put(name, msgspec.msgpack.encode((state, value)))
