"""Building the index of a tree: parse what is new, link what that touches, write it as one revision.

A file is linked anew when its own bytes changed, when the module it is built into changed, or when one of the names
that its messages went through means something else than before. Everything else is taken over from the revision before.
"""

import gc
import multiprocessing
import re
import time
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ksrcfind.index import sources
from ksrcfind.index.parse import cores, leave_interrupts_to_parent, parse_missing
from ksrcfind.index.postings import postings
from ksrcfind.index.report import IndexReport
from ksrcfind.index.store import RevisionState, Store, live_bits, pack_lines, pack_message, roots_digest, unpack_facts
from ksrcfind.progress import Progress
from ksrcfind.source.facts import SourceFacts, name_hash
from ksrcfind.source.kbuild import module_names
from ksrcfind.source.link import Linker
from ksrcfind.source.printed import origin_names, printed_lines
from ksrcfind.source.program import Program, included_names, reaching
from ksrcfind.source.roots import Root
from ksrcfind.tree.snapshot import Snapshot

_PORTION = 32  # files that a worker links at a time
_EVERYWHERE = -1  # bit set of all files
_TEXT = re.compile(r'"[^"]*(?:[A-Za-z]{2}|%)')  # a text in a macro that is more than a level
_FEW = 40  # files that are not worth starting workers for


