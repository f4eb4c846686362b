"""Reads files of a tree: lines of source, the subsystem in MAINTAINERS, the release in the Makefile."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ksrcfind.backend import LONGEST_FILE, Source
from ksrcfind.engine.definitions import MOST_FILES, DefinitionFinder
from ksrcfind.errors import KsrcfindError
from ksrcfind.index.documents import document_words
from ksrcfind.index.sources import NOT_KERNEL, SUFFIXES
from ksrcfind.match.names import closest_path
from ksrcfind.match.place import place_calls
from ksrcfind.tree.names import is_utf8
from ksrcfind.tree.versions import MAKEFILE, makefile_release

if TYPE_CHECKING:
    from ksrcfind.caching import Cache
    from ksrcfind.documents.word_list import WordList
    from ksrcfind.source.definitions import Definition
    from ksrcfind.tree.maintainers import Maintainers, Subsystem
    from ksrcfind.tree.open import AnySnapshot

NAMED_SUFFIXES = (".c", ".h", ".S")
"""Suffixes of the files whose locations the kernel prints in its log."""


MOST_FILES_TOGETHER = 2000
"""Limit of files that are read for the definitions of many names: a log can name functions that every file calls."""


class SourceView:
    """Reads lines of source, MAINTAINERS and the Makefile, from a tree or from a bundle."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def lines(self, path: str, first: int, last: int) -> list[str]:
        """Return the lines of a file from `first` to `last` (counted from 1, inclusive), as far as they exist.

        Empty if there is no such file.
        """
        return _lines(self._text(path), first, last)

    def subsystem(self, path: str) -> "Subsystem | None":
        """Return the subsystem to which the tree's MAINTAINERS file assigns a file. None if it assigns none."""
        return self._maintainers.subsystem(path)

    @property
    def release(self) -> str | None:
        """The kernel release that the tree's Makefile names, such as `6.1.192`. None if it names none."""
        text = self._text(MAKEFILE)
        return makefile_release(text) if text is not None else None

    def files(self, paths: Sequence[str] = ()) -> list[str]:
        """Return the C files at `paths` (files and directories). Without `paths`, return all C files of the tree.

        Raises `KsrcfindError` for a path at which there are no C files.
        """
        every = self._source.paths()
        if not paths:
            return every
        wanted: dict[str, None] = {}
        for path in paths:
            inside = "" if path in ("", ".") else path.rstrip("/") + "/"
            found = [file for file in every if file == path or file.startswith(inside)]
            if not found:
                raise no_such_files(path, every)
            wanted |= dict.fromkeys(found)
        return list(wanted)

    @cached_property
    def _maintainers(self) -> "Maintainers":
        # Imported here because most answers do not name the subsystem.
        from ksrcfind.tree.maintainers import FILE, Maintainers

        return Maintainers(self._text(FILE) or "")

    def _text(self, path: str) -> str | None:
        try:
            return self._source.read(path).decode("utf-8", "replace")
        except FileNotFoundError:
            return None


class TreeSource:
    """Implements `backend.Source` with the snapshot of a tree."""

    def __init__(self, snapshot: "AnySnapshot", cache: "Cache") -> None:
        self._snapshot = snapshot
        self._cache = cache
        self._words: WordList | None = None

    def paths(self) -> list[str]:
        """Return the paths of all files that can have messages, sorted."""
        return sorted(filter(is_utf8, self._snapshot.files(SUFFIXES, ())))

    def read(self, path: str) -> bytes:
        """Return the bytes of a file. Raises `FileNotFoundError` if it does not exist."""
        return self._snapshot.read(path)

    def read_many(self, paths: Iterable[str]) -> Iterable[tuple[str, bytes]]:
        """Return path and content of files; those that are not there are left out."""
        return self._snapshot.read_many(paths)

    def with_words(self, words: Sequence[str]) -> Mapping[str, Iterable[str]]:
        """Return path → words, for the files of the kernel's code that contain one of some words; one pass of grep."""
        found = self._snapshot.grep(words, NAMED_SUFFIXES)
        return {path: held for path, held in found.items() if not path.startswith(NOT_KERNEL) and is_utf8(path)}

    @property
    def without_code(self) -> None:
        """None: a tree has code."""

    def known_lines(self, _path: str, _line: int) -> range:
        """Return all lines: `read` returns whole files."""
        return range(1, LONGEST_FILE)

    def has_file(self, path: str) -> bool:
        """Return whether a file exists."""
        return bool(self._lines(path, 1))

    def length(self, path: str) -> int | None:
        """Return the number of lines of a file. None if it does not exist."""
        lines = self._lines(path)
        return len(lines) - (not lines[-1]) if lines else None

    def place_calls(self, path: str) -> Sequence[tuple[int, str]]:
        """Return (line, name) of the calls in a file that print their own source location, such as `WARN_ON`."""
        return place_calls("\n".join(self._lines(path)))

    def all_place_calls(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Yield (path, calls) for every C and assembly file: the calls that print their own source location.

        Each call is (line, name).
        """
        for path, data in self._snapshot.read_many(filter(is_utf8, self._snapshot.files(NAMED_SUFFIXES, ()))):
            yield path, place_calls(data.decode("utf-8", "replace"))

    def definitions(self, name: str) -> Iterator[tuple[str, "Definition"]]:
        """Yield the functions and macros of a name, with their files."""
        return DefinitionFinder(self._snapshot).in_tree([name])

    def all_definitions(self, names: Sequence[str]) -> Iterator[tuple[str, "Definition"]]:
        """Yield the functions and macros of some names, with their files."""
        return DefinitionFinder(self._snapshot).in_tree(names, min(MOST_FILES * len(names), MOST_FILES_TOGETHER))

    def similar_names(self, name: str) -> Iterator[str]:
        """Yield names of functions that begin or end as a name does."""
        return DefinitionFinder(self._snapshot).similar(name)

    def document_words(self) -> "WordList | None":
        """Return which documents of the tree have a word. None if the tree was not indexed."""
        if self._words is None:
            self._words = document_words(self._cache)
        return self._words

    def _lines(self, path: str, last: int = LONGEST_FILE) -> list[str]:
        try:
            return _lines(self.read(path).decode("utf-8", "replace"), 1, last)
        except FileNotFoundError:
            return []


def no_such_files(path: str, files: Sequence[str]) -> KsrcfindError:
    """Return the error for a path, given by the user, at which the tree has no C files.

    `files` are the tree's C files; the error suggests a similar path.
    """
    meant = closest_path(path, files)
    hint = f"Did you mean {meant}?" if meant is not None else "Paths start at the root of the tree: mm/oom_kill.c"
    return KsrcfindError(f"no C files at {path}", hint)


def _lines(text: str | None, first: int, last: int) -> list[str]:
    return text.split("\n")[max(first, 1) - 1 : last] if text is not None else []
