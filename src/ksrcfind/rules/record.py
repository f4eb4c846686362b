"""A rule of a monitoring system, whatever file it is from."""

from enum import StrEnum

from msgspec import Struct

from ksrcfind.regex import regex
from ksrcfind.rules.expression import Choice, Condition, ExpressionError, Node, Sequence, literal, parsed

ESCAPED = regex(r"\\(\W)")
OPERATORS = regex(r"(?<!\\)[*+?|{}^$\[\]]|\\[a-zA-Z]")


class Syntax(StrEnum):
    """What the text of a filter is."""

    EITHER = "either"
    """A fixed string or a regular expression: it matches as either."""
    FIXED = "fixed"
    START = "start"
    """A fixed string at the beginning of the message."""
    EXPRESSION = "expression"


class Filter(Struct, frozen=True):
    """A text that a line must match."""

    text: str
    syntax: Syntax = Syntax.EITHER

    def node(self) -> tuple[Node, str | None]:
        """Return the language of the filter, and what in it was replaced by something that matches more.

        Raises `ExpressionError`.
        """
        if self.syntax is Syntax.FIXED:
            return literal(self.text), None
        if self.syntax is Syntax.START:
            return Sequence((Condition("begin"), literal(self.text))), None
        found = parsed(self.text)
        if self.syntax is Syntax.EXPRESSION or self.without_values == self.text:
            return found.node, found.loose
        return Choice((literal(self.text), found.node)), found.loose

    @property
    def without_values(self) -> str | None:
        """The fixed string that the filter asks for; None for an expression with operators."""
        if self.syntax in (Syntax.FIXED, Syntax.START):
            return self.text
        return None if OPERATORS.search(self.text) else ESCAPED.sub(r"\1", self.text)


class Rule(Struct, frozen=True):
    """A rule: a line matches if it matches every filter."""

    line: int
    """1-based line in the file."""
    filters: tuple[Filter, ...]
    name: str | None = None
    """What the file calls the rule: the name of an alert."""
    ignored: str | None = None
    """What the rule asks for that is not compared: lines that it excludes."""

    @property
    def text(self) -> str:
        """The filters as a text for people."""
        return " … ".join(one.text for one in self.filters)


class RuleError(Exception):
    """A file of rules is invalid."""

    def __init__(self, line: int | None, what: str) -> None:
        super().__init__(what)
        self.line = line
        """1-based; None if the file as a whole is invalid."""


def checked(rule: Rule) -> Rule:
    """Return a rule. Raises `RuleError` if one of its expressions is invalid."""
    for one in rule.filters:
        try:
            one.node()
        except ExpressionError as error:
            if not error.too_large:
                raise RuleError(rule.line, f"not a regular expression: {error}: {one.text[:200]}") from error
    return rule