@dataclass(frozen=True, slots=True)
class Linked:
    """Messages of one file."""

    number: int
    consulted: bytes
    messages: list[tuple[bytes, bytes]]
    """Each with the lines that it can print, both packed."""
    words: list[list[str]]
    """For each message the words of each line, with blanks between them."""
    names: list[str]
    """What the messages' origins are called (`printed.origin_names`)."""


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
        if before is not None and before.roots != digest:
            before = None
        code = {path: key for path, key in files.items() if not sources.is_makefile(path)}
        parsed = parse_missing(self._snapshot, self._store, code, self._jobs, self._progress)
        parse_done = time.monotonic()
        link = _Link(self._snapshot, self._store, self._roots, files, parsed.blobs, before)
        linked = list(link.run(self._jobs, self._progress))
        link_done = time.monotonic()
        state = self._write(link, linked, files, digest, before)
        done = time.monotonic()
        times = (listed - started, parse_done - listed, link_done - parse_done, done - link_done)
        return self._report(state, parsed.files, parsed.bytes, len(linked), times)

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

    def _write(
        self,
        link: "_Link",
        linked: Sequence[Linked],
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
        relinked = {link.paths[item.number] for item in linked}
        kept = {
            path: number
            for path, number in (before.units.items() if before else ())
            if path in link.blobs and path not in relinked and path not in link.changed
        }
        for item in linked:
            path = link.paths[item.number]
            same = before.units.get(path) if before else None
            if same and self._store.unit(same) == (link.blobs[path], item.consulted, item.messages):
                kept[path] = same
                continue
            units.append((unit, path, link.blobs[path], item.consulted, message, len(item.messages)))
            kept[path] = unit
            messages.extend((number, *packed) for number, packed in enumerate(item.messages, message))
            words += item.words
            origins[message] = item.names
            message += len(item.messages)
            unit += 1
        ranges = self._store.unit_ranges() | {row[0]: (row[4], row[5]) for row in units}
        spans = [ranges[number] for number in kept.values() if number in ranges]
        state = link.state(dict(files), kept, digest)
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


class _Link:
    """Links the files of a tree that need it."""

    def __init__(
        self,
        snapshot: Snapshot,
        store: Store,
        roots: Sequence[Root],
        files: Mapping[str, str],
        blobs: Mapping[str, str],
        before: RevisionState | None,
    ) -> None:
        self.blobs = blobs
        self.paths = [path for path in files if path in blobs]
        self._roots = roots
        self._before = before
        self._store = store
        wanted = set(blobs.values())
        packed = {blob: data for blob, data in store.all_facts() if blob in wanted}
        self._packed = [packed[blobs[path]] for path in self.paths]
        self._facts = _FactsByNumber(self._packed, self.paths)
        self._modules = self._module_names(snapshot, files, before)
        self._macros: dict[str, list[int]] = defaultdict(list)
        self._wrappers: dict[str, list[int]] = defaultdict(list)
        self._includers: dict[str, list[int]] = defaultdict(list)
        self._constants: dict[str, list[int]] = defaultdict(list)
        self._with_calls: list[int] = []
        self._called: list[bytes] = []
        self._recovered = self._lost = 0
        self.changed: set[str] = set()
        """Files whose bytes are not those of the revision before."""
        self._may_log = self._survey()
        self._snapshot = snapshot

    @staticmethod
    def _module_names(snapshot: Snapshot, files: Mapping[str, str], before: RevisionState | None) -> Mapping[str, str]:
        makefiles = {path: key for path, key in files.items() if sources.is_makefile(path)}
        if before is not None:
            same = {path: key for path, key in before.files.items() if sources.is_makefile(path)}
            if same == makefiles:
                return before.modules
        return module_names(sources.makefile_texts(snapshot, files))

    def _survey(self) -> frozenset[str]:
        """Go through all facts once: which file defines what, and which names lead to a root."""

        def every() -> Iterator[SourceFacts]:
            for number, data in enumerate(self._packed):
                facts = unpack_facts(data)
                for name in {macro.name for macro in facts.macros}:
                    self._macros[name].append(number)
                for name in {wrapper.name for wrapper in facts.wrappers}:
                    self._wrappers[name].append(number)
                for name in included_names(facts):
                    self._includers[name].append(number)
                for name in facts.constants:
                    self._constants[name].append(number)
                if facts.calls:
                    self._with_calls.append(number)
                self._called.append(facts.called)
                self._recovered += facts.recovered
                self._lost += facts.lost
                yield facts

        return reaching(every(), self._roots)

    def state(self, files: dict[str, str], units: dict[str, int], digest: str) -> RevisionState:
        """What the next build wants to know."""
        return RevisionState(
            files,
            units,
            dict(self._modules),
            sorted(self._may_log),
            {},
            {},
            digest,
            self._recovered,
            self._lost,
        )

    def run(self, jobs: int | None, progress: Progress) -> Iterator[Linked]:
        """Link, in path order."""
        program = Program(
            self.paths,
            self._facts,
            self._macros,
            self._wrappers,
            self._roots,
            self._may_log,
            self._includers,
            self._modules,
            self._constants,
        )
        numbers = self._touched(program)
        linker = _Linker(program, self._snapshot)
        with progress.task(f"linking {len(numbers):,} files", len(numbers)) as task:
            for item in _in_parallel(linker, numbers, cores(jobs)):
                task.advance()
                yield item

    def _touched(self, program: Program) -> list[int]:
        """Files that must be linked: all, or those that a change since the revision before can reach."""
        before = self._before
        with_calls = {*self._with_calls, *(n for n, called in enumerate(self._called) if program.logging(called))}
        if before is None:
            return sorted(with_calls)
        old = {path: self._blob_of(path, key) for path, key in before.files.items() if not sources.is_makefile(path)}
        changed = {path for path in self.paths if old.get(path) != self.blobs[path]} | (old.keys() - self.blobs.keys())
        self.changed = changed
        names = self._changed_names(old, changed)
        names |= dict.fromkeys(self._may_log ^ set(before.may_log), _EVERYWHERE)
        hashes: dict[int, int] = defaultdict(int)
        for name, where in names.items():
            hashes[name_hash(name)] |= where
        units = {unit: path for path, unit in before.units.items()}
        stale = {units[unit]: _where(hashes, data) for unit, data in self._store.consulted(units)}
        reached = self._reached_by_includes(program, old, changed)
        result: list[int] = []
        for number in sorted(with_calls):
            path = self.paths[number]
            stem = path.rpartition(".")[0]
            if (
                path in changed
                or stale.get(path, 0) & program.closure(number)
                or path not in before.units
                or self._modules.get(stem) != before.modules.get(stem)
                or _where(hashes, self._called[number]) & program.closure(number)
                or (reached and program.closure(number) & reached)
            ):
                result.append(number)
        return result

    def _blob_of(self, path: str, key: str) -> str | None:
        return key if sources.is_blob_id(key) else self._store.stat_blob(path, key)

    def _changed_names(self, old: Mapping[str, str | None], changed: set[str]) -> dict[str, int]:
        """Names that mean something else than before → files whose definitions changed, as a bit set.

        Only who includes one of these files sees another macro; functions are seen everywhere.
        """
        names: dict[str, int] = defaultdict(int)
        numbers = {path: number for number, path in enumerate(self.paths)}
        roots = {root.name for root in self._roots}
        for path in changed:
            blob = old.get(path)
            was = self._store.facts(blob) if blob else None
            now = self._store.facts(self.blobs[path]) if path in self.blobs else None
            here = 1 << numbers[path] if now is not None else _EVERYWHERE
            for name in _different(_macros(was), _macros(now)):
                names[name] |= here
            for name in _different(_wrappers(was), _wrappers(now)) - roots:  # Nobody looks into a root.
                names[name] = _EVERYWHERE
            for name in _different(_constants(was), _constants(now)):
                names[name] = _EVERYWHERE
        return names

    def _reached_by_includes(self, program: Program, old: Mapping[str, str | None], changed: set[str]) -> int:
        """Headers whose own includes changed, as a bit set: who includes them may see other definitions."""
        numbers = {path: number for number, path in enumerate(self.paths)}
        reached = 0
        for path in changed:
            number = numbers.get(path)
            if number is None or not path.endswith(".h"):
                continue
            blob = old.get(path)
            was = self._store.facts(blob) if blob else None
            if was is not None and was.includes != program.facts(number).includes:
                reached |= 1 << number
        return reached


def _macros(facts: SourceFacts | None) -> dict[str, list[object]]:
    """What the macros of a file mean, comparable: lines count only where messages tell them."""
    found: dict[str, list[object]] = defaultdict(list)
    for macro in facts.macros if facts else ():
        line = macro.line if _TEXT.search(macro.body) else 0
        found[macro.name].append((macro.parameters, macro.body, macro.fallback, line))
    return found


def _wrappers(facts: SourceFacts | None) -> dict[str, list[object]]:
    """What the wrapper functions of a file mean, comparable."""
    found: dict[str, list[object]] = defaultdict(list)
    for wrapper in facts.wrappers if facts else ():
        calls = tuple((call.name, call.text) for call in wrapper.calls)
        meaning = (wrapper.parameters, calls, wrapper.guards, wrapper.formats, wrapper.is_static, wrapper.prints_text)
        found[wrapper.name].append(meaning)
    return found


def _constants(facts: SourceFacts | None) -> dict[str, str]:
    """The texts of a file that others can name."""
    return {name: text for name, text in facts.strings if name in facts.constants} if facts else {}


def _different(was: Mapping[str, object], now: Mapping[str, object]) -> set[str]:
    return {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)}


