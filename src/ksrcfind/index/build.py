"""Building the index of a tree: parse what is new, link what that touches, write it as one revision.

Which files that are `changes` tells. Everything else is taken over from the revision before.
"""

import gc
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property

from ksrcfind.index import inclusion, sources
from ksrcfind.index.changes import Changes, Prepared
from ksrcfind.index.inclusion import Updated
from ksrcfind.index.linking import Linked, linking
from ksrcfind.index.parse import parse_missing
from ksrcfind.index.postings import postings
from ksrcfind.index.report import IndexReport
from ksrcfind.index.store import RevisionState, Store, live_bits, roots_digest, unpack_facts
from ksrcfind.index.survey import Survey, survey
from ksrcfind.index.workers import cores
from ksrcfind.progress import Progress
from ksrcfind.source.facts import SourceFacts
from ksrcfind.source.kbuild import module_names
from ksrcfind.source.outline import Outline, reach_the_same
from ksrcfind.source.program import Program
from ksrcfind.source.roots import Root
from ksrcfind.tree.snapshot import Snapshot

_FEW_OF = 8  # files of a tree for each one that changed, for only what changed to be looked at


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


def _logging(numbers: Iterable[int], program: Program, found: Survey) -> Iterator[int]:
    """Those of some files that call, without any text, what may lead to a root."""
    return (number for number in numbers if program.logging(found.called[number]))


def build(snapshot: Snapshot, store: Store, roots: Sequence[Root], jobs: int | None, progress: Progress) -> IndexReport:
    """Bring the index of a snapshot up to date and say what was done."""
    enabled = gc.isenabled()
    gc.disable()  # millions of small objects that form no cycles
    try:
        return _Build(snapshot, store, roots, jobs, progress).run()
    finally:
        if enabled:
            gc.enable()


