"""Labelled log lines: JSON, one object a line.

`line` is the log line, `tree` names the source tree it was labelled in, `kind` says what printed it: `printk` (a call
of that tree), `not_kernel`, `dynamic` (a call whose text has no words of its own, or a row of values), `unknown`
(kernel code that is not in the tree). `labels` are the calls that may have printed it: `file`, `line_start`,
`line_end`. `drift` marks a line of another kernel, worded differently; `variant` names how a line was damaged on
purpose.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from ksrcfind.match.answer import Match

SLACK = 3
"""Lines by which a call may stand elsewhere: minor versions of a tree differ."""


@dataclass(frozen=True, slots=True)
class Call:
    """A log call of the tree."""

    path: str
    line_start: int
    """1-based."""
    line_end: int


@dataclass(frozen=True, slots=True)
class Labelled:
    """A log line and what printed it."""

    line: str
    tree: str
    kind: str
    calls: tuple[Call, ...]
    """Any of them is right; empty unless a call of the tree printed the line."""
    drift: bool
    variant: str | None
    log: str
    """The log it comes from."""

    def is_by(self, match: Match) -> bool:
        """Tell whether a match is one of the labelled calls."""
        message = match.message
        return any(
            message.path == call.path
            and message.line_start - SLACK <= call.line_end
            and call.line_start <= message.line_end + SLACK
            for call in self.calls
        )


def read_labels(path: Path) -> list[Labelled]:
    """Read a file of labelled lines."""
    return [_labelled(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _labelled(row: dict[str, object]) -> Labelled:
    labels = row.get("labels") or []
    assert isinstance(labels, list)
    calls = tuple(Call(label["file"], label["line_start"], label["line_end"]) for label in labels)
    variant = row.get("variant")
    return Labelled(
        str(row["line"]),
        str(row["tree"]),
        str(row["kind"]),
        calls,
        bool(row.get("drift")),
        None if variant is None else str(variant),
        str(row.get("log", "")),
    )