def _where(hashes: Mapping[int, int], data: bytes) -> int:
    """Where the names that these hashes stand for changed, as a bit set."""
    where = 0
    for name in _hashes(data):
        where |= hashes.get(name, 0)
    return where


def _hashes(data: bytes) -> "array[int]":
    hashes = array("I")
    hashes.frombytes(data)
    return hashes


class _Linker:
    def __init__(self, program: Program, snapshot: Snapshot) -> None:
        self._linker = Linker(program, lambda number: snapshot.read(program.paths[number]))

    def link(self, number: int) -> Linked:
        messages, consulted = self._linker.messages(number)
        lines = [tuple(printed_lines(message)) for message in messages]
        return Linked(
            number,
            array("I", sorted({name_hash(name) for name in consulted})).tobytes(),
            [(pack_message(message), pack_lines(own)) for message, own in zip(messages, lines, strict=True)],
            [[line.words for line in own] for own in lines],
            sorted(set().union(*map(origin_names, messages))),
        )


_linker: _Linker | None = None


def _link_portion(numbers: Sequence[int]) -> list[Linked]:
    return [_linker.link(number) for number in numbers] if _linker is not None else []


def _in_parallel(linker: _Linker, numbers: Sequence[int], processes: int) -> Iterator[Linked]:
    if processes == 1 or len(numbers) < _FEW:
        yield from map(linker.link, numbers)
        return
    global _linker  # noqa: PLW0603 - inherited by the worker processes, which are forked below
    _linker = linker
    portions = [numbers[start : start + _PORTION] for start in range(0, len(numbers), _PORTION)]
    try:
        with multiprocessing.get_context("fork").Pool(processes, leave_interrupts_to_parent) as pool:
            for portion in pool.imap(_link_portion, portions):
                yield from portion
    finally:
        _linker = None
