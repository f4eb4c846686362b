"""Building the index of a tree: parse what is new, link what that touches, write it as one revision.

Which files that are `changes` tells. Everything else is taken over from the revision before.
"""

import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ksrcfind.index import inclusion, sources
from ksrcfind.index.changes import Changes
from ksrcfind.index.linking import Linked, linked
from ksrcfind.index.parse import cores, parse_missing
from ksrcfind.index.postings import postings
from ksrcfind.index.report import IndexReport
from ksrcfind.index.store import RevisionState, Store, live_bits, roots_digest, unpack_facts
from ksrcfind.index.survey import Survey, survey
from ksrcfind.progress import Progress
from ksrcfind.source.facts import SourceFacts
from ksrcfind.source.kbuild import module_names
from ksrcfind.source.program import Program
from ksrcfind.source.roots import Root
from ksrcfind.tree.snapshot import Snapshot


class _FactsByNumber:
    """Facts of the files of a revision; headers, which many files ask for, are kept unpacked."""

    def __init__(self, packed: Sequence[bytes], paths: Sequence[str]) -> None:
        self._packed = packed
        self._paths = paths
        self._kept: dict[int, SourceFacts] = {}
        self._last: tuple[int, SourceFacts] | None = None

    def __call__(self, number: int) -> SourceFacts:
        found = self._kept.get(number)
        if found is not None:
            return found
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        facts = unpack_facts(self._packed[number])
        if self._paths[number].endswith(".h"):
            self._kept[number] = facts
        self._last = (number, facts)
        return facts


def build(snapshot: Snapshot, store: Store, roots: Sequence[Root], jobs: int | None, progress: Progress) -> IndexReport:
    """Bring the index of a snapshot up to date and say what was done."""
    enabled = gc.isenabled()
    gc.disable()  # millions of small objects that form no cycles
    try:
        return _Build(snapshot, store, roots, jobs, progress).run()
    finally:
        if enabled:
            gc.enable()


@dataclass(frozen=True, slots=True)
class _Program:
    """A tree that is ready to be linked."""

    program: Program
    survey: Survey
    modules: Mapping[str, str]
    """As `Program` has them."""
    included: bytes
    """As `RevisionState` has it."""
    changed: frozenset[str]
    """Files whose bytes are not those of the revision before."""
    numbers: Sequence[int]
    """Files to link, in ascending order."""


