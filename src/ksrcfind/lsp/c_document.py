"""Map lines between a C file in an editor, with unsaved edits, and the same file in the tree."""

from collections.abc import Sequence
from itertools import takewhile


def line_in_tree(line: int, here: Sequence[str], tree: Sequence[str]) -> int | None:
    """Return the number in the tree's file of a line of the editor, both counted from 0; None for an edited line."""
    top, bottom = _same(here, tree)
    if line < top:
        return line
    if line >= len(here) - bottom:
        return line + len(tree) - len(here)
    return None


def line_here(line: int, here: Sequence[str], tree: Sequence[str]) -> int | None:
    """Return the number in the editor of a line of the tree's file, both counted from 0; None for an edited line."""
    return line_in_tree(line, tree, here)


def _same(here: Sequence[str], tree: Sequence[str]) -> tuple[int, int]:
    """Return how many lines at the beginning and how many at the end are equal in editor and tree."""
    top = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(here, tree, strict=False)))
    most = min(len(here), len(tree)) - top
    ends = zip(reversed(here), reversed(tree), strict=False)
    bottom = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    return top, min(bottom, most)
