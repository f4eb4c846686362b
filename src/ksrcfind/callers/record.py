"""The records of a function's callers."""

from msgspec import Struct

DEEPEST = 5
"""Levels of callers, at most."""

MOST = 50
"""Callers of one level, at most."""


class Handed(Struct, frozen=True):
    """What a caller passes for a parameter that the message prints."""

    name: str
    """The parameter."""
    expression: str
    """C source of the argument."""


class Caller(Struct, frozen=True):
    """A place that calls a function, or passes or stores its address."""

    function: str | None
    """The function or macro at that place; None outside of functions."""
    path: str
    line: int
    """1-based."""
    via: str
    """`call`, `pointer` (stored, or passed to a function) or `registration` (given to the kernel to be called)."""
    role: str | None
    """What the function is there: `.probe of foo_driver`, `module_init`, `argument 2 of request_irq()`."""
    handed: tuple[Handed, ...] = ()
    """Of a function that is handed its text: what this caller hands it."""
    callers: "Callers | None" = None
    """Callers of `function`; None if not looked for."""
    listed_elsewhere: bool = False
    """True if `function` occurs several times and another occurrence has its callers."""


class Callers(Struct, frozen=True):
    """The callers of one function, those in its file first."""

    found: tuple[Caller, ...]
    complete: bool
    """False if there are more than were looked for."""
