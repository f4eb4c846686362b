"""Regular expressions that are compiled when they are first used.

The program has hundreds of them, and one answer uses a few: compiling all would take a third of the time of an import.
"""

import re
from typing import AnyStr

_METHODS = ("match", "fullmatch", "search", "finditer", "findall", "split", "sub", "subn", "pattern", "flags", "groups")


class _Regex:
    """Takes the place of a compiled pattern. The first use of a method compiles it and replaces all methods."""

    def __init__(self, expression: str | bytes, flags: int) -> None:
        self._expression = expression
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        """Compile the expression: Python calls this only for a name that the object does not have yet."""
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = re.compile(self._expression, self._flags)
        self.__dict__.update({method: getattr(compiled, method) for method in _METHODS})
        return self.__dict__[name]


def regex(expression: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a pattern that is compiled on first use. It has the methods of a compiled pattern, but not its type."""
    return _Regex(expression, flags)  # type: ignore[return-value]
