"""Check monitoring rules against the messages of two releases: which rules match nothing any more.

A rule is a fixed string or a regular expression that a monitoring system searches in log lines. It is matched against
each text that the kernel can print, with an example for each value. Expressions run in RE2, in linear time.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

import re2  # type: ignore[import-untyped]
from msgspec import Struct

from ksrcfind.evolution.differences import Difference
from ksrcfind.regex import regex
from ksrcfind.source.message import Message
from ksrcfind.source.template import pieces

IN_FRONT = "host kernel: [    1.000000] "
"""A prefix as in logs, for rules that begin with one."""
EXAMPLES = {"d": "1", "i": "1", "u": "1", "x": "1f", "X": "1F", "o": "7", "c": "c", "s": "name"}
POINTERS = {"pI4": "10.0.0.1", "pi4": "010.000.000.001", "pM": "00:11:22:33:44:55", "pm": "001122334455"}
POINTER = "ffff880012345678"
LONGEST = 4096
"""Characters of a rule that is compiled as an expression, at most: RE2 needs 15 KB for each character."""
ESCAPED = regex(r"\\(\W)")
OPERATORS = regex(r"(?<!\\)[*+?|{}^$\[\]]|\\[a-zA-Z]")
IN_LINES = re2.Options()
"""Options of expressions that are searched in many lines at once."""
IN_LINES.never_nl = True
IN_LINES.log_errors = False


class Rule(Struct, frozen=True):
    """One line of a rules file."""

    line: int
    """1-based."""
    text: str

    @property
    def without_values(self) -> str | None:
        """The text to look up like a log line; None for an expression with operators."""
        return None if OPERATORS.search(self.text) else ESCAPED.sub(r"\1", self.text)


class Outcome(Struct, frozen=True):
    """The result of checking a rule."""

    rule: Rule
    state: str
    """`matches` (something in the newer release), `lost` (only in the older release) or `never` (in neither)."""
    old: int
    """Number of messages of the older release that the rule matches."""
    new: int
    """Number of messages of the newer release that the rule matches."""
    became: tuple[Difference, ...]
    """If the rule is lost: how the messages that it matched changed."""
    note: str | None = None
    """Why the rule could not be used as an expression, if it does not match as a fixed string."""


Expression = re.Pattern[bytes]
"""A compiled RE2 expression, which has the methods of Python's."""
Lookup = Callable[[str], Sequence[Message]]
"""Returns the messages that match a text, like a log line."""


def read_rules(text: str) -> list[Rule]:
    """Return the rules of a file: one per line; empty lines and lines that begin with `#` are skipped."""
    lines = enumerate(text.split("\n"), 1)
    return [Rule(number, line.rstrip("\r")) for number, line in lines if line.strip() and not line.startswith("#")]


def example(printed: str) -> str:
    """Return a text with example values, as it could appear in a log."""
    return "".join(piece if isinstance(piece, str) else _value(piece.kind) for piece in pieces(printed))


def outcomes(
    rules: Iterable[Rule],
    old: Sequence[Message],
    new: Sequence[Message],
    found: Sequence[Difference],
    look_up: tuple[Lookup, Lookup],
) -> list[Outcome]:
    """Return the result for each rule, given all messages of both releases and their differences.

    `look_up` searches each release for a rule that contains values; it is used only for rules that match no example.
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
        changes = [became[id_of(message)] for message in was if id_of(message) in became] if state == "lost" else []
        result.append(Outcome(rule, state, len(was), len(now), tuple(changes), note if state == "never" else None))
    return result


def id_of(message: Message) -> tuple[str, int, str]:
    """Return a key that identifies a message within its release."""
    return message.path, message.line_start, message.forms[0].printed


def _expression(rule: str) -> tuple[Expression | None, str | None]:
    """Return a rule as a compiled expression; None and the reason if it cannot be compiled."""
    if len(rule) > LONGEST:
        return None, f"the rule is longer than {LONGEST:,} characters"
    try:
        return re2.compile(b"(?m:" + _bytes(rule) + b")", IN_LINES), None
    except re2.error as error:
        text = error.args[0]
        return None, f"not an RE2 expression: {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


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
        """Return the messages that a rule matches as a fixed string, else as an expression."""
        found = list(self._bare.holding(_bytes(text)))
        if not found and expression is not None:
            found = list(self._bare.matching(expression)) or list(self._whole.matching(expression))
        return list({id_of(self._messages[number]): self._messages[number] for number in found}.values())


class _Lines:
    """Many lines, searched as one text: searching line by line takes a hundred times as long."""

    def __init__(self, lines: Iterable[str]) -> None:
        encoded = [_bytes(line) for line in lines]
        self._text = b"\n".join(encoded)
        self._starts = list(accumulate((len(line) + 1 for line in encoded), initial=0))

    def holding(self, part: bytes) -> Iterator[int]:
        """Yield the numbers of the lines that contain a text."""
        at = self._text.find(part)
        while at >= 0:
            number = bisect_right(self._starts, at) - 1
            yield number
            at = self._text.find(part, self._starts[number + 1])

    def matching(self, expression: Expression) -> Iterator[int]:
        """Yield the numbers of the lines that match an expression."""
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
