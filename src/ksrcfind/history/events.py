"""The kinds of events in the history of a message: when each one occurs, and what it shows.

To add a kind: add it to `EventKind`, let `kinds_between` (or the module that finds the commit) return it, add what it
shows to `_SHOWN`, and describe it in `schema/ksrcfind-1.schema.json` and `docs/json.md`. The record of an event is
`provenance.Event`.
"""

from dataclasses import dataclass
from enum import StrEnum

from ksrcfind.history.wording import decoded, differs_by_prefix


class EventKind(StrEnum):
    """What a commit did to a message."""

    INTRODUCED = "introduced"
    """The first commit of the history: no earlier wording was found."""
    REWORDED = "reworded"
    """Its text changed."""
    CONVERTED = "converted"
    """Another function or macro prints it."""
    REFORMATTED = "reformatted"
    """Only its lines changed, not what it prints."""
    MOVED = "moved"
    """It is in another file or function, and no longer where it was."""
    COPIED = "copied"
    """It is in another file or function, and also still where it was."""
    RENAMED = "renamed"
    """Its file has another name."""
    LEVEL_CHANGED = "level_changed"
    REVERTED = "reverted"
    """A commit that reverts another one changed or removed it."""
    REAPPLIED = "reapplied"
    """It is there again after a revert."""
    REMOVED = "removed"
    """It is gone: always the last event, and only after the revision that was asked about."""


@dataclass(frozen=True, slots=True)
class State:
    """What can change about a message. Two states, before and after a commit, determine the events."""

    path: str
    text: str
    """Escapes kept; empty while the message is not in the source."""
    function: str | None
    call: str | None
    level: str | None


def kinds_between(before: State, after: State, *, left: bool, file_removed: bool) -> tuple[EventKind, ...]:
    """Return what a commit did to a message, from its states before and after.

    `left` says whether the message is no longer in its earlier place, `file_removed` whether that whole file is gone.
    """
    moved = EventKind.MOVED if left else EventKind.COPIED
    kinds: list[EventKind] = []
    if before.path != after.path:
        kinds.append(EventKind.RENAMED if file_removed else moved)
    elif before.function != after.function:
        kinds.append(moved)
    is_converted = before.call != after.call
    if is_converted:
        kinds.append(EventKind.CONVERTED)
    if before.level != after.level and None not in (before.level, after.level):
        kinds.append(EventKind.LEVEL_CHANGED)
    # A conversion to pr_info() or dev_info() drops the prefix from the text, because the macro prints it.
    if before.text != after.text and not (is_converted and differs_by_prefix(before.text, after.text)):
        kinds.append(EventKind.REWORDED)
    return tuple(kinds) or (EventKind.REFORMATTED,)


_SHOWN: dict[str, tuple[str, ...]] = {
    EventKind.RENAMED: ("path",),
    EventKind.COPIED: ("path", "function"),
    EventKind.MOVED: ("path", "function"),
    EventKind.CONVERTED: ("call",),
    EventKind.LEVEL_CHANGED: ("level",),
    EventKind.REVERTED: ("text", "call", "level", "path", "function"),
}
"""Fields of `State` that an event of a kind shows: the first of them that differs. Other kinds show the text."""


def shown_change(kind: str, before: State, after: State) -> tuple[str | None, str | None]:
    """Return the values before and after that an event shows; None for an empty text and if none differs."""
    for name in _SHOWN.get(kind, ("text",)):
        old, new = _shown(before, name), _shown(after, name)
        if old != new:
            return old, new
    return None, None


def _shown(state: State, name: str) -> str | None:
    return decoded(state.text) or None if name == "text" else getattr(state, name)
