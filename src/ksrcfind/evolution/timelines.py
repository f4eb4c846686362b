"""The timeline of a message: its wordings from the first release that has it to the last."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.finding import Finding
from ksrcfind.history.provenance import Change, Event, Later, Provenance


class Stage(Struct, frozen=True):
    """Consecutive releases in which a message has the same wording, path, call and level."""

    first_tag: str | None
    """The first release tag with this state; None if no release has it yet."""
    last_tag: str | None
    """The last release before the next stage, or before the removal; None if the stage lasts until today."""
    text: str | None
    """The text of the message; None while the message was missing from the source."""
    path: str
    call: str
    level: str | None
    events: tuple[Event, ...] = ()
    """The events that led to this stage, oldest first."""


class Life(Struct, frozen=True):
    """The timeline of the first match of a finding."""

    finding: Finding
    provenance: Provenance
    stages: tuple[Stage, ...]
    """Earliest release first."""
    events: tuple[Event, ...]
    """All events of the message, oldest first, up to its removal."""
    last_release: str | None
    """The last release tag that has the message; None if it was not removed, or is in no release."""
    removed: Change | None


def life_of(finding: Finding, later: Later, tags: Sequence[str]) -> Life:
    """Return the timeline of the first match. `tags` are the release tags, earliest first."""
    provenance = finding.provenance[0]
    events = (*provenance.events, *later.events)
    before = {tag: earlier for earlier, tag in zip((None, *tags), tags, strict=False)}
    end = later.removed.release.first_tag if later.removed is not None else None
    last = before.get(end) if end is not None else tags[-1] if later.removed is not None and tags else None
    message = finding.answer.matches[0].message
    text = provenance.introduced.format if provenance.introduced else None
    now = Stage(None, None, text or message.format.rstrip("\n"), message.path, message.call, message.level)
    return Life(finding, provenance, _stages(now, provenance.events, later, before, last), events, last, later.removed)


def _stages(
    now: Stage, earlier: Sequence[Event], later: Later, before: dict[str, str | None], last: str | None
) -> tuple[Stage, ...]:
    """Return the stages before and after the state `now` of the message in the tree where it was found."""
    states: list[tuple[Event | None, Stage]] = []
    state = now
    for event in reversed(earlier):
        states.insert(0, (event, state))
        state = _changed(state, event.after, event.before)
    if not earlier:
        states.append((None, now))
    state = now
    for event in later.events:
        if event.kind != "removed":
            state = _changed(state, event.before, event.after)
            states.append((event, state))
    tags = [event.first_tag if event is not None else None for event, _ in states]
    stages: list[Stage] = []
    led: list[Event] = []
    for number, (cause, one) in enumerate(states):
        led += [cause] if cause is not None else []
        follower = tags[number + 1] if number + 1 < len(tags) else None
        if follower is not None and follower == tags[number]:
            continue  # No release has this stage: the next change came before the release.
        until = before.get(follower) if follower is not None else last
        same = stages[-1] if stages else None
        if same is not None and replace(same, first_tag=None, last_tag=None, events=()) == one:
            stages[-1] = replace(same, last_tag=until, events=(*same.events, *led))
        else:
            stages.append(replace(one, first_tag=tags[number], last_tag=until, events=tuple(led)))
        led = []
    return tuple(stages)


def _changed(state: Stage, this: str | None, that: str | None) -> Stage:
    """Return a state with `this` replaced by `that`: an event does not say which field it changed."""
    if this == state.text:
        return replace(state, text=that)
    if this == state.path and that is not None:
        return replace(state, path=that)
    if this == state.call and that is not None:
        return replace(state, call=that)
    if this is not None and this == state.level:
        return replace(state, level=that)
    return state
