"""The files of a tree: lines of source, maintainers, the release in the Makefile."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from ksrcfind.backend import LONGEST_FILE, Source
from ksrcfind.errors import KsrcfindError
from ksrcfind.index.sources import NOT_KERNEL, SUFFIXES
from ksrcfind.match.names import closest_path
from ksrcfind.match.place import place_calls
from ksrcfind.tree.maintainers import FILE as MAINTAINERS
from ksrcfind.tree.maintainers import Maintainers, Subsystem
from ksrcfind.tree.names import is_utf8
from ksrcfind.tree.open import AnySnapshot
from ksrcfind.tree.versions import MAKEFILE, makefile_release

NAMED_SUFFIXES = (".c", ".h", ".S")
"""Suffixes of the files whose locations the kernel prints in its log."""


class SourceView:
    """Reads files of a tree or of a bundle."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def lines(self, path: str, first: int, last: int) -> list[str]:
        """Return lines of a file, 1-based and inclusive, as far as it has them; none if there is no such file."""
        return _lines(self._text(path), first, last)

    def subsystem(self, path: str) -> Subsystem | None:
        """Return the subsystem of a file in the tree's MAINTAINERS file; None if it lists none."""
        return self._maintainers.subsystem(path)

    @property
    def release(self) -> str | None:
        """The kernel release that the tree's own Makefile names: `6.1.192`; None if it names none."""
        text = self._text(MAKEFILE)
        return makefile_release(text) if text is not None else None

    def files(self, paths: Sequence[str] = ()) -> list[str]:
        """Return the C files at these paths of files and directories; all C files without a path.

        Raises `KsrcfindError` for a path without C files.
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
    def _maintainers(self) -> Maintainers:
        return Maintainers(self._text(MAINTAINERS) or "")

    def _text(self, path: str) -> str | None:
        try:
            return self._source.read(path).decode("utf-8", "replace")
        except FileNotFoundError:
            return None


class TreeSource:
    """Implements `backend.Source` over a snapshot."""

    def __init__(self, snapshot: AnySnapshot) -> None:
        self._snapshot = snapshot

    def paths(self) -> list[str]:
        """Return every file that can have messages, sorted."""
        return sorted(filter(is_utf8, self._snapshot.files(SUFFIXES, ())))

    def read(self, path: str) -> bytes:
        """Return the content of a file. Raises `FileNotFoundError`."""
        return self._snapshot.read(path)

    def read_many(self, paths: Iterable[str]) -> Iterable[tuple[str, bytes]]:
        """Return path and content of files; those that are not there are left out."""
        return self._snapshot.read_many(paths)

    def with_words(self, words: Sequence[str]) -> Mapping[str, Iterable[str]]:
        """Return path → words, for the files of the kernel's code that contain one of some words; one pass of grep."""
        found = self._snapshot.grep(words, NAMED_SUFFIXES)
        return {path: held for path, held in found.items() if not path.startswith(NOT_KERNEL) and is_utf8(path)}

    def has_file(self, path: str) -> bool:
        """Return whether there is such a file."""
        return bool(self._lines(path, 1))

    def length(self, path: str) -> int | None:
        """Return how many lines a file has, None if there is no such file."""
        lines = self._lines(path)
        return len(lines) - (not lines[-1]) if lines else None

    def place_calls(self, path: str) -> Sequence[tuple[int, str]]:
        """Return the calls of a file that print their own location: line and name."""
        return place_calls("\n".join(self._lines(path)))

    def all_place_calls(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Yield every file of C and assembly with its calls that print their own location."""
        for path, data in self._snapshot.read_many(filter(is_utf8, self._snapshot.files(NAMED_SUFFIXES, ()))):
            yield path, place_calls(data.decode("utf-8", "replace"))

    def _lines(self, path: str, last: int = LONGEST_FILE) -> list[str]:
        try:
            return _lines(self.read(path).decode("utf-8", "replace"), 1, last)
        except FileNotFoundError:
            return []


def no_such_files(path: str, files: Sequence[str]) -> KsrcfindError:
    """Return the error for a path of the command line that names none of the tree's C files."""
    meant = closest_path(path, files)
    hint = f"Did you mean {meant}?" if meant is not None else "Paths start at the root of the tree: mm/oom_kill.c"
    return KsrcfindError(f"no C files at {path}", hint)


def _lines(text: str | None, first: int, last: int) -> list[str]:
    return text.split("\n")[max(first, 1) - 1 : last] if text is not None else []
