"""What must hold for control to reach a block: a list of formulas over the branches of a function.

Between a block and its nearest dominator there is nothing to decide (each path leads on to the block), or one branch
with one outcome, or several ways that join. Ways that join at a label are listed as alternatives; elsewhere, the exits
that were not taken are listed, which is how a person reads `if (err) return err;`.
"""

import itertools
from collections.abc import Iterator, Sequence

from msgspec import Struct

from ksrcfind.conditions.flow import Flow
from ksrcfind.conditions.graph import Block, Branch, Dominators, Outcome, contains, reachable, sources

_MOST = 24  # exits or jumps of one block; more are not listed
_DEEPEST = 64  # labels that follow each other; recursion needs some frames for each
_MOST_STEPS = 5000  # decisions of one call, against ladders of labels that double at each step


class Literal(Struct, frozen=True):
    """A branch with the outcome that it had when it was last evaluated."""

    branch: Branch
    outcome: Outcome


class Exit(Struct, frozen=True):
    """An exit that was not taken: not all of its literals held."""

    literals: tuple[Literal, ...]
    """All decisions on the way to the exit; the last one takes it."""
    said: tuple[Literal, ...]
    """Those that a person names: of the statements around the exit that are no loops, and the last one."""


class AnyOf(Struct, frozen=True):
    """Ways that lead to a label; one of them was taken."""

    ways: tuple[tuple["Formula", ...], ...]
    label: Block
    """Where they join."""


Formula = Literal | Exit | AnyOf


class Reach:
    """Answers what must hold for control to reach blocks of a function."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._dominators = Dominators(flow.entry)
        self._reached: dict[tuple[Block, Block], set[Block]] = {}
        self._depth = 0
        self._steps = 0
        self.complete = True
        """False once something was left out because it could not be decided."""

    @property
    def dominators(self) -> Dominators:
        """The dominators of the function's blocks."""
        return self._dominators

    def formulas(self, block: Block) -> list[Formula]:
        """Return what must hold for a block to be reached from the function's entry, the first decision first."""
        if self._flow.hidden:
            self.complete = False
        if not self._dominators.reaches(block):
            self.complete = False
            return []
        return self._between(self._flow.entry, block)

    def _between(self, start: Block, end: Block) -> list[Formula]:
        chain = self._dominators.chain(start, end)
        result: list[Formula] = []
        for before, block in itertools.pairwise(chain):
            result += self._step(before, block)
        return result

    def _step(self, before: Block, block: Block) -> Iterator[Formula]:
        """Yield what must hold for `block` to be reached from its nearest dominator."""
        ways = [
            (way, outcome)
            for way, outcome in block.before
            if self._dominators.reaches(way) and not self._dominators.dominates(block, way)
        ]
        if block.uncertain:
            self.complete = False
            return
        if len(ways) == 1:
            yield from self._decision(before, block, ways[0][1])
        elif self._is_left(before, block):
            if block.label is not None:
                yield from self._alternatives(before, block, ways)
            else:
                yield from self._exits(before, block, sources(block, before) | {before})

    def _decision(self, before: Block, block: Block, outcome: Outcome) -> Iterator[Formula]:
        branch = before.branch
        if outcome is None or branch is None:
            return
        if branch.kind == "loop" and outcome is False:
            if not self._can_leave(before, block):
                return
            yield from self._certain(Literal(branch, outcome))
            yield from self._exits(before, block, self._loop_of(before))
        else:
            yield from self._certain(Literal(branch, outcome))

    def _certain(self, literal: Literal) -> Iterator[Literal]:
        if literal.branch.uncertain:
            self.complete = False
        else:
            yield literal

    def _reachable(self, start: Block, without: Block) -> set[Block]:
        if (start, without) not in self._reached:
            self._reached[start, without] = reachable(start, without)
        return self._reached[start, without]

    def _can_leave(self, before: Block, block: Block) -> bool:
        """Return whether the function can end between two blocks, without passing `block`."""
        return self._flow.exit in self._reachable(before, block)

    def _is_left(self, before: Block, block: Block) -> bool:
        """Return whether control can pass `before` without passing `block` before it ends or returns to `before`."""
        seen = self._reachable(before, block)
        back = [way for way, _ in before.before if way in seen]
        if block.label == "loop":
            # The next round of a loop does not leave it.
            back = [way for way in back if not self._dominators.dominates(before, way)]
        return self._flow.exit in seen or bool(back)

    def _loop_of(self, head: Block) -> set[Block]:
        """Return the blocks of the loop that a block begins."""
        loop = {head}
        for way, _ in head.before:
            if self._dominators.reaches(way) and self._dominators.dominates(head, way):
                loop |= sources(way, head)
        return loop

    def _exits(self, before: Block, block: Block, leading: set[Block]) -> Iterator[Formula]:
        """Yield the exits between two blocks: the decisions by which control leaves the blocks that lead on."""
        between = self._reachable(before, block)
        exits = [
            (inner, [outcome for following, outcome in inner.after if not (following in leading or following is block)])
            for inner in sorted(between & leading | {before}, key=lambda each: each.number)
        ]
        exits = [(inner, outcomes) for inner, outcomes in exits if outcomes]
        if len(exits) > _MOST:
            self.complete = False
            return
        for inner, outcomes in sorted(exits, key=lambda each: each[0].branch.span if each[0].branch else (0, 0)):
            branch = inner.branch
            outcome = _merged(outcomes)
            before_exit = self._decisions(before, inner, block)
            if (
                branch is None
                or outcome is None
                or any(each.branch.uncertain for each in before_exit)
                or branch.uncertain
            ):
                self.complete = False
                continue
            last = Literal(branch, outcome)
            around = [
                each for each in before_exit if each.branch.kind != "loop" and contains(each.branch.inside, inner.at)
            ]
            yield Exit((*before_exit, last), (*around, last))

    def _is_exact(self, before: Block, inner: Block) -> bool:
        """Return whether single decisions lead from one block to another, so that a way to a label can name them."""
        return all(
            any(way is one for way, _ in other.before) or not self._is_left(one, other)
            for one, other in itertools.pairwise(self._dominators.chain(before, inner))
        )

    def _decisions(self, before: Block, inner: Block, block: Block) -> list[Literal]:
        """Return the decisions between two blocks that are not also decisions on the way to a third."""
        found: list[Literal] = []
        for one, other in itertools.pairwise(self._dominators.chain(before, inner)):
            branch = one.branch
            if self._depth and not self._is_exact(before, inner):
                self.complete = False
            if branch is None or contains(branch.inside, block.at):
                continue
            # Of a `switch`, also the labels from which control falls through.
            leading = sources(other, one) if branch.kind == "switch" else {other}
            outcome = _merged([out for first, out in one.after if first in leading])
            if outcome is not None:
                found.append(Literal(branch, outcome))
        return found

    def _alternatives(self, before: Block, block: Block, ways: Sequence[tuple[Block, Outcome]]) -> Iterator[Formula]:
        """Yield the ways that lead to a label as one formula."""
        again = self._reachable(block, before)
        self._steps += len(ways)
        too_many = len(ways) > _MOST or self._depth > _DEEPEST or self._steps > _MOST_STEPS
        if too_many or any(way in again for way, _ in ways):
            self.complete = False
            return
        self._depth += 1
        was_complete, self.complete = self.complete, True
        found: list[list[Formula]] = []
        # A `case` label itself comes after the code that falls through to it.
        for way, outcome in sorted(ways, key=lambda each: block.at if isinstance(each[1], frozenset) else each[0].at):
            literals = self._between(before, way)
            if outcome is not None and way.branch is not None:
                literals += self._certain(Literal(way.branch, outcome))
            found.append(literals)
        self._depth -= 1
        decided, self.complete = self.complete, was_complete and self.complete
        if not decided:
            return
        simplified = list(_simplified(found))
        match simplified:
            case [[Literal() as only]]:
                yield only
            case _ if all(simplified):
                yield AnyOf(tuple(map(tuple, simplified)), block)


