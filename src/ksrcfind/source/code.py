"""C code as text that is searched: places of names, the calls and functions around them, ends of expressions.

Names are searched in a copy of the file without literals, so that only code is found.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property

from ksrcfind.regex import regex
from ksrcfind.source import scan
from ksrcfind.source.source_file import Function, SourceFile

_MOST_PLACES = 200  # places of one name in a function, or in the file, that are looked at
_MOST_READ = 1 << 28  # characters of a file, read again for each name, that are searched in all
_LONGEST = 1000  # characters of an expression
_LONGEST_STATEMENT = 600  # characters before a name in which the call around it is looked for
_LONGEST_TYPE = 80  # characters of the type before a variable
_LONGEST_STRUCTURE = 2000  # characters of the definition of a structure
_LONGEST_HEADER = 2000  # characters of the declaration of a function

_LAST_NAME = regex(r"\b([A-Za-z_]\w*+)\s*+(?:\[[^\[\]]*+\]\s*+)*+\Z")
_DECLARED = regex(r"\bstruct\s++(\w++)\s*+\*?+\s*+(?:const\s++)?+\Z")
_OPENED = regex(r"\s*+\{")
_MARK = regex(r"[()\[\]{},;]")


class Code:
    """The code of a C file. The work for one name is linear in the file, and bounded for all names."""

    def __init__(self, data: bytes) -> None:
        """Take the bytes of a C file; `clean` is its code, `masked` the same with its literals blanked."""
        self._file = SourceFile(data)
        # One character for each byte, so that a place in one is the same place in the other.
        self.clean = self._file.clean.decode("latin-1")
        self.masked = self._file.masked.decode("latin-1")
        self._places: dict[str, list[int]] = {}
        self._left = _MOST_READ

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The functions of the file by name; of several with one name the first."""
        return {each.name: each for each in reversed(self._file.functions)}

    def around(self, position: int) -> Function | None:
        """Return the function around a place; None outside of any.

        None also in the second function of a name, such as one that `DEFINE_IDTENTRY_SYSVEC(name)` begins: what it
        declares is found as if it were declared outside of functions.
        """
        function = self._file.function_at(position)
        if function is None or position < function.start or self.functions[function.name] is not function:
            return None
        return function

    def found(self, name: str, start: int, end: int) -> list[int]:
        """Return places of a name between two others, the first ones."""
        places = self._places.get(name)
        if places is None:
            places = self._places[name] = list(self._search(name)) if name else []
        first = bisect_left(places, start)
        return places[first : min(bisect_left(places, end), first + _MOST_PLACES)]

    def _search(self, name: str) -> Iterator[int]:
        self._left -= len(self.masked)
        position = self.masked.find(name) if self._left > 0 else -1
        while position >= 0:
            end = position + len(name)
            around = self.masked[position - 1 : position] + self.masked[end : end + 1]
            if not any(character.isalnum() or character == "_" for character in around):
                yield position
            position = self.masked.find(name, end)

    def structure(self, variable: str, function: Function | None) -> str:
        """Return the structure that a variable of a function or the file is, or points at; empty if there is none."""
        start, end = (max(0, function.start - _LONGEST_HEADER), function.end) if function else (0, len(self.masked))
        places = self.found(variable, start, end)
        declared = (_DECLARED.search(self.masked, max(0, place - _LONGEST_TYPE), place) for place in places)
        return next((match[1] for match in declared if match), "")

    def start_of(self, line: int) -> int:
        """Return where a line (1-based) begins."""
        return self._lines[min(line, len(self._lines)) - 1]

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.masked))]

    def is_at_top(self, position: int) -> bool:
        """Return whether a place is in a statement of a function's outermost block, by its indentation."""
        line = self.masked.rfind("\n", 0, position) + 1
        return self.masked[line : line + 1] == "\t" and not self.masked[line + 1 : line + 2].isspace()

    def fields(self, end: int) -> list[str]:
        """Return the fields of the structure of a variable whose name ends at a place; empty if the file has none."""
        before = self.masked[max(0, end - _LONGEST_STRUCTURE) : end]
        name = _LAST_NAME.search(before)
        declared = before[: name.start()].rstrip() if name is not None else ""
        if declared.endswith("}"):  # `static const struct { … } table[]`
            body = declared[declared.rfind("struct") :]
        else:
            structure = _DECLARED.search(declared + " ", max(0, len(declared) - _LONGEST_TYPE))
            places = self.found(structure[1], 0, len(self.masked)) if structure else []
            ends = [place + len(structure[1]) for place in places] if structure else []
            body = next(
                (self.masked[at : at + _LONGEST_STRUCTURE] for at in ends if _OPENED.match(self.masked, at)), ""
            )
        inside = body[body.find("{") + 1 :].partition("}")[0]
        found = (_LAST_NAME.search(part.rstrip()) for part in re.split(r"[;,]", inside))
        return [one[1] if one else "" for one in found][:-1]

    def is_field(self, position: int) -> bool:
        """Return whether the name at a place is a field of something."""
        return self.masked[max(0, position - 4) : position].rstrip().endswith(("->", "."))

    def call_around(self, position: int, low: int) -> tuple[str, int] | None:
        """Return the name of the innermost call around a place and where its arguments begin; None if there is none."""
        low = max(low, position - _LONGEST_STATEMENT)
        for opened in self._file.around(position):
            if opened < low or self.masked[opened] == "{":
                return None
            if self.masked[opened] == "(":
                name = self._file.name_before(opened)
                return (name, opened + 1) if name else None
        return None

    def inside(self, opened: int) -> str:
        """Return the source of the arguments of a call that begin at a place."""
        return self.clean[opened : self.end_of(opened, _LONGEST_STATEMENT, at_comma=False)]

    def expression(self, start: int) -> str:
        """Return the source of the expression that begins at a place."""
        return self.clean[start : self.end_of(start, _LONGEST, at_comma=True)].strip()

    def end_of(self, start: int, longest: int, *, at_comma: bool) -> int:
        """Return where an expression ends that begins at a place: at `;`, a closing bracket or a comma."""
        depth = 0
        stop = min(len(self.masked), start + longest)
        for mark in _MARK.finditer(self.masked, start, stop):
            if mark[0] in "([{":
                depth += 1
            elif mark[0] in ")]}":
                depth -= 1
                if depth < 0:
                    return mark.start()
            elif depth == 0 and (mark[0] == ";" or at_comma):
                return mark.start()
        return stop

    def split(self, source: str) -> list[tuple[int, int]]:
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
