"""Find the first release tag that contains a commit, for every commit of a history at once.

One `git rev-list` from all tags lists children before their parents. Each commit gets the smallest tag number of its
children and passes it to its parents; only commits with an unlisted child are in memory. The result is one string of
bytes, sorted by commit and searched without decoding: 12 bytes for each commit, 2.5 MB for Linux 2.6.36, 16 MB for 1.3
million commits.
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ksrcfind.tree.git import Git

MAGIC = b"KSFT1\n"
HEAD = struct.Struct(">6sBxQ")
KEY_BYTES = (10, 20, 32)
"""Bytes of a commit id that the table may keep. It uses the first of these numbers with which all ids still differ."""
TAG_BYTES = 2
MOST_TAGS = (1 << 16) - 1


class FirstTags:
    """The table of first tags: commit → number of the first tag that contains the commit.

    Commits that no tag contains are not in the table.
    """

    def __init__(self, data: bytes) -> None:
        """Open a table of first tags from its bytes. Raises `ValueError` if the bytes are damaged."""
        if len(data) < HEAD.size:
            raise ValueError("too short")
        magic, self._key, self._count = HEAD.unpack_from(data)
        self._width: int = self._key + TAG_BYTES
        if magic != MAGIC or self._key not in KEY_BYTES or len(data) != HEAD.size + self._count * self._width:
            raise ValueError("not a table of first tags")
        self.data = data

    def __len__(self) -> int:
        return int(self._count)

    def get(self, commit: str) -> int | None:
        """Return the number of the first tag that contains a commit (full id); None if no tag does."""
        key = bytes.fromhex(commit)[: self._key]
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            at = HEAD.size + middle * self._width
            found = self.data[at : at + self._key]
            if found == key:
                return int.from_bytes(self.data[at + self._key : at + self._width])
            if found < key:
                low = middle + 1
            else:
                high = middle
        return None


def first_tags(git: Git, commits: Sequence[str]) -> FirstTags:
    """Return the table of first tags for a repository.

    `commits[number]` is the commit of tag `number`; the earliest release comes first. 210,000 commits take 1.0 s with a
    commit-graph, 2 s without.
    """
    if len(commits) > MOST_TAGS:
        raise ValueError(f"more than {MOST_TAGS} release tags")
    # One bucket for each first byte of an id: sorting one bucket at a time needs little memory.
    buckets: list[list[bytes]] = [[] for _ in range(256)]
    for commit, number in _walk(git, commits):
        key = bytes.fromhex(commit)
        buckets[key[0]].append(key + number.to_bytes(TAG_BYTES))
    return _pack(buckets)


def _walk(git: Git, commits: Sequence[str]) -> Iterable[tuple[str, int]]:
    pending: dict[str, int] = {}
    for number in range(len(commits) - 1, -1, -1):
        pending[commits[number]] = number
    starts = "".join(f"{commit}\n" for commit in pending).encode()
    # Children come before their parents whatever their dates say.
    for line in git.lines("rev-list", "--topo-order", "--parents", "--stdin", stdin=starts):
        commit, *parents = line.decode().split(" ")
        number = pending.pop(commit)
        yield commit, number
        for parent in parents:
            if pending.get(parent, MOST_TAGS) > number:
                pending[parent] = number


def _pack(buckets: list[list[bytes]]) -> FirstTags:
    count = 0
    longest = 0
    for bucket in buckets:
        bucket.sort()
        count += len(bucket)
        longest = max(longest, max(map(len, bucket), default=0))
    full = longest - TAG_BYTES
    for key in KEY_BYTES:
        if key >= full or _distinct(buckets, key):
            break
    key = min(key, full) if count else KEY_BYTES[0]
    parts = [HEAD.pack(MAGIC, key, count)]
    for bucket in buckets:
        parts.append(b"".join(entry[:key] + entry[full:] for entry in bucket))
        bucket.clear()
    return FirstTags(b"".join(parts))


def _distinct(buckets: list[list[bytes]], key: int) -> bool:
    """Return whether the first `key` bytes of the commit ids differ for all commits. Each bucket is sorted."""
    return all(one[:key] != other[:key] for bucket in buckets for one, other in pairwise(bucket))
