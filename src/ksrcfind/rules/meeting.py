"""Search a text that a rule matches and a message prints: the product of two automata, with a budget of steps.

Every message with `%s` could print any text, and so match any rule. A text is therefore weighed: of the characters that
the rule asks for, as few as possible come out of values, and never many more than the message's own text has.
"""

from collections import deque
from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from ksrcfind.rules.expression import ANY, WORD, parsed
from ksrcfind.rules.language import FREE, LITERAL, TYPED, Edge, Line, Position, is_digit
from ksrcfind.rules.program import (
    ACCEPT,
    AFTER_OTHER,
    AFTER_WORD,
    ALLOWED,
    NARROW,
    NEEDS_END,
    NEEDS_OTHER,
    NO_NEED,
    START,
    Program,
    example_character,
)

MOST_VALUED = 2
"""Characters that values may have for each one of the message's own text; `Meeting.is_certain` wants fewer."""
STEPS_FOR_LINE = 20_000
"""Steps of one search, at most."""
STEPS_FOR_RULE = 4_000_000
"""Steps of all searches for one rule, at most: some seconds."""

# What syslog, the journal, dmesg and the console put in front of a message.
_HOST = r"[A-Za-z0-9][A-Za-z0-9_.:-]*"
_CLOCK = "[0-9]{2}:[0-9]{2}:[0-9]{2}"
_TIME = r"\[ *[0-9]+\.[0-9]+\] "
_IN_FRONT = (
    rf"(?:(?:[A-Z][a-z]{{2}} [ 0-9][0-9] {_CLOCK}"
    rf"|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)"
    rf" (?:{_HOST} )?kernel: (?:{_TIME})?(?:\[ *[TC][0-9]+\] )?"
    rf"|kernel: (?:{_TIME})?"
    rf"|(?:<[0-9]{{1,3}}>)?{_TIME}(?:\[ *[TC][0-9]+\] )?"
    rf"|<[0-9]{{1,3}}>"
    rf"|kern *:[a-z]+ *: {_TIME}"
    rf"|\[[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ 0-9][0-9] {_CLOCK} [0-9]{{4}}\] )"
)


class Meeting(Struct, frozen=True):
    """A text that a rule matches and a message can print."""

    text: str
    """The part of the line that the rule matches, with examples for values."""
    own: int
    """Characters that the rule asks for and the message's own text has."""
    valued: int
    """Characters that the rule asks for and only values of the message can have."""
    values: tuple[str, ...]
    """The pieces of the text that must be values of the message."""

    @property
    def is_certain(self) -> bool:
        """True if values of the message have single words of the text, and less of it than the message itself."""
        return self.valued <= self.own and (not self.valued or not any(" " in one.strip() for one in self.values))


class BudgetSpentError(Exception):
    """A search took too many steps."""


class Entry(Struct, frozen=True):
    """A state of a rule at the beginning of a message, after the rule matched a part of what a log puts in front."""

    state: int
    before: int
    own: int
    valued: int
    text: str


_UNKNOWN = (AFTER_WORD, AFTER_OTHER)

_Config = tuple[int, int, Position]
"""A state of the rule, what is before the position, and the position in the line."""


