"""Find commits that name another commit in their message: backports, fixes and reverts.

A message names older commits; finding the commits that name a given one needs an index. One pass over all messages (2 s
for 210,000 commits) builds a table sorted by the named id, which is searched without decoding. The table is cached, and
later runs add new commits.
"""

import re
from collections.abc import Iterator
from enum import IntEnum

import msgspec
from msgspec import Struct

from ksrcfind.caching import Cache, cached
from ksrcfind.history.state import parents_state
from ksrcfind.regex import regex
from ksrcfind.tree.git import GitError
from ksrcfind.tree.repository import Repository

VERSION = 2
NAME = f"links-{VERSION}"
TIPS = "tips-1"
"""Name of the cache entry with the tips: the commits that branches, tags and HEAD point to."""
KEY_BYTES = 8
"""Bytes of a named id that the table keeps; messages usually name 12 digits (6 bytes)."""
SHORTEST = 7
"""Digits that an id in a message has at least; a shorter number could be anything."""

HEX = rf"([0-9a-f]{{{SHORTEST},64}})"
# Not the second line of "This reverts commit 1234 which is\ncommit 5678 upstream.", which is no backport of 5678.
UPSTREAM = regex(
    rf"(?<!which is\n)^[ \t]*+(?:\[[ \t]*+)?"
    rf"(?:commit[ \t]+{HEX}[ \t]+upstream|upstream[ \t]+commit[ \t]+{HEX})[ \t.\]]*$"
    rf"|\((?:cherry[ -]picked|backported)[ \t]+from[ \t]+commit[ \t]+{HEX}",
    re.IGNORECASE | re.MULTILINE,
)
FIXES = regex(rf"^[ \t]*Fixes:[ \t]*(?:commit[ \t]+)?{HEX}", re.IGNORECASE | re.MULTILINE)
REVERTS = regex(rf"^[ \t]*This[ \t]+(?:partially[ \t]+)?reverts[ \t]+commit\s{HEX}", re.IGNORECASE | re.MULTILINE)
MARKS = ("upstream", "picked from", "backported from", "fixes:", "reverts")
"""Every message that names a commit contains one of these; git finds fixed strings faster than regular expressions."""


class Kind(IntEnum):
    """How a commit relates to the commit that it names."""

    BACKPORT = 1
    FIX = 2
    REVERT = 3


class Mention(Struct, frozen=True):
    """A commit that names another one in its message."""

    commit: str
    kind: Kind


class _Table(msgspec.Struct, array_like=True):
    parents: str
    """`parents_state` of the repository. If it changes, the same tips reach other commits, and the table is built
    again."""
    tips: list[str]
    """The commits whose whole histories were read."""
    id_bytes: int
    records: bytes
    """Sorted records: the first bytes of the named id, its number of digits, the kind, the id of the commit that names
    it."""


