"""Parses the source files of a snapshot in parallel, and caches the facts that the parser extracts from each file."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence, Set

from msgspec import Struct

from ksrcfind.index.sources import is_blob_id
from ksrcfind.index.workers import begin_worker, cores, may_fork, portions
from ksrcfind.progress import Progress
from ksrcfind.source.extract import extract
from ksrcfind.source.parse import Parser
from ksrcfind.storage.cache import DerivedCache
from ksrcfind.storage.codec import PackedFacts, pack_facts
from ksrcfind.tree.disk import blob_id
from ksrcfind.tree.snapshot import Snapshot

_PORTION = 48  # most files that a worker parses at a time
_COMMIT = 3000  # files between writes to the cache, so that a killed run loses little
_FEW = 200  # fewer files than this are parsed without worker processes


class Parsed(Struct, frozen=True):
    """The result of parsing the files of a snapshot that were not cached."""

    blobs: Mapping[str, str]
    """Path → blob id of every requested file that exists."""
    files: int
    """Number of files that were parsed."""
    bytes: int
    """Total size of the parsed files in bytes."""
    facts: Mapping[str, PackedFacts]
    """Blob id → facts of the parsed files."""


class Worker:
    """Reads and parses files. Each process has a worker of its own."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._parser = Parser()

    def parse(self, portion: Sequence[tuple[str, str]]) -> list[tuple[str, str, str, PackedFacts, int]]:
        """Parse a portion of the files, given as (path, content key).

        Return (path, content key, blob id, packed facts, size in bytes) for each file that exists.
        """
        result: list[tuple[str, str, str, PackedFacts, int]] = []
        keys = dict(portion)
        for path, data in self._snapshot.read_many(keys):
            key = keys[path]
            blob = key if is_blob_id(key) else blob_id(data)
            result.append((path, key, blob, pack_facts(extract(data, self._parser)), len(data)))
        return result


_worker: Worker | None = None


def _start(snapshot: Snapshot) -> None:
    begin_worker()
    global _worker  # noqa: PLW0603 - set once in each worker process
    _worker = Worker(snapshot)


def _parse(portion: Sequence[tuple[str, str]]) -> list[tuple[str, str, str, PackedFacts, int]]:
    return _worker.parse(portion) if _worker is not None else []


def parse_missing(
    snapshot: Snapshot,
    cache: DerivedCache,
    known: Set[str],
    files: Mapping[str, str],
    jobs: int | None,
    progress: Progress,
    meanwhile: Callable[[Mapping[str, str]], None],
) -> Parsed:
    """Parse those of `files` (path → content key) that are not cached yet; cache their facts and return the facts.

    `known` has the blob ids of the cached files. While workers parse, `meanwhile` is called once, with path → blob id
    of all files whose blob id is known before they are read.
    """
    stats = cache.stats() if any(not is_blob_id(key) for key in files.values()) else {}
    blobs: dict[str, str] = {}
    wanted: list[tuple[str, str]] = []
    pending: set[str] = set()
    for path, key in files.items():
        blob = key if is_blob_id(key) else stats.get((path, key))
        if blob is not None and (blob in known or blob in pending):
            blobs[path] = blob
            continue
        if blob is not None:
            pending.add(blob)
            blobs[path] = blob
        wanted.append((path, key))
    facts: dict[str, PackedFacts] = {}
    if not wanted:
        return Parsed(blobs, 0, 0, facts)
    total = size = 0
    uncached: list[tuple[str, PackedFacts]] = []
    seen: list[tuple[str, str, str]] = []
    with progress.task(f"parsing {len(wanted):,} files", len(wanted)) as task:
        for portion in _parsed(snapshot, wanted, cores(jobs), lambda: meanwhile(blobs)):
            for path, key, blob, packed, length in portion:
                blobs[path] = blob
                facts[blob] = packed
                uncached.append((blob, packed))
                if key != blob:
                    seen.append((path, key, blob))
                total += 1
                size += length
            task.advance(len(portion))
            if len(uncached) >= _COMMIT:
                cache.add_facts(uncached, seen)
                uncached, seen = [], []
    cache.add_facts(uncached, seen)
    return Parsed({path: blobs[path] for path in files if path in blobs}, total, size, facts)


def _parsed(
    snapshot: Snapshot, wanted: Sequence[tuple[str, str]], processes: int, meanwhile: Callable[[], None]
) -> Iterator[list[tuple[str, str, str, PackedFacts, int]]]:
    divided = portions(wanted, processes, _PORTION)
    if processes == 1 or len(wanted) < _FEW or not may_fork():
        worker = Worker(snapshot)
        yield from map(worker.parse, divided)
        return
    context = multiprocessing.get_context("fork")
    with context.Pool(processes, _start, (snapshot,)) as pool:
        coming = pool.imap_unordered(_parse, divided)
        meanwhile()
        yield from coming
