"""Follows a message back to where it came from.

`git blame` ends at the commit that last touched a line. The text is then searched for in the parents of that
commit; where it is found, blame continues from there, until no parent has this wording. If that commit replaced an
earlier wording of the same message, the earlier wording is followed in the same way, back to the first
commit (`origin`). `introduced` is the first commit of the history that added the current wording.
"""

import re
from collections.abc import Generator, Iterable

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.history.blame import Blame
from ksrcfind.history.events import EventKind, State, kinds_between
from ksrcfind.history.occurrences import Ancestor, Occurrence, Occurrences
from ksrcfind.history.wording import reads
from ksrcfind.regex import regex

REVERT = regex(r"^This reverts commit ([0-9a-f]{40}(?:[0-9a-f]{24})?)", re.MULTILINE)
LONGEST = 200
"""Limit of steps in one history. More steps mean that the history goes in circles."""


class Question(Struct, frozen=True):
    """A question to the caller: lines of one file version whose blame is needed."""

    commit: str
    path: str
    lines: tuple[int, ...]


class Step(Struct, frozen=True):
    """A commit that changed a message."""

    commit: str
    kinds: tuple[EventKind, ...]
    """What the commit did to the message; empty for the first commit of the history."""
    path: str
    """The file of the message right after the commit."""
    line: int
    """1-based line of the message's text."""
    text: str
    """The text of the message right after the commit, with its C escapes."""
    before: State | None
    """The message before the commit; None for the first commit of the history."""
    after: State


class MessageHistory(Struct, frozen=True):
    """The commits that changed a message, newest first."""

    steps: tuple[Step, ...]
    introduced: int
    """Index in `steps` of the commit that added the current wording, however the text was split into literals."""
    beginning: bool
    """True if the last step is a commit without parents: the message may be older than the repository."""


Answers = dict[int, Blame]
Following = Generator[Question, Answers, MessageHistory | None]


class _Found(Struct, frozen=True):
    ancestor: Ancestor
    taken_by: str | None = None
    """The commit that removed the message, if the commit of this step reverts the removal."""


