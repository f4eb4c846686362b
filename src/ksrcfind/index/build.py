"""Builds the index of a tree: parses new files, links affected files, and writes the result as one revision.

"Linking" a file turns its log calls into messages, with the macros and wrapper functions of other files. `changes`
computes which files a change affects. The messages of all other files come from an earlier revision.
"""

import gc
import time
from collections.abc import Mapping, Sequence, Set
from functools import cached_property

from msgspec import Struct

from ksrcfind.index import include_graph, sources
from ksrcfind.index.changes import Changes, Prepared
from ksrcfind.index.documents import list_documents
from ksrcfind.index.include_graph import Updated
from ksrcfind.index.linking import Linked, linking
from ksrcfind.index.parse import Parsed, parse_missing
from ksrcfind.index.report import IndexReport
from ksrcfind.index.symbol_table import SymbolTable, symbol_table
from ksrcfind.index.workers import cores
from ksrcfind.progress import Progress
from ksrcfind.source.facts import SourceFacts
from ksrcfind.source.kbuild import module_names
from ksrcfind.source.program import Program
from ksrcfind.source.sinks import LogSink
from ksrcfind.source.summary import FileSummary, reach_the_same
from ksrcfind.storage.codec import PackedFacts, unpack_facts, unpack_summary
from ksrcfind.storage.damage import DamagedIndexError
from ksrcfind.storage.publishing import Unread, clean_up, publish, rename_state
from ksrcfind.storage.revision import Revision, RevisionState
from ksrcfind.storage.segment import Unit, unit_digest
from ksrcfind.storage.store import Store
from ksrcfind.tree.snapshot import Snapshot

_FEW_OF = 8  # compare the changed files with their earlier versions only if at most one of 8 files changed


class _FactsByNumber:
    """Returns the facts of a source file by its number, and keeps the decoded facts of headers in memory.

    "Facts" are what the parser extracts from one file. Many files use a header; a C file's facts are used once.
    """

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


def _with_messages(
    program: Program, found: SymbolTable, changed: Set[str], before: RevisionState | None
) -> frozenset[int]:
    """Return the numbers of the files that may have messages now, or had messages in the earlier revision `before`."""
    names = before.may_log if before is not None else ()
    # A file without messages stays without, unless it changed or calls a name that can reach a log sink only now.
    has_new_names = not found.may_log.issubset(names)
    without_text = {
        number
        for number, path in enumerate(program.paths)
        if (path in changed or has_new_names) and program.logging(found.called[number])
    }
    had_some = {number for number, path in enumerate(program.paths) if before is not None and path in before.units}
    return found.with_calls | without_text | had_some


class BuildOptions(Struct, frozen=True):
    """Options of a build of an index."""

    roots: tuple[LogSink, ...]
    """The log sinks."""
    jobs: int | None
    """Number of processes. None: one for each core."""
    token: bytes = b""
    """Identifies the state of the working tree that is indexed. Empty for a commit."""
    documents: bool = True
    """Whether to list the words of the tree's documents."""


def build(snapshot: Snapshot, store: Store, options: BuildOptions, progress: Progress) -> IndexReport:
    """Build or update the index of a tree's snapshot and return a report.

    The caller must hold the store's build lock.
    """
    enabled = gc.isenabled()
    gc.disable()  # a build makes millions of small objects, none in a reference cycle
    try:
        clean_up(store)  # Killed runs leave unfinished files; revisions can have a damaged segment.
        if options.documents:
            list_documents(snapshot, store.cache, progress)
        try:
            return _Build(snapshot, store, options, progress).run()
        except DamagedIndexError:
            # The earlier revision is damaged, so nothing of it is used.
            return _Build(snapshot, store, options, progress, from_scratch=True).run()
    finally:
        if enabled:
            gc.enable()