class RelatedCommits:
    """Finds the commits of one repository that name a given commit."""

    def __init__(self, repository: Repository, cache: Cache | None = None) -> None:
        self._repository = repository
        self._cache = cache
        self._table: _Table | None = None

    def naming(self, commit: str) -> list[Mention]:
        """Return the commits that name a commit (full id), in no particular order.

        A commit that names it in two ways is returned once for each kind.
        """
        if self._table is None:
            self._table = self._current()
        return list(dict.fromkeys(_lookup(self._table, commit)))

    def is_current(self) -> bool:
        """Return whether branches, tags and HEAD are unchanged since they were read."""
        return self._table is None or self._tips() == self._table.tips

    def upstream(self, message: str) -> str | None:
        """Return the full id of the upstream commit that a backport's message names.

        None if it names none, or if the repository does not have it.
        """
        for name in upstream_of(message):
            found = self._repository.objects.commit(name)
            if found is not None:
                return found
        return None

    def _current(self) -> _Table:
        """Return the cached table with new commits added; a new table if commits were removed."""
        kept, tips, parents = self._kept(), self._tips(), parents_state(self._repository)
        if kept is not None and kept.parents != parents:
            kept = None
        if kept is not None and kept.tips == tips:
            return kept
        if kept is not None and self._gone(kept.tips, tips):
            kept = None
        id_bytes = len(tips[0]) // 2 if tips else 20
        found = [_record(*found) for found in self._read(tips, kept.tips if kept is not None else [])]
        if kept is not None:
            width = _width(id_bytes)
            found += [kept.records[at : at + width] for at in range(0, len(kept.records), width)]
        table = _Table(parents, tips, id_bytes, b"".join(sorted(found)))
        if self._cache is not None:
            self._cache.put(NAME, msgspec.msgpack.encode(table))
        return table

    def _kept(self) -> _Table | None:
        data = self._cache.get(NAME) if self._cache is not None else None
        try:
            table = msgspec.msgpack.decode(data, type=_Table) if data is not None else None
        except msgspec.MsgspecError:  # Damaged: it is computed again.
            return None
        whole = table is not None and table.id_bytes in {20, 32} and len(table.records) % _width(table.id_bytes) == 0
        return table if whole else None

    def _tips(self) -> list[str]:
        """Return the commits that HEAD, branches and tags point to."""
        objects = self._repository.objects
        state = objects.state("refs/heads/", "refs/tags/", "refs/remotes/")
        return cached(self._cache, TIPS, state, list[str], objects.tips)

    def _gone(self, old: list[str], new: list[str]) -> bool:
        """Return whether commits became unreachable from `old` to `new` tips, by a rebase or a deleted branch."""
        lines = "".join([*(f"{tip}\n" for tip in old), *(f"^{tip}\n" for tip in new)])
        try:
            return self._repository.git.run("rev-list", "--max-count=1", "--stdin", stdin=lines.encode()) != b""
        except GitError:  # An old tip no longer exists.
            return True

    def _read(self, tips: list[str], old: list[str]) -> Iterator[tuple[str, Kind, str]]:
        """Yield each mention as the named id, its kind, and the commit that names it.

        Reads the messages of all commits reachable from `tips` but not from `old`.
        """
        if not tips:
            return
        marks = [f"--grep={mark}" for mark in MARKS]
        options = ("-z", "--fixed-strings", "--regexp-ignore-case", "--no-patch", "--encoding=UTF-8")
        revisions = "".join([*(f"{tip}\n" for tip in tips), *(f"^{tip}\n" for tip in old)]).encode()
        log = ("log", *options, "--format=%H%n%B", *marks, "--stdin")
        for text in self._repository.git.lines(*log, stdin=revisions, separator=b"\0"):
            commit, _, message = text.decode("utf-8", "replace").partition("\n")
            for name in upstream_of(message):
                yield name, Kind.BACKPORT, commit
            for expression, kind in ((FIXES, Kind.FIX), (REVERTS, Kind.REVERT)):
                for name in expression.findall(message):
                    yield name.lower(), kind, commit


def upstream_of(message: str) -> list[str]:
    """Return the ids that a message names as the upstream commits of this backport, as short as they are written."""
    return list(dict.fromkeys(next(filter(None, groups)).lower() for groups in UPSTREAM.findall(message)))


def _width(id_bytes: int) -> int:
    return KEY_BYTES + 2 + id_bytes


def _record(name: str, kind: Kind, commit: str) -> bytes:
    digits = min(len(name), 2 * KEY_BYTES)
    return bytes.fromhex(name[:digits].ljust(2 * KEY_BYTES, "0")) + bytes((digits, kind)) + bytes.fromhex(commit)


def _lookup(table: _Table, commit: str) -> Iterator[Mention]:
    width = _width(table.id_bytes)
    first = bytes.fromhex(commit[: SHORTEST // 2 * 2])
    low, high = 0, len(table.records) // width
    while low < high:
        middle = (low + high) // 2
        if table.records[middle * width : middle * width + len(first)] < first:
            low = middle + 1
        else:
            high = middle
    for at in range(low * width, len(table.records), width):
        record = table.records[at : at + width]
        if not record.startswith(first):
            break
        digits, kind = record[KEY_BYTES : KEY_BYTES + 2]
        if commit.startswith(record[:KEY_BYTES].hex()[:digits]):
            yield Mention(record[KEY_BYTES + 2 :].hex(), Kind(kind))
