"""The outcome of matching one log line."""

from dataclasses import dataclass
from enum import StrEnum

from ksrcfind.source.message import Form, Message


class Tier(StrEnum):
    """How a message explains a line, best first."""

    EXACT = "exact"
    """The whole body fits the typed template."""
    PARTIAL = "partial"
    """The body is a fragment of the template, or the template a fragment of the body."""
    FUZZY = "fuzzy"
    """The wording drifted: another kernel, a typo, lost characters."""


@dataclass(frozen=True, slots=True)
class Value:
    """What the line shows for one argument of the message."""

    conversion: str
    expression: str
    value: str | None
    """Text of the line that stands for it; None when the line does not show it."""
    decoded: str | None = None
    """Its meaning where it has one: `ETIMEDOUT` for -110."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line itself points: `WARNING: … at file:line`."""

    path: str
    line: int
    """1-based, as the line names it."""
    function: str | None
    call: str | None
    """The call there, or nearest to there; None if there is none that prints its place."""
    drift: int | None = None
    """Lines by which that call stands later in this tree: other than 0, the log is of another version of the file."""


@dataclass(frozen=True, slots=True)
class Match:
    """A message that explains a line."""

    tier: Tier
    score: float
    """0–1; orders matches within a tier."""
    confidence: float
    """0–1; calibrated chance that this call printed the line, shared by equal rivals."""
    message: Message
    form: Form
    """The form of the message that fits."""
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why nothing matched."""

    code: str
    """One of a closed list: `userspace`, `empty`, `part_of_event`, `audit_record`, `no_words`, `any_text`,
    `not_in_tree`, `module_not_in_tree`, `nothing_alike`, `no_message_here`, `not_committed`."""
    text: str
    """A sentence for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known about one line."""

    verdict: str
    """`exact`, `partial`, `fuzzy`, `place` or `none`."""
    reason: Reason | None
    """Set when the verdict is `none`, or when a place holds no message."""
    matches: tuple[Match, ...]
    """Best first, cut at the limit that was asked for."""
    rivals: int
    """How many further messages score the same as the first."""
    points_to: Place | None = None
    """The place that the line names, if it names one."""
    note: str | None = None
    """A sentence that goes with the first match."""
    decided_by: str | None = None
    """What settled equal rivals beyond the line: `neighbours`, `boot`, `device`; None if nothing had to."""