class _Build:
    def __init__(
        self,
        snapshot: Snapshot,
        store: Store,
        options: BuildOptions,
        progress: Progress,
        *,
        from_scratch: bool = False,
    ) -> None:
        self._snapshot = snapshot
        self._store = store
        self._options = options
        self._progress = progress
        self._from_scratch = from_scratch
        self._summaries: dict[str, FileSummary] = {}
        self._facts: dict[str, bytes] = {}
        self._skipped: tuple[str, ...] = ()

    def run(self) -> IndexReport:
        started = time.monotonic()
        files, self._skipped = sources.source_files(self._snapshot)
        code = {path: key for path, key in files.items() if not sources.is_makefile(path)}
        listed = time.monotonic()
        own = self._own
        if own is not None and own[1].files == files:
            rename_state(self._store, self._snapshot.key, self._options.token)
            return self._report(own[0], files, 0, 0, 0, (time.monotonic() - started, 0, 0, 0))
        parsed = self._parse(code)
        parse_done = time.monotonic()
        found = own or self._newest
        before = found[1] if found else None
        prepared = self._prepare(files, parsed.blobs, before)
        done = self._link(prepared, found)
        link_done = time.monotonic()
        made = self._write(prepared, done, files, found)
        written = time.monotonic()
        times = (listed - started, parse_done - listed, link_done - parse_done, written - link_done)
        return self._report(made, files, parsed.files, parsed.bytes, len(done), times)

    def _parse(self, code: Mapping[str, str]) -> Parsed:
        """Parse the source files (path → content key) that are not cached, and load the facts of all of them."""
        cache = self._store.cache
        known = cache.known_blobs()
        parsed = parse_missing(self._snapshot, cache, known, code, self._options.jobs, self._progress, self._recall)
        self._take(parsed.facts)
        self._load(parsed.blobs)
        # Reading detects damaged rows of the cache.
        damaged = {path: code[path] for path, blob in parsed.blobs.items() if blob not in self._facts}
        if not damaged:
            return parsed
        again = parse_missing(self._snapshot, cache, set(), damaged, self._options.jobs, self._progress, self._recall)
        self._take(again.facts)
        blobs = {**parsed.blobs, **again.blobs}
        return Parsed(blobs, parsed.files + again.files, parsed.bytes + again.bytes, {})

    @cached_property
    def _own(self) -> tuple[Revision, RevisionState] | None:
        """The earlier index of this snapshot, of the same commit or directory. None if there is none."""
        return None if self._from_scratch else self._known(self._snapshot.key)

    @cached_property
    def _newest(self) -> tuple[Revision, RevisionState] | None:
        revisions = () if self._from_scratch else self._store.revisions()
        return self._known(revisions[0].key) if revisions else None

    def _known(self, key: str) -> tuple[Revision, RevisionState] | None:
        revision, state = self._store.revision(key), self._store.state(key)
        return (revision, state) if revision is not None and state is not None else None

    def _report(
        self,
        revision: Revision,
        files: Mapping[str, str],
        parsed: int,
        size: int,
        linked: int,
        times: tuple[float, float, float, float],
    ) -> IndexReport:
        code = sum(not sources.is_makefile(path) for path in files)
        unread = (revision.recovered, revision.lost)
        length = self._store.size_bytes
        return IndexReport(code, parsed, size, linked, revision.size, *unread, *times, length, revision.skipped)

    def _recall(self, blobs: Mapping[str, str]) -> None:
        """Load the cached facts of files (path → blob id) and the earlier revision, while workers parse."""
        _known = self._own or self._newest
        self._load(blobs)

    def _load(self, blobs: Mapping[str, str]) -> None:
        """Load the cached facts of those files (path → blob id) whose facts are not in memory yet."""
        for blob, summary, facts in self._store.cache.all_facts(set(blobs.values()) - self._summaries.keys()):
            self._summaries[blob] = unpack_summary(summary)
            self._facts[blob] = facts

    def _take(self, parsed: Mapping[str, PackedFacts]) -> None:
        for blob, packed in parsed.items():
            self._summaries[blob] = unpack_summary(packed.summary)
            self._facts[blob] = packed.facts

    def _prepare(self, files: Mapping[str, str], blobs: Mapping[str, str], before: RevisionState | None) -> Prepared:
        """Return what linking needs: the symbol table, the include graph, and the files that may have messages.

        `before` is the earlier revision that this build updates; None for a build from scratch.
        """
        paths = [path for path in files if path in blobs]
        summaries = {path: self._summaries[blobs[path]] for path in paths}
        old = before.blobs if before is not None else {}
        changed = {path for path, _blob in old.items() ^ blobs.items()}
        was = self._old_summaries(old, changed)
        now = {path: summaries[path] for path in changed if path in summaries}
        names = frozenset(before.may_log) if before is not None else frozenset()
        is_known = was is not None and reach_the_same(names, was.values(), now.values())
        found = symbol_table(list(summaries.values()), self._options.roots, names if is_known else None)
        modules = self._module_names(files, before)
        program = self._program(paths, blobs, found, modules)
        if before is None:
            included = Updated(include_graph.whole(program.includes, len(paths)), ())
        else:
            same = {path for path, one in (was or {}).items() if path in now and one.includes == now[path].includes}
            packed = include_graph.unpack(before.included)
            included = include_graph.updated(packed, list(old), paths, changed - same, found.includes, program.includes)
        program.includes.learn(included.include_graph)
        return Prepared(
            program, found, blobs, modules, included, changed, _with_messages(program, found, changed, before)
        )

    def _program(
        self, paths: Sequence[str], blobs: Mapping[str, str], found: SymbolTable, modules: Mapping[str, str]
    ) -> Program:
        return Program(
            paths,
            _FactsByNumber([self._facts[blobs[path]] for path in paths], paths),
            found.macros,
            found.wrappers,
            self._options.roots,
            found.may_log,
            found.includers,
            modules,
            found.constants,
            found.includes.__getitem__,
            found.text_functions,
            found.registered,
        )

    def _old_summaries(self, old: Mapping[str, str], changed: Set[str]) -> Mapping[str, FileSummary] | None:
        """Return path → summary of the changed files as they were in the earlier revision `old`.

        None if a summary is no longer cached, or if more than one of 8 files changed.
        """
        blobs = {path: old[path] for path in changed if path in old}
        if len(changed) > len(old) // _FEW_OF:
            return None
        self._load(blobs)
        if not all(blob in self._summaries for blob in blobs.values()):
            return None
        return {path: self._summaries[blob] for path, blob in blobs.items()}

    def _module_names(self, files: Mapping[str, str], before: RevisionState | None) -> Mapping[str, str]:
        if before is not None:
            changed = (path for path, _key in before.files.items() ^ files.items())
            if not any(map(sources.is_makefile, changed)):
                return before.modules
        return module_names(sources.makefile_texts(self._snapshot, files))

    def _link(self, prepared: Prepared, found: tuple[Revision, RevisionState] | None) -> list[Linked]:
        done: list[Linked] = []
        program = prepared.program
        changed = sorted(number for number in prepared.numbers if program.paths[number] in prepared.changed)
        with linking(program, self._snapshot, cores(self._options.jobs)) as link:
            under_way = [(len(changed), link(changed))]
            if found is not None:
                revision, before = found
                changes = Changes(before, prepared, self._facts_of)
                unchanged = sorted(prepared.numbers - set(changed))
                files_to_relink = changes.files_to_relink(unchanged, lambda: self._store.dependencies(revision, before))
                under_way.append((len(files_to_relink), link(files_to_relink)))
            for count, coming in under_way:
                with self._progress.task(f"linking {count:,} files", count) as task:
                    for item in coming:
                        task.advance()
                        done.append(item)
        return done

    def _facts_of(self, blob: str) -> SourceFacts | None:
        packed = self._facts.get(blob)
        return unpack_facts(packed) if packed is not None else self._store.cache.facts(blob)

    def _write(
        self,
        prepared: Prepared,
        done: Sequence[Linked],
        files: Mapping[str, str],
        found: tuple[Revision, RevisionState] | None,
    ) -> Revision:
        paths, blobs = prepared.program.paths, prepared.blobs
        before = found[1].units if found else {}
        relinked = {paths[item.number] for item in done}
        units = {
            path: digest
            for path, digest in before.items()
            if path in blobs and path not in relinked and path not in prepared.changed
        }
        fresh: list[Unit] = []
        for item in done:
            path = paths[item.number]
            blob = blobs[path]
            units[path] = digest = unit_digest(path, blob, item.dependencies, item.messages)
            if digest != before.get(path):
                fresh.append(Unit(path, blob, digest, item.dependencies, item.messages, item.words, item.names))
        symbol_table = prepared.symbol_table
        state = RevisionState(
            dict(files),
            dict(blobs),
            units,
            dict(prepared.modules),
            sorted(symbol_table.may_log),
            include_graph.pack(prepared.included.include_graph),
        )
        base = found[0] if found else None
        unread = Unread(symbol_table.recovered, symbol_table.lost, self._skipped)
        return publish(self._store, self._snapshot.key, self._options.token, state, fresh, base, unread)
