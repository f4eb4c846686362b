"""Compares the messages of two revisions of one tree."""

from collections.abc import Sequence
from contextlib import suppress

from ksrcfind.engine.engine import Engine
from ksrcfind.engine.source_view import no_such_files
from ksrcfind.errors import KsrcfindError
from ksrcfind.search.differing_files import FilePair


def file_pairs(older: Engine, newer: Engine, paths: Sequence[str] = ()) -> list[FilePair]:
    """Return the files whose messages can differ between two revisions of one tree.

    With `paths` (files and directories), only files at these paths are compared. Missing indexes are built. Raises
    `KsrcfindError` for a path that is in neither revision.
    """
    for engine in (older, newer):
        engine.index.ensure()
    pairs = older.releases.differing(newer.index.key)
    if not paths:
        return pairs
    wanted: set[str] = set()
    for path in paths:
        found: set[str] = set()
        for engine in (older, newer):
            with suppress(KsrcfindError):
                found.update(engine.source.files([path]))
        if not found:
            raise no_such_files(path, newer.source.files())
        wanted |= found
    return [pair for pair in pairs if pair.path in wanted]
