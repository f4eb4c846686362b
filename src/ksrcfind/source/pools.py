"""The texts that a variable, buffer, table, field or function of one source file can hold.

A call such as `pr_info("%s\n", spectre_v2_strings[mode])` has no words of its own: its text is put together at run time.
`TextPools` reads the file again and collects the literals that can reach the value: initializers of tables, assignments,
`return` statements, and the pieces that formatting functions write into a buffer, also through functions of the file
that are given the buffer. It follows names, not the flow of control, so a pool can hold texts that the call never prints.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from ksrcfind.source import scan
from ksrcfind.source.literal import CHARACTER, STRING

MOST_TEXTS = 64
"""Texts of one pool; a table of more is cut."""

_DEPTH = 5  # functions and variables that are followed from a value
_LONGEST = 1000  # characters of an assigned expression
_LONGEST_TABLE = 1 << 16  # characters of an initializer
_LONGEST_STATEMENT = 600  # characters before a name in which the call around it is looked for
_MOST_PLACES = 200  # places of one name in a function or a file that are looked at
_NAME = re.compile(r"[A-Za-z_]\w*+")
_FIELD = re.compile(r"(?:->|\.)\s*+([A-Za-z_]\w*+)\s*+(?:\[[^\[\]]*+\]\s*+)*+\Z")
_CALL = re.compile(r"([A-Za-z_]\w*+)\s*+\(")
_SUBSCRIPT = re.compile(r"\[[^\[\]]*+\]")
_TABLE = re.compile(r"[&(\s]*+([A-Za-z_]\w*+)\s*+(?:\[|\.|->|\)|\Z)")
_PARAMETER = re.compile(r"([A-Za-z_]\w*+)\s*+(?:\[[^\[\]]*+\]\s*+)*+\Z")
_RETURN = re.compile(r"\breturn\b")
_RUN = re.compile(rf"(?:(?:\b[A-Z][A-Z0-9_]*+\b)\s*+)*+(?:{STRING})(?:\s*+(?:{STRING}|\b[A-Z][A-Z0-9_]*+\b))*+")
_LITERAL = re.compile(rf"{STRING}|{CHARACTER}")
_MARK = re.compile(r"[()\[\]{},;]")
_PAREN = re.compile(r"[()]")
_NO_CALL = frozenset("if while for switch return sizeof ARRAY_SIZE strlen strcmp strncmp strnlen memset kfree".split())
_PRINTS = re.compile(r"(?:pr|dev|netdev|netif|drm|DRM|wiphy)_\w+|v?printk\w*|\w*_(?:err|warn|info|dbg|notice|msg|log)")


class Text(NamedTuple):
    """One text of a pool."""

    source: str
    """C source of an expression, such as `"Vulnerable"` or `DRV_SUMMARY`; of a piece, a format."""
    is_piece: bool
    """True if a formatting function writes it into a buffer, with more in front or behind."""
    is_first: bool = True
    """True if nothing stands in front of the piece."""


class _Function(NamedTuple):
    name: str
    parameters: tuple[str, ...]
    start: int
    end: int


class TextPools:
    """Finds what the values of one file's calls can hold. Takes time linear in the file for each name, bounded in all."""

    def __init__(self, data: bytes) -> None:
        """Take the bytes of a C file."""
        text = scan.without_directives(data, list(scan.directives(data)))
        clean, masked, _ = scan.blank_comments(text)
        self._clean = clean.decode("latin-1")
        self._masked = masked.decode("latin-1")
        self._bytes = masked

    @cached_property
    def _functions(self) -> dict[str, _Function]:
        found: dict[str, _Function] = {}
        for offset, chunk in scan.chunks(self._bytes):
            for header, brace, end in scan.functions(chunk):
                declared = self._masked[offset + header : offset + brace]
                opened = declared.find("(")
                name = _PARAMETER.search(declared[:opened].rstrip()) if opened > 0 else None
                if name is None:
                    continue
                listed = declared[opened + 1 : declared.rfind(")")].split(",")
                names = tuple(one[1] if (one := _PARAMETER.search(each.strip())) else "" for each in listed)
                found.setdefault(name[1], _Function(name[1], names, offset + brace, offset + end))
        return found

    def texts(self, expression: str, function: str | None) -> list[Text]:
        """Return the texts that a value can hold: C source of an argument, in a function of the file."""
        found: dict[Text, None] = {}
        for text in self._of(expression, self._functions.get(function or ""), _DEPTH, set()):
            found[text] = None
            if len(found) >= MOST_TEXTS:
                break
        return list(found)

    def _of(self, expression: str, function: _Function | None, depth: int, seen: set[tuple[str, str]]) -> Iterator[Text]:
        """Yield the texts of an expression."""
        key = (expression, function.name if function else "")
        if depth < 0 or key in seen:
            return
        seen.add(key)
        bare = _SUBSCRIPT.sub("[]", expression)
        if (field := _FIELD.search(bare)) is not None:
            yield from self._of_field(field[1], depth, seen)
        for call in _CALL.finditer(bare):
            yield from self._returned(call[1], depth, seen)
        table = _TABLE.match(bare)
        if table is not None and "(" not in bare:
            yield from self._of_name(table[1], function, depth, seen, is_field=field is not None)

    def _of_name(
        self, name: str, function: _Function | None, depth: int, seen: set[tuple[str, str]], *, is_field: bool
    ) -> Iterator[Text]:
        if function is not None and not is_field:
            yield from self._stored(rf"(?<![\w.>])\*?{re.escape(name)}", function.start, function.end, function, depth, seen)
            yield from self._written(rf"(?<![\w.>]){re.escape(name)}\b", function, depth, seen)
        yield from self._initial(name)

    def _of_field(self, name: str, depth: int, seen: set[tuple[str, str]]) -> Iterator[Text]:
        if ("", name) in seen:
            return
        seen.add(("", name))
        pattern = rf"(?:->|\.)\s*{re.escape(name)}"
        yield from self._stored(pattern, 0, len(self._masked), None, depth, seen)
        for function in self._functions.values():
            yield from self._written(rf"(?:->|\.)\s*{re.escape(name)}\b", function, depth, seen)

    def _stored(
        self, target: str, start: int, end: int, function: _Function | None, depth: int, seen: set[tuple[str, str]]
    ) -> Iterator[Text]:
        """Yield the texts that are assigned to a name."""
        assigned = re.compile(rf"{target}\s*+(?:\[[^\[\]=;]*+\]\s*+)*+=(?!=)")
        for count, found in enumerate(assigned.finditer(self._masked, start, end)):
            if count >= _MOST_PLACES:
                return
            source = self._expression(found.end())
            if source.startswith("{"):
                continue
            yield from self._value(source, function or self._around(found.start()), depth, seen)

    def _value(self, source: str, function: _Function | None, depth: int, seen: set[tuple[str, str]]) -> Iterator[Text]:
        """Yield the texts of an expression that is assigned, returned or given."""
        if '"' in source:
            if "(" in _LITERAL.sub("", source.lstrip("( \t\n")):
                yield from (Text(run[0], is_piece=False) for run in _RUN.finditer(source))
            else:
                yield Text(source, is_piece=False)
        elif _NAME.fullmatch(source) and source.isupper() and source != "NULL":
            yield Text(source, is_piece=False)
        elif depth > 0:
            for part in re.split(r"[?:]", source) if "?" in source else [source]:
                yield from self._of(part.strip(), function, depth - 1, seen)

    def _returned(self, name: str, depth: int, seen: set[tuple[str, str]]) -> Iterator[Text]:
        function = self._functions.get(name)
        if function is None or (name, "return") in seen:
            return
        seen.add((name, "return"))
        for found in _RETURN.finditer(self._masked, function.start, function.end):
            source = self._expression(found.end())
            if source:
                yield from self._value(source, function, depth, seen)

    def _initial(self, name: str) -> Iterator[Text]:
        """Yield the texts of the initializer of a table or variable of the file."""
        initial = re.compile(rf"\b{re.escape(name)}\s*+(?:\[[^\[\]=;]*+\]\s*+)*+(?:__\w++(?:\([^()]*+\))?\s*+)*+=(?!=)")
        for found in initial.finditer(self._masked):
            end = self._end(found.end(), _LONGEST_TABLE, stop_at_comma=False)
            source = self._clean[found.end() : end].strip()
            if source.startswith("{"):
                yield from (Text(run[0], is_piece=False) for run in _RUN.finditer(source))
            elif '"' in source or (_NAME.fullmatch(source) and source.isupper()):
                yield Text(source, is_piece=False)

    def _written(self, target: str, function: _Function, depth: int, seen: set[tuple[str, str]]) -> Iterator[Text]:
        """Yield the pieces that calls of a function write into a buffer that they are given."""
        first = True
        for count, found in enumerate(re.compile(target).finditer(self._masked, function.start, function.end)):
            if count >= _MOST_PLACES:
                return
            call = self._call_around(found.start(), function.start)
            if call is None:
                continue
            name, opened = call
            if name in _NO_CALL or _PRINTS.fullmatch(name):
                continue
            end = self._end(opened, _LONGEST_STATEMENT, stop_at_comma=False)
            arguments = self._split(opened, end)
            position = next((n for n, (low, high) in enumerate(arguments) if low <= found.start() < high), -1)
            formats = [(n, self._clean[low:high].strip()) for n, (low, high) in enumerate(arguments) if n > position]
            literal = next((source for _, source in formats if '"' in source), None)
            if literal is not None and position >= 0:
                is_start = _NAME.fullmatch(self._clean[slice(*arguments[position])].strip().lstrip("&")) is not None
                yield Text(literal, is_piece=True, is_first=first or is_start)
                first = False
            elif name in self._functions and depth > 0 and position >= 0:
                inner = self._functions[name]
                if position < len(inner.parameters) and (name, inner.parameters[position]) not in seen:
                    seen.add((name, inner.parameters[position]))
                    parameter = rf"(?<![\w.>]){re.escape(inner.parameters[position])}\b"
                    yield from self._written(parameter, inner, depth - 1, seen)

    def _call_around(self, position: int, low: int) -> tuple[str, int] | None:
        """Return the name of the innermost call around a place and where its arguments begin; None if there is none."""
        depth = 0
        low = max(low, position - _LONGEST_STATEMENT)
        statement = max(self._masked.rfind(mark, low, position) for mark in ";{}")
        for mark in reversed(list(_PAREN.finditer(self._masked, max(low, statement), position))):
            depth += 1 if mark[0] == ")" else -1
            if depth < 0:
                name = _PARAMETER.search(self._masked[max(low, mark.start() - 80) : mark.start()].rstrip())
                return (name[1], mark.end()) if name else None
        return None

    def _around(self, position: int) -> _Function | None:
        return next((one for one in self._functions.values() if one.start <= position < one.end), None)

    def _expression(self, start: int) -> str:
        return self._clean[start : self._end(start, _LONGEST, stop_at_comma=True)].strip()

    def _end(self, start: int, longest: int, *, stop_at_comma: bool) -> int:
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
            elif depth == 0 and (mark[0] == ";" or stop_at_comma):
                return mark.start()
        return stop

    def _split(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return where the arguments of a call begin and end."""
        result: list[tuple[int, int]] = []
        depth, low = 0, start
        for mark in _MARK.finditer(self._masked, start, end):
            if mark[0] in "([{":
                depth += 1
            elif mark[0] in ")]}":
                depth -= 1
            elif mark[0] == "," and depth == 0:
                result.append((low, mark.start()))
                low = mark.end()
        result.append((low, end))
        return result