def _simplified(ways: Sequence[list[Formula]]) -> Iterator[list[Formula]]:
    """Yield ways without the literals that say no more than that an earlier way was not taken."""
    taken: list[Literal] = []
    merged: dict[Branch, Outcome] = {}
    result: list[list[Formula]] = []
    for way in ways:
        kept = [each for each in way if not _is_opposite(each, taken)]
        if kept and isinstance(kept[-1], Literal):
            taken.append(kept[-1])
        only = kept[0] if len(kept) == 1 else None
        if isinstance(only, Literal) and isinstance(only.outcome, frozenset):
            # Several `case` labels of one `switch` are one way.
            known = merged.get(only.branch)
            if isinstance(known, frozenset):
                merged[only.branch] = known | only.outcome
                continue
            merged[only.branch] = only.outcome
        result.append(kept)
    for way in result:
        if len(way) == 1 and isinstance(way[0], Literal) and way[0].branch in merged:
            yield [Literal(way[0].branch, merged[way[0].branch])]
        else:
            yield way


def _is_opposite(formula: Formula, taken: Sequence[Literal]) -> bool:
    """Return whether a formula says only that one of some decisions, which lead to a label, was not taken."""
    match formula:
        case Literal(branch, bool() as outcome):
            return any(branch is each.branch and outcome is (not each.outcome) for each in taken)
        case Exit(literals, _):
            return literals[-1] in taken
    return False


def _merged(outcomes: Sequence[Outcome]) -> Outcome:
    """Return several outcomes of one branch as one; None if there is none."""
    cases = [outcome for outcome in outcomes if isinstance(outcome, frozenset)]
    if cases:
        return frozenset().union(*cases)
    return outcomes[0] if outcomes else None
