"""A C file that is open in an editor, with edits that the tree does not have yet."""

from collections.abc import Sequence
from itertools import takewhile


def line_in_tree(line: int, here: Sequence[str], tree: Sequence[str]) -> int | None:
    """Return the line of the tree's file that a line of the editor's is; None within what was edited. From 0."""
    top, bottom = _same(here, tree)
    if line < top:
        return line
    if line >= len(here) - bottom:
        return line + len(tree) - len(here)
    return None


def line_here(line: int, here: Sequence[str], tree: Sequence[str]) -> int | None:
    """Return the line of the editor's file that a line of the tree's is; None if it was edited. From 0."""
    return line_in_tree(line, tree, here)


def _same(here: Sequence[str], tree: Sequence[str]) -> tuple[int, int]:
    """Return how many lines at the beginning and at the end are the same."""
    top = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(here, tree, strict=False)))
    most = min(len(here), len(tree)) - top
    ends = zip(reversed(here), reversed(tree), strict=False)
    bottom = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    return top, min(bottom, most)
