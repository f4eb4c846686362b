"""A C file as code without comments and directives, its functions, and the brackets around each place.

All readers of functions start here: callers, texts of pools, conditions, and the definitions that `show` prints.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct

from ksrcfind.regex import regex
from ksrcfind.source.scan import Directive, blank_comments, chunks, directives, functions, without_directives

Region = tuple[int, int]
"""Offsets of a part of a file, the end exclusive."""

_BRACKET = regex(rb"[][(){}]")
_OPENING = b"([{"
_NAME_BEFORE = regex(rb"\b(\w++)\s*+\Z")
_STATIC = regex(rb"\bstatic\b")
_DEFINED = regex(rb"\s*(\w+)(?:\(([^()]*)\))?")
_CLOSES_FUNCTION = regex(rb"^\}(?![^\n]*+(?<=\\)$)", re.MULTILINE)
_PLAIN_NUMBERS = regex(rb"(?:#[^\n]*+\s*+)*+")  # macros for numbers: they are no directives for `scan`
_NEAR = 200  # bytes in which the name before a place is looked for


class Function(Struct, frozen=True):
    """A function that a file defines."""

    name: str
    parameters: tuple[str, ...]
    """Their names; empty for one without a name."""
    is_static: bool
    header: int
    """Offset of its header."""
    start: int
    """Offset of its opening brace."""
    end: int
    """Offset after its closing brace."""


class Macro(Struct, frozen=True):
    """A macro that a file defines."""

    name: str
    parameters: tuple[str, ...]
    body: bytes
    """Without comments, literals masked."""
    line: int
    """1-based line of the start of `body`."""


def region_around(data: bytes, found: Sequence[tuple[int, int, Directive]], offset: int) -> tuple[Region, bool]:
    """Return the part of a file around an offset that holds at most one function, and whether it is a macro.

    Outside of macros, it extends from a closing brace in the first column to the next. `found` are the directives of
    the file. Comments and literals are not looked at, so this is faster than `SourceFile.functions`.
    """
    macros = [(start, end) for start, end, each in found if each.name == b"define"]
    macro = _around(macros, offset)
    if macro is not None:
        return macro, True
    low, high = 0, len(data)
    for match in _CLOSES_FUNCTION.finditer(data):
        at = match.start()
        if _around(macros, at) is None:
            if at > offset:
                high = at + 1
                break
            low = (data.find(b"\n", at) + 1) or len(data)
    return (low, high), False


def _around(spans: Sequence[Region], offset: int) -> Region | None:
    """Return the one of some sorted spans that contains an offset."""
    position = bisect_right(spans, (offset + 1, 0)) - 1
    return spans[position] if position >= 0 and offset < spans[position][1] else None


class SourceFile:
    """Reads the structure of one file; each part is made when it is first asked for.

    Offsets are those of `clean` and `masked`, which have the lines of the file.
    """

    def __init__(self, data: bytes, path: str = "") -> None:
        self.data = data
        self.path = path
        self._arguments: dict[int, list[tuple[int, int]]] = {}

    @cached_property
    def directives(self) -> list[tuple[int, int, Directive]]:
        """Every preprocessor line with its start and end."""
        return list(directives(self.data))

    @property
    def clean(self) -> bytes:
        """The code, with comments and directives blanked."""
        return self._code[0]

    @property
    def masked(self) -> bytes:
        """The code, with literals blanked as well."""
        return self._code[1]

    @cached_property
    def _code(self) -> tuple[bytes, bytes]:
        clean, masked, _ = blank_comments(without_directives(self.data, self.directives))
        return clean, masked

    @cached_property
    def functions(self) -> Sequence[Function]:
        """Every function, in order."""
        # Imports tree-sitter, which the conditions of a call do not need.
        from ksrcfind.source.parse import declarator

        found = []
        for low, high in chunks(self.masked):
            for start, brace, end in functions(self.masked, low, high):
                header = self.clean[start:brace]
                name, parameters = declarator(header)
                if name:
                    names = tuple(map(_parameter_name, parameters))
                    is_static = _STATIC.search(header) is not None
                    numbers = _PLAIN_NUMBERS.match(header)
                    first = start + (numbers.end() if numbers else 0)
                    found.append(Function(name, names, is_static, first, brace, end))
        return found

    @cached_property
    def macros(self) -> Sequence[Macro]:
        """Every macro with a body that is more than a number."""
        return [macro for _, _, each in self.directives if each.name == b"define" and (macro := _macro(each))]

    def line(self, offset: int) -> int:
        """Return the 1-based line of an offset."""
        return bisect_left(self._newlines, offset) + 1

    def function_at(self, offset: int) -> Function | None:
        """Return the function whose header or body contains an offset."""
        position = bisect_right(self._starts, offset) - 1
        found = self.functions[position] if position >= 0 else None
        return found if found is not None and offset < found.end else None

    def around(self, offset: int) -> list[int]:
        """Return the offsets of the brackets that are open at an offset, the innermost first."""
        position = bisect_left(self._brackets.events, offset) - 1
        inner = self._brackets.open_after[position] if position >= 0 else -1
        opened = []
        while inner >= 0:
            opened.append(inner)
            inner = self._brackets.parents[inner]
        return opened

    def closing(self, opened: int) -> int:
        """Return the offset of the bracket that closes the one at an offset; the end of the file if none does."""
        return self._brackets.closings.get(opened, len(self.masked))

    def name_before(self, offset: int) -> str:
        """Return the name directly before an offset; empty if there is none."""
        found = _NAME_BEFORE.search(self.masked, max(0, offset - _NEAR), offset)
        return found[1].decode("ascii", "replace") if found else ""

    def element_start(self, opened: int, offset: int) -> int:
        """Return where the element of a bracket's list begins that contains an offset."""
        position = offset
        while True:
            comma = self.masked.rfind(b",", opened, position)
            last = max(self.masked.rfind(mark, max(comma, opened) + 1, position) for mark in (b")", b"]", b"}"))
            if last < 0 or last not in self._brackets.openings:
                return max(comma, opened) + 1
            position = self._brackets.openings[last]

    def arguments(self, opened: int) -> list[tuple[int, int]]:
        """Return where each argument in parentheses begins and ends."""
        if opened not in self._arguments:
            self._arguments[opened] = self._split(opened)
        return self._arguments[opened]

    def _split(self, opened: int) -> list[tuple[int, int]]:
        result = []
        start = position = opened + 1
        close = self.closing(opened)
        mark = re.compile(rb"[,([{]")
        while True:
            found = mark.search(self.masked, position, close)
            if found is None:
                break
            if found[0] == b",":
                result.append((start, found.start()))
                start = position = found.end()
            else:
                position = min(self.closing(found.start()) + 1, close)
        result.append((start, close))
        return result

    def text(self, start: int, end: int) -> str:
        """Return code on one line."""
        return " ".join(self.clean[start:end].decode("utf-8", "replace").split())

    @cached_property
    def _starts(self) -> list[int]:
        return [each.header for each in self.functions]

    @cached_property
    def _newlines(self) -> list[int]:
        return [match.start() for match in re.finditer(rb"\n", self.masked)]

    @cached_property
    def _brackets(self) -> "_Brackets":
        return _Brackets(self.masked, [edge for each in self.functions for edge in (each.header, each.end)])


