"""Map lines between a C file in an editor, with unsaved edits, and the same file in the tree."""

from collections.abc import Sequence
from itertools import takewhile


def line_in_tree(line: int, here: Sequence[str], tree: Sequence[str]) -> int | None:
    """Return the tree's line for a line of the editor, both counted from 0; None inside the edited part."""
    top, bottom = _same(here, tree)
    if line < top:
        return line
    if line >= len(here) - bottom:
        return line + len(tree) - len(here)
    return None


def line_here(line: int, here: Sequence[str], tree: Sequence[str]) -> int | None:
    """Return the editor's line for a line of the tree, both counted from 0; None inside the edited part."""
    return line_in_tree(line, tree, here)


def _same(here: Sequence[str], tree: Sequence[str]) -> tuple[int, int]:
    """Return how many lines at the beginning and at the end are equal."""
    top = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(here, tree, strict=False)))
    most = min(len(here), len(tree)) - top
    ends = zip(reversed(here), reversed(tree), strict=False)
    bottom = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    return top, min(bottom, most)
