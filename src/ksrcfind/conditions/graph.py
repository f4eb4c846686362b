"""Blocks of a function's code, the edges between them, and the dominators of a block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Outcome = bool | frozenset[int] | None
"""What a branch decided: True or False of a condition, the `case` labels of a `switch` (`DEFAULT` without one); None
for an edge that needs no decision."""

DEFAULT = -1
"""The `case` of a `switch` that is reached if no other matches."""

Span = tuple[int, int]
"""Indexes of tokens, the end exclusive."""


@dataclass(eq=False, slots=True)
class Branch:
    """A condition that decides where control goes."""

    kind: str
    """`if`, `loop` or `switch`."""
    span: Span
    """Its expression."""
    uncertain: bool
    """True if some configurations do not have it, or a macro hides it."""
    inside: Span = (0, 0)
    """The statements that it controls, for an `if` with the `else`."""
    following: "Block | None" = None
    """The block after these statements; None for a `switch` and for loops."""
    cases: list[str] = field(default_factory=list)
    """The values of the labels of a `switch`."""
    case_lines: list[int] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Block:
    """Statements that run one after the other, then perhaps a branch."""

    number: int
    steps: list[Span] = field(default_factory=list)
    branch: Branch | None = None
    at: int = -1
    """Index of its first token; -1 for a block without code."""
    label: str | None = None
    """The `goto` label, or `case`, that starts the block; `loop` for the block after a loop."""
    uncertain: bool = False
    """True if code that is not seen can jump here."""
    after: list[tuple["Block", Outcome]] = field(default_factory=list)
    before: list[tuple["Block", Outcome]] = field(default_factory=list)

    def spans(self) -> Iterator[Span]:
        """Yield the code of the block in order."""
        yield from self.steps
        if self.branch is not None:
            yield self.branch.span


def reachable(start: Block, without: Block | None = None) -> set[Block]:
    """Return the blocks that control reaches from a block, itself included, without passing another."""
    seen = {start}
    waiting = [start]
    while waiting:
        for following, _ in waiting.pop().after:
            if following not in seen and following is not without:
                seen.add(following)
                waiting.append(following)
    return seen


def sources(end: Block, without: Block) -> set[Block]:
    """Return the blocks from which control reaches a block, itself included, without passing another."""
    seen = {end}
    waiting = [end]
    while waiting:
        for before, _ in waiting.pop().before:
            if before not in seen and before is not without:
                seen.add(before)
                waiting.append(before)
    return seen


def contains(span: Span, token: int) -> bool:
    """Return whether a token is in a span."""
    return span[0] <= token < span[1]


class Dominators:
    """The blocks that each path from the entry to a block passes."""

    def __init__(self, entry: Block) -> None:
        self._entry = entry
        order = _postorder(entry)
        self._rank = {block: rank for rank, block in enumerate(order)}
        self._immediate: dict[Block, Block] = {entry: entry}
        depth = {entry: 0}
        changed = True
        while changed:
            changed = False
            for block in reversed(order[:-1]):
                # The deepest first: of the many returns of a function, each has little in common with the one before.
                known = sorted(
                    (before for before, _ in block.before if before in self._immediate), key=lambda each: -depth[each]
                )
                best = known[0]
                for other in known[1:]:
                    best = self._common(best, other)
                if self._immediate.get(block) is not best:
                    self._immediate[block] = best
                    depth[block] = depth[best] + 1
                    changed = True
        self._dominated = self._numbered(order)

    def reaches(self, block: Block) -> bool:
        """Return whether control reaches a block at all."""
        return block in self._immediate

    def chain(self, start: Block, end: Block) -> list[Block]:
        """Return the dominators of `end` from `start`, which is one of them, to `end`."""
        chain = [end]
        while chain[-1] is not start and chain[-1] is not self._entry:
            chain.append(self._immediate[chain[-1]])
        return chain[::-1]

    def dominates(self, block: Block, other: Block) -> bool:
        """Return whether each path to `other` passes `block`."""
        first, end = self._dominated.get(block, (0, 0))
        return first <= self._dominated[other][0] < end

    def _numbered(self, order: Sequence[Block]) -> dict[Block, tuple[int, int]]:
        """Return each block's number, and the end of the numbers of the blocks that it dominates, from its own on."""
        sizes = dict.fromkeys(order, 1)
        for block in order[:-1]:  # each block comes before its dominators
            sizes[self._immediate[block]] += sizes[block]
        following = {self._entry: 1}
        numbered = {self._entry: (0, sizes[self._entry])}
        for block in reversed(order[:-1]):
            first = following[self._immediate[block]]
            following[self._immediate[block]] = first + sizes[block]
            following[block] = first + 1
            numbered[block] = first, first + sizes[block]
        return numbered

    def _common(self, one: Block, other: Block) -> Block:
        while one is not other:
            while self._rank[one] < self._rank[other]:
                one = self._immediate[one]
            while self._rank[other] < self._rank[one]:
                other = self._immediate[other]
        return one


def _postorder(entry: Block) -> list[Block]:
    order: list[Block] = []
    seen = {entry}
    stack = [(entry, iter(entry.after))]
    while stack:
        block, following = stack[-1]
        for each, _ in following:
            if each not in seen:
                seen.add(each)
                stack.append((each, iter(each.after)))
                break
        else:
            stack.pop()
            order.append(block)
    return order
