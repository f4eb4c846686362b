"""The kinds of events in the history of a message: how a commit causes an event, and which values the event shows.

To add a kind: add it to `EventKind`, let `kinds_between` (or the module that finds the commit) return it, add the
values that it shows to `_SHOWN`, and describe it in `schema/ksrcfind-1.schema.json` and `docs/json.md`. The record of
an event is `provenance.Event`.
"""

from enum import StrEnum

from msgspec import Struct

from ksrcfind.history.wording import decoded, differs_by_prefix


class EventKind(StrEnum):
    """What a commit did to a message."""

    INTRODUCED = "introduced"
    """The first commit of the history: no earlier wording was found."""
    REWORDED = "reworded"
    """The text of the message changed."""
    CONVERTED = "converted"
    """Another function or macro prints the message: `printk` became `pr_err`."""
    REFORMATTED = "reformatted"
    """Only the layout of the call changed, not what it prints."""
    MOVED = "moved"
    """The message is now in another file or function, and no longer in its old place."""
    COPIED = "copied"
    """The message is now in another file or function, and also still in its old place."""
    RENAMED = "renamed"
    """The file of the message got another name."""
    LEVEL_CHANGED = "level_changed"
    REVERTED = "reverted"
    """A commit that reverts an earlier commit changed or removed the message."""
    REAPPLIED = "reapplied"
    """The message is in the source again after a revert removed it."""
    REMOVED = "removed"
    """The message was removed. This is always the last event, and it is later than the revision of the question."""


class State(Struct, frozen=True):
    """The properties of a message that commits can change.

    The states before and after a commit determine the events.
    """

    path: str
    text: str
    """The text with its C escapes; empty while the message is not in the source."""
    function: str | None
    call: str | None
    level: str | None


def kinds_between(before: State, after: State, *, left: bool, file_removed: bool) -> tuple[EventKind, ...]:
    """Return the kinds of events that lead from one state of a message to the next one.

    `left` is True if the message is no longer in its earlier place. `file_removed` is True if the whole earlier file is
    gone.
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
"""Kind of event → fields of `State` that the event can show. It shows the first field that differs.

All other kinds show the text."""


def shown_change(kind: str, before: State, after: State) -> tuple[str | None, str | None]:
    """Return the old and the new value that an event shows.

    An empty text becomes None. If no field differs, both values are None.
    """
    for name in _SHOWN.get(kind, ("text",)):
        old, new = _shown(before, name), _shown(after, name)
        if old != new:
            return old, new
    return None, None


def _shown(state: State, name: str) -> str | None:
    return decoded(state.text) or None if name == "text" else getattr(state, name)