class Search:
    """Searches texts for one rule in many lines, within one budget."""

    def __init__(self, program: Program, steps: int = STEPS_FOR_RULE) -> None:
        self._program = program
        self._steps = steps
        self._most_valued = sum(program.asked) * MOST_VALUED // (MOST_VALUED + 1) + 1
        self._first = 0
        for before in (START, AFTER_WORD, AFTER_OTHER):
            for step, _ in program.steps(program.start, before):
                self._first |= program.masks[step] if step != ACCEPT else ANY
        self.matches_all = (ACCEPT, NO_NEED) in program.steps(program.start, START)
        """True if the rule matches every line."""
        self.matches_prefix = False
        """True if the rule matches in what logs put in front of every message."""
        self._entries = self._enter()

    def meeting(self, line: Line) -> Meeting | None:
        """Return the text with the fewest values that the rule matches in a line. None if there is none.

        Raises `BudgetSpentError`.
        """
        if self.matches_all or self.matches_prefix:
            return Meeting("", 0, 0, ())
        starts: dict[_Config, Entry | None] = {}
        for state, before, position in self._starts(line):
            starts.setdefault((state, before, position), None)
        for entry in self._entries:
            config = (entry.state, entry.before, line.start)
            known = starts.get(config, entry)
            if known is not None and known.valued >= entry.valued:
                starts[config] = entry
        return self._run(line, starts)

    def _starts(self, line: Line) -> Iterator[_Config]:
        """Yield the places of a line at which the rule's match can begin."""
        program, first = self._program, self._first
        yield program.start, START, line.start
        for number, piece in enumerate(line.pieces):
            if isinstance(piece, str):
                for at, character in enumerate(piece):
                    if first >> min(ord(character), 128) & 1:
                        yield from ((program.start, before, (number, at)) for before in self._befores(line, number, at))
                continue
            inside = _UNKNOWN if program.has_conditions else (START,)
            for state in piece.reachable:
                # The first state of `%s` is also the one behind each of its characters.
                befores = {*self._befores(line, number, 0), *inside} if state == piece.start else inside
                yield from ((program.start, before, (number, state)) for before in befores)
        if program.has_conditions:  # Only an expression such as `$` begins at the end.
            end = len(line.pieces)
            yield from ((program.start, before, (end, 0)) for before in self._befores(line, end, 0))

    def _befores(self, line: Line, number: int, at: int) -> tuple[int, ...]:
        """Return what can be before a position in a piece of a line."""
        if not self._program.has_conditions:
            return (START,)
        if at == 0 and number == 0:
            return (START,)
        piece = line.pieces[number if at else number - 1]
        if not isinstance(piece, str):
            return _UNKNOWN
        return (AFTER_WORD if WORD >> min(ord(piece[at - 1]), 128) & 1 else AFTER_OTHER,)

    def _run(self, line: Line, starts: dict[_Config, Entry | None]) -> Meeting | None:
        program, masks, asked = self._program, self._program.masks, self._program.asked
        conditions = program.has_conditions
        cost: dict[_Config, int] = {config: entry.valued if entry else 0 for config, entry in starts.items()}
        owned: dict[_Config, int] = {config: entry.own if entry else 0 for config, entry in starts.items()}
        came: dict[_Config, tuple[_Config, int, int, bool]] = {}
        waiting = deque(sorted(starts, key=cost.__getitem__))
        done: set[_Config] = set()
        steps = 0
        while waiting:
            config = waiting.popleft()
            if config in done:
                continue
            done.add(config)
            state, before, position = config
            so_far = cost[config]
            edges, ends = line.edges(position)
            for step, need in program.steps(state, before):
                if step == ACCEPT:
                    if so_far <= MOST_VALUED * owned[config] and _may_follow(need, edges, ends):
                        self._spend(steps)
                        return self._traced(config, came, starts)
                    continue
                wanted = masks[step] & ALLOWED[need]
                for mask, after, kind in edges:
                    steps += 1
                    both = wanted & mask
                    if not both:
                        continue
                    price = asked[step] and (kind == FREE or (kind == TYPED and not is_digit(both)))
                    total = so_far + price
                    if total > self._most_valued:
                        continue
                    ways = (
                        ((both, START),) if not conditions else ((both & WORD, AFTER_WORD), (both & ~WORD, AFTER_OTHER))
                    )
                    for characters, kind_before in ways:
                        following = (program.following(step), kind_before, after)
                        if characters and total < cost.get(following, 1 << 30):
                            cost[following] = total
                            owned[following] = owned[config] + (asked[step] and kind == LITERAL)
                            came[following] = (config, characters, kind, asked[step])
                            if price:
                                waiting.append(following)
                            else:
                                waiting.appendleft(following)
            if steps > STEPS_FOR_LINE:
                self._spend(steps)
                raise BudgetSpentError
        self._spend(steps + 5)
        return None

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise BudgetSpentError

    @property
    def is_spent(self) -> bool:
        """Whether the budget of the rule has ended."""
        return self._steps < 0

    def _traced(
        self, config: _Config, came: dict[_Config, tuple[_Config, int, int, bool]], starts: dict[_Config, Entry | None]
    ) -> Meeting:
        path: list[tuple[int, int, bool]] = []
        while config in came:
            config, characters, kind, asked = came[config]
            path.append((characters, kind, asked))
        path.reverse()
        entry = starts.get(config)
        own = sum(asked and kind == LITERAL for _, kind, asked in path) + (entry.own if entry else 0)
        valued = sum(
            asked and (kind == FREE or (kind == TYPED and not is_digit(characters))) for characters, kind, asked in path
        ) + (entry.valued if entry else 0)
        text = "".join(example_character(characters) for characters, _, _ in path)
        values, value = [], ""
        for (_, kind, _), character in zip(path, text, strict=True):
            if kind == FREE:
                value += character
            elif value:
                values.append(value)
                value = ""
        values += [value] if value else []
        return Meeting((entry.text if entry else "") + text, own, valued, tuple(values))

    def _enter(self) -> list[Entry]:
        """Return the states that the rule can have at the beginning of a message."""
        program, front = self._program, front_program()
        best: dict[tuple[int, int, int], tuple[int, int, str]] = {}
        waiting: deque[tuple[int, int, int]] = deque()
        for place in front.reachable:
            for before in (AFTER_WORD, AFTER_OTHER) if place != front.start else (START,):
                key = (program.start, before, place)
                best[key] = (0, 0, "")
                waiting.append(key)
        entries: dict[tuple[int, int], Entry] = {}
        while waiting and len(best) < STEPS_FOR_LINE * 5:
            state, before, place = key = waiting.popleft()
            valued, own, text = best[key]
            if text and own and valued <= own and (ACCEPT, NO_NEED) in program.steps(state, before):
                self.matches_prefix = True
            for at, _ in front.steps(place, START):
                if at == ACCEPT:
                    known = entries.get((state, before))
                    # A rule that has not begun yet begins in the message itself.
                    if text and (known is None or valued < known.valued):
                        entries[state, before] = Entry(state, before, own, valued, text)
                    continue
                narrow = front.masks[at].bit_count() <= NARROW
                for step, need in program.steps(state, before):
                    both = front.masks[at] & program.masks[step] & ALLOWED[need] if step != ACCEPT else 0
                    if not both:
                        continue
                    for characters, kind in ((both & WORD, AFTER_WORD), (both & ~WORD, AFTER_OTHER)):
                        if not characters:
                            continue
                        asked = program.asked[step]
                        price = asked and not narrow and not is_digit(characters)
                        following = (program.following(step), kind, front.following(at))
                        total = valued + price
                        if total <= self._most_valued and total < best.get(following, (1 << 30, 0, ""))[0]:
                            best[following] = (total, own + (asked and narrow), text + example_character(characters))
                            waiting.append(following)
        # A host may have any name: a rule's text is not taken for one without other text of the prefix.
        return [entry for entry in entries.values() if entry.own or not entry.valued]


def _may_follow(need: int, edges: tuple[Edge, ...], ends: bool) -> bool:
    """Return whether a line can continue as a condition at the end of the rule wants it."""
    if need == NO_NEED or (ends and need in (NEEDS_OTHER, NEEDS_END)):
        return True
    return any(mask & ALLOWED[need] for mask, _, _ in edges)


@cache
def front_program() -> Program:
    """Return the texts that logs put in front of messages."""
    return Program(parsed(_IN_FRONT).node)
