"""Find in a history index where a text was at a commit, and which commit put it there."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from msgspec import Struct

from ksrcfind.history.index.edits import AFTER, OWN, PIECE, REPEATED, Edit, text_key, unpack_edits, unprefixed_key
from ksrcfind.history.index.graph import CommitGraph
from ksrcfind.history.wording import END
from ksrcfind.storage.history_file import FileRow, HistoryFile

MOST_RENAMES = 64
"""Limit of renames of one file; more mean that its history goes in circles."""

MOST_PATHS = 5000
"""Limit of paths in which one text is looked for."""


@dataclass(frozen=True)
class FileChange:
    """What one commit changed in the texts of one file."""

    number: int
    """Orders the changes: those of a commit have smaller numbers than those of its descendants."""
    commit: int
    path: str
    status: str
    before: str | None
    """The earlier name of a renamed file."""
    packed: bytes = field(repr=False)
    """The edits as the index stores them."""

    @cached_property
    def edits(self) -> tuple[Edit, ...]:
        """The texts that the commit touched."""
        return unpack_edits(self.packed)

    @cached_property
    def by_text(self) -> dict[str, list[Edit]]:
        """Text → its edits, for all whole texts."""
        found: dict[str, list[Edit]] = {}
        for edit in self.edits:
            if not edit.flags & PIECE:
                found.setdefault(edit.text, []).append(edit)
        return found

    @property
    def left_its_path(self) -> bool:
        """True if the commit removed or renamed the file."""
        return self.status == "D" or self.before is not None

    @property
    def earlier_path(self) -> str:
        """The name of the file before the commit."""
        return self.before or self.path

    @cached_property
    def own_literals(self) -> dict[str, list[Edit]]:
        """Text → its edits, for the texts of one literal whose own line the commit touched."""
        found: dict[str, list[Edit]] = {}
        for edit in self.edits:
            if edit.flags & OWN and len(edit.literals) == 1:
                found.setdefault(edit.text, []).append(edit)
        return found

    @cached_property
    def _by_side(self) -> dict[int, list[Edit]]:
        found: dict[int, list[Edit]] = {}
        for edit in self.edits:
            if not edit.flags & PIECE:
                found.setdefault(edit.side, []).append(edit)
        return found

    def removed(self, parent: int = 1) -> Sequence[Edit]:
        """Return the texts before the commit, in its parent with this position (from 1 on)."""
        return self._by_side.get(parent, ())

    @cached_property
    def added(self) -> frozenset[str]:
        """The texts after the commit."""
        return frozenset(edit.text for edit in self._by_side.get(AFTER, ()))

    def net_counts(self, parent: int) -> tuple[Counter[str], Counter[str]]:
        """Return the texts that the commit removed from the file and those that it added, each with its number."""
        known = self._net_counts.get(parent)
        if known is None:
            before = Counter({text: sum(edit.side == parent for edit in own) for text, own in self.by_text.items()})
            after = Counter({text: sum(edit.side == AFTER for edit in own) for text, own in self.by_text.items()})
            known = self._net_counts[parent] = before - after, after - before
        return known

    @cached_property
    def _net_counts(self) -> dict[int, tuple[Counter[str], Counter[str]]]:
        return {}


class Standing(Struct, frozen=True):
    """A text that is in a file at some commit, and the last commit that touched it."""

    change: FileChange
    edit: Edit


class TextHistory:
    """Answers questions about texts from an open history index."""

    def __init__(self, file: HistoryFile, graph: CommitGraph) -> None:
        self._file = file
        self.graph = graph
        self._file_change = lru_cache(maxsize=2048)(_file_change)  # The texts of a file share its changes.
        self._renamed_to = lru_cache(maxsize=4096)(file.renamed_to)
        self._path = lru_cache(maxsize=4096)(self._read_path)
        self.commit = lru_cache(maxsize=4096)(self._read_commit)
        """Returns the number of a commit (full id), None if the index does not have it."""
        self._path_number = lru_cache(maxsize=4096)(self._read_path_number)
        self._births = lru_cache(maxsize=4096)(self._read_births)
        self._renamed_away = lru_cache(maxsize=4096)(self._read_renamed_away)
        self._changes = lru_cache(maxsize=32)(self._read_changes)  # A commit often touches many messages.
        self._changed_paths = lru_cache(maxsize=32)(self._read_changed_paths)
        self._with_text = lru_cache(maxsize=1024)(self._read_with_text)

    def standing(self, path: str, text: str, commit: int, *, piece: bool = False) -> list[Standing]:
        """Return the occurrences of a text in a file at a commit, each with the last commit that touched it.

        With `piece`, `text` is one literal, and only commits that touched its own line count.
        """
        return self._standing(path, text, commit, _pieces if piece else _whole, MOST_RENAMES)

    def birth(self, path: str, commit: int) -> FileChange | None:
        """Return the last change up to a commit that added a file or renamed another one to its name."""
        for change in reversed(self._births(path)):
            if self.graph.contains(commit, change.commit):
                return change
        return None

    def touching(self, path: str, text: str) -> Sequence[FileChange]:
        """Return the changes of a file that touched a text, oldest first."""
        return self._with_text(path, text)

    def removing(self, path: str, text: str, start: int, end: int) -> list[int]:
        """Return the commits after `start`, up to `end`, that may have removed a text from a file, the newest first."""
        touching = {change.commit for change in self._with_text(path, text)} | set(self._renamed_away(path))
        found = [n for n in touching if self.graph.contains(end, n) and not self.graph.contains(start, n)]
        return sorted(found, reverse=True)

    def changed_paths(self, commit: int) -> Set[str]:
        """Return the files that a commit changed."""
        return self._changed_paths(commit)

    def changes(self, commit: int) -> Sequence[FileChange]:
        """Return all changes of a commit."""
        return self._changes(commit)

    def paths_with(self, text: str) -> list[str]:
        """Return every path in which a text ever was."""
        return self._paths(text_key(text))

    def paths_with_prefixed(self, text: str) -> list[str]:
        """Return every path in which a text ever was behind a prefix."""
        return self._paths(unprefixed_key(text))

    def _paths(self, key: int) -> list[str]:
        """Return the paths in which a commit touched a text, and those to which these files were renamed."""
        found = dict.fromkeys(self._file.paths_with_text(key))
        waiting = list(found)
        while waiting and len(found) < MOST_PATHS:
            new = [path for path in self._renamed_to(waiting.pop()) if path not in found]
            found.update(dict.fromkeys(new))
            waiting += new
        return list(map(self._path, found))

    def prefixed(self, path: str, text: str) -> set[str]:
        """Return the texts of a file that end with a text, from all times and under all names."""
        part = END.sub("", text).encode("utf-8", "surrogateescape")
        found: set[str] = set()
        for name in self._names(path):
            number = self._path_number(name)
            for row in self._file.with_text(unprefixed_key(text), number) if number is not None else ():
                texts = (edit for edit in unpack_edits(row.edits) if part in b"".join(edit.literals))
                found.update(edit.text for edit in texts if not edit.flags & PIECE)
        return found

    def _names(self, path: str) -> set[str]:
        """Return a path, and those of the files that were renamed to it."""
        found, waiting = {path}, [path]
        while waiting and len(found) < MOST_RENAMES:
            before = {birth.before for birth in self._births(waiting.pop()) if birth.before is not None} - found
            found |= before
            waiting += before
        return found

    def _standing(
        self, path: str, text: str, commit: int, select: "Callable[[FileChange, str], Iterable[Edit]]", depth: int
    ) -> list[Standing]:
        birth = self.birth(path, commit)
        found: list[Standing] = []
        if birth is not None and birth.before is not None and depth:
            parents = self.graph.parents(birth.commit)
            if parents:
                found = self._standing(birth.before, text, parents[0], select, depth - 1)
        since, born = (birth.number, birth.commit) if birth is not None else (0, -1)
        # A commit that renames this file away may also rename another one to its name.
        left = [n for n in self._renamed_away(path) if n > born and self.graph.contains(commit, n)]
        last_left = left[-1] if left else -1
        for change in self._with_text(path, text):
            if change.number >= since and change.commit > last_left and self.graph.contains(commit, change.commit):
                _apply(change, select(change, text), found)
        return found if last_left < 0 else [item for item in found if item.change.commit > last_left]

    def _read_commit(self, name: str) -> int | None:
        return self._file.commit(bytes.fromhex(name))

    def _read_path(self, number: int) -> str:
        return self._file.path(number).decode("utf-8", "surrogateescape")

    def _read_path_number(self, path: str) -> int | None:
        return self._file.path_number(path.encode("utf-8", "surrogateescape"))

    def _read_births(self, path: str) -> list[FileChange]:
        number = self._path_number(path)
        return [self._file_change(row) for row in self._file.births(number)] if number is not None else []

    def _read_changed_paths(self, commit: int) -> frozenset[str]:
        return frozenset(path.decode("utf-8", "surrogateescape") for path in self._file.paths_of_commit(commit))

    def _read_changes(self, commit: int) -> list[FileChange]:
        return [self._file_change(row) for row in self._file.of_commit(commit)]

    def _read_renamed_away(self, path: str) -> list[int]:
        number = self._path_number(path)
        return self._file.renamed_away(number) if number is not None else []

    def _read_with_text(self, path: str, text: str) -> list[FileChange]:
        number = self._path_number(path)
        if number is None or not text:
            return []
        return [self._file_change(row) for row in self._file.with_text(text_key(text), number)]


def _file_change(row: FileRow) -> FileChange:
    path = row.path.decode("utf-8", "surrogateescape")
    before = row.before.decode("utf-8", "surrogateescape") if row.before is not None else None
    return FileChange(row.number, row.commit, path, row.status, before, row.edits)


def _whole(change: FileChange, text: str) -> Iterable[Edit]:
    return change.by_text.get(text, ())


def _pieces(change: FileChange, text: str) -> Iterable[Edit]:
    return change.own_literals.get(text, ())


def _apply(change: FileChange, edits: Iterable[Edit], found: list[Standing]) -> None:
    """Change the list of occurrences of a text as a commit did."""
    added: list[Edit] = []
    for edit in edits:
        if edit.side == AFTER:
            added.append(edit)
        elif found and not edit.flags & REPEATED:
            # The last one in the same function, else the last one: a commit mostly undoes what a late one did.
            own = [item for item in found if item.edit.function == edit.function]
            best = min(own or found, key=lambda item: abs(item.edit.line - edit.line))
            found.remove(best)
    found += [Standing(change, edit) for edit in added]
