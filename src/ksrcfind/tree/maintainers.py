"""Reads the kernel's MAINTAINERS file, as scripts/get_maintainer.pl does, to find the subsystem of a file.

A section belongs to a path if one of its `F:` patterns or `N:` expressions matches the path and no `X:` pattern does.
Of several sections, the one whose pattern names the deepest directory is the most specific. The section for all files
("THE REST") counts only if no other section matches.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache

import re2  # type: ignore[import-untyped]
from msgspec import Struct

from ksrcfind.regex import regex

FILE = "MAINTAINERS"
"""Path of the MAINTAINERS file in a kernel tree."""

_FIELD = regex(r"([A-Z]):\s++(\S.*+)")
_WILDCARD = regex(r"[*?\[]")
_LONGEST = 4096  # most characters of a pattern
_QUIET = re2.Options()
_QUIET.log_errors = False


class Subsystem(Struct, frozen=True):
    """A section of the MAINTAINERS file: a subsystem of the kernel and its maintainers."""

    name: str
    """Title of the section, such as `EXT4 FILE SYSTEM`."""
    status: str | None
    """`Maintained`, `Supported`, `Odd Fixes`, `Orphan`, … None if the section has no status."""
    maintainers: tuple[str, ...]
    """`Name <address>` of each maintainer, in the order of the file."""
    lists: tuple[str, ...]
    """Addresses of mailing lists."""


class Maintainers:
    """The sections of a MAINTAINERS file."""

    def __init__(self, text: str) -> None:
        self._sections: list[Subsystem] = []
        self._below: dict[str, list[int]] = defaultdict(list)
        """Path of a file, or of a directory with a slash at its end → numbers of the sections that name it."""
        self._globs: list[tuple[_Pattern, int, int]] = []
        """(pattern, number of directories that the pattern names, number of its section)."""
        self._excluded: dict[int, list[_Pattern]] = defaultdict(list)
        for title, fields in _sections(text):
            self._add(title, fields)
        self.subsystem = lru_cache(maxsize=8192)(self._subsystem)
        """Returns the most specific section to which a path belongs. None if there is none."""

    def _add(self, title: str, fields: dict[str, list[str]]) -> None:
        number = len(self._sections)
        status = fields["S"][0] if fields["S"] else None
        lists = tuple(entry.split()[0] for entry in fields["L"])
        self._sections.append(Subsystem(title, status, tuple(fields["M"]), lists))
        for pattern in fields["F"]:
            if _WILDCARD.search(pattern) is None:
                self._below[pattern].append(number)
            else:
                depth = pattern.rstrip("/*").count("/") + (pattern != "*")
                self._globs.append((_glob(pattern), depth, number))
        self._globs += [(_Pattern("", expression), 1, number) for expression in fields["N"]]
        self._excluded[number] += map(_glob, fields["X"])

    def _subsystem(self, path: str) -> Subsystem | None:
        best = min(self._fitting(path), default=None)
        return self._sections[best[1]] if best else None

    def _fitting(self, path: str) -> Iterator[tuple[int, int]]:
        """Yield (minus depth of the pattern, number of the section) for each section to which a path belongs."""
        parts = path.split("/")
        for depth in range(len(parts), 0, -1):
            prefix = "/".join(parts[:depth])
            for name in (prefix, prefix + "/"):
                yield from (
                    (-depth, number) for number in self._below.get(name, ()) if not self._left_out(path, number)
                )
        for pattern, depth, number in self._globs:
            if pattern.fits(path) and not self._left_out(path, number):
                yield -depth, number

    def _left_out(self, path: str, number: int) -> bool:
        return any(pattern.fits(path) for pattern in self._excluded.get(number, ()))


class _Pattern(Struct, frozen=True):
    """The paths that a `F:`, `X:` or `N:` field matches."""

    start: str
    """Common prefix of all matching paths, which is compared first because it is fast."""
    expression: str
    """A regular expression of RE2, which matches in linear time whatever it is. It is compiled for a path with this
    prefix: compiling those of all fields takes 0.1 s."""

    def fits(self, path: str) -> bool:
        """Return whether the pattern matches a path. An invalid pattern, or one that is too large, matches none."""
        if not path.startswith(self.start) or len(self.expression) > _LONGEST:
            return False
        compiled = _compiled(self.expression)
        return compiled is not None and compiled.search(path.encode("utf-8", "replace")) is not None


@cache
def _compiled(expression: str) -> re.Pattern[bytes] | None:
    try:
        found: re.Pattern[bytes] = re2.compile(expression.encode("utf-8", "replace"), _QUIET)
    except re2.error:
        return None
    return found


def _glob(pattern: str) -> _Pattern:
    """Return the pattern of an `F:` or `X:` field.

    `*` and `?` match within one directory. A slash at the end means all files below the directory.
    """
    if pattern in ("*", "*/"):
        return _Pattern("", "")
    pattern = pattern.encode("utf-8", "replace").decode()
    regex = "".join("[^/]*" if c == "*" else "[^/]" if c == "?" else re2.escape(c) for c in pattern)
    end = "" if pattern.endswith("/") else r"\z" if "*" in pattern else r"(?:/(?s:.*))?\z"
    return _Pattern(_WILDCARD.split(pattern, maxsplit=1)[0], rf"\A{regex}{end}")


def _sections(text: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Yield (title, field letter → values) for each section of a MAINTAINERS file.

    A title is a line without a field directly above a line with a field.
    """
    title = ""
    fields: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        field = _FIELD.fullmatch(line.rstrip())
        if field is not None:
            fields[field[1]].append(field[2])
            continue
        if fields and title:
            yield title, fields
        title, fields = line.strip() or title, defaultdict(list)
    if fields and title:
        yield title, fields
