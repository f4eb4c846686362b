r"""The texts that a variable, buffer, table, field or function of a source file can hold.

A call such as `pr_info("%s\n", spectre_v2_strings[mode])` has no words of its own: its text is put together at run
time. `TextPools` reads the file again and collects the literals that can reach the value: initializers of tables,
assignments, `return` statements, and the pieces that formatting functions write into a buffer, also through functions
of the file that are given the buffer. For a function of another file, that file is read. `TextPools` follows names, not
the flow of control, so a pool can hold texts that the call never prints.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from ksrcfind.regex import regex
from ksrcfind.source.code import Code
from ksrcfind.source.literal import STRING
from ksrcfind.source.source_file import Function

MOST_TEXTS = 64
"""Texts of one pool; a table of more is cut."""

_DEPTH = 5  # functions and variables that are followed from a value
_MOST_FOLLOWED = 64  # of all of them
_LONGEST = 1000  # characters of an expression
_LONGEST_TABLE = 1 << 16  # characters of an initializer
_LONGEST_TYPE = 80  # characters of the type before a variable
_LONGEST_FRONT = 40  # characters of labels before a piece
_MOST_SUBSCRIPTS = 4  # that stand within each other

_MACRO = regex(r"(?!NULL\b)[A-Z_][A-Z0-9_]++")
_SUBSCRIPT = regex(r"\[[^\[\]]*+\]\s*+")
_FIELD = regex(r"(?:->|\.)\s*+([A-Za-z_]\w*+)\s*+\Z")
# An argument that tells which of its texts a function gives: `pci_resource_name(bridge, PCI_BRIDGE_IO_WINDOW)`.
_CONSTANT = regex(r"[(,]\s*+(?!NULL\b)[A-Z_][A-Z0-9_]++\s*+(?=[,)])")
_READ_FIELD = regex(r"[(\s]*+([A-Za-z_]\w*+)\s*+(?:->|\.)\s*+([A-Za-z_]\w*+)[)\s]*+")
_CALLED = regex(r"[&*(\s]*+(?:[A-Za-z_]\w*+\s*+(?:->|\.)\s*+)*+([A-Za-z_]\w*+)\s*+\(")
_VARIABLE = regex(r"[&*(\s]*+([A-Za-z_]\w*+)")
_LAST_NAME = regex(r"\b([A-Za-z_]\w*+)\s*+(?:\[[^\[\]]*+\]\s*+)*+\Z")
_BEHIND = regex(r"\s*+((?:\[[^\[\]=;]*+\]\s*+)*+)(?:__\w++(?:\([^()]*+\))?\s*+)*+(=(?!=)|->|\.|\(|)")
# An escape outside of a text is passed over, so that a text which never ends is read once.
_RUN = regex(rf"\\[\s\S]|((?:\b[A-Z][A-Z0-9_]*+\s++){{0,3}}+{STRING}(?:\s*+(?:{STRING}|\b[A-Z][A-Z0-9_]*+\b))*+)")
_DESIGNATOR = regex(r"\.\s*+[A-Za-z_]\w*+\s*+=")
_DESIGNATED = regex(rf"\.\s*+([A-Za-z_]\w*+)\s*+=\s*+((?:(?:{STRING}|(?!NULL\b)[A-Z_][A-Z0-9_]*+)\s*+)*+)(?=[,}}])")
_ALL_TEXT = regex(rf"(?=[^\"]*+\")(?:(?:{STRING}|[A-Z_][A-Z0-9_]*+)\s*+)++|(?!NULL\b)[A-Z_][A-Z0-9_]*+")
_DRIVER = regex(r"_driver \w++ (?:__\w++ )?= \{")  # begins with a text, which `re` finds fast
_OF_STRUCTURE = regex(r"\bstruct \w*+\Z")
_FORMATS = regex(r"\w*asprintf")
_STARTS = regex(r"v?sc?n?printf|str[lns]?cpy|strscpy(?:_pad)?")  # what writes from the beginning of a buffer
_WRITES = regex(r"printf|puts|put_str|cpy|cat\Z|append|push_desc|prt_")  # in the name of what writes into a buffer
_PRINTS = regex(r"(?:pr|dev|netdev|netif|drm|DRM|wiphy|seq|trace)_\w++|v?printk\w*+|f?printf")
_ENDS_OPEN = regex(r"([ :,;=(\[])\"\Z")  # of a piece that more is written behind
_LABEL = regex(r"\"([A-Za-z][^\"%\\]*+(?:(?<=[:=])|(?<=[:=] )))\"")
_ENDS_TEXT = regex(r"[A-Za-z]{2}[.!)\]]?+\"\Z")
_COMMON_FIELDS = frozenset(("name",))  # that structures of all kinds have: only the variable before it tells which


class PoolText(NamedTuple):
    """One text that a value can hold."""

    source: str
    """C source of an expression, such as `"Vulnerable"` or `DRV_SUMMARY`; of a piece, a format."""
    is_piece: bool
    """True if a formatting function writes it, with values for its conversions and perhaps more text behind it."""
    before: str = ""
    """What may stand in front of the piece, in printf syntax."""
    behind: str = ""
    """What may stand behind the piece, in printf syntax."""


class Elsewhere(NamedTuple):
    """What other files tell."""

    of_function: Callable[[str, int | None], Sequence[PoolText]]
    """The texts that a function can return, or (with the number of a parameter) store where the parameter points."""
    of_structure: Callable[[str, str], Sequence[PoolText]]
    """The texts that the initialisers of a structure give to a field."""


NOTHING = Elsewhere(lambda _function, _parameter: (), lambda _structure, _field: ())


class _Given(NamedTuple):
    """A call that is given a buffer."""

    called: str
    number: int
    """Of the argument that is the buffer."""
    is_start: bool
    """True if the call is given the buffer from its beginning: `buf`, not `buf + n`."""
    others: list[str]
    """The arguments behind the buffer."""


class _Write(NamedTuple):
    """A piece that is written into a buffer."""

    format: str
    """C source."""
    values: list[str]
    """Of the format's conversions, C source."""
    function: Function
    """That writes it."""
    is_whole: bool
    """True if the function is given the buffer from its beginning."""
    starts: bool
    """True if it is written at the beginning of the buffer."""


