"""The records of the knowledge base: an entry as it is written, and its meaning for one line."""

from typing import Literal

from msgspec import Struct

Severity = Literal["critical", "error", "warning", "notice", "info"]
"""How serious it is that the message was printed, whatever its log level. `critical`: the machine or its data is lost
or about to be; `error`: something failed; `warning`: it may fail soon, or works badly; `notice`: worth a look;
`info`: normal."""


class MessageRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Tells which messages an entry explains, without line numbers and without the exact wording."""

    path: str
    """The file of the log call, or a directory with a `/` at its end, for all files below it."""
    function: str | None = None
    """The function of the log call. None: any. With a function, a file that was moved still fits by its name."""
    text: str = ""
    """Words that the text of the message must contain, in any order."""


class Meaning(Struct, frozen=True, kw_only=True):
    """What one log line means: an entry with the values of the line in its commands."""

    id: str
    """Family and name: `memory/killed`."""
    title: str
    """What happened, in plain words: at most 60 characters."""
    means: str
    """One to three sentences."""
    severity: Severity
    causes: tuple[str, ...]
    """Usual causes, the most usual first."""
    check: tuple[str, ...]
    """Shell commands that only read. In an entry, `{name}` stands for a value of the line."""
    documents: tuple[str, ...] = ()
    """Files below Documentation/ about the subject."""
    citation: str
    """Where a reader can check the statement: `mm/oom_kill.c: out_of_memory()`, or a path below Documentation/."""


class Entry(Meaning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the knowledge base."""

    messages: tuple[MessageRule, ...]
    values: dict[str, str] = {}
    """Placeholder of a command → a name that is part of the C expression of the argument with its value."""
