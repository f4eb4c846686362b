r"""The texts that a variable, buffer, table, field or function of a source file can hold.

A call such as `pr_info("%s\n", spectre_v2_strings[mode])` has no words of its own: its text is put together at run
time. `TextPools` reads the file again and collects the literals that can reach the value: initializers of tables,
assignments, `return` statements, and the pieces that formatting functions write into a buffer, also through functions
of the file that are given the buffer. For a function of another file, that file is read. `TextPools` follows names, not
the flow of control, so a pool can hold texts that the call never prints.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from ksrcfind.source import scan
from ksrcfind.source.literal import STRING

MOST_TEXTS = 64
"""Texts of one pool; a table of more is cut."""

_DEPTH = 5  # functions and variables that are followed from a value
_MOST_FOLLOWED = 64  # of all of them
_MOST_PLACES = 200  # places of one name in a function, or in the file, that are looked at
_MOST_READ = 1 << 28  # characters of a file, read again for each name, that are searched in all
_LONGEST = 1000  # characters of an expression
_LONGEST_TABLE = 1 << 16  # characters of an initializer
_LONGEST_STATEMENT = 600  # characters before a name in which the call around it is looked for
_LONGEST_FRONT = 40  # characters of labels before a piece
_LONGEST_HEADER = 2000  # characters of the declaration of a function
_MOST_SUBSCRIPTS = 4  # that stand within each other

_NAME = re.compile(r"[A-Za-z_]\w*+")
_MACRO = re.compile(r"(?!NULL\b)[A-Z_][A-Z0-9_]++")
_SUBSCRIPT = re.compile(r"\[[^\[\]]*+\]\s*+")
_FIELD = re.compile(r"(?:->|\.)\s*+([A-Za-z_]\w*+)\s*+\Z")
_CALLED = re.compile(r"[&*(\s]*+(?:[A-Za-z_]\w*+\s*+(?:->|\.)\s*+)*+([A-Za-z_]\w*+)\s*+\(")
_VARIABLE = re.compile(r"[&*(\s]*+([A-Za-z_]\w*+)")
_LAST_NAME = re.compile(r"\b([A-Za-z_]\w*+)\s*+(?:\[[^\[\]]*+\]\s*+)*+\Z")
_BEHIND = re.compile(r"\s*+((?:\[[^\[\]=;]*+\]\s*+)*+)(?:__\w++(?:\([^()]*+\))?\s*+)*+(=(?!=)|->|\.|\(|)")
# An escape outside of a text is passed over, so that a text which never ends is read once.
_RUN = re.compile(rf"\\[\s\S]|((?:\b[A-Z][A-Z0-9_]*+\s++){{0,3}}+{STRING}(?:\s*+(?:{STRING}|\b[A-Z][A-Z0-9_]*+\b))*+)")
_DESIGNATOR = re.compile(r"\.\s*+[A-Za-z_]\w*+\s*+=")
_MARK = re.compile(r"[()\[\]{},;]")
_PAREN = re.compile(r"[()]")
_FORMATS = re.compile(r"\w*asprintf")
_STARTS = re.compile(r"v?sc?n?printf|str[lns]?cpy|strscpy(?:_pad)?")  # what writes from the beginning of a buffer
_WRITES = re.compile(r"printf|puts|put_str|cpy|cat\Z|append|push_desc|prt_")  # in the name of what writes into a buffer
_PRINTS = re.compile(r"(?:pr|dev|netdev|netif|drm|DRM|wiphy|seq|trace)_\w++|v?printk\w*+|f?printf")
_ENDS_OPEN = re.compile(r"([ :,;=(\[])\"\Z")  # of a piece that more is written behind
_LABEL = re.compile(r"\"([A-Za-z][^\"%\\]*+(?:(?<=[:=])|(?<=[:=] )))\"")
_ENDS_TEXT = re.compile(r"[A-Za-z]{2}[.!)\]]?+\"\Z")
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


Elsewhere = Callable[[str, int | None], Sequence[PoolText]]
"""What a function of another file can return, or (with the number of a parameter) store where the parameter points."""


class _Function(NamedTuple):
    name: str
    parameters: tuple[str, ...]
    start: int
    end: int


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
    function: _Function
    """That writes it."""
    is_whole: bool
    """True if the function is given the buffer from its beginning."""
    starts: bool
    """True if it is written at the beginning of the buffer."""


class TextPools:
    """Finds what the values of one file's calls can hold. What it does for one value is linear in the file."""

    def __init__(self, data: bytes, elsewhere: Elsewhere = lambda _function, _parameter: ()) -> None:
        """Take the bytes of a C file."""
        text = scan.without_directives(data, list(scan.directives(data)))
        clean, masked, _ = scan.blank_comments(text)
        self._bytes = masked
        # One character for each byte, so that a place in one is the same place in the other.
        self._clean = clean.decode("latin-1")
        self._masked = masked.decode("latin-1")
        self._elsewhere = elsewhere
        self._places: dict[str, list[int]] = {}
        self._left = _MOST_READ
        self._known: dict[tuple[str, str | None], list[PoolText]] = {}

    def texts(self, expression: str, function: str | None) -> list[PoolText]:
        """Return the texts that a value can hold: C source of an argument, in a function of the file."""
        known = self._known.get((expression, function))
        if known is None:
            found = self._of(expression, self._functions.get(function or ""), _DEPTH, set())
            known = self._known[expression, function] = _bounded(found)
        return known

    def of_function(self, name: str, parameter: int | None) -> list[PoolText]:
        """Return the texts that a function of the file can return, or store where a parameter points to."""
        function = self._functions.get(name)
        if function is None:
            return []
        if parameter is None:
            return _bounded(self._of_function(name, _DEPTH, set()))
        return _bounded(self._stored_through(function, parameter, _DEPTH, set()))

    @cached_property
    def _functions(self) -> dict[str, _Function]:
        found: dict[str, _Function] = {}
        for offset, chunk in scan.chunks(self._bytes):
            for header, brace, end in scan.functions(chunk):
                declared = self._masked[offset + header : offset + brace]
                opened = declared.find("(")
                name = _LAST_NAME.search(declared[:opened].rstrip()) if 0 < opened < _LONGEST_HEADER else None
                if name is None or len(declared) > _LONGEST_HEADER:
                    continue
                listed = declared[opened + 1 : declared.rfind(")")].split(",")
                names = tuple(one[1] if (one := _LAST_NAME.search(each.strip())) else "" for each in listed)
                found.setdefault(name[1], _Function(name[1], names, offset + brace, offset + end))
        return found

    @cached_property
    def _in_order(self) -> tuple[list[int], list[_Function]]:
        """Where the functions begin, and the functions."""
        functions = sorted(self._functions.values(), key=lambda one: one.start)
        return [one.start for one in functions], functions

    def _around(self, position: int) -> _Function | None:
        starts, functions = self._in_order
        before = bisect_right(starts, position) - 1
        return functions[before] if before >= 0 and position < functions[before].end else None

    def _of(
        self, source: str, function: _Function | None, depth: int, seen: set[tuple[str, str]]
    ) -> Iterator[PoolText]:
        """Yield the texts of an expression that is no literal."""
        if depth < 0 or len(source) > _LONGEST or not _first((source, function.name if function else ""), seen):
            return
        for _ in range(_MOST_SUBSCRIPTS):
            source = _SUBSCRIPT.sub("", source)
        for part in re.split(r"[?:]", source)[1:] if "?" in source else [source]:
            bare = part.strip()
            called = _CALLED.match(bare)
            variable = _VARIABLE.match(bare)
            if called is not None:
                yield from self._of_function(called[1], depth, seen)
                yield from self._of_field(called[1], depth, seen)
            elif (field := _FIELD.search(bare.rstrip(") "))) is not None:
                yield from self._of_field(field[1], depth, seen)
                if variable is not None:
                    yield from self._of_variable(variable[1], function, depth, seen, field[1])
            elif variable is not None and "(" not in bare[variable.end() :]:
                yield from self._of_variable(variable[1], function, depth, seen)

    def _of_function(self, name: str, depth: int, seen: set[tuple[str, str]]) -> Iterator[PoolText]:
        """Yield the texts that a function returns."""
        function = self._functions.get(name)
        if not _first((name, "return"), seen):
            return
        if function is None:
            yield from self._elsewhere(name, None)
            return
        for position in self._found("return", function.start, function.end):
            yield from self._value(self._expression(position + len("return")), function, depth, seen)

    def _of_variable(
        self, name: str, function: _Function | None, depth: int, seen: set[tuple[str, str]], field: str = ""
    ) -> Iterator[PoolText]:
        """Yield the texts of a variable or of a field of it: of the function's own, else of one of the file."""
        if name in self._functions:
            yield from self._of_function(name, depth, seen)
            return
        if function is not None:
            yield from self._stored(name, function.start, function.end, depth, seen, field)
            if not field:
                yield from self._written(name, function, depth, seen)
                yield from self._through(name, function, depth, seen)
                if name in function.parameters:
                    yield from self._given(function, function.parameters.index(name), depth, seen)
        for position in self._found(name, 0, len(self._masked)):
            if self._is_field(position) or self._around(position) is not None:
                continue
            yield from self._assigned(position + len(name), None, depth, seen, field)

    def _of_field(self, name: str, depth: int, seen: set[tuple[str, str]]) -> Iterator[PoolText]:
        """Yield the texts that the file puts into any field of that name."""
        if name in _COMMON_FIELDS or not _first(("", name), seen):
            return
        yield from self._stored(name, 0, len(self._masked), depth, seen, is_field=True)
        around = (self._around(position) for position in self._found(name, 0, len(self._masked)))
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
        for position in self._found(name, start, end):
            if self._is_field(position) == is_field:
                yield from self._assigned(position + len(name), self._around(position), depth, seen, field)

    def _assigned(
        self, end: int, function: _Function | None, depth: int, seen: set[tuple[str, str]], field: str
    ) -> Iterator[PoolText]:
        """Yield the texts that are assigned to a name which ends at a place, or that initialize it."""
        behind = _BEHIND.match(self._masked, end, end + _LONGEST)
        if behind is None or behind[2] != "=":
            return
        if self._masked[behind.end() : behind.end() + 80].lstrip().startswith("{"):
            source = self._clean[behind.end() : self._end(behind.end(), _LONGEST_TABLE, at_comma=False)]
            if not field or not _DESIGNATOR.search(source):
                yield from (PoolText(_utf8(run[1]), is_piece=False) for run in _RUN.finditer(source) if run[1])
        else:
            source = self._expression(behind.end())
            if not field:
                yield from self._value(source, function, depth, seen)
                return
            table = _VARIABLE.match(source)
            if depth > 0 and table is not None and "(" not in source and _first((table[1], "table"), seen):
                yield from self._of_variable(table[1], function, depth - 1, seen, field)

    def _value(
        self, source: str, function: _Function | None, depth: int, seen: set[tuple[str, str]]
    ) -> Iterator[PoolText]:
        """Yield the texts of an expression that is assigned, returned or given."""
        called = _CALLED.match(source)
        if called is not None and _FORMATS.fullmatch(called[1]):
            formats = [text for low, high in self._split(source) if '"' in (text := source[low:high])]
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

    def _given(self, function: _Function, parameter: int, depth: int, seen: set[tuple[str, str]]) -> Iterator[PoolText]:
        """Yield the texts that callers in the file give for a parameter of a function."""
        if not _first((function.name, f"parameter {parameter}"), seen):
            return
        for position in self._found(function.name, 0, len(self._masked)):
            caller = self._around(position)
            behind = _BEHIND.match(self._masked, position + len(function.name))
            if caller is None or behind is None or behind[2] != "(" or self._is_field(position):
                continue
            inside = self._clean[behind.end() : self._end(behind.end(), _LONGEST_STATEMENT, at_comma=False)]
            arguments = self._split(inside)
            if parameter < len(arguments):
                low, high = arguments[parameter]
                yield from self._value(inside[low:high].strip(), caller, depth, seen)

    def _through(self, name: str, function: _Function, depth: int, seen: set[tuple[str, str]]) -> Iterator[PoolText]:
        """Yield the texts that called functions store in a variable whose address they are given."""
        for position in self._found(name, function.start, function.end):
            given = self._given_to(position, name, function) if self._masked[position - 1] == "&" else None
            if given is None or depth <= 0 or not _first((given.called, f"through {given.number}"), seen):
                continue
            inner = self._functions.get(given.called)
            if inner is None:
                yield from self._elsewhere(given.called, given.number)
            else:
                yield from self._stored_through(inner, given.number, depth - 1, seen)

    def _stored_through(
        self, function: _Function, parameter: int, depth: int, seen: set[tuple[str, str]]
    ) -> Iterator[PoolText]:
        """Yield the texts that a function stores where a parameter points to."""
        if parameter < len(function.parameters):
            yield from self._stored(function.parameters[parameter], function.start, function.end, depth, seen)

    def _written(
        self, name: str, function: _Function, depth: int, seen: set[tuple[str, str]], *, is_field: bool = False
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
        function: _Function,
        depth: int,
        seen: set[tuple[str, str]],
        *,
        is_field: bool = False,
        is_whole: bool = True,
    ) -> Iterator[_Write]:
        """Yield what calls of a function write into a buffer, in order, also through functions of the file.

        `is_whole` is true if the name stands for the beginning of the buffer.
        """
        for position in self._found(name, function.start, function.end):
            given = self._given_to(position, name, function) if self._is_field(position) == is_field else None
            if given is None:
                continue
            inner = self._functions.get(given.called)
            if inner is None and (_PRINTS.fullmatch(given.called) or not _WRITES.search(given.called)):
                continue
            is_variadic = inner is not None and inner.parameters[-1:] == ("",)
            format_at = next((n for n, text in enumerate(given.others) if '"' in text), -1)
            if format_at >= 0 and (is_variadic or _WRITES.search(given.called)):
                starts = is_whole and given.is_start and _STARTS.fullmatch(given.called) is not None
                yield _Write(given.others[format_at], given.others[format_at + 1 :], function, is_whole, starts)
            if inner is not None and depth > 0 and given.number < len(inner.parameters):
                parameter = inner.parameters[given.number]
                if _first((given.called, parameter), seen):
                    yield from self._writes(parameter, inner, depth - 1, seen, is_whole=is_whole and given.is_start)

    def _given_to(self, position: int, name: str, function: _Function) -> _Given | None:
        """Return the innermost call that is given the buffer whose name is at a place; None if there is none."""
        behind = _BEHIND.match(self._masked, position + len(name))
        call = self._call_around(position, function.start) if behind is not None and not behind[2] else None
        if call is None:
            return None
        called, opened = call
        inside = self._clean[opened : self._end(opened, _LONGEST_STATEMENT, at_comma=False)]
        arguments = self._split(inside)
        for number, (low, high) in enumerate(arguments):
            if opened + low <= position < opened + high:
                is_start = _LAST_NAME.fullmatch(inside[low:high].strip().lstrip("&")) is not None
                return _Given(
                    called, number, is_start, [inside[low:high].strip() for low, high in arguments[number + 1 :]]
                )
        return None

    def _found(self, name: str, start: int, end: int) -> list[int]:
        """Return places of a name between two others, the first ones."""
        places = self._places.get(name)
        if places is None:
            places = self._places[name] = list(self._search(name)) if name else []
        first = bisect_left(places, start)
        return places[first : min(bisect_left(places, end), first + _MOST_PLACES)]

    def _search(self, name: str) -> Iterator[int]:
        self._left -= len(self._masked)
        position = self._masked.find(name) if self._left > 0 else -1
        while position >= 0:
            end = position + len(name)
            around = self._masked[position - 1 : position] + self._masked[end : end + 1]
            if not any(character.isalnum() or character == "_" for character in around):
                yield position
            position = self._masked.find(name, end)

    def _is_field(self, position: int) -> bool:
        return self._masked[max(0, position - 4) : position].rstrip().endswith(("->", "."))

    def _call_around(self, position: int, low: int) -> tuple[str, int] | None:
        """Return the name of the innermost call around a place and where its arguments begin; None if there is none."""
        low = max(low, position - _LONGEST_STATEMENT)
        low = max(low, *(self._masked.rfind(mark, low, position) for mark in ";{}"))
        depth = 0
        for mark in reversed(list(_PAREN.finditer(self._masked, low, position))):
            depth += 1 if mark[0] == ")" else -1
            if depth < 0:
                name = _LAST_NAME.search(self._masked[max(low, mark.start() - 80) : mark.start()].rstrip())
                return (name[1], mark.end()) if name else None
        return None

    def _expression(self, start: int) -> str:
        return self._clean[start : self._end(start, _LONGEST, at_comma=True)].strip()

    def _end(self, start: int, longest: int, *, at_comma: bool) -> int:
        """Return where an expression ends that begins at a place: at `;`, a closing bracket or a comma."""
        depth = 0
        stop = min(len(self._masked), start + longest)
        for mark in _MARK.finditer(self._masked, start, stop):
            if mark[0] in "([{":
                depth += 1
            elif mark[0] in ")]}":
                depth -= 1
                if depth < 0:
                    return mark.start()
            elif depth == 0 and (mark[0] == ";" or at_comma):
                return mark.start()
        return stop

    def _split(self, source: str) -> list[tuple[int, int]]:
        """Return where the arguments of a call begin and end in the source of all of them."""
        masked = scan.blank_comments(source.encode("latin-1"))[1].decode("latin-1")
        result: list[tuple[int, int]] = []
        depth = low = 0
        for mark in _MARK.finditer(masked):
            if mark[0] in "([{":
                depth += 1
            elif mark[0] in ")]}":
                depth -= 1
            elif mark[0] == "," and depth == 0:
                result.append((low, mark.start()))
                low = mark.end()
        result.append((low, len(masked)))
        return result


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
