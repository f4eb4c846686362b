"""Labelled log lines: JSON, one object a line.

`line` is the log line, `tree` names the source tree it was labelled in, `kind` says what printed it: `printk` (a call
of that tree), `not_kernel`, `dynamic` (a call whose text has no words of its own, or a row of values), `unknown`
(kernel code that is not in the tree). The calls that may have printed it are in one of three fields:

- `labels`: `file`, `line_start`, `line_end`;
- `calls`: `path`, `line`, `function`; a call on that line or in that function is right;
- `chains`: for each part of a line that a traced kernel printed, the calls (`path`, `line`) that led to it. Its kinds
  are `printk`, `wordless` and `row`.

A file whose lines have no `tree` is of the version in its name: `booted-6.1.dev.jsonl` of `linux-6.1`. `drift` marks a
line of another kernel, worded differently; `variant` names how a line was damaged on purpose.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    function: str | None = None
    """Its function, where any call of it is right."""


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

    @property
    def half(self) -> int:
        """0 or 1, by the line: confidence is fitted to one half and tested on the other."""
        return hashlib.sha256(self.line.encode()).digest()[-1] % 2

    def is_by(self, match: Match) -> bool:
        """Tell whether a match is one of the labelled calls."""
        message, macro = match.message, match.message.defined_at
        places = [(message.path, message.line_start, message.line_end)]
        if macro is not None:
            places.append((macro.path, macro.line, macro.line))
        return any(
            path == call.path and start - SLACK <= call.line_end and call.line_start <= end + SLACK
            for path, start, end in places
            for call in self.calls
        ) or any(
            call.function and (call.path, call.function) == (message.path, message.function) for call in self.calls
        )


def read_labels(path: Path) -> list[Labelled]:
    """Read a file of labelled lines."""
    version = re.search(r"\d+(?:\.\d+)+", path.name)
    tree = f"linux-{version[0]}" if version else ""
    return [_labelled(json.loads(line), tree) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _labelled(row: dict[str, Any], tree: str) -> Labelled:
    calls = [Call(label["file"], label["line_start"], label["line_end"]) for label in row.get("labels") or ()]
    calls += [Call(call["path"], call["line"], call["line"], call["function"]) for call in row.get("calls") or ()]
    calls += [Call(call["path"], call["line"], call["line"]) for chain in row.get("chains") or () for call in chain]
    kind = str(row["kind"])
    # What a traced kernel printed is by a call, whatever its format.
    is_traced = "chains" in row
    variant = kind if is_traced and kind != "printk" else row.get("variant")
    return Labelled(
        str(row["line"]),
        str(row.get("tree") or tree),
        "printk" if is_traced else kind,
        tuple(calls),
        bool(row.get("drift")),
        None if variant is None else str(variant),
        str(row.get("log", "")),
    )
