"""Rules of a monitoring system against the messages of two releases: which of them match none any more.

A rule is what monitoring has: a fixed string that is part of a line, or a regular expression that is found in one. It
is held against each text that the kernel can print, with an example in place of each value. Expressions are those of
RE2, which takes no more time than the text is long, whoever wrote them.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import re2  # type: ignore[import-untyped]

from ksrcfind.evolution.differences import Difference
from ksrcfind.source.message import Message
from ksrcfind.source.template import pieces

IN_FRONT = "host kernel: [    1.000000] "
"""What a log may have in front, for rules that begin with it."""
EXAMPLES = {"d": "1", "i": "1", "u": "1", "x": "1f", "X": "1F", "o": "7", "c": "c", "s": "name"}
POINTERS = {"pI4": "10.0.0.1", "pi4": "010.000.000.001", "pM": "00:11:22:33:44:55", "pm": "001122334455"}
POINTER = "ffff880012345678"
LONGEST = 4096
"""Characters of a rule that is tried as an expression: RE2 takes 15 KB for each while it compiles."""
ESCAPED = re.compile(r"\\(\W)")
OPERATORS = re.compile(r"(?<!\\)[*+?|{}^$\[\]]|\\[a-zA-Z]")
IN_LINES = re2.Options()
"""For expressions that are looked for in many lines at once."""
IN_LINES.never_nl = True
IN_LINES.log_errors = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a file of rules."""

    line: int
    """1-based."""
    text: str

    @property
    def without_values(self) -> str | None:
        """The text to look up like a log line; None for an expression that is none."""
        return None if OPERATORS.search(self.text) else ESCAPED.sub(r"\1", self.text)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule matches."""

    rule: Rule
    state: str
    """`matches` something in the newer release, `lost` (only in the older one) or `never` (in none of them)."""
    old: int
    """Messages of the older release that it matches."""
    new: int
    """Messages of the newer release that it matches."""
    became: tuple[Difference, ...]
    """If it is lost: what became of the messages that it matched."""
    note: str | None = None
    """Why it was not looked for as an expression, if it was not found as it stands."""


Expression = re.Pattern[bytes]
"""An expression of RE2, which has the methods of those of Python."""
Lookup = Callable[[str], Sequence[Message]]
"""Gives the messages that print a text, as for a line of a log."""


def read_rules(text: str) -> list[Rule]:
    """Return the rules of a file: one a line, without empty lines and those that begin with `#`."""
    lines = enumerate(text.split("\n"), 1)
    return [Rule(number, line.rstrip("\r")) for number, line in lines if line.strip() and not line.startswith("#")]


def example(printed: str) -> str:
    """Return a text as it could stand in a log."""
    return "".join(piece if isinstance(piece, str) else _value(piece.kind) for piece in pieces(printed))


def outcomes(
    rules: Iterable[Rule],
    old: Sequence[Message],
    new: Sequence[Message],
    found: Sequence[Difference],
    look_up: tuple[Lookup, Lookup],
) -> list[Outcome]:
    """Return what became of each rule, given all messages of both releases and their differences.

    `look_up` asks each of them for the messages of a rule that names values, and is asked only for rules that are found
    in no example.
    """
    became = {id_of(difference.old): difference for difference in found if difference.old is not None}
    texts = [_Texts(messages) for messages in (old, new)]
    result: list[Outcome] = []
    for rule in rules:
        expression, note = _expression(rule.text)
        was, now = (some.matching(rule.text, expression) for some in texts)
        if not was and not now and (plain := rule.without_values) is not None:
            was, now = (list(ask(plain)) for ask in look_up)
        state = "matches" if now else "lost" if was else "never"
        told = [became[id_of(message)] for message in was if id_of(message) in became] if state == "lost" else []
        result.append(Outcome(rule, state, len(was), len(now), tuple(told), note if state == "never" else None))
    return result


def id_of(message: Message) -> tuple[str, int, str]:
    """Return what tells a message from all others of its release."""
    return message.path, message.line_start, message.forms[0].printed


def _expression(rule: str) -> tuple[Expression | None, str | None]:
    """Return a rule as an expression for the lines of a text; None, and why, if it is none."""
    if len(rule) > LONGEST:
        return None, f"longer than {LONGEST:,} characters"
    try:
        return re2.compile(b"(?m:" + _bytes(rule) + b")", IN_LINES), None
    except re2.error as error:
        said = error.args[0]
        return None, f"no expression of RE2: {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"


class _Texts:
    """All messages of a release, with an example of each of their lines."""

    def __init__(self, messages: Sequence[Message]) -> None:
        examples = [
            (line, message)
            for message in messages
            for line in dict.fromkeys(part for form in message.forms for part in example(form.printed).split("\n"))
        ]
        self._messages = [message for _, message in examples]
        self._bare = _Lines(line for line, _ in examples)
        self._whole = _Lines(IN_FRONT + line for line, _ in examples)

    def matching(self, text: str, expression: Expression | None) -> list[Message]:
        """Return the messages that a rule matches: as it stands, else as an expression."""
        found = list(self._bare.holding(_bytes(text)))
        if not found and expression is not None:
            found = list(self._bare.matching(expression)) or list(self._whole.matching(expression))
        return list({id_of(self._messages[number]): self._messages[number] for number in found}.values())


class _Lines:
    """Many lines that are searched as one text: line by line takes a hundred times as long."""

    def __init__(self, lines: Iterable[str]) -> None:
        encoded = [_bytes(line) for line in lines]
        self._text = b"\n".join(encoded)
        self._starts = list(accumulate((len(line) + 1 for line in encoded), initial=0))

    def holding(self, part: bytes) -> Iterator[int]:
        """Yield the numbers of the lines that hold a text."""
        at = self._text.find(part)
        while at >= 0:
            number = bisect_right(self._starts, at) - 1
            yield number
            at = self._text.find(part, self._starts[number + 1])

    def matching(self, expression: Expression) -> Iterator[int]:
        """Yield the numbers of the lines in which an expression is found."""
        at = 0
        while at <= len(self._text) and (match := expression.search(self._text, at)) is not None:
            number = bisect_right(self._starts, match.start()) - 1
            yield number
            at = self._starts[number + 1]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _value(kind: str) -> str:
    if kind.startswith("p"):
        return POINTERS.get(kind, POINTER)
    return EXAMPLES.get(kind, "1")
