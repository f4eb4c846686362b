"""Follow a message back to where it came from, with a history index.

The steps and events are those of `history.follow`, which asks git; each step here takes a few look-ups. Where the index
cannot decide, `follow` raises `UndecidedError`, and the caller asks git.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.history.commits import RawCommit
from ksrcfind.history.events import EventKind, State, kinds_between
from ksrcfind.history.follow import LONGEST, REVERT, MessageHistory, Step
from ksrcfind.history.index.edits import AFTER, Edit
from ksrcfind.history.index.lookup import FileChange, Standing, TextHistory
from ksrcfind.history.occurrences import ALIKE, ALIKE_IN_FUNCTION
from ksrcfind.history.wording import END, contains, lost_prefix, reads, words
from ksrcfind.match.similarity import similarity

MOST_FILES = 200
"""Limit of files of one commit whose texts are compared with a new text."""
MOST_REMOVED_FILES = 20
"""Limit of files that one commit removed in which an earlier wording is looked for."""


class Among(Struct, frozen=True):
    """Which one of several equal texts of a file is meant."""

    function: str | None
    """The function that contains the text."""
    rank: int
    """Position among the equal texts of that function, from 0 on."""
    total: int
    """Number of the equal texts of that function."""
    file_rank: int = 0
    """Position among the equal texts of the file, from 0 on."""
    file_total: int = 0
    """Number of the equal texts of the file; 0 if it is not known."""


class Position(Struct, frozen=True):
    """A text in a file at a commit."""

    commit: int
    path: str
    text: str
    among: Callable[[], Among]
    """Tells which text is meant if the file has it several times."""


class _Earlier(Struct, frozen=True):
    """Where a message was before a commit."""

    commit: int
    """Number of the parent."""
    path: str
    edit: Edit
    left: bool
    """True if the commit removed the message from that place."""
    renamed: bool = False
    """True if the commit removed the whole file of that place."""
    peers: tuple[Edit, ...] = ()
    """The equal texts of that place."""
    taken_by: str | None = None
    """The commit that removed the message, if the commit of this step reverts the removal."""


class UndecidedError(Exception):
    """The index cannot tell where a text came from."""


class IndexFollower:
    """Computes histories of messages from a history index."""

    def __init__(self, texts: TextHistory, commit: Callable[[str], RawCommit | None]) -> None:
        """`commit` returns a commit by its full id."""
        self._texts = texts
        self._graph = texts.graph
        self._commit = commit

    def follow(self, start: Position, literal: str) -> MessageHistory:
        """Return the history of a text. `literal` is the longest literal of it on the line in question.

        Raises `UndecidedError` if the index does not decide it.
        """
        steps: list[Step] = []
        introduced: int | None = None
        place = start
        while len(steps) < LONGEST:
            standing = self.last_touch(place)
            seen = standing.edit
            found = self._ancestor(standing) or self._reworded(standing)
            steps += self._renames(place, standing)
            came = found is None or not reads(found.edit.wording, start.text, literal)
            if came and (introduced is None or reads(seen.wording, start.text, literal)):
                introduced = len(steps)
            steps.append(self._step(standing, found))
            if found is None:
                break
            steps += self._taking_away(found)
            place = Position(found.commit, found.path, found.edit.text, partial(_among, found.edit, found.peers))
        beginning = not self._graph.parents(self._texts.commit(steps[-1].commit) or 0)
        return MessageHistory(tuple(steps), len(steps) - 1 if introduced is None else introduced, beginning)

    def last_touch(self, place: Position, *, piece: bool = False) -> Standing:
        """Return the last commit up to a position that touched its text. Raises `UndecidedError`.

        With `piece`, the position's text is one literal, and only its own line counts.
        """
        found = self._texts.standing(place.path, place.text, place.commit, piece=piece)
        if not found:
            raise UndecidedError("unknown")
        return chosen(found, place.among)

    # Where a text was before a commit

    def _ancestor(self, seen: Standing) -> _Earlier | None:
        change = seen.change
        for position, parent in enumerate(self._graph.parents(change.commit), 1):
            found = self._before(seen, parent, position)
            if found is not None:
                return found
        return self._reverted(seen)

    def _before(self, seen: Standing, parent: int, position: int) -> _Earlier | None:
        change, text = seen.change, seen.edit.text
        here = self._same_file(seen, parent, position)
        if here is not None:
            return here
        merge = len(self._graph.parents(change.commit)) > 1
        searchable = bool(words(text))
        if searchable and not merge:
            left = self._left(seen, parent)
            if left is not None:
                return left
        part = self._part(seen, parent, position)
        if part is not None or not searchable:
            return part
        places = self._texts.paths_with(text)
        if not merge:
            changed = self._texts.changed_paths(change.commit)
            standing = self._elsewhere(seen, parent, [path for path in places if path in changed])
            if standing is not None:
                return standing
        if len(words(text)) > 1:
            standing = self._elsewhere(seen, parent, self._around(seen, places))
            if standing is not None:
                return standing
            prefixed = self._prefixed(seen, parent)
            if prefixed is not None:
                return prefixed
        return self._without_prefix(seen, parent) if not merge else None

    def _same_file(self, seen: Standing, parent: int, position: int) -> _Earlier | None:
        """Return the text in the same file of a parent."""
        change, edit = seen.change, seen.edit
        removed = [own for own in change.by_text.get(edit.text, ()) if own.side == position]
        if removed:
            was = _nearest(removed, edit)
            left = was.function != edit.function and not any(
                item.edit.function == was.function
                for item in self._texts.standing(change.path, edit.text, change.commit)
            )
            renamed = change.before is not None
            return _Earlier(parent, change.earlier_path, was, left or renamed, renamed, tuple(removed))
        standing = self._texts.standing(change.earlier_path, edit.text, parent)
        if standing:
            peers = tuple(item.edit for item in standing)
            renamed = change.before is not None
            return _Earlier(parent, change.earlier_path, _nearest(peers, edit), renamed, renamed, peers)
        return None

    def _left(self, seen: Standing, parent: int) -> _Earlier | None:
        """Return the text in another file from which the commit removed it."""
        change, text = seen.change, seen.edit.text
        found: list[tuple[tuple[bool, bool, str], _Earlier]] = []
        for path in self._texts.paths_with(text):
            if path == change.path:
                continue
            for other in self._texts.touching(path, text):
                if other.commit != change.commit:
                    continue
                gone = other.left_its_path
                own_edits = other.by_text.get(text, ())
                removed = [own for own in own_edits if own.side == 1]
                added = [own for own in own_edits if own.side == AFTER]
                if removed and (gone or len(added) < len(removed)):
                    was = _nearest(removed, seen.edit)
                    order = self._order(other.earlier_path, was, seen)
                    found.append((order, _Earlier(parent, other.earlier_path, was, True, gone, tuple(removed))))
        return _first(found)

    def _elsewhere(self, seen: Standing, parent: int, paths: Iterable[str]) -> _Earlier | None:
        """Return the text in another file, which mostly still has it."""
        found: list[tuple[tuple[bool, bool, bool, str], _Earlier]] = []
        for path in paths:
            standing = self._texts.standing(path, seen.edit.text, parent) if path != seen.change.path else []
            if standing:
                peers = tuple(item.edit for item in standing)
                was = _nearest(peers, seen.edit)
                left = len(self._texts.standing(path, seen.edit.text, seen.change.commit)) < len(standing)
                earlier = _Earlier(parent, path, was, left, peers=peers)
                found.append(((not left, *self._order(path, was, seen)), earlier))
        return _first(found)

    def _prefixed(self, seen: Standing, parent: int) -> _Earlier | None:
        """Return the text with a prefix in a file of the same directory or name."""
        found: list[tuple[tuple[bool, bool, bool, str], _Earlier]] = []
        for path in self._around(seen, self._texts.paths_with_prefixed(seen.edit.text)):
            longer = {own for own in self._texts.prefixed(path, seen.edit.text) if lost_prefix(own, seen.edit.text)}
            standing = [item.edit for own in longer for item in self._texts.standing(path, own, parent)]
            if standing:
                was = _nearest(standing, seen.edit)
                left = len(self._texts.standing(path, was.text, seen.change.commit)) < len(
                    self._texts.standing(path, was.text, parent)
                )
                found.append(((not left, *self._order(path, was, seen)), _Earlier(parent, path, was, left)))
        return _first(found)

    def _around(self, seen: Standing, paths: Iterable[str]) -> list[str]:
        """Return those of some paths that are in the directory of a file, or have its name."""
        own = PurePosixPath(seen.change.path)
        others = map(PurePosixPath, paths)
        return [
            str(other) for other in others if other != own and (other.parent == own.parent or other.name == own.name)
        ]

    def _order(self, path: str, was: Edit, seen: Standing) -> tuple[bool, bool, str]:
        name = PurePosixPath(seen.change.path).name
        return PurePosixPath(path).name != name, was.function != seen.edit.function, path

    def _part(self, seen: Standing, parent: int, position: int) -> _Earlier | None:
        """Return the longer text of the same file that contained this one."""
        change, edit = seen.change, seen.edit
        if change.before is not None:
            return None
        longer = [own for own in change.removed(position) if contains(own.text, edit.text)]
        if not longer:
            return None
        gone = [own for own in longer if own.text not in change.added]
        was = _nearest(gone or [own for own in longer if own.function == edit.function] or longer, edit)
        return _Earlier(parent, change.path, was, left=was.function != edit.function)

    def _without_prefix(self, seen: Standing, parent: int) -> _Earlier | None:
        """Return the text with a prefix in another file that the commit changed."""
        found: list[tuple[tuple[bool, bool, bool, str], _Earlier]] = []
        part = END.sub("", seen.edit.text).encode("utf-8", "surrogateescape")
        for other in self._others(seen.change):
            gone = other.left_its_path
            for own in other.removed():
                if part in b"".join(own.literals) and lost_prefix(own.text, seen.edit.text):
                    left = gone or own.text not in other.added
                    order = (not left, *self._order(other.earlier_path, own, seen))
                    found.append((order, _Earlier(parent, other.earlier_path, own, left, renamed=gone)))
        return _first(found)

    def _others(self, change: FileChange) -> Iterator[FileChange]:
        """Yield the changes of other files by the same commit; none if the commit changed too many."""
        if len(self._texts.changed_paths(change.commit)) > MOST_FILES:
            return
        yield from (other for other in self._texts.changes(change.commit) if other.path != change.path)

    def _reverted(self, seen: Standing) -> _Earlier | None:
        """Return the text before the commit that removed it, if this commit reverts that one."""
        commit = self._commit(self._graph.id(seen.change.commit))
        for name in REVERT.findall(commit.message) if commit is not None else ():
            undone = self._texts.commit(name)
            for parent in self._graph.parents(undone)[:1] if undone is not None else ():
                standing = self._texts.standing(seen.change.path, seen.edit.text, parent)
                if standing:
                    was = _nearest([item.edit for item in standing], seen.edit)
                    return _Earlier(parent, seen.change.path, was, left=True, taken_by=name)
        return None

    def _reworded(self, seen: Standing) -> _Earlier | None:
        """Return the wording that the text replaced in its commit."""
        for position, parent in enumerate(self._graph.parents(seen.change.commit), 1):
            found = self._reworded_in(seen, parent, position)
            if found is not None:
                return found
        return None

    def _reworded_in(self, seen: Standing, parent: int, position: int) -> _Earlier | None:
        change, edit = seen.change, seen.edit
        gone, came = change.net_counts(position)
        candidates = [(change, own) for own in change.removed(position) if gone[own.text] > 0]
        if len(self._graph.parents(change.commit)) == 1:
            removed = (other for other in self._others(change) if other.status == "D")
            for other, _ in zip(removed, range(MOST_REMOVED_FILES), strict=False):
                gone, _ = other.net_counts(1)
                candidates += [(other, own) for own in other.removed() if gone[own.text] > 0]
        best: tuple[tuple[float, int], _Earlier] | None = None
        for other, own in candidates:
            score = similarity(own.text, edit.text)
            same_function = own.function == edit.function
            if score < (ALIKE_IN_FUNCTION if same_function else ALIKE):
                continue
            # Another new text may be the one that replaces it.
            if any(text != edit.text and similarity(own.text, text) > score for text in came):
                continue
            order = (score + 0.1 * same_function, -abs(own.line - edit.line))
            if best is None or order > best[0]:
                best = order, _Earlier(parent, other.earlier_path, own, left=True)
        return best[1] if best is not None else None

    # Steps

    def _renames(self, place: Position, standing: Standing) -> list[Step]:
        """Return the steps that renamed the file between the last touch of a text and a position, newest first."""
        found: list[Step] = []
        path, commit = place.path, place.commit
        state = _state(standing.change.path, standing.edit)
        while (birth := self._texts.birth(path, commit)) is not None and birth.before is not None:
            if standing.change.number >= birth.number:
                break
            parents = self._graph.parents(birth.commit)
            before, after = replace(state, path=birth.before), replace(state, path=path)
            name = self._graph.id(birth.commit)
            found.append(Step(name, (EventKind.RENAMED,), path, standing.edit.line, standing.edit.text, before, after))
            path, commit = birth.before, parents[0]
        return found

    def _step(self, seen: Standing, found: _Earlier | None) -> Step:
        change, edit = seen.change, seen.edit
        name = self._graph.id(change.commit)
        after = _state(change.path, edit)
        before: State | None = None
        kinds: tuple[EventKind, ...] = ()
        if found is not None:
            before = _state(found.path, found.edit)
            if found.taken_by is not None:
                before, kinds = replace(before, text=""), (EventKind.REAPPLIED,)
            else:
                kinds = kinds_between(before, after, left=found.left, file_removed=found.renamed)
                if kinds != (EventKind.REFORMATTED,) and self._is_revert(name):
                    kinds = (EventKind.REVERTED,)
        return Step(name, kinds, change.path, edit.line, edit.text, before, after)

    def _taking_away(self, found: _Earlier) -> list[Step]:
        """Return the step in which a revert removed the message; empty if no revert was itself reverted."""
        if found.taken_by is None or not self._is_revert(found.taken_by):
            return []
        state = _state(found.path, found.edit)
        gone = replace(state, text="")
        return [Step(found.taken_by, (EventKind.REVERTED,), found.path, found.edit.line, found.edit.text, state, gone)]

    def _is_revert(self, name: str) -> bool:
        commit = self._commit(name)
        return commit is not None and REVERT.search(commit.message) is not None


def chosen(found: Sequence[Standing], among: Callable[[], Among]) -> Standing:
    """Return the one of several equal texts that is meant. Raises `UndecidedError` if it may be one of two commits."""
    if len(found) == 1:
        return found[0]
    meant = among()
    own = [item for item in found if item.edit.function == meant.function]
    if len({item.change.number for item in own or found}) > 1:
        raise UndecidedError("ambiguous")
    rank, total = (meant.rank, meant.total) if own else (meant.file_rank, meant.file_total)
    own = sorted(own or found, key=lambda item: item.edit.line)
    return own[rank if len(own) == total else 0]


def _among(edit: Edit, peers: Sequence[Edit]) -> Among:
    own = sorted(peer.line for peer in peers if peer.function == edit.function and peer.text == edit.text)
    return Among(edit.function, own.index(edit.line) if edit.line in own else 0, len(own))


def _nearest(edits: Sequence[Edit], seen: Edit) -> Edit:
    """Return the best of several texts: one in the same function, then the one with the nearest line."""
    return min(edits, key=lambda edit: (edit.function != seen.function, abs(edit.line - seen.line)))


def _first(found: Iterable[tuple[tuple[bool | str, ...], _Earlier]]) -> _Earlier | None:
    """Return the place whose order is the smallest; None if there is none."""
    return min(found, key=lambda item: item[0], default=((), None))[1]


def _state(path: str, edit: Edit) -> State:
    return State(path, edit.text, edit.function, edit.call, edit.level)
