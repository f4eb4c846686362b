"""Compares the messages of two engines: revisions of one tree, other trees, bundles."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from ksrcfind.engine.engine import Engine
from ksrcfind.engine.source_view import no_such_files
from ksrcfind.errors import KsrcfindError
from ksrcfind.search.differing_files import FilePair
from ksrcfind.source.message import Message


def file_pairs(older: Engine, newer: Engine, paths: Sequence[str] = ()) -> list[FilePair]:
    """Return the files whose messages can differ between two engines.

    With `paths` (files and directories), only files at these paths are compared. Missing indexes are built. Raises
    `KsrcfindError` for a path that neither of them has.
    """
    for engine in (older, newer):
        engine.index.ensure()
    share_store = older.source_root is not None and older.source_root == newer.source_root
    if not share_store:
        return list(_pairs(older, newer, _files_at(older, newer, paths)))
    wanted = _files_at(older, newer, paths) if paths else None
    pairs = older.releases.differing(newer.index.key)
    return pairs if wanted is None else [pair for pair in pairs if pair.path in wanted]


def subsystem_of(older: Engine, newer: Engine) -> Callable[[str], str | None]:
    """Return a function that returns the name of a file's subsystem, by the newer MAINTAINERS, else by the older."""
    known: dict[str, str | None] = {}

    def name_of(path: str) -> str | None:
        if path not in known:
            found = newer.source.subsystem(path) or older.source.subsystem(path)
            known[path] = found.name if found is not None else None
        return known[path]

    return name_of


def _files_at(older: Engine, newer: Engine, paths: Sequence[str]) -> set[str]:
    """Return the files of both engines at some paths, all files without paths."""
    wanted: set[str] = set()
    for path in paths or [""]:
        found: set[str] = set()
        for engine in (older, newer):
            with suppress(KsrcfindError):
                found.update(engine.source.files([path] if path else ()))
        if not found and path:
            raise no_such_files(path, newer.source.files())
        wanted |= found
    return wanted


def _pairs(older: Engine, newer: Engine, files: set[str]) -> Iterator[FilePair]:
    """Yield the files that have other messages, read from two stores."""
    before, after = (engine.index.ensure().messages for engine in (older, newer))
    for path in sorted(files):
        was, now = before.messages_of(path), after.messages_of(path)
        if was != now:
            yield FilePair(path, tuple(was), tuple(now))


def pairs_of(old: Iterable[Message], new: Iterable[Message]) -> Iterator[FilePair]:
    """Yield the files that have other messages, given all messages of both releases."""
    files: dict[str, tuple[list[Message], list[Message]]] = defaultdict(lambda: ([], []))
    for side, messages in enumerate((old, new)):
        for message in messages:
            files[message.path][side].append(message)
    for path, (was, now) in sorted(files.items()):
        if was != now:
            yield FilePair(path, tuple(was), tuple(now))