class Follower:
    """Computes histories of the messages of one repository."""

    def __init__(self, occurrences: Occurrences) -> None:
        self._occurrences = occurrences

    def follow(self, commit: str, path: str, line: int) -> Following:
        """Return the history of the text on a line of a file version; None if the line has no text.

        This is a generator. It yields the lines whose blame it needs and receives the blames, so that a caller can
        combine the questions of many histories.
        """
        source = self._occurrences.source(commit, path)
        wording = source.at(line) if source is not None else None
        if source is None or wording is None:
            return None
        place = Occurrence(commit, path, wording, source)
        literal = source.literal(line) or wording.text
        steps: list[Step] = []
        introduced: int | None = None
        while len(steps) < LONGEST:
            answers = yield Question(place.commit, place.path, _lines(place))
            seen = self._touching(place, answers.values())
            if seen is None:
                break
            found = (self._ancestor(seen) if seen.text == place.text else None) or self._earlier(seen)
            steps += self._renames(place, seen)
            before = found.ancestor.occurrence.wording if found is not None else None
            came = before is None or not reads(before, wording.text, literal)
            # A wording that was removed and added again counts as introduced when it was first added.
            if came and (introduced is None or reads(seen.wording, wording.text, literal)):
                introduced = len(steps)
            steps.append(_step(seen, found, revert=self._is_revert(seen.commit)))
            if found is None:
                break
            steps += self._taking_away(found)
            place = found.ancestor.occurrence
        if not steps:
            return None
        last = self._occurrences.commit(steps[-1].commit)
        beginning = last is None or not last.parents
        return MessageHistory(tuple(steps), len(steps) - 1 if introduced is None else introduced, beginning)

    def _touching(self, place: Occurrence, blames: Iterable[Blame]) -> Occurrence | None:
        """Return the message right after the newest commit that changed one of its lines and left it with this text.

        If no such commit exists, as after a merge of two changes to the message, return the message right after the
        newest of the blamed commits, with the text that this commit left.
        """
        lines: dict[tuple[str, str], int] = {}
        for item in blames:
            if item.commit is not None:
                lines.setdefault((item.commit, item.path), item.line)
        # Dates only decide the order: the first commit that has the whole text is the previous step.
        order = sorted(lines.items(), key=lambda item: self._date(item[0][0]), reverse=True)
        for (commit, path), line in order:
            seen = self._occurrences.find(commit, path, place.text, line)
            if seen is not None:
                return seen
        for (commit, path), line in order:
            source = self._occurrences.source(commit, path)
            wording = source.at(line) if source is not None else None
            if source is not None and wording is not None:
                return Occurrence(commit, path, wording, source)
        return None

    def _ancestor(self, seen: Occurrence) -> "_Found | None":
        """Return where this wording was before the commit that `seen` is in; None if the commit added the wording."""
        commit = self._occurrences.commit(seen.commit)
        if commit is None:
            return None
        for parent in commit.parents:
            found = self._occurrences.before(seen, parent, merge=len(commit.parents) > 1)
            if found is not None:
                return _Found(found)
        for name in REVERT.findall(commit.message):
            undone = self._occurrences.commit(name)
            for parent in undone.parents[:1] if undone is not None else ():
                was = self._occurrences.find(parent, seen.path, seen.text, seen.wording.line_start)
                if was is not None:
                    return _Found(Ancestor(was, left=True), taken_by=name)
        return None

    def _earlier(self, seen: Occurrence) -> "_Found | None":
        """Return the wording that `seen` replaced in its commit; None if it replaced none."""
        commit = self._occurrences.commit(seen.commit)
        for parent in commit.parents if commit is not None else ():
            found = self._occurrences.reworded(seen, parent, merge=commit is not None and len(commit.parents) > 1)
            if found is not None:
                return _Found(found)
        return None

    def _renames(self, place: Occurrence, seen: Occurrence) -> list[Step]:
        """Return the steps that renamed the file of a message. Blame does not report renames."""
        if place.path == seen.path:
            return []
        state = _state(place)
        return [
            Step(
                rename.commit,
                (EventKind.RENAMED,),
                rename.after,
                place.wording.line_start,
                place.text,
                replace(state, path=rename.before),
                replace(state, path=rename.after),
            )
            for rename in self._occurrences.renamed(place.commit, place.path, seen.path)
        ]

    def _taking_away(self, found: _Found) -> list[Step]:
        """Return the step in which a revert removed the message; empty if no revert was itself reverted."""
        commit = self._occurrences.commit(found.taken_by) if found.taken_by is not None else None
        if commit is None or not REVERT.search(commit.message):
            return []
        was = found.ancestor.occurrence
        state = _state(was)
        gone = replace(state, text="")
        return [Step(commit.id, (EventKind.REVERTED,), was.path, was.wording.line_start, was.text, state, gone)]

    def _is_revert(self, name: str) -> bool:
        commit = self._occurrences.commit(name)
        return commit is not None and REVERT.search(commit.message) is not None

    def _date(self, name: str) -> float:
        commit = self._occurrences.commit(name)
        return commit.committer.date.timestamp() if commit is not None else 0.0


def _lines(place: Occurrence) -> tuple[int, ...]:
    """Return the lines of a call whose blame matters: from its name to its last literal."""
    call = place.source.call(place.wording)
    first = place.wording.line_start
    if call is not None and 0 <= first - call.line <= 20:
        first = call.line
    return tuple(range(first, place.wording.line_end + 1))


def _state(seen: Occurrence) -> State:
    call = seen.source.call(seen.wording)
    level = seen.source.level(seen.wording)
    return State(seen.path, seen.text, seen.function, None if call is None else call.name, level)


def _step(seen: Occurrence, found: _Found | None, *, revert: bool) -> Step:
    after = _state(seen)
    before: State | None = None
    kinds: tuple[EventKind, ...] = ()
    if found is not None:
        before = _state(found.ancestor.occurrence)
        if found.taken_by is not None:
            before, kinds = replace(before, text=""), (EventKind.REAPPLIED,)
        else:
            ancestor = found.ancestor
            kinds = kinds_between(before, after, left=ancestor.left, file_removed=ancestor.renamed)
            if revert and kinds != (EventKind.REFORMATTED,):
                kinds = (EventKind.REVERTED,)
    return Step(seen.commit, kinds, seen.path, seen.wording.line_start, seen.text, before, after)
