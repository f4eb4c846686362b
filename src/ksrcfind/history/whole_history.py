"""Read which commits changed which files, for a whole history in one pass.

Asking git for the histories of hundreds of files would make it walk the same commits hundreds of times. One `git log`
(5 to 7 s for the 200,000 commits of Linux 2.6.35, with or without a commit-graph) lists what each commit changed. The
commit graph and the changes of files with the given names stay in memory.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from ksrcfind.history.blame import unquote
from ksrcfind.history.commit_diff import SOURCE_SUFFIXES
from ksrcfind.progress import Task
from ksrcfind.tree.git import Git

_SOURCE = tuple(suffix.encode() for suffix in SOURCE_SUFFIXES)
# A merge is compared with all its parents: git prints only what differs from each of them.
_OPTIONS = ("--topo-order", "--format=%H %P", "--raw", "-r", "-c", "--root", "--no-renames", "--no-abbrev")

MOST_EARLIER_NAMES = 32
"""Limit of files that one commit removed, up to which their names are read in its ancestors as possible earlier names.
A commit that removes more files moves whole directories, mostly without changing names."""


class FileChange(Struct, frozen=True):
    """A change of a file by a commit: the file differs from its version in every parent."""

    commit: int
    """Number of the commit in `WholeHistory.ids`."""
    before: tuple[str, ...]
    """The blob id of the file in each parent; zeros if a parent does not have it. One entry for a root commit."""
    after: str
    """The blob id of the file after the commit; zeros if the commit removed it."""
    kinds: str
    """What happened to the file, one letter for each parent: A added, D deleted, M modified, T changed its type."""

    @property
    def modifies(self) -> bool:
        """True if the file exists before and after the commit."""
        return set(self.kinds) == {"M"}


class WholeHistory:
    """The commits of one history, and the files that they changed.

    Each commit has a number; children have smaller numbers than their parents.
    """

    def __init__(self, git: Git, commit: str, names: Iterable[str], task: Task) -> None:
        """Read the history of a commit (full id). `names` are the names of the files, without directories, to remember.

        Reports each commit to `task`. Raises `GitError`.
        """
        self.names = frozenset(names)
        """Names of the files, without directories, whose changes were read."""
        self._wanted = {name.encode("utf-8", "surrogateescape"): -1 for name in self.names}
        """File name → number of a commit: the changes of this file by all commits with larger numbers are complete."""
        self._removed: list[bytes] = []
        """Paths of the source files that the commit removed which is being read."""
        self._added = False
        """True if the commit that is being read added a file with one of the names."""
        self.ids: list[str] = []
        """Full id of each commit, children before parents."""
        parents: list[str] = []
        self._changes: dict[str, list[FileChange]] = defaultdict(list)
        self._removing: set[int] = set()
        self._paths: dict[bytes, int] = {}
        self._changed = array("I")
        self._first_changed = array("Q")
        for line in git.lines("log", *_OPTIONS, "--end-of-options", commit, "--"):
            if line.startswith(b":"):
                self._take(line)
            elif line:
                self._want_earlier_names()
                name, _, own = line.decode().partition(" ")
                self.ids.append(name)
                parents.append(own)
                self._first_changed.append(len(self._changed))
                task.advance()
        self._first_changed.append(len(self._changed))
        self.numbers = {name: number for number, name in enumerate(self.ids)}
        """Full id of each commit → its number."""
        self.parents = [tuple(self.numbers[parent] for parent in own.split()) for own in parents]
        """For each commit, the numbers of its parents."""
        self._path_names = [path.decode("utf-8", "surrogateescape") for path in self._paths]
        self._names: dict[str, list[str]] = defaultdict(list)
        for path in self._changes:
            self._names[file_name(path)].append(path)
        self._order, self._size, self.end = _intervals(self.parents)

    @property
    def paths(self) -> Iterable[str]:
        """Every path that a file with one of the names ever had."""
        return self._changes.keys()

    def of(self, path: str) -> Sequence[FileChange]:
        """Return the changes of a file with one of the names, newest first."""
        return self._changes.get(path, ())

    @property
    def earlier_names(self) -> Iterable[str]:
        """Other names that the named files may have had before a rename."""
        return [name.decode("utf-8", "surrogateescape") for name, since in self._wanted.items() if since >= 0]

    def is_complete(self, path: str, commit: int) -> bool:
        """Return whether all changes of a file by a commit and by its ancestors were read."""
        since = self._wanted.get(file_name(path).encode("utf-8", "surrogateescape"))
        return since is not None and commit > since

    def named(self, name: str) -> Sequence[str] | None:
        """Return every path that a file of this name ever had; None if the name was not to be remembered."""
        return self._names.get(name, ()) if name in self.names else None

    def removes(self, commit: int) -> bool:
        """Return whether a commit removed any file. If so, a file that it added may be a renamed one."""
        return commit in self._removing

    def changed(self, parent: str, commit: str) -> list[str] | None:
        """Return the source files that a commit changed or removed.

        None if this is not known: `commit` is not in this history, or `parent` is not its only parent.
        """
        number = self.numbers.get(commit)
        if number is None or [self.ids[other] for other in self.parents[number]] != [parent]:
            return None
        first, last = self._first_changed[number : number + 2]
        return [self._path_names[path] for path in self._changed[first:last]]

    def follows(self, later: int, earlier: int) -> bool:
        """Return whether going back from `later` leads to `earlier` through commits with one parent each."""
        return self._order[earlier] <= self._order[later] < self._order[earlier] + self._size[earlier]

    def nearest(self, commit: int, others: Iterable[int]) -> int | None:
        """Return the first of `others` met when going back from `commit`, up to and including the next merge."""
        met = [other for other in others if self.follows(commit, other)]
        return max(met, key=self._order.__getitem__, default=None)

    def _want_earlier_names(self) -> None:
        """Also remember the names of files that the last commit removed, if it may have renamed them to a wanted name.

        This is complete for all ancestors of the commit, because git prints children first.
        """
        if self._added and len(self._removed) <= MOST_EARLIER_NAMES:
            for path in self._removed:
                self._wanted.setdefault(path.rpartition(b"/")[2], len(self.ids) - 1)
        self._removed, self._added = [], False

    def _take(self, line: bytes) -> None:
        """Store one line of a raw diff: `:100644 100644 <id> <id> M⇥path`.

        The line of a merge has one id and one letter for each parent.
        """
        fields, _, path = line.partition(b"\t")
        if path.startswith(b'"'):
            path = unquote(path).encode("utf-8", "surrogateescape")
        commit = len(self.ids) - 1
        kind = fields[-1:]
        if kind == b"D":
            self._removing.add(commit)
            if path.endswith(_SOURCE):
                self._removed.append(path)
        if not line.startswith(b"::") and kind != b"A" and path.endswith(_SOURCE):
            self._changed.append(self._paths.setdefault(path, len(self._paths)))
        if path.rpartition(b"/")[2] in self._wanted:
            *numbers, kinds = fields.decode().split(" ")
            names = numbers[len(numbers) // 2 :]
            self._added |= kind == b"A"
            change = FileChange(commit, tuple(names[:-1]), names[-1], kinds)
            self._changes[path.decode("utf-8", "surrogateescape")].append(change)


def file_name(path: str) -> str:
    """Return the name of a file without its directories."""
    return path.rpartition("/")[2]


def _intervals(parents: Sequence[tuple[int, ...]]) -> tuple[list[int], list[int], list[int]]:
    """Return positions of the commits in which descendants without a merge between directly follow a commit.

    Returns three lists, with one entry for each commit: its position, the number of such descendants including itself,
    and the merge or root that it leads to.
    """
    size = [1] * len(parents)
    for commit, own in enumerate(parents):  # Children first.
        if len(own) == 1:
            size[own[0]] += size[commit]
    order = [0] * len(parents)
    free = [0] * len(parents)
    ends = list(range(len(parents)))
    last = 0
    for commit in range(len(parents) - 1, -1, -1):  # Parents first.
        own = parents[commit]
        if len(own) == 1:
            order[commit] = free[own[0]]
            free[own[0]] += size[commit]
            ends[commit] = ends[own[0]]
        else:
            order[commit] = last
            last += size[commit]
        free[commit] = order[commit] + 1
    return order, size, ends
