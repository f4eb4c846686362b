"""Source lines with numbers and marks, coloured for a terminal."""

from collections.abc import Iterator

from ksrcfind.conditions.record import Excerpt
from ksrcfind.output.style import Painter, Span
from ksrcfind.regex import regex

_TAB = 8
_PIECE = regex(
    r"""(?P<comment>/\*.*?(?:\*/|$)|//.*|^\s*\*(?:\s.*|/)?$)|(?P<string>"(?:[^"\\]|\\.)*"?)"""
    r"""|(?P<keyword>\b(?:if|else|while|for|do|switch|case|default|goto|return|break|continue)\b|^\s*#\s*\w+)"""
)
_STYLES = {"comment": "label", "string": "value", "keyword": "keyword"}


def source_lines(painter: Painter, excerpt: Excerpt) -> Iterator[str]:
    """Yield an excerpt, one source line on each line: `>` marks the call, its conditions and the assignments."""
    last = excerpt.line_start + len(excerpt.lines) - 1
    width = len(str(last))
    marked = frozenset(excerpt.marked)
    for number, text in enumerate(excerpt.lines, excerpt.line_start):
        is_marked = number in marked
        mark: Span = (f"{'>' if is_marked else ' '} ", "error")
        yield painter.line(mark, (f"{number:>{width}}  ", "number" if is_marked else "label"), *_highlighted(text))


def _highlighted(text: str) -> Iterator[Span | str]:
    """Yield a line of C source as spans."""
    text = text.expandtabs(_TAB)
    end = 0
    for match in _PIECE.finditer(text):
        if match.start() > end:
            yield text[end : match.start()]
        yield match[0], _STYLES[match.lastgroup or "comment"]
        end = match.end()
    yield text[end:]