class _Build:
    def __init__(
        self, snapshot: Snapshot, store: Store, roots: Sequence[Root], jobs: int | None, progress: Progress
    ) -> None:
        self._snapshot = snapshot
        self._store = store
        self._roots = roots
        self._jobs = jobs
        self._progress = progress
        self._outlines: dict[str, Outline] = {}
        self._facts: dict[str, bytes] = {}
        self._skipped: tuple[str, ...] = ()

    def run(self) -> IndexReport:
        started = time.monotonic()
        files, self._skipped = sources.source_files(self._snapshot)
        digest = roots_digest(self._roots)
        code = {path: key for path, key in files.items() if not sources.is_makefile(path)}
        listed = time.monotonic()
        parsed = parse_missing(self._snapshot, self._store, code, self._jobs, self._progress, self._recall)
        parse_done = time.monotonic()
        own = self._own
        if own is not None and own.files == files and own.roots == digest:
            return self._report(own, 0, 0, 0, (parse_done - started, 0, 0, 0))
        before = own or self._newest
        if before is not None and (before.roots != digest or not before.included):
            before = None
        prepared = self._prepare(files, parsed.blobs, before)
        done = self._link(prepared, before)
        link_done = time.monotonic()
        state = self._write(prepared, done, files, digest, before)
        written = time.monotonic()
        times = (listed - started, parse_done - listed, link_done - parse_done, written - link_done)
        return self._report(state, parsed.files, parsed.bytes, len(done), times)

    @cached_property
    def _own(self) -> RevisionState | None:
        """What was indexed of this snapshot, in the state that it had then."""
        found = self._store.revision(self._snapshot.key)
        return found[0] if found else None

    @cached_property
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
        return IndexReport(
            files, parsed, size, linked, messages, state.recovered, state.lost, *times, length, self._skipped
        )

    def _recall(self, blobs: Mapping[str, str]) -> None:
        """Read from the store what is wanted later, now that others are at work."""
        _known = self._own or self._newest
        self._load(blobs)

    def _load(self, blobs: Mapping[str, str]) -> None:
        """Read from the store what is known of files, path → blob id, and was not read yet."""
        for blob, outline, facts in self._store.all_facts(set(blobs.values()) - self._outlines.keys()):
            self._outlines[blob] = outline
            self._facts[blob] = facts

    def _prepare(self, files: Mapping[str, str], blobs: Mapping[str, str], before: RevisionState | None) -> Prepared:
        """Find out what names mean in the tree, and which files may have messages."""
        paths = [path for path in files if path in blobs]
        self._load(blobs)
        outlines = {path: self._outlines[blobs[path]] for path in paths}
        old = before.blobs if before is not None else {}
        changed = {path for path in old.keys() | blobs.keys() if old.get(path) != blobs.get(path)}
        was = self._old_outlines(old, changed)
        now = {path: outlines[path] for path in changed if path in outlines}
        names = frozenset(before.may_log) if before is not None else frozenset()
        is_known = was is not None and reach_the_same(names, was.values(), now.values())
        found = survey(list(outlines.values()), self._roots, names if is_known else None)
        modules = self._module_names(files, before)
        program = self._program(paths, blobs, found, modules)
        if before is None:
            included = Updated(inclusion.whole(program.includes, len(paths)), ())
        else:
            same = {path for path, one in (was or {}).items() if path in now and one.includes == now[path].includes}
            packed = inclusion.unpack(before.included)
            included = inclusion.updated(packed, list(old), paths, changed - same, found.includes, program.includes)
        program.includes.learn(included.inclusion)
        # What was silent is so still, unless it changed or something that it calls is new in the log.
        is_louder = not found.may_log <= names
        silent = (number for number, path in enumerate(paths) if path in changed or is_louder)
        # What a file calls may have logged before.
        known = {number for number, path in enumerate(paths) if before is not None and path in before.units}
        numbers = found.with_calls.union(_logging(silent, program, found), known)
        return Prepared(program, found, blobs, modules, included, changed, numbers)

    def _program(
        self, paths: Sequence[str], blobs: Mapping[str, str], found: Survey, modules: Mapping[str, str]
    ) -> Program:
        return Program(
            paths,
            _FactsByNumber([self._facts[blobs[path]] for path in paths], paths),
            found.macros,
            found.wrappers,
            self._roots,
            found.may_log,
            found.includers,
            modules,
            found.constants,
            found.includes.__getitem__,
        )

    def _old_outlines(self, old: Mapping[str, str], changed: Set[str]) -> Mapping[str, Outline] | None:
        """Outlines of changed files as they were; None if these are so many that comparing them is not worth it."""
        blobs = {path: old[path] for path in changed if path in old}
        if len(changed) > len(old) // _FEW_OF:
            return None
        self._load(blobs)
        return {path: self._outlines[blob] for path, blob in blobs.items()}

    def _module_names(self, files: Mapping[str, str], before: RevisionState | None) -> Mapping[str, str]:
        makefiles = {path: key for path, key in files.items() if sources.is_makefile(path)}
        if before is not None:
            same = {path: key for path, key in before.files.items() if sources.is_makefile(path)}
            if same == makefiles:
                return before.modules
        return module_names(sources.makefile_texts(self._snapshot, files))

    def _link(self, prepared: Prepared, before: RevisionState | None) -> list[Linked]:
        done: list[Linked] = []
        program = prepared.program
        changed = sorted(number for number in prepared.numbers if program.paths[number] in prepared.changed)
        with linking(program, self._snapshot, cores(self._jobs)) as link:
            under_way = [(len(changed), link(changed))]
            if before is not None:
                changes = Changes(before, self._store, prepared)
                touched = changes.touched(sorted(prepared.numbers - set(changed)))
                under_way.append((len(touched), link(touched)))
            for count, coming in under_way:
                with self._progress.task(f"linking {count:,} files", count) as task:
                    for item in coming:
                        task.advance()
                        done.append(item)
        return done

    def _write(
        self,
        prepared: Prepared,
        done: Sequence[Linked],
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
        paths, blobs = prepared.program.paths, prepared.blobs
        relinked = {paths[item.number] for item in done}
        kept = {
            path: number
            for path, number in (before.units.items() if before else ())
            if path in blobs and path not in relinked and path not in prepared.changed
        }
        for item in done:
            path = paths[item.number]
            same = before.units.get(path) if before else None
            if (
                same
                and before
                and before.blobs[path] == blobs[path]
                and self._store.unit(same) == (blobs[path], item.consulted, item.messages)
            ):
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
            inclusion.pack(prepared.included.inclusion),
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
