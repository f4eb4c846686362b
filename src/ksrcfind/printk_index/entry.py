"""An entry of the kernel's list, and the message that it describes."""

import posixpath
from collections.abc import Iterable
from itertools import groupby

from msgspec import Struct

from ksrcfind.levels import CONTINUATION, LEVEL_OF_CODE
from ksrcfind.regex import regex
from ksrcfind.source.message import Argument, Form, Message, TextLine
from ksrcfind.source.template import CONVERSION

LONGEST_PATH = 1000
"""Characters of a path; a longer one, from a damaged image, is cut."""
LONGEST_FORMAT = 10_000
"""Characters of a format; a longer one is cut."""
LAST_LINE = 10**9

_LEVEL = regex(r"\x01([0-7c])")
CALLS = {"debug": "pr_debug", CONTINUATION: "pr_cont", None: "printk"}
"""Call by level, for the few levels whose usual macro is not `pr_LEVEL`."""


class Entry(Struct, frozen=True):
    """One log call, as `struct pi_entry` of include/linux/printk.h has it."""

    path: str
    """As the compiler got it: `init/main.c`, `./include/linux/x.h`."""
    line: int
    function: str
    level: str | None
    """Name of the level, `cont`, or None if the call names none."""
    format: str
    """The format, with the prefix of the subsystem (`%s %s: ` of `dev_err`), without a level."""
    module: str | None
    """The module that has it; None for the kernel image."""


def without_level(text: str) -> tuple[str | None, str]:
    """Return the level at the start of a format (the last one, if it names several), and the rest."""
    level = None
    while (found := _LEVEL.match(text)) is not None:
        level, text = LEVEL_OF_CODE[found[1]], text[2:]
    return level, text


def messages_of(entries: Iterable[Entry]) -> list[tuple[str, list[Message]]]:
    """Return (path, messages) of each source file, sorted by path, the messages by line.

    What only the source has is missing: arguments' expressions, the last line of a call, conditions, history.
    """
    found = sorted({_message(entry) for entry in entries if entry.format}, key=lambda one: (one.path, one.line_start))
    return [(path, list(messages)) for path, messages in groupby(found, key=lambda one: one.path)]


def _message(entry: Entry) -> Message:
    path = in_tree(entry.path)
    line = min(max(entry.line, 1), LAST_LINE)
    text = entry.format[:LONGEST_FORMAT]
    printed = text.removesuffix("\n")
    arguments = tuple(Argument(one[0], "") for one in CONVERSION.finditer(printed) if not one["percent"])
    call = CALLS.get(entry.level) or f"pr_{entry.level}"
    lines = (TextLine(path, line, len(printed)),)
    return Message(
        path,
        line,
        line,
        entry.function or None,
        call,
        entry.level,
        entry.module,
        text,
        (Form(printed, arguments),),
        lines,
    )


def in_tree(path: str) -> str:
    """Return a path relative to the root of the tree, as far as it can be told: never upwards, never absolute."""
    parts = [part for part in posixpath.normpath(path[:LONGEST_PATH]).split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "unknown"
