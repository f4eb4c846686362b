"""What `ksrcfind show` shows: the functions and macros of a name with their log messages, or a commit."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from ksrcfind.conditions.record import Excerpt
from ksrcfind.match.names import closest
from ksrcfind.regex import regex
from ksrcfind.source.definitions import extent

if TYPE_CHECKING:
    from ksrcfind.backend import Backend
    from ksrcfind.history.provenance import Commit
    from ksrcfind.source.message import Message

_IDENTIFIER = regex(r"[A-Za-z_]\w*")
_COMMIT_ID = regex(r"[0-9a-f]{7,64}")


class ShownFunction(Struct, frozen=True):
    """A function or macro with its source."""

    name: str
    kind: str
    """`function` or `macro`."""
    path: str
    code: Excerpt
    """All of it; the lines of its log calls are marked."""
    messages: tuple["Message", ...]
    """What it can print itself."""


class ShowService:
    """Finds functions and commits by their names."""

    def __init__(self, backend: "Backend") -> None:
        self._backend = backend

    def functions(self, name: str) -> Iterator[ShownFunction]:
        """Yield the functions and macros of a name; none for what cannot be one, such as a revision.

        Raises `KsrcfindError` for a bundle, which has no source.
        """
        name = name.removesuffix("()")
        if _IDENTIFIER.fullmatch(name):
            for path, found in self._backend.source.definitions(name):
                yield self._shown(path, name, found.kind, found.line)

    def commit(self, name: str) -> "Commit | None":
        """Return the commit that a revision names, None if there is none. What its message names is looked up.

        Raises `KsrcfindError` for an ambiguous id, and without a repository unless a function may be meant.
        """
        may_be_function = _IDENTIFIER.fullmatch(name.removesuffix("()")) and not _COMMIT_ID.fullmatch(name)
        if not self._backend.histories.known and may_be_function:
            return None
        return self._backend.histories.named(name)

    def similar(self, name: str) -> str | None:
        """Return the name of a function that was perhaps meant."""
        name = name.removesuffix("()")
        return closest(name, self._backend.source.similar_names(name)) if _IDENTIFIER.fullmatch(name) else None

    def _shown(self, path: str, name: str, kind: str, line: int) -> ShownFunction:
        data = self._backend.source.read(path)
        first, last = extent(data, kind, line)
        messages = [one for one in self._backend.messages.of(path) if first <= one.line_start <= last]
        marked = sorted({number for one in messages for number in range(one.line_start, one.line_end + 1)})
        lines = data.decode("utf-8", "replace").split("\n")[first - 1 : last]
        return ShownFunction(name, kind, path, Excerpt(first, tuple(lines), tuple(marked)), tuple(messages))
