"""Build the history index: read the diffs of all commits in several processes, then write them as one file.

Each process reads a range of commits and writes what it found as a part, under a temporary name that is then renamed.
A run that is interrupted leaves complete parts, which the next one does not read again.
"""

import hashlib
import multiprocessing
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from ksrcfind.errors import KsrcfindError
from ksrcfind.history.index.diffs import COMMITS_PER_PROCESS, FileDiff, read_diffs
from ksrcfind.history.index.edits import Edit, keys_of, pack_edits
from ksrcfind.history.index.graph import EMPTY, CommitGraph, unpack_graph
from ksrcfind.history.index.hunk_texts import edits_of
from ksrcfind.history.index.location import index_path
from ksrcfind.index.workers import begin_worker, cores, may_fork
from ksrcfind.progress import Progress
from ksrcfind.storage.damage import DamagedIndexError
from ksrcfind.storage.history_file import HistoryFile, NewFile, remove_history_file, write_history_file
from ksrcfind.storage.lock import file_lock
from ksrcfind.tree.git import Git
from ksrcfind.tree.repository import Repository

_Part = list[NewFile]
"""The changed files of a range of commits. Each has the position of its commit in the range instead of its number."""


class _Range(Struct, frozen=True):
    """A range of commits that one process reads."""

    number: int
    """Number of the first commit."""
    commits: tuple[str, ...]
    merges: tuple[str, ...]
    """Those of the commits that are merges."""

    @property
    def name(self) -> str:
        """The name of the part's file."""
        return f"{hashlib.sha256(' '.join(self.commits).encode()).hexdigest()[:24]}.part"


def build_history_index(
    repository: Repository, commit: str, directory: Path, jobs: int | None, progress: Progress
) -> Path:
    """Make sure that the history index has a commit (full id) and all its ancestors; return the index's path.

    Reads only commits that the index does not have yet. If another run builds it, this call waits. Raises
    `KsrcfindError` if the directory cannot be written, and for an error of git.
    """
    path = index_path(directory, repository)
    try:
        with file_lock(path.with_suffix(".lock"), wait=True):
            _build(repository, commit, path, jobs, progress)
    except OSError as error:
        raise KsrcfindError(
            f"the history index cannot be written to {directory} ({error.strerror or error})",
            "Free some space, make it writable, or name another directory: KSRCFIND_CACHE_DIR.",
        ) from error
    return path


def _build(repository: Repository, commit: str, path: Path, jobs: int | None, progress: Progress) -> None:
    base, graph, tips, number_of = _base(path)
    if number_of(commit) is not None:
        return
    commits = _new_commits(repository.git, commit, tips, number_of, len(graph))
    graph = graph.extended(commits)
    first = len(graph) - len(commits)
    ranges = [
        _Range(
            start,
            tuple(graph.id(number) for number in numbers),
            tuple(graph.id(number) for number in numbers if len(graph.parents(number)) > 1),
        )
        for start in range(first, len(graph), COMMITS_PER_PROCESS)
        for numbers in [range(start, min(start + COMMITS_PER_PROCESS, len(graph)))]
    ]
    parts = path.with_suffix(".parts")
    parts.mkdir(exist_ok=True)
    with progress.task(f"reading {len(commits):,} commits", len(commits)) as task:
        for done in _read(repository.git, parts, ranges, cores(jobs)):
            task.advance(len(done.commits))
    with progress.task("writing the history index", len(ranges)) as task:
        write_history_file(
            path,
            base,
            ((name, first + position) for position, (name, _) in enumerate(commits)),
            _new_files(parts, ranges, task.advance),
            lambda: graph.tables | {"tips": " ".join([*tips, commit]).encode()},
        )
    shutil.rmtree(parts, ignore_errors=True)


def _base(path: Path) -> tuple[Path | None, CommitGraph, list[str], Callable[[str], int | None]]:
    """Return the index that is there, its graph, the commits that it was built for, and the number of a commit."""
    try:
        file = HistoryFile(path)
        graph = unpack_graph(file.part)
        tips = file.part("tips").decode().split()
    except FileNotFoundError:
        return None, EMPTY, [], lambda _: None
    except (DamagedIndexError, ValueError):
        remove_history_file(path)
        return None, EMPTY, [], lambda _: None
    return path, graph, tips, lambda name: file.commit(bytes.fromhex(name))


def _new_commits(
    git: Git, commit: str, tips: Sequence[str], number_of: Callable[[str], int | None], first: int
) -> list[tuple[bytes, tuple[int, ...]]]:
    """Return the ancestors of a commit that those of `tips` are not: (id, numbers of the parents), parents first."""
    revisions = "".join(f"{name}\n" for name in (commit, *(f"^{tip}" for tip in tips)))
    own: dict[str, int] = {}
    found: list[tuple[bytes, tuple[int, ...]]] = []
    for line in git.lines("rev-list", "--topo-order", "--reverse", "--parents", "--stdin", stdin=revisions.encode()):
        name, *parents = line.decode().split(" ")
        numbers = (own[parent] if parent in own else number_of(parent) for parent in parents)
        found.append((bytes.fromhex(name), tuple(number for number in numbers if number is not None)))
        own[name] = first + len(own)
    return found


def _read(git: Git, parts: Path, ranges: Sequence[_Range], processes: int) -> Iterator[_Range]:
    """Write the part of each range, in several processes, and yield the ranges that are done."""
    missing: list[_Range] = []
    for item in ranges:
        if (parts / item.name).exists():
            yield item
        else:
            missing.append(item)
    read = partial(_write_part, git, parts)
    if processes == 1 or len(missing) < 2 or not may_fork():
        yield from map(read, missing)
        return
    context = multiprocessing.get_context("fork")
    with context.Pool(min(processes, len(missing)), begin_worker) as pool:
        yield from pool.imap_unordered(read, missing)


def _write_part(git: Git, parts: Path, item: _Range) -> _Range:
    """Read the diffs of a range of commits and write what they changed as a file."""
    merges = set(item.merges)
    position = {name: number for number, name in enumerate(item.commits)}
    files: _Part = []
    for group, are_merges in ((tuple(name for name in item.commits if name not in merges), False), (item.merges, True)):
        if group:
            diffs = read_diffs(git, group, merges=are_merges)
            files += (_new_file(diff, position[diff.commit]) for diff in diffs)
    files.sort(key=lambda file: file.commit)
    target = parts / item.name
    temporary = target.with_name(f"{item.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(zlib.compress(msgspec.msgpack.encode(files), 1))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return item


def _new_file(diff: FileDiff, position: int) -> NewFile:
    edits = edits_of(diff)
    before = diff.before.encode("utf-8", "surrogateescape") if diff.before is not None else None
    path = diff.path.encode("utf-8", "surrogateescape")
    return NewFile(position, path, diff.status, before, pack_edits(edits), _keys(edits))


def _keys(edits: Iterable[Edit]) -> tuple[int, ...]:
    return tuple({key for edit in edits for key in keys_of(edit)})


def _new_files(parts: Path, ranges: Sequence[_Range], advance: Callable[[], None]) -> Iterator[NewFile]:
    for item in ranges:
        for file in _kept_part(parts / item.name):
            yield file._replace(commit=item.number + file.commit)
        advance()


def _kept_part(path: Path) -> "_Part":
    """Return what a part holds. Removes a damaged one and raises `OSError`: the next run reads its commits again."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(path.read_bytes()), type=_Part)
    except (zlib.error, msgspec.MsgspecError) as error:
        path.unlink(missing_ok=True)
        raise OSError(f"{path} is damaged: {error}") from error