class _Build:
    def __init__(
        self, snapshot: Snapshot, store: Store, roots: Sequence[Root], jobs: int | None, progress: Progress
    ) -> None:
        self._snapshot = snapshot
        self._store = store
        self._roots = roots
        self._jobs = jobs
        self._progress = progress

    def run(self) -> IndexReport:
        started = time.monotonic()
        files = sources.source_files(self._snapshot)
        digest = roots_digest(self._roots)
        found = self._store.revision(self._snapshot.key)
        listed = time.monotonic()
        if found is not None and found[0].files == files and found[0].roots == digest:
            return self._report(found[0], 0, 0, 0, (listed - started, 0, 0, 0))
        before = found[0] if found is not None else self._newest()
        if before is not None and (before.roots != digest or not before.included):
            before = None
        code = {path: key for path, key in files.items() if not sources.is_makefile(path)}
        parsed = parse_missing(self._snapshot, self._store, code, self._jobs, self._progress)
        parse_done = time.monotonic()
        prepared = self._prepare(files, parsed.blobs, before)
        done = self._link(prepared)
        link_done = time.monotonic()
        state = self._write(prepared, done, parsed.blobs, files, digest, before)
        written = time.monotonic()
        times = (listed - started, parse_done - listed, link_done - parse_done, written - link_done)
        return self._report(state, parsed.files, parsed.bytes, len(done), times)

    def _newest(self) -> RevisionState | None:
        keys = self._store.revision_keys()
        found = self._store.revision(keys[0][0]) if keys else None
        return found[0] if found else None

    def _report(
        self, state: RevisionState, parsed: int, size: int, linked: int, times: tuple[float, float, float, float]
    ) -> IndexReport:
        path = self._store.path
        live = self._store.live(self._snapshot.key)
        files = sum(not sources.is_makefile(path) for path in state.files)
        length = path.stat().st_size if path is not None and path.exists() else 0
        messages = live[1] if live else 0
        return IndexReport(files, parsed, size, linked, messages, state.recovered, state.lost, *times, length)

    def _prepare(self, files: Mapping[str, str], blobs: Mapping[str, str], before: RevisionState | None) -> _Program:
        """Find out what names mean in the tree, and which files must be linked."""
        paths = [path for path in files if path in blobs]
        wanted = set(blobs.values())
        outlines = {blob: one for blob, one in self._store.outlines() if blob in wanted}
        found = survey([outlines[blobs[path]] for path in paths], self._roots)
        packed = {blob: data for blob, data in self._store.all_facts() if blob in wanted}
        facts = _FactsByNumber([packed[blobs[path]] for path in paths], paths)
        modules = self._module_names(files, before)
        program = Program(
            paths,
            facts,
            found.macros,
            found.wrappers,
            self._roots,
            found.may_log,
            found.includers,
            modules,
            found.constants,
            found.includes.__getitem__,
        )
        silent = (number for number in range(len(paths)) if number not in found.with_calls)
        numbers = found.with_calls.union(number for number in silent if program.logging(found.called[number]))
        if before is None:
            included = inclusion.pack(inclusion.whole(program.includes, len(paths)))
            return _Program(program, found, modules, included, frozenset(), sorted(numbers))
        # What a file calls may have logged before.
        numbers |= {number for number, path in enumerate(paths) if path in before.units}
        was = inclusion.unpack(before.included)
        now = inclusion.updated(was, before.blobs, blobs, found.includes, program.includes)
        program.includes.learn(now.inclusion)
        changes = Changes(before, self._store, program, found, blobs, modules, now)
        included = inclusion.pack(now.inclusion)
        return _Program(program, found, modules, included, changes.changed, changes.touched(sorted(numbers)))

    def _module_names(self, files: Mapping[str, str], before: RevisionState | None) -> Mapping[str, str]:
        makefiles = {path: key for path, key in files.items() if sources.is_makefile(path)}
        if before is not None:
            same = {path: key for path, key in before.files.items() if sources.is_makefile(path)}
            if same == makefiles:
                return before.modules
        return module_names(sources.makefile_texts(self._snapshot, files))

    def _link(self, prepared: _Program) -> list[Linked]:
        done: list[Linked] = []
        numbers = prepared.numbers
        with self._progress.task(f"linking {len(numbers):,} files", len(numbers)) as task:
            for item in linked(prepared.program, self._snapshot, numbers, cores(self._jobs)):
                task.advance()
                done.append(item)
        return done

    def _write(
        self,
        prepared: _Program,
        done: Sequence[Linked],
        blobs: Mapping[str, str],
        files: Mapping[str, str],
        digest: str,
        before: RevisionState | None,
    ) -> RevisionState:
        unit, message, segment = self._store.next_ids()
        units: list[tuple[int, str, str, bytes, int, int]] = []
        messages: list[tuple[int, bytes, bytes]] = []
        words: list[list[str]] = []
        origins: dict[int, list[str]] = {}
        first_message = message
        paths = prepared.program.paths
        relinked = {paths[item.number] for item in done}
        kept = {
            path: number
            for path, number in (before.units.items() if before else ())
            if path in blobs and path not in relinked and path not in prepared.changed
        }
        for item in done:
            path = paths[item.number]
            same = before.units.get(path) if before else None
            if same and self._store.unit(same) == (blobs[path], item.consulted, item.messages):
                kept[path] = same
                continue
            units.append((unit, path, blobs[path], item.consulted, message, len(item.messages)))
            kept[path] = unit
            messages.extend((number, *packed) for number, packed in enumerate(item.messages, message))
            words += item.words
            origins[message] = item.names
            message += len(item.messages)
            unit += 1
        ranges = self._store.unit_ranges() | {row[0]: (row[4], row[5]) for row in units}
        spans = [ranges[number] for number in kept.values() if number in ranges]
        found = prepared.survey
        state = RevisionState(
            dict(files),
            dict(blobs),
            kept,
            dict(prepared.modules),
            sorted(found.may_log),
            digest,
            found.recovered,
            found.lost,
            prepared.included,
        )
        with self._store.writing():
            self._store.add_revision(
                self._snapshot.key,
                state,
                live_bits(spans),
                sum(count for _first, count in spans),
                units,
                messages,
                postings(words, origins, first_message, segment),
                segment,
            )
        return state
