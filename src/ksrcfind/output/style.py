"""Lines of text for people, coloured for a terminal, else plain.

A line consists of spans: text with the name of a style. Untrusted text is sanitised here, so that no format can forget
it.
"""

from collections.abc import Callable
from dataclasses import dataclass

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
"""Style → rich's name for how it looks."""

Span = tuple[str, str]
"""Text and the key of its style."""

Painted = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Painter:
    """Turns spans into lines."""

    color: bool
    """True to use the terminal's own sixteen colours, which fit its background."""
    links: Links | None = None
    """Addresses of source locations and commits; None for output without links."""

    def line(self, *spans: Span | str, indent: int = 0) -> str:
        """Return one line with its newline; trailing spaces are removed."""
        parts = [(span, "") if isinstance(span, str) else span for span in spans]
        safe = [(sanitized_line(text), style) for text, style in parts if text]
        if safe:
            safe[-1] = (safe[-1][0].rstrip(), safe[-1][1])
        paint = _rich() if self.color else _plain
        # The style is looked up without colours too, so that a misspelt style fails on every output.
        painted = (self._linked(paint(text, STYLES[style]), text, style) for text, style in safe)
        return " " * (indent if safe else 0) + "".join(painted) + "\n"

    def _linked(self, painted: str, text: str, style: str) -> str:
        return painted if self.links is None else linked(painted, self.links.address(text, style))


def _plain(text: str, look: str) -> str:  # noqa: ARG001 - same signature as the other painter
    return text


def _rich() -> Painted:
    # Imported late: without it, plain output starts 40 ms sooner.
    from rich.color import ColorSystem  # noqa: PLC0415
    from rich.style import Style  # noqa: PLC0415

    return lambda text, look: Style.parse(look).render(text, color_system=ColorSystem.STANDARD)
