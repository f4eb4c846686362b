"""Finds where names are defined in a tree."""

import posixpath
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from ksrcfind.source.definitions import Definition, definitions, pattern, similar_names

if TYPE_CHECKING:
    from ksrcfind.tree.open import AnySnapshot

CODE = ("*.c", "*.h", "*.S")
CONFIGURATION = ("*Kconfig*",)
MOST_FILES = 40
"""Files that are read for one search: a few hold definitions, the others prototypes."""

MOST_SIMILAR = 1000
"""Files that are read for names like a mistyped one."""

Place = tuple[str, Definition]
"""A file and a definition in it."""


class DefinitionFinder:
    """Finds definitions of functions, macros and configuration symbols."""

    def __init__(self, snapshot: "AnySnapshot") -> None:
        self._snapshot = snapshot

    def in_files(self, names: Collection[str], paths: Iterable[str]) -> Iterator[Place]:
        """Yield the definitions of names in some files; files that are not there are passed over."""
        if not names:
            return
        for path, data in self._snapshot.read_many(dict.fromkeys(paths)):
            for found in definitions(data, names):
                yield path, found

    def in_directories(self, names: Collection[str], paths: Iterable[str]) -> Iterator[Place]:
        """Yield the definitions of names in the directories of some files, not below these."""
        directories = dict.fromkeys(map(posixpath.dirname, paths))
        places = [f":(glob){directory}/{suffix}" for directory in directories if directory for suffix in CODE[:2]]
        if any(name.startswith("CONFIG_") for name in names):
            places += [f":(glob){directory}/Kconfig*" for directory in directories if directory]
        yield from self._search(names, places)

    def in_tree(self, names: Collection[str], most: int = MOST_FILES) -> Iterator[Place]:
        """Yield the definitions of names in the whole tree, in at most `most` files: about a second for Linux."""
        symbols = any(name.startswith("CONFIG_") for name in names)
        yield from self._search(names, [*CODE, *(CONFIGURATION if symbols else ())], most)

    def similar(self, name: str) -> Iterator[str]:
        """Yield names of functions that begin or end as a name does."""
        half = max(2, len(name) // 2)
        like = f"{name[:half]}[A-Za-z0-9_]*|[A-Za-z0-9_]*{name[-half:]}"
        paths = self._snapshot.files_with(pattern([like]), CODE)[:MOST_SIMILAR]
        for _, data in self._snapshot.read_many(paths):
            yield from filter(None, similar_names(data, like))

    def _search(self, names: Collection[str], places: list[str], most: int = MOST_FILES) -> Iterator[Place]:
        if names and places:
            found = self._snapshot.files_with(pattern(names), places)
            # Definitions of functions are in C files more often than in headers, and those of an architecture are many.
            found.sort(key=lambda path: (path.startswith(("arch/", "tools/")), path.endswith(".h")))
            yield from self.in_files(names, found[:most])
