"""Who looks after a file: the kernel's MAINTAINERS file, read as scripts/get_maintainer.pl does.

A section belongs to a path if one of its `F:` patterns or `N:` expressions fits and no `X:` pattern does. The section
whose pattern goes deepest is the most specific one; that for everything ("THE REST") counts only where no other fits.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

FILE = "MAINTAINERS"
"""Its path in a kernel tree."""

# A `N:` expression comes from the tree: one that repeats anything could take for ever, and hardly any does.
_PLAIN_EXPRESSION = re.compile(r"[\w\-/.^$()|\[\]\\ ]{1,100}")
_FIELD = re.compile(r"([A-Z]):\s+(.*\S)")


@dataclass(frozen=True, slots=True)
class Subsystem:
    """A section of the file."""

    name: str
    """Its title: `EXT4 FILE SYSTEM`."""
    status: str | None
    """`Maintained`, `Supported`, `Odd Fixes`, `Orphan` …"""
    maintainers: tuple[str, ...]
    """`Name <address>` of the maintainers, in order."""
    lists: tuple[str, ...]
    """Addresses of mailing lists."""


class Maintainers:
    """The sections of a MAINTAINERS file."""

    def __init__(self, text: str) -> None:
        self._sections: list[Subsystem] = []
        self._below: dict[str, list[int]] = defaultdict(list)
        """Directory with a slash at its end, or file → sections."""
        self._globs: list[tuple[re.Pattern[str], int, int]] = []
        """Pattern, how deep it goes, section."""
        self._excluded: dict[int, list[re.Pattern[str]]] = defaultdict(list)
        for title, fields in _sections(text):
            self._add(title, fields)
        self.subsystem = lru_cache(maxsize=8192)(self._subsystem)
        """Return the section that a path most specifically belongs to, None if there is none."""

    def _add(self, title: str, fields: dict[str, list[str]]) -> None:
        number = len(self._sections)
        status = fields["S"][0] if fields["S"] else None
        lists = tuple(entry.split()[0] for entry in fields["L"])
        self._sections.append(Subsystem(title, status, tuple(fields["M"]), lists))
        for pattern in fields["F"]:
            if "*" in pattern or "?" in pattern or "[" in pattern:
                self._globs.append((_glob(pattern), pattern.rstrip("/*").count("/") + (pattern != "*"), number))
            else:
                self._below[pattern].append(number)
        for expression in fields["N"]:
            if _PLAIN_EXPRESSION.fullmatch(expression):
                try:
                    self._globs.append((re.compile(f".*?(?:{expression})", re.DOTALL), 1, number))
                except re.error:
                    continue
        self._excluded[number] += [_glob(pattern) for pattern in fields["X"]]

    def _subsystem(self, path: str) -> Subsystem | None:
        best = min(self._fitting(path), default=None)
        return self._sections[best[1]] if best else None

    def _fitting(self, path: str) -> Iterator[tuple[int, int]]:
        """Yield (minus depth, section) for each section that a path belongs to."""
        parts = path.split("/")
        for depth in range(len(parts), 0, -1):
            prefix = "/".join(parts[:depth])
            for name in (prefix, prefix + "/"):
                yield from (
                    (-depth, number) for number in self._below.get(name, ()) if not self._left_out(path, number)
                )
        for pattern, depth, number in self._globs:
            if pattern.match(path) and not self._left_out(path, number):
                yield -depth, number

    def _left_out(self, path: str, number: int) -> bool:
        return any(pattern.match(path) for pattern in self._excluded.get(number, ()))


def _glob(pattern: str) -> re.Pattern[str]:
    """Compile a pattern: `*` and `?` stay within a directory, a slash at the end means everything below."""
    if pattern in ("*", "*/"):
        return re.compile(".*", re.DOTALL)
    stars = re.sub(r"\*+", "*", pattern)
    regex = "".join("[^/]*" if c == "*" else "[^/]" if c == "?" else re.escape(c) for c in stars)
    return re.compile(regex if pattern.endswith("/") else f"{regex}(?:/.*)?$" if "*" not in pattern else f"{regex}$")


def _sections(text: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Yield title and fields of each section: a line without a field right above lines with them."""
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
