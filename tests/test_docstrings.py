"""The first line of a docstring is read alone, in an editor's hover: it must not need a sentence before it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "ksrcfind"

CHECKED = (
    "storage",
    "search",
    "index",
    "bundle",
    "tree",
    "engine",
    "backend.py",
    "finding.py",
    "caching.py",
    "library.py",
)
"""Folders and modules whose docstrings follow the rule; the others are still to be rewritten."""

WITHOUT_NOUN = re.compile(r"(?:Its|Their|They|Them|These|Those|This|Such|Both|The two|The others?|Of|By|See)\b")
"""Matches a first line that refers to a noun elsewhere: `Of its messages.`, `Those that are cached.`"""

WITHOUT_ORDER = re.compile(r"\bin (?:any )?order(?: asked)?(?=[.,;:]|$)")
"""Matches an order that is not named: `Return the ids, in order.`"""


def first_lines(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, first line) of each docstring of a module, those of attributes included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value.strip().partition("\n")[0]


def is_clear_alone(line: str) -> bool:
    """Return whether a first line names its nouns and its order."""
    return not WITHOUT_NOUN.match(line) and not WITHOUT_ORDER.search(line)


def modules() -> list[Path]:
    """Return the modules whose docstrings are checked."""
    return sorted(
        path for name in CHECKED for path in ((PACKAGE / name).glob("*.py") if "." not in name else [PACKAGE / name])
    )


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_first_line_is_clear_without_another_sentence(path):
    unclear = [(number, line) for number, line in first_lines(path.read_text()) if not is_clear_alone(line)]
    assert unclear == []


@pytest.mark.parametrize(
    ("line", "clear"),
    [
        ("Of its messages.", False),
        ("Those of the files that are cached.", False),
        ("Yield the ids of objects, in order; None for missing ones.", False),
        ("Return the messages, in any order.", False),
        ("Yield the id of each named object, in the order of `names`.", True),
        ("The numbers of the segment's messages.", True),
    ],
)
def test_what_counts_as_clear(line, clear):
    assert is_clear_alone(line) is clear
