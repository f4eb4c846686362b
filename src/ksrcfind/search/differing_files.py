"""The files of two indexed revisions whose messages can differ."""

from collections.abc import Iterator

from msgspec import Struct

from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.source.message import Message
from ksrcfind.storage.revision import RevisionState
from ksrcfind.storage.store import Store


class FilePair(Struct, frozen=True):
    """The messages of the file at one path in an older and a newer revision, each in source order.

    A revision without the file has no messages.
    """

    path: str
    old: tuple[Message, ...]
    new: tuple[Message, ...]


def differing_files(store: Store, old: str, new: str) -> Iterator[FilePair]:
    """Yield the files whose messages can differ between two indexed revisions, sorted by path.

    `old` and `new` are keys of revisions. A file with equal bytes and dependencies has the same unit (stored messages)
    in both revisions and is skipped. Raises `KeyError` if a revision is not indexed.
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
