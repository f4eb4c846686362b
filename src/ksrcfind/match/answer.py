"""The outcome of matching one log line."""

from enum import StrEnum

from msgspec import Struct

from ksrcfind.source.message import Form, Message


class Tier(StrEnum):
    """How a message explains a line, best first."""

    EXACT = "exact"
    """The whole body fits the typed template."""
    PARTIAL = "partial"
    """The body contains a part of the template, or the template a part of the body."""
    FUZZY = "fuzzy"
    """The wording is similar: from another kernel, misspelt, or damaged."""


class Value(Struct, frozen=True):
    """The value of one argument of the message."""

    conversion: str
    expression: str
    value: str | None
    """The text of the line; None if the line does not show it."""
    decoded: str | None = None
    """Its meaning, if it has one: `ETIMEDOUT` for -110."""


class Place(Struct, frozen=True):
    """A source location that the line itself names: `WARNING: … at file:line`."""

    path: str
    line: int
    """1-based, as the line names it."""
    function: str | None
    call: str | None
    """The call there or nearest to it that prints its own location; None if there is none."""
    drift: int | None = None
    """Lines by which that call is later in this tree; not 0 if the log is from another version of the file."""


class Match(Struct, frozen=True):
    """A message that explains a line."""

    tier: Tier
    score: float
    """0–1; orders matches within a tier."""
    confidence: float
    """0–1; calibrated chance that this call is right; equal rivals have the same one."""
    message: Message
    form: Form
    """The form of the message that fits."""
    values: tuple[Value, ...]


class Reason(Struct, frozen=True):
    """Why nothing matched."""

    code: str
    """One of a closed list: `userspace`, `empty`, `part_of_event`, `audit_record`, `no_words`, `any_text`,
    `not_in_tree`, `module_not_in_tree`, `nothing_alike`, `no_message_here`, `not_committed`."""
    text: str
    """A sentence for people."""


class Answer(Struct, frozen=True):
    """The matches of one line, or the reason why there are none."""

    verdict: str
    """`exact`, `partial`, `fuzzy`, `place` or `none`."""
    reason: Reason | None
    """Set if the verdict is `none`, or if there is no message at a place."""
    matches: tuple[Match, ...]
    """Best first, at most as many as the caller asked for."""
    rivals: int
    """Number of further messages that are as likely as the first."""
    points_to: Place | None = None
    """The place that the line names, if it names one."""
    note: str | None = None
    """A sentence that goes with the first match."""
    decided_by: str | None = None
    """What decided between equal rivals besides the line: `neighbours`, `boot`, `device`; None if nothing did."""
