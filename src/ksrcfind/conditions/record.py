"""The records of a call's circumstances."""

from msgspec import Struct

from ksrcfind.conditions.expression import negation

CONTEXT = 5
"""Lines before and after a call that an excerpt has by default."""


class Condition(Struct, frozen=True):
    """Something that held when it was evaluated last before the call."""

    kind: str
    """`if`, `case`, `loop`, `guard` (an earlier exit that was not taken), `label` (reached by `goto`), `ternary` (an
    operand of `?:`, `&&` or `||`), `macro` (an argument of the log call: `WARN(condition, …)`)."""
    expression: str
    """C source on one line. Of a `label`, the conditions of the jumps to it, joined by `||`; of a `guard`, the
    conditions of the exit, joined by `&&`; of a `case`, `value == LABEL`. It has no comments, except `/* line 12 */`
    after an expression that is evaluated at several places with different values."""
    negated: bool
    """True if the expression was false."""
    line: int
    """1-based line on which the expression starts."""
    names: tuple[str, ...] = ()
    """Variables and members that it tests: `err`, `dev->flags`."""

    @property
    def text(self) -> str:
        """What held, as C source."""
        return negation(self.expression) if self.negated else self.expression


class Assignment(Struct, frozen=True):
    """The last assignment to a variable that a condition tests, before the condition."""

    name: str
    expression: str
    """The value; a call with `&name` as an argument if it stores into the variable."""
    line: int

    @property
    def text(self) -> str:
        """The assignment as code; of a call that stores into the variable, the call."""
        return self.expression if f"&{self.name}" in self.expression else f"{self.name} = {self.expression}"


class Symbol(Struct, frozen=True):
    """A configuration symbol that the call depends on."""

    symbol: str
    """`CONFIG_SMP`, or the expression of an `#if` that is not about single symbols."""
    negated: bool
    line: int | None
    """1-based line in the file of the call; None for a symbol in a Makefile."""


class Excerpt(Struct, frozen=True):
    """Source lines around a call."""

    line_start: int
    """1-based."""
    lines: tuple[str, ...]
    marked: tuple[int, ...]
    """Line numbers of the call and of its conditions."""


class Circumstances(Struct, frozen=True):
    """When a call runs, as far as its file shows."""

    function: str | None
    conditions: tuple[Condition, ...]
    """All of them held when the call ran, the outermost or first first."""
    complete: bool
    """True if the call runs whenever all conditions hold. False if something could not be decided and was left out:
    a condition in an `#if` that does not contain the call, a jump in a macro, code that could not be read."""
    assignments: tuple[Assignment, ...]
    configuration: tuple[Symbol, ...]
    runtime: tuple[str, ...]
    """Switches at run time: `ratelimited`, `once`, `dynamic_debug`, `netif_msg_link`."""
    function_lines: tuple[int, int]
    """First and last line of the function."""
    call_lines: tuple[int, int]