class TextPools:
    """Finds what the values of one file's calls can hold. What it does for one value is linear in the file."""

    def __init__(self, data: bytes, elsewhere: Elsewhere = NOTHING) -> None:
        """Take the bytes of a C file."""
        self._code = Code(data)
        self._elsewhere = elsewhere
        self._known: dict[tuple[str, str | None, tuple[int, int] | None], list[PoolText]] = {}

    @cached_property
    def _registers(self) -> bool:
        code = self._code.masked
        found = (match.start() for match in _DRIVER.finditer(code))
        return any(_OF_STRUCTURE.search(code, max(0, at - _LONGEST_TYPE), at) for at in found)

    def texts(self, expression: str, function: str | None, line: int = 0) -> list[PoolText]:
        """Return the texts that a value can hold: C source of an argument, in a function of the file.

        `line` is the 1-based line of the call: what a variable holds there. 0 stands for any.
        """
        around = self._code.functions.get(function or "")
        name = _VARIABLE.fullmatch(expression)
        reach = self._reach(name[1], around, line) if name is not None and around is not None and line else None
        known = self._known.get((expression, function, reach))
        if known is None:
            found = dict.fromkeys(_bounded(self._of(expression, around, _DEPTH, set(), reach)))
            found |= dict.fromkeys(self._of_structures(expression, around))
            known = self._known[expression, function, reach] = list(found)
        return known

    def _reach(self, name: str, function: Function, line: int) -> tuple[int, int]:
        """Return the part of a function whose assignments to a variable can reach a line.

        It begins with the last assignment that is under no condition, and ends with the line in a function without
        loops. With `goto` it is the whole function.
        """
        if self._code.found("goto", function.start, function.end):
            return function.start, function.end
        use = self._code.start_of(line)
        start = function.start
        for position in self._code.found(name, function.start, use):
            behind = _BEHIND.match(self._code.masked, position + len(name), position + len(name) + _LONGEST)
            if behind is not None and behind[2] == "=" and self._code.is_at_top(position):
                start = position
        loops = any(self._code.found(word, function.start, function.end) for word in ("for", "while"))
        return start, function.end if loops else max(use, start)

    def of_function(self, name: str, parameter: int | None) -> list[PoolText]:
        """Return the texts that a function of the file can return, or store where a parameter points to."""
        function = self._code.functions.get(name)
        if function is None:
            return []
        if parameter is None:
            return _bounded(self._of_function(name, _DEPTH, set()))
        return _bounded(self._stored_through(function, parameter, _DEPTH, set()))

    def _of(
        self,
        source: str,
        function: Function | None,
        depth: int,
        seen: set[tuple[str, str]],
        reach: tuple[int, int] | None = None,
    ) -> Iterator[PoolText]:
        """Yield the texts of an expression that is no literal; `reach` is where a variable alone is assigned."""
        if depth < 0 or len(source) > _LONGEST or not _first((source, function.name if function else ""), seen):
            return
        for _ in range(_MOST_SUBSCRIPTS):
            source = _SUBSCRIPT.sub("", source)
        for part in re.split(r"[?:]", source)[1:] if "?" in source else [source]:
            bare = part.strip()
            called = _CALLED.match(bare)
            variable = _VARIABLE.match(bare)
            if called is not None:
                if not _CONSTANT.search(bare, called.end() - 1):
                    yield from self._of_function(called[1], depth, seen)
                    yield from self._of_field(called[1], depth, seen)
            elif (field := _FIELD.search(bare.rstrip(") "))) is not None:
                own = list(self._of_variable(variable[1], function, depth, seen, field[1])) if variable else []
                yield from own or self._of_field(field[1], depth, seen)
            elif variable is not None and "(" not in bare[variable.end() :]:
                yield from self._of_variable(variable[1], function, depth, seen, reach=reach)

    def _of_function(self, name: str, depth: int, seen: set[tuple[str, str]]) -> Iterator[PoolText]:
        """Yield the texts that a function returns."""
        function = self._code.functions.get(name)
        if not _first((name, "return"), seen):
            return
        if function is None:
            yield from self._elsewhere.of_function(name, None)
            return
        for position in self._code.found("return", function.start, function.end):
            yield from self._value(self._code.expression(position + len("return")), function, depth, seen)

    def _of_variable(
        self,
        name: str,
        function: Function | None,
        depth: int,
        seen: set[tuple[str, str]],
        field: str = "",
        reach: tuple[int, int] | None = None,
    ) -> Iterator[PoolText]:
        """Yield the texts of a variable or of a field of it: of the function's own, else of one of the file."""
        if name in self._code.functions:
            yield from self._of_function(name, depth, seen)
            return
        if function is not None:
            start, end = reach or (function.start, function.end)
            yield from self._stored(name, start, end, depth, seen, field)
            if not field:
                yield from self._written(name, function, depth, seen)
                yield from self._through(name, function, depth, seen)
                if name in function.parameters:
                    yield from self._given(function, function.parameters.index(name), depth, seen)
        for position in self._code.found(name, 0, len(self._code.masked)):
            if self._code.is_field(position) or self._code.around(position) is not None:
                continue
            yield from self._assigned(position + len(name), None, depth, seen, field)

    def _of_structures(self, source: str, function: Function | None) -> Iterator[PoolText]:
        """Yield the texts that files of the tree register in a field of a variable's structure.

        A file that registers a driver itself prints the names of its own.
        """
        read = [found for part in re.split(r"[?:]", source) if (found := _READ_FIELD.fullmatch(part))]
        if not read or self._registers:
            return
        for found in read:
            if structure := self._code.structure(found[1], function):
                yield from self._elsewhere.of_structure(structure, found[2])

    def _of_field(self, name: str, depth: int, seen: set[tuple[str, str]]) -> Iterator[PoolText]:
        """Yield the string literals that the file assigns to a field of this name, in any struct."""
        if name in _COMMON_FIELDS or not _first(("", name), seen):
            return
        yield from self._stored(name, 0, len(self._code.masked), depth, seen, is_field=True)
        around = (self._code.around(position) for position in self._code.found(name, 0, len(self._code.masked)))
        for function in dict.fromkeys(one for one in around if one is not None):
            yield from self._written(name, function, depth, seen, is_field=True)

    def _stored(
        self,
        name: str,
        start: int,
        end: int,
        depth: int,
        seen: set[tuple[str, str]],
        field: str = "",
        *,
        is_field: bool = False,
    ) -> Iterator[PoolText]:
        """Yield the texts that are assigned to a name."""
        for position in self._code.found(name, start, end):
            if self._code.is_field(position) == is_field:
                yield from self._assigned(position + len(name), self._code.around(position), depth, seen, field)

    def _assigned(
        self, end: int, function: Function | None, depth: int, seen: set[tuple[str, str]], field: str
    ) -> Iterator[PoolText]:
        """Yield the texts that are assigned to a name which ends at a place, or that initialize it."""
        behind = _BEHIND.match(self._code.masked, end, end + _LONGEST)
        if behind is None or behind[2] != "=":
            return
        if self._code.masked[behind.end() : behind.end() + 80].lstrip().startswith("{"):
            source = self._code.clean[behind.end() : self._code.end_of(behind.end(), _LONGEST_TABLE, at_comma=False)]
            if not field:
                yield from (PoolText(_utf8(run[1]), is_piece=False) for run in _RUN.finditer(source) if run[1])
            else:
                yield from (PoolText(_utf8(value), is_piece=False) for value in self._column(source, field, end))
        else:
            source = self._code.expression(behind.end())
            if not field:
                yield from self._value(source, function, depth, seen)
                return
            table = _VARIABLE.match(source)
            if depth > 0 and table is not None and "(" not in source and _first((table[1], "table"), seen):
                yield from self._of_variable(table[1], function, depth - 1, seen, field)

    def _column(self, source: str, field: str, end: int) -> Iterator[str]:
        """Yield the texts that a table gives to one field; the name of the table ends at a place."""
        if _DESIGNATOR.search(source):
            yield from (value[2].strip() for value in _DESIGNATED.finditer(source) if value[1] == field and value[2])
            return
        fields = self._code.fields(end)
        inside = source[source.find("{") + 1 : source.rfind("}")]
        for low, high in self._code.split(inside):
            row = inside[low:high].strip()
            if not row.startswith("{"):  # a macro brings the braces: `QUIRK(NAME, "text")`
                runs = [run[1] for run in _RUN.finditer(row) if run[1]]
                yield from runs if len(runs) == 1 else ()
                continue
            values = [row[1:-1][start:stop].strip() for start, stop in self._code.split(row[1:-1])]
            if field in fields:
                values = values[fields.index(field) :][:1]
            else:  # of a header: names of macros are numbers in most tables
                values = [value for value in values if '"' in value]
            texts = [value for value in values if _ALL_TEXT.fullmatch(value)]
            if len(texts) == 1:
                yield texts[0]

    def _value(
        self, source: str, function: Function | None, depth: int, seen: set[tuple[str, str]]
    ) -> Iterator[PoolText]:
        """Yield the texts of an expression that is assigned, returned or given."""
        called = _CALLED.match(source)
        if called is not None and _FORMATS.fullmatch(called[1]):
            formats = [text for low, high in self._code.split(source) if '"' in (text := source[low:high])]
            yield from (PoolText(_utf8(each.strip()), is_piece=True, behind="%s") for each in formats[:1])
        elif '"' in source:
            yield PoolText(_utf8(source), is_piece=False)
            if "?" in source and depth > 0:
                for part in re.split(r"[?:]", source)[1:]:
                    if '"' not in part:
                        yield from self._of(part.strip(), function, depth - 1, seen)
        elif _MACRO.fullmatch(source):
            yield PoolText(source, is_piece=False)
        elif depth > 0:
            yield from self._of(source, function, depth - 1, seen)

    def _given(self, function: Function, parameter: int, depth: int, seen: set[tuple[str, str]]) -> Iterator[PoolText]:
        """Yield the texts that callers in the file give for a parameter of a function."""
        if not _first((function.name, f"parameter {parameter}"), seen):
            return
        for position in self._code.found(function.name, 0, len(self._code.masked)):
            caller = self._code.around(position)
            behind = _BEHIND.match(self._code.masked, position + len(function.name))
            if caller is None or behind is None or behind[2] != "(" or self._code.is_field(position):
                continue
            inside = self._code.inside(behind.end())
            arguments = self._code.split(inside)
            if parameter < len(arguments):
                low, high = arguments[parameter]
                yield from self._value(inside[low:high].strip(), caller, depth, seen)

    def _through(self, name: str, function: Function, depth: int, seen: set[tuple[str, str]]) -> Iterator[PoolText]:
        """Yield the texts that called functions store in a variable whose address they are given."""
        for position in self._code.found(name, function.start, function.end):
            given = self._given_to(position, name, function) if self._code.masked[position - 1] == "&" else None
            if given is None or depth <= 0 or not _first((given.called, f"through {given.number}"), seen):
                continue
            inner = self._code.functions.get(given.called)
            if inner is None:
                yield from self._elsewhere.of_function(given.called, given.number)
            else:
                yield from self._stored_through(inner, given.number, depth - 1, seen)

    def _stored_through(
        self, function: Function, parameter: int, depth: int, seen: set[tuple[str, str]]
    ) -> Iterator[PoolText]:
        """Yield the texts that a function stores where a parameter points to."""
        if parameter < len(function.parameters):
            yield from self._stored(function.parameters[parameter], function.start, function.end, depth, seen)

    def _written(
        self, name: str, function: Function, depth: int, seen: set[tuple[str, str]], *, is_field: bool = False
    ) -> Iterator[PoolText]:
        """Yield the pieces that calls of a function write into a buffer that they are given."""
        writes = list(self._writes(name, function, depth, seen, is_field=is_field))
        front = ""
        for before, one, behind in zip([None, *writes], writes, [*writes[1:], None], strict=False):
            if before is None or one.starts:
                front = "" if one.is_whole else "%s"
            else:
                front = _front(before.format, front)
            is_last = (behind is None or behind.starts) and _ENDS_TEXT.search(one.format) is not None
            back = "" if is_last else "%s"
            if one.format == '"%s"' and one.values and depth > 0:
                for text in self._value(one.values[0], one.function, depth - 1, seen):
                    yield PoolText(text.source, is_piece=True, before=front, behind=back)
            else:
                yield PoolText(_utf8(one.format), is_piece=True, before=front, behind=back)

    def _writes(
        self,
        name: str,
        function: Function,
        depth: int,
        seen: set[tuple[str, str]],
        *,
        is_field: bool = False,
        is_whole: bool = True,
    ) -> Iterator[_Write]:
        """Yield what calls of a function write into a buffer, in order, also through functions of the file.

        `is_whole` is true if the name stands for the beginning of the buffer.
        """
        for position in self._code.found(name, function.start, function.end):
            given = self._given_to(position, name, function) if self._code.is_field(position) == is_field else None
            if given is None:
                continue
            inner = self._code.functions.get(given.called)
            if inner is None and (_PRINTS.fullmatch(given.called) or not _WRITES.search(given.called)):
                continue
            is_variadic = inner is not None and inner.parameters[-1:] == ("",)
            format_at = next((n for n, text in enumerate(given.others) if '"' in text), -1)
            if format_at >= 0 and (is_variadic or _WRITES.search(given.called)):
                starts = is_whole and given.is_start and _STARTS.fullmatch(given.called) is not None
                starts = starts and not self._is_moved(name, function.start, position)
                yield _Write(given.others[format_at], given.others[format_at + 1 :], function, is_whole, starts)
            if inner is not None and depth > 0 and given.number < len(inner.parameters):
                parameter = inner.parameters[given.number]
                if _first((given.called, parameter), seen):
                    yield from self._writes(parameter, inner, depth - 1, seen, is_whole=is_whole and given.is_start)

    def _is_moved(self, name: str, start: int, position: int) -> bool:
        """Return whether a statement before a place adds to a pointer: `buf += sprintf(buf, "first")`."""
        statement = max(start, self._code.masked.rfind(";", start, position))
        places = self._code.found(name, start, statement)
        return any(self._code.masked[at + len(name) : at + len(name) + 4].lstrip().startswith("+=") for at in places)

    def _given_to(self, position: int, name: str, function: Function) -> _Given | None:
        """Return the innermost call that is given the buffer whose name is at a place; None if there is none."""
        behind = _BEHIND.match(self._code.masked, position + len(name))
        call = self._code.call_around(position, function.start) if behind is not None and not behind[2] else None
        if call is None:
            return None
        called, opened = call
        inside = self._code.inside(opened)
        arguments = self._code.split(inside)
        for number, (low, high) in enumerate(arguments):
            if opened + low <= position < opened + high:
                is_start = _LAST_NAME.fullmatch(inside[low:high].strip().lstrip("&")) is not None
                return _Given(
                    called, number, is_start, [inside[low:high].strip() for low, high in arguments[number + 1 :]]
                )
        return None


def _front(before: str, front: str) -> str:
    """Return what stands before a piece: `before` is the source of the piece in front of it, `front` what stands there.

    A label such as `"CDB: "` always has something behind it; of other pieces only the mark at the end is sure.
    """
    label = _LABEL.fullmatch(before)
    if label is not None and len(front) < _LONGEST_FRONT:
        return front + label[1]
    mark = _ENDS_OPEN.search(before)
    return f"%s{mark[1]}" if mark is not None else "%s"


def _bounded(texts: Iterator[PoolText]) -> list[PoolText]:
    """Return the first `MOST_TEXTS` different texts."""
    found: dict[PoolText, None] = {}
    for text in texts:
        found[text] = None
        if len(found) >= MOST_TEXTS:
            break
    return list(found)


def _first(what: tuple[str, str], seen: set[tuple[str, str]]) -> bool:
    """Return whether something is to be followed: it was not yet, and not too much was. Note it."""
    if what in seen or len(seen) >= _MOST_FOLLOWED:
        return False
    seen.add(what)
    return True


def _utf8(source: str) -> str:
    return source.encode("latin-1").decode("utf-8", "replace")
