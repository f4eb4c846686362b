"""Resolves what a commit message names: to a place in the tree, or to a release."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ksrcfind.caching import cached
from ksrcfind.engine.definitions import DefinitionFinder, Place
from ksrcfind.history.mentions import Named, named_in
from ksrcfind.history.provenance import Commit, Mentioned

if TYPE_CHECKING:
    from ksrcfind.engine.context import TreeContext
    from ksrcfind.history.trace import History

ENTRY = "mentions-1"
"""Name in the cache, with the commit's id behind it."""
MOST_CHANGED = 12
"""Files of a commit that are looked at; a commit that changes more is seldom about their functions."""


class MentionResolver:
    """Looks for names where they most likely are: in the files that the commit changed, then in their directories.

    Searching the whole tree for names takes a second, which an answer has not; `thorough` says to take it.
    """

    def __init__(self, context: "TreeContext", history: "History") -> None:
        self._context = context
        self._history = history
        self._definitions = DefinitionFinder(context.snapshot)

    def resolved(self, commit: Commit, *, thorough: bool = False) -> tuple[Mentioned, ...]:
        """Return what a message names, as far as it was found: the code first, then files, commits, and messages."""
        named = named_in(commit.message)

        def search() -> list[Mentioned]:
            return list(self._in_tree(commit, named, thorough=thorough))

        state = self._context.snapshot.state
        entry = f"{ENTRY}-{'tree' if thorough else 'near'}-{commit.id}"
        in_tree = cached(self._context.store.cache, entry, state, list[Mentioned], search)
        # Releases change with tags; the table of these is at hand.
        releases = self._history.releases([name for name in named.commits if not commit.id.startswith(name)])
        commits = [
            Mentioned(name, "commit", first_release=release.first_release or release.first_tag)
            for name, release in releases.items()
        ]
        return (*in_tree, *commits)

    def _in_tree(self, commit: Commit, named: Named, *, thorough: bool) -> Iterator[Mentioned]:
        changed = self._history.changed_files(commit.id)[:MOST_CHANGED]
        files = list(self._files(named.files, changed))
        yield from self._code(named.identifiers, [*changed, *(file.path for file in files if file.path)], thorough)
        yield from files
        yield from self._messages(named.messages, changed)

    def _code(self, names: Sequence[str], near: Sequence[str], thorough: bool) -> Iterator[Mentioned]:
        found = _first(self._definitions.in_files(names, near))
        missing = [name for name in names if name not in found]
        if missing:
            found |= _first(self._definitions.in_directories(missing, near))
            missing = [name for name in missing if name not in found]
        if missing and thorough:
            found |= _first(self._definitions.in_tree(missing))
        for name in names:
            if name in found:
                path, definition = found[name]
                yield Mentioned(name, definition.kind, path, definition.line)

    def _files(self, names: Sequence[str], changed: Sequence[str]) -> Iterator[Mentioned]:
        for name in names:
            path = self._path(name, changed)
            if path is not None:
                yield Mentioned(name, "file", path)

    def _path(self, name: str, changed: Sequence[str]) -> str | None:
        """Return the path that a message means: from the root, of a header as `#include` has it, of a changed file."""
        for path in (name, f"include/{name}"):
            if "/" in name and self._is_file(path):
                return path
        ends = [path for path in changed if path.endswith(f"/{name}") and self._is_file(path)]
        return ends[0] if len(ends) == 1 else None

    def _is_file(self, path: str) -> bool:
        if posixpath.normpath(path) != path or path.startswith(("/", "..")):
            return False
        with suppress(OSError):
            self._context.snapshot.read(path)
            return True
        return False

    def _messages(self, texts: Sequence[str], changed: Sequence[str]) -> Iterator[Mentioned]:
        """Yield the texts that stand in a literal of a changed file."""
        wanted = {text: text.replace('"', '\\"') for text in texts if " " in text}
        if not wanted:
            return
        for path, data in self._context.snapshot.read_many(changed):
            content = data.decode("utf-8", "replace")
            for text, written in list(wanted.items()):
                position = content.find(written)
                if position >= 0:
                    del wanted[text]
                    yield Mentioned(text, "message", path, content.count("\n", 0, position) + 1)


def _first(found: Iterable[Place]) -> dict[str, Place]:
    """Return the first definition of each name, a function before a macro."""
    ordered = sorted(found, key=lambda place: place[1].kind != "function")
    return {definition.name: (path, definition) for path, definition in reversed(ordered)}
