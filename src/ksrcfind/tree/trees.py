"""Reads git's tree objects: the entries of a directory, the files below it, and the differences between two trees."""

import re
from collections.abc import Callable, Iterator

from ksrcfind.regex import regex
from ksrcfind.tree.database import Changed

ENTRY = regex(rb"([0-7]{1,7}) ([^\0/]+)\0(.{20})", re.DOTALL)
DIRECTORY, FILE, SUBMODULE = 0o40000, 0o100000, 0o160000
TYPE = 0o170000
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Id of the tree object without entries."""
DEEPEST = 256
"""Most nested directories that are read. A source tree has fewer."""

Entries = dict[bytes, tuple[int, str]]
"""The entries of a tree object: name → (mode as `parse` normalises it, object id)."""
ReadTree = Callable[[str], Entries]
"""A function that returns the entries of the tree object with a full id. Raises `OddTreeError`."""


def text(path: bytes) -> str:
    """Decode a name that git returned. Bytes that are not UTF-8 become lone surrogates."""
    return path.decode("utf-8", "surrogateescape")


def raw(path: str) -> bytes:
    """Return the bytes of a name that `text` decoded."""
    return path.encode("utf-8", "surrogateescape")


class OddTreeError(ValueError):
    """A tree object that only git can interpret."""


def parse(data: bytes) -> Entries:
    """Return the entries of a tree object, in the order of the object.

    Raises `OddTreeError` if only git can interpret the object.
    """
    entries: Entries = {}
    end = count = 0
    while found := ENTRY.match(data, end):
        end = found.end()
        count += 1
        mode, name, object_id = found.groups()
        entries[name] = _mode(int(mode, 8)), object_id.hex()
    if end != len(data) or count != len(entries):
        raise OddTreeError
    return entries


def _mode(mode: int) -> int:
    """Return the mode of an entry as git normalises it.

    Of a regular file, only the executable bit counts. An unknown type of entry counts as a submodule.
    """
    kind = mode & TYPE
    if kind == FILE:
        return 0o100755 if mode & 0o100 else 0o100644
    return kind if kind in (DIRECTORY, 0o120000) else SUBMODULE


def find(read: ReadTree, tree: str, path: bytes) -> tuple[int, str] | None:
    """Return (mode, object id) of the entry at a path of a tree. None if there is no entry."""
    *directories, name = path.split(b"/")
    for directory in directories:
        mode, tree = read(tree).get(directory, (0, ""))
        if mode != DIRECTORY:
            return None
    return read(tree).get(name)


def files(read: ReadTree, tree: str) -> Iterator[tuple[str, str]]:
    """Yield (path, blob id) of the regular files of a tree, in git's order of paths."""
    pending = [(b"", iter(read(tree).items()))]
    while pending:
        prefix, entries = pending[-1]
        for name, (mode, object_id) in entries:
            if mode == DIRECTORY:
                if len(pending) > DEEPEST:
                    raise OddTreeError
                pending.append((prefix + name + b"/", iter(read(object_id).items())))
                break
            if mode & TYPE == FILE:
                yield text(prefix + name), object_id
        else:
            pending.pop()


def named(read: ReadTree, tree: str, wanted: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield (path, blob id) of the regular files with the base name `wanted`, in any directory of a tree."""
    pending = [(b"", tree, 0)]
    while pending:
        prefix, directory, depth = pending.pop()
        if depth > DEEPEST:
            raise OddTreeError
        for name, (mode, object_id) in read(directory).items():
            if mode == DIRECTORY:
                pending.append((prefix + name + b"/", object_id, depth + 1))
            elif name == wanted and mode & TYPE == FILE:
                yield prefix + name, object_id


def changed(read: ReadTree, old: str, new: str) -> list[Changed]:
    """Return the files that differ between two trees, in git's order of paths. Submodules are ignored."""
    found: list[tuple[bytes, str]] = []
    pending: list[tuple[bytes, str | None, str | None]] = [(b"", old, new)]
    while pending:
        prefix, one, other = pending.pop()
        if prefix.count(b"/") > DEEPEST:
            raise OddTreeError
        before = read(one) if one is not None else {}
        after = read(other) if other is not None else {}
        for name in before.keys() | after.keys():
            was, now = before.get(name), after.get(name)
            if was == now:
                continue
            was_tree = was[1] if was is not None and was[0] == DIRECTORY else None
            now_tree = now[1] if now is not None and now[0] == DIRECTORY else None
            if was_tree is not None or now_tree is not None:
                pending.append((prefix + name + b"/", was_tree, now_tree))
            kind = _kind(None if was_tree else was, None if now_tree else now)
            if kind is not None:
                found.append((prefix + name, kind))
    found.sort()
    return [Changed(kind, text(path)) for path, kind in found]


def _kind(was: tuple[int, str] | None, now: tuple[int, str] | None) -> str | None:
    """Return how an entry that is not a directory differs between two trees (`Changed.kind`).

    None if it does not differ, or if only submodules are concerned.
    """
    if was is None or now is None:
        only = now or was
        if only is None or only[0] == SUBMODULE:
            return None
        return "A" if was is None else "D"
    if was[0] & TYPE != now[0] & TYPE:
        return "T"
    return None if was[0] == SUBMODULE else "M"
