"""Make lines of text for people: coloured for a terminal, plain for everything else."""

import textwrap
from collections.abc import Callable, Iterator
from enum import StrEnum

from msgspec import Struct

from ksrcfind.output.links import Links, linked
from ksrcfind.output.sanitize import sanitized_line

STYLES = {
    "": "",
    "title": "bold",
    "place": "bold cyan",
    "function": "cyan",
    "code": "default",
    "value": "bold green",
    "keyword": "blue",
    "number": "bold cyan",
    "label": "dim",
    "commit": "yellow",
    "release": "bold green",
    "exact": "green",
    "partial": "yellow",
    "fuzzy": "magenta",
    "none": "yellow",
    "ok": "green",
    "warn": "yellow",
    "error": "bold red",
}
"""Style → its looks, in the notation of the library rich."""

COLUMN = 15
"""Width of the column of labels, such as `Introduced`."""

TEXT_WIDTH = 100
"""Longer sentences are broken into lines."""

Span = tuple[str, str]
"""A piece of text with its style, a key of `STYLES`."""

Painted = Callable[[str, str], str]


class Color(StrEnum):
    """When text is coloured."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Painter(Struct, frozen=True):
    """Turns spans into lines."""

    color: bool
    """True to use the terminal's own sixteen colours, which fit its background."""
    links: Links | None = None
    """Addresses of source locations and commits; None for output without links."""
    encoding: str = "utf-8"
    """Encoding of the output."""

    def can_write(self, text: str) -> bool:
        """Return whether the encoding of the output has all characters of a text."""
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True

    def line(self, *spans: Span | str, indent: int = 0) -> str:
        """Return one line with its newline; trailing spaces are removed."""
        parts = [(span, "") if isinstance(span, str) else span for span in spans]
        safe = [(sanitized_line(text), style) for text, style in parts if text]
        if safe:
            safe[-1] = (safe[-1][0].rstrip(), safe[-1][1])
        # The style is looked up without colours too, so that a misspelt style fails on every output.
        looks = [(text, style, STYLES[style]) for text, style in safe]
        paint = _rich() if self.color else None
        painted = (self._linked(paint(text, look) if paint else text, text, style) for text, style, look in looks)
        return " " * (indent if safe else 0) + "".join(painted) + "\n"

    def fact(self, label: str, *spans: Span | str) -> str:
        """Return a line of an answer: a label in a column of its own, and what it says."""
        return self.line((f"{label:<{COLUMN}}", "label"), *spans, indent=2)

    def paragraph(self, label: str, text: str, *, hanging: int = 0) -> Iterator[str]:
        """Yield a fact in sentences, which may take several lines; `hanging` indents all but the first."""
        indent = " " * hanging
        lines = textwrap.wrap(sanitized_line(text), TEXT_WIDTH, subsequent_indent=indent, break_long_words=False)
        for number, line in enumerate(lines):
            yield self.fact("" if number else label, line)

    def _linked(self, painted: str, text: str, style: str) -> str:
        return painted if self.links is None else linked(painted, self.links.address(text, style))


def _rich() -> Painted:
    from rich.color import ColorSystem  # 40 ms that plain output does not need
    from rich.style import Style

    return lambda text, look: Style.parse(look).render(text, color_system=ColorSystem.STANDARD)


def number_of(count: int, noun: str) -> str:
    """Return `1 line`, `2 lines`."""
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"