class _Brackets:
    """Which brackets of a text belong together. None is open at an edge: the header or end of a function."""

    def __init__(self, masked: bytes, edges: Sequence[int]) -> None:
        self.events: list[int] = []
        """Offsets of all brackets."""
        self.open_after: list[int] = []
        """For each, the innermost bracket that is open behind it; -1 for none."""
        self.parents: dict[int, int] = {}
        self.closings: dict[int, int] = {}
        self.openings: dict[int, int] = {}
        opened: list[int] = []
        rest = iter([*edges, len(masked)])
        edge = next(rest)
        for match in _BRACKET.finditer(masked):
            at = match.start()
            while at >= edge:
                opened.clear()
                edge = next(rest, len(masked) + 1)
            if match[0] in _OPENING:
                self.parents[at] = opened[-1] if opened else -1
                opened.append(at)
            elif opened:
                self.closings[opened[-1]] = at
                self.openings[at] = opened.pop()
            self.events.append(at)
            self.open_after.append(opened[-1] if opened else -1)


def _macro(directive: Directive) -> Macro | None:
    masked = blank_comments(directive.rest)[1].replace(b"\\\n", b" \n")
    found = _DEFINED.match(masked)
    if found is None:
        return None
    parameters = tuple(part.strip().decode("ascii", "replace") for part in (found[2] or b"").split(b","))
    return Macro(
        found[1].decode(), parameters, masked[found.end() :], directive.line + masked.count(b"\n", 0, found.end())
    )


def _parameter_name(declaration: str) -> str:
    """Return the name that a parameter's declaration gives it: of `int (*done)(void)`, `done`."""
    pointer = re.search(r"\(\s*\*\s*(\w+)", declaration)
    names = re.findall(r"\w+", declaration.partition("[")[0])
    return pointer[1] if pointer else names[-1] if names else ""
