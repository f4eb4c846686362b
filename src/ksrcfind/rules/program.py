"""A rule as a program of single characters, conditions and jumps, which can be run in all ways at once."""

from collections import deque
from functools import cached_property

from ksrcfind.rules.expression import ANY, WORD, Chars, Choice, Condition, Node, Repeat, Sequence, TooLargeError

MOST_STATES = 20_000
"""Instructions of a program, at most: repetitions of repetitions grow fast."""
NARROW = 4
"""A set of at most so many characters is text that the rule asks for; a larger one is a class."""

START, AFTER_WORD, AFTER_OTHER = 0, 1, 2
"""What is before a position: nothing, a character of a word, another character."""
NO_NEED, NEEDS_WORD, NEEDS_OTHER, NEEDS_END = 0, 1, 2, 3
"""What must follow: anything, a character of a word, another character or the end, the end."""
ALLOWED = (ANY, WORD, ANY & ~WORD, 0)
"""The characters that may follow, by need."""
BLANKS = 1 << 32 | 1 << 9

ACCEPT = -1

Step = tuple[int, int]
"""A character of the program (its number, or `ACCEPT`) that can be next, and what must follow."""


class Program:
    """The language of a rule. A state is the number of a character that can be next."""

    def __init__(self, node: Node) -> None:
        self.masks: list[int] = []
        """The set of characters of each instruction; 0 for a jump or a condition."""
        self._next: list[tuple[int, ...]] = []
        self._condition: dict[int, str] = {}
        self._closures: dict[tuple[int, int], tuple[Step, ...]] = {}
        self.has_conditions = False
        """True if some condition looks at the characters before a position."""
        self.start = self._compile(node, self._add(0, ()))
        self.asked = [0 < mask.bit_count() <= NARROW and not mask & BLANKS for mask in self.masks]
        """For each instruction, whether it is a character, other than a blank, that the rule asks for."""

    def _add(self, mask: int, following: tuple[int, ...]) -> int:
        if len(self.masks) >= MOST_STATES:
            raise TooLargeError(f"repetitions make more than {MOST_STATES:,} states")
        self.masks.append(mask)
        self._next.append(following)
        return len(self.masks) - 1

    def _compile(self, node: Node, then: int) -> int:
        """Return the first state of a node that is followed by the state `then`. State 0 accepts."""
        if isinstance(node, Chars):
            return self._add(node.mask, (then,))
        if isinstance(node, Sequence):
            for part in reversed(node.parts):
                then = self._compile(part, then)
            return then
        if isinstance(node, Choice):
            return self._add(0, tuple(self._compile(part, then) for part in node.parts))
        if isinstance(node, Condition):
            self.has_conditions = True
            state = self._add(0, (then,))
            self._condition[state] = node.kind
            return state
        return self._repeat(node, then)

    def _repeat(self, node: Repeat, then: int) -> int:
        if node.most is None:
            loop = self._add(0, ())
            self._next[loop] = (self._compile(node.part, loop), then)
            then = loop
        else:
            end = then
            for _ in range(node.most - node.least):
                then = self._add(0, (self._compile(node.part, then), end))
        for _ in range(node.least):
            then = self._compile(node.part, then)
        return then

    def following(self, state: int) -> int:
        """Return the state behind a character."""
        return self._next[state][0]

    def steps(self, state: int, before: int) -> tuple[Step, ...]:
        """Return which characters can be next in a state, given what is before the position."""
        key = state, before if self.has_conditions else START
        known = self._closures.get(key)
        if known is None:
            known = self._closures[key] = tuple(self._closure(*key))
        return known

    @cached_property
    def reachable(self) -> tuple[int, ...]:
        """The states that a text can reach, the first one included."""
        found, waiting = {self.start: None}, [self.start]
        while waiting:
            for step, _ in self.steps(waiting.pop(), START):
                if step != ACCEPT and self.following(step) not in found:
                    found[self.following(step)] = None
                    waiting.append(self.following(step))
        return tuple(found)

    def _closure(self, state: int, before: int) -> dict[Step, None]:
        found: dict[Step, None] = {}
        waiting, seen = [(state, NO_NEED)], {(state, NO_NEED)}
        while waiting:
            here, need = waiting.pop()
            if here == 0:
                found[ACCEPT, need] = None
            elif self.masks[here]:
                found[here, need] = None
            else:
                needed = self._needed(self._condition.get(here), before, need)
                for after in needed:
                    for following in self._next[here]:
                        if (following, after) not in seen:
                            seen.add((following, after))
                            waiting.append((following, after))
        return found

    @staticmethod
    def _needed(kind: str | None, before: int, need: int) -> tuple[int, ...]:
        """Return what must follow after a condition; empty if it cannot be met."""
        if kind is None:
            return (need,)
        if kind == "begin":
            return (need,) if before == START else ()
        if kind == "end":
            return () if need == NEEDS_WORD else (NEEDS_END,)
        wants_word = (before == AFTER_WORD) != (kind == "boundary")
        wanted = NEEDS_WORD if wants_word else NEEDS_OTHER
        if need in (NO_NEED, wanted):
            return (wanted,)
        return (NEEDS_END,) if need == NEEDS_END and wanted == NEEDS_OTHER else ()


def example(node: Node) -> str:
    """Return a short text that an expression matches; empty for an expression that only conditions make up."""
    program = Program(node)
    text: dict[tuple[int, int], str] = {(program.start, START): ""}
    waiting = deque(text)
    while waiting:
        state, before = here = waiting.popleft()
        for step, need in program.steps(state, before):
            if step == ACCEPT:
                if need != NEEDS_WORD:
                    return text[here]
                continue
            characters = program.masks[step] & ALLOWED[need]
            for chosen, after in ((characters & WORD, AFTER_WORD), (characters & ~WORD, AFTER_OTHER)):
                following = program.following(step), after
                if chosen and following not in text:
                    text[following] = text[here] + example_character(chosen)
                    waiting.append(following)
    return ""


def example_character(characters: int) -> str:
    """Return a character of a set: a digit or letter that people can read, if there is one."""
    for wanted in "1ax ":
        if characters >> ord(wanted) & 1:
            return wanted
    lowest = (characters & -characters).bit_length() - 1
    for code in range(33, 127):
        if characters >> code & 1:
            return chr(code)
    return chr(lowest) if lowest < 128 else "é"
