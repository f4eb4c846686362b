"""The files of two indexed revisions whose messages can differ."""

from collections.abc import Iterator
from dataclasses import dataclass

from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.source.message import Message
from ksrcfind.storage.revision import RevisionState
from ksrcfind.storage.store import Store


@dataclass(frozen=True, slots=True)
class FilePair:
    """The messages of one path in both revisions, in source order; none where there is no such file."""

    path: str
    old: tuple[Message, ...]
    new: tuple[Message, ...]


def differing_files(store: Store, old: str, new: str) -> Iterator[FilePair]:
    """Yield by path the files that were linked differently in two revisions (keys).

    Both revisions share the unit of a file whose bytes and dependencies are the same; it is skipped. Raises `KeyError`
    for a revision that is not indexed.
    """
    before, after = _state(store, old), _state(store, new)
    indexes = RevisionIndex(store.view(old)), RevisionIndex(store.view(new))
    for path in sorted(before.units.keys() | after.units.keys()):
        if before.units.get(path) != after.units.get(path):
            was, now = (tuple(index.messages_of(path)) for index in indexes)
            if was or now:
                yield FilePair(path, was, now)


def _state(store: Store, key: str) -> RevisionState:
    state = store.state(key)
    if state is None:
        raise KeyError(key)
    return state
