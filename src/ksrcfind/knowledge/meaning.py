"""Say what a line means: the entry of its message, with values of the line in the commands."""

import shlex
from collections.abc import Iterator, Sequence
from string import Formatter

from ksrcfind.knowledge.base import entry_for
from ksrcfind.knowledge.record import Entry, Meaning
from ksrcfind.match.answer import Answer, Value
from ksrcfind.regex import regex

LEAST_CONFIDENCE = 0.5
"""An entry is shown only if the matches with this entry have at least this confidence together: a wrong explanation is
worse than none."""

_SAFE = regex(r"[A-Za-z0-9._:/][A-Za-z0-9._:/-]*")
"""A value that may enter a command. Whoever writes into the log chooses it, so it must be no option and no syntax."""

_NAME = regex(r"\w+")


def meaning_of(answer: Answer) -> Meaning | None:
    """Return what the line of an answer means; None if no entry explains the first match, or the match is doubtful."""
    entry = sure_entry(answer)
    return with_values(entry, answer.matches[0].values) if entry is not None else None


def sure_entry(answer: Answer) -> Entry | None:
    """Return the entry of the first match; None if there is none, or if the match is doubtful."""
    if not answer.matches:
        return None
    first, *others = answer.matches
    entry = entry_for(first.message)
    if entry is None:
        return None
    confidence = first.confidence + sum(other.confidence for other in others if entry_for(other.message) is entry)
    return entry if confidence >= LEAST_CONFIDENCE else None


def with_values(entry: Entry, values: Sequence[Value]) -> Meaning:
    """Return the meaning of an entry, with the values of a line in its commands."""
    check = tuple("".join(_filled(command, entry.values, values)) for command in entry.check)
    return Meaning(**{name: getattr(entry, name) for name in Meaning.__struct_fields__} | {"check": check})


def _filled(command: str, sources: dict[str, str], values: Sequence[Value]) -> Iterator[str]:
    """Yield the pieces of a command; a placeholder without a safe value becomes a word: `DEVICE`."""
    for literal, placeholder, _, _ in Formatter().parse(command):
        yield literal
        if placeholder is not None:
            value = _value(sources.get(placeholder), values)
            yield placeholder.upper() if value is None else shlex.quote(value)


def _value(source: str | None, values: Sequence[Value]) -> str | None:
    """Return the value of the first argument whose expression contains the name `source`, if it is safe."""
    for value in values:
        if source in _NAME.findall(value.expression):
            return value.value if value.value is not None and _SAFE.fullmatch(value.value) else None
    return None
