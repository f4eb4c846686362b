"""The one sequence behind every front end: a line is read, matched, and its history told."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ksrcfind.config import TREE_FILE, Settings, with_tree_file
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import Finding, Input
from ksrcfind.history.provenance import Commit, Later, Provenance
from ksrcfind.history.releases import Releases, ReleaseTag
from ksrcfind.history.trace import History, Request, wording_place
from ksrcfind.index import sources
from ksrcfind.index.report import IndexReport, ReleasesReport
from ksrcfind.log.line import LogLine, read_line
from ksrcfind.log.records import Row
from ksrcfind.match.absence import Absence
from ksrcfind.match.answer import Answer, Match, Place, Tier
from ksrcfind.match.names import closest_path
from ksrcfind.match.place import named_place, nearest_call, own_place, place_calls
from ksrcfind.match.rank import Matcher
from ksrcfind.progress import Progress
from ksrcfind.search.differing_files import FilePair, differing_files
from ksrcfind.search.multi_revision import MultiRevisionIndex
from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.source.message import Message
from ksrcfind.source.roots import BUILT_IN, Root, identity
from ksrcfind.storage.store import Store, store_path
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.maintainers import FILE as MAINTAINERS
from ksrcfind.tree.maintainers import Maintainers, Subsystem
from ksrcfind.tree.open import AnySnapshot, open_snapshot
from ksrcfind.tree.snapshot import TreeInfo
from ksrcfind.tree.versions import MAKEFILE, makefile_release

if TYPE_CHECKING:
    from ksrcfind.search.unindexed import UnindexedSearch

NAMED_SUFFIXES = (".c", ".h", ".S")
"""Of the files whose lines the kernel names in its log."""

TRACED_TOGETHER = 64
"""Findings; enough to keep all processors busy, few enough for what is done so far to be told."""

LONGEST_FILE = 10**9
"""Lines."""

_OFF = Provenance("off")
SWITCHED_OFF = "This call is switched off, by a comment or by #if 0: nothing prints it."


class HistoryMode(Enum):
    """Whose history is told."""

    FIRST = "first"
    """That of the first match."""
    ALL = "all"
    """That of every match shown."""
    OFF = "off"


def _depth(history: HistoryMode, matches: Sequence[Match]) -> int:
    """Return for how many matches, the best first, history is told."""
    return {HistoryMode.OFF: 0, HistoryMode.FIRST: min(1, len(matches)), HistoryMode.ALL: len(matches)}[history]


def _around(line: int, messages: Iterable[Message]) -> list[Message]:
    """Return the messages whose calls stand on a line; of calls within calls the innermost first."""
    here = [message for message in messages if message.line_start <= line <= message.line_end]
    return sorted(here, key=lambda message: (message.line_end - message.line_start, -message.line_start))


def _digest(files: Mapping[str, str]) -> int:
    return hash(frozenset(files.items()))


def open_tree(repo: Path | None, start: Path, rev: str | None, settings: Settings) -> tuple[AnySnapshot, Settings]:
    """Open the tree at `repo`, else the one around `start`, else the configured one; and add its settings.

    Raises `KsrcfindError`: no tree, unknown revision, a repository that git refuses, a mistake in the tree's file.
    """
    if repo is not None:
        snapshot = open_snapshot(repo, rev, named=True)
    else:
        try:
            snapshot = open_snapshot(start, rev)
        except KsrcfindError:
            if settings.fallback_repo is None:
                raise
            snapshot = open_snapshot(settings.fallback_repo, rev, named=True)
    try:
        return snapshot, with_tree_file(settings, snapshot.read(TREE_FILE), TREE_FILE)
    except FileNotFoundError:
        return snapshot, settings
    except KsrcfindError:
        snapshot.close()
        raise


class Histories(Protocol):
    """Tells where messages came from."""

    def expect(self, requests: Sequence[Request]) -> None:
        """Get ready for the histories of many messages, which will be asked for in parts."""
        ...

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each message, in order."""
        ...

    def is_current(self) -> bool:
        """Tell whether they would be the same if they were asked for from scratch."""
        ...

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return commits by their full ids; those that are not there are left out."""
        ...


def roots_of(settings: Settings) -> tuple[Root, ...]:
    """Return the functions that log: those of every kernel, and those that settings name."""
    return (*BUILT_IN, *(Root(root.name, root.format, root.level_name, prefix=root.prefix) for root in settings.roots))


def no_such_files(path: str, files: Iterable[str]) -> KsrcfindError:
    """Return the error for a path of the command line that names none of the tree's C files."""
    meant = closest_path(path, files)
    hint = f"The closest is {meant}." if meant is not None else "Paths start at the root of the tree: mm/oom_kill.c"
    return KsrcfindError(f"no C files at {path}", hint)


class Finder:
    """Answers questions about one tree."""

    _whole = "this tree"
    """What is asked, in sentences."""

    def __init__(self, snapshot: AnySnapshot, store: Store, settings: Settings, progress: Progress) -> None:
        releases: Releases | None = None
        if not isinstance(snapshot, DirectorySnapshot):
            releases = Releases(snapshot.repository, settings.release_tags, store.cache)
        history = History(
            snapshot, releases, store.cache, follow=settings.follow, jobs=settings.jobs, progress=progress
        )
        self._begin(history, releases, index=None)
        self._snapshot = snapshot
        self._store = store
        self._settings = settings
        self._jobs = settings.jobs
        self._progress = progress
        self._roots = roots_of(settings)
        self._narrow: UnindexedSearch | None = None
        self._across: tuple[list[ReleaseTag], MultiRevisionIndex] | None = None
        self._looked_for_index = False
        self._notes: list[str] = []
        self._made: float | None = None
        self._indexed: tuple[float, int] | None = None

    def _begin(self, history: Histories, releases: Releases | None, index: RevisionIndex | None) -> None:
        """Set what questions need whatever answers them, a tree or a bundle. All else belongs to the tree."""
        self._history = history
        self._releases = releases
        self._index = index
        self._matcher = Matcher(index) if index is not None else None
        self._maintainers: Maintainers | None = None

    @classmethod
    def open(
        cls, *, repo: Path | None, start: Path, rev: str | None, settings: Settings, progress: Progress
    ) -> "Finder":
        """Open the tree at `repo`, else the one around `start`, else the configured one.

        Raises `KsrcfindError`: no tree, unknown revision, a repository that git refuses.
        """
        snapshot, settings = open_tree(repo, start, rev, settings)
        store = Store.open(store_path(settings.cache_dir, snapshot.root), identity(roots_of(settings)))
        return cls(snapshot, store, settings, progress)

    @property
    def info(self) -> TreeInfo:
        """What tree this is."""
        return self._snapshot.info

    @property
    def release(self) -> str | None:
        """The kernel release that the tree's own Makefile names: `6.1.192`; None if it names none."""
        try:
            return makefile_release(self._read(MAKEFILE).decode("utf-8", "replace"))
        except FileNotFoundError:
            return None

    @property
    def root(self) -> Path:
        """Directory of the tree."""
        return self._snapshot.root

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of tree and index before reading answers."""
        return (*self._snapshot.notes, *self._store.notes, *self._notes)

    @property
    def unsaved(self) -> str | None:
        """Why the index that was built last could not be written; None if it was."""
        return self._store.unsaved

    @property
    def advice(self) -> str | None:
        """What would make later answers faster, known after the first ones."""
        return self._releases.advice if self._releases is not None else None

    def close(self) -> None:
        """Let go of the index and of the git process that reads objects."""
        self._store.close()
        self._snapshot.close()

    def find(self, text: str, *, limit: int = 5, history: HistoryMode = HistoryMode.FIRST) -> Finding:
        """Explain one log line."""
        log = read_line(text)
        return self._finding(Input(None, None, log.text, log.truncated), log, limit, history)

    def lines(
        self, rows: Iterable[Row], *, limit: int = 5, history: HistoryMode = HistoryMode.FIRST
    ) -> Iterator[Finding]:
        """Explain a few lines of a log, in order; for whole logs there is `ksrcfind.batch`."""
        for row in rows:
            source = Input(row.source, row.line, row.log.text, row.log.truncated)
            yield self._finding(source, row.log, limit, history, event=row.part_of)

    def answer(self, log: LogLine, limit: int = 5, *, build: bool = True) -> Answer:
        """Tell which calls print a line, without history and from the index, which is built if there is none.

        Unless `build` is false: then a line is answered without an index, as `find` does.
        """
        if build and self._ready(wait=True) is None:
            self.build_index()
        return self._answer(log, limit)[0]

    def subsystem(self, path: str) -> Subsystem | None:
        """Who looks after a file, as the tree's MAINTAINERS file has it; None if it does not say."""
        if self._maintainers is None:
            try:
                text = self._read(MAINTAINERS).decode("utf-8", "replace")
            except FileNotFoundError:
                text = ""
            self._maintainers = Maintainers(text)
        return self._maintainers.subsystem(path)

    def source(self, path: str, first: int, last: int) -> list[str]:
        """Lines of a file of the tree, 1-based and inclusive, as far as it has them; none if it is gone."""
        try:
            text = self._read(path).decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        return text.split("\n")[max(first, 1) - 1 : last]

    def at(self, places: Sequence[tuple[str, int]], *, history: HistoryMode = HistoryMode.FIRST) -> Iterator[Finding]:
        """Tell what the log calls at places print, in order; blames of one file share a run.

        A call that is switched off, by a comment or by `#if 0`, is told as well, with a note.
        """
        found: list[list[Message]] = []
        switched_off: set[int] = set()
        if self._ready() is None:
            self._narrowed().messages_of(dict.fromkeys(path for path, _line in places))
        for number, (path, line) in enumerate(places):
            here = _around(line, self._messages_of(path))
            if not here and (here := _around(line, self._switched_off(path, line))):
                switched_off.add(number)
            found.append(here)
        told: dict[int, Provenance] = {}
        if history is not HistoryMode.OFF:
            asked = [n for n, messages in enumerate(found) if messages]
            requests = [Request(found[n][0], at=places[n]) for n in asked]
            self._history.expect(requests)
            told = dict(zip(asked, self._history.trace(requests), strict=True))
        absence = Absence(self._messages_of, self._length, self._all_files, self._whole)
        for number, ((path, line), messages) in enumerate(zip(places, found, strict=True)):
            finding = self._place(path, line, messages, told.get(number, _OFF), absence)
            yield replace(finding, notes=(SWITCHED_OFF,)) if number in switched_off else finding

    @property
    def is_indexed(self) -> bool:
        """Whether there is an index; one of an older state is brought up to date by this question."""
        return self._ready() is not None

    def is_current(self) -> bool:
        """Tell whether a finder that is opened now would answer the same: one for those that run long.

        False once another commit is checked out, a file is edited, tags or settings of history change, or an index is
        made. Costs some runs of git, 0.1 s for Linux; in a plain directory it takes listing it, 0.4 s. A directory
        without an index is looked at with each question, and never said to be current.
        """
        if self._looked_for_index and self._index_made() != self._made:
            return False
        if isinstance(self._snapshot, DirectorySnapshot):
            return self._made is not None and self._indexed_files() == _digest(sources.source_files(self._snapshot))
        try:
            return self._snapshot.is_current() and self._history.is_current()
        except KsrcfindError:  # There is no repository any more.
            return False

    def catch_up(self) -> None:
        """Bring an index up to date if there is one, that of a plain directory by looking at all of its files."""
        if self._ready() is not None and not self.is_current():
            self.build_index()

    def _index_made(self) -> float | None:
        """When the index of this tree was made; None if there is none."""
        revision = self._store.revision(self._snapshot.key)
        return revision.made if revision is not None else None

    def _indexed_files(self) -> int | None:
        """Digest of the files that are indexed."""
        if self._indexed is None or self._indexed[0] != self._made:
            revision, state = self._store.revision(self._snapshot.key), self._store.state(self._snapshot.key)
            self._indexed = (revision.made, _digest(state.files)) if revision and state else None
        return self._indexed and self._indexed[1]

    def messages_in(self, path: str) -> list[Message]:
        """Every message of one file, by line; none if there is no such file. Builds no index."""
        return self._messages_of(path)

    def patch(self, commit: str) -> str:
        """What a commit says and changes, as `git show` has it; without git what it says."""
        if isinstance(self._snapshot, DirectorySnapshot):
            return self.commit(commit).message
        shown = self._snapshot.repository.git.run("show", "--end-of-options", commit)
        return shown.decode("utf-8", "replace")

    def messages(self, paths: Sequence[str] = ()) -> Iterator[Message]:
        """Every message of some files and directories, of the whole tree if none is named, by path and line.

        Builds a missing index. Raises `KsrcfindError` for what is not in the tree.
        """
        self._complete()
        files = self._files_of(paths)
        return self._index.messages(files) if self._index is not None else iter(())

    def _complete(self) -> None:
        """See to an index of the whole tree as it is."""
        if self._ready(wait=True) is None or isinstance(self._snapshot, DirectorySnapshot):
            self.build_index()

    def _all_files(self) -> list[str]:
        return sorted(self._snapshot.files(sources.SUFFIXES, ()))

    def _read(self, path: str) -> bytes:
        return self._snapshot.read(path)

    def differing(self, newer: "Finder", paths: Sequence[str] = ()) -> list[FilePair]:
        """Return the files whose messages can differ in a newer revision of the same tree, some files or all of them.

        Builds missing indexes. Raises `KsrcfindError` for paths that neither has.
        """
        for finder in (self, newer):
            if finder._ready(wait=True) is None:  # noqa: SLF001 - one of its own kind
                finder.build_index()
        pairs = list(differing_files(self._store, self._snapshot.key, newer._snapshot.key))  # noqa: SLF001
        if not paths:
            return pairs
        wanted: set[str] = set()
        for path in paths:
            found: set[str] = set()
            for finder in (self, newer):
                with suppress(KsrcfindError):
                    found.update(finder._files_of([path]))  # noqa: SLF001
            if not found:
                raise no_such_files(path, newer._all_files())  # noqa: SLF001
            wanted |= found
        return [pair for pair in pairs if pair.path in wanted]

    def _files_of(self, paths: Sequence[str]) -> list[str]:
        files = self._all_files()
        if not paths:
            return files
        wanted: dict[str, None] = {}
        for path in paths:
            inside = "" if path in ("", ".") else path.rstrip("/") + "/"
            found = [file for file in files if file == path or file.startswith(inside)]
            if not found:
                raise no_such_files(path, files)
            wanted |= dict.fromkeys(found)
        return list(wanted)

    def traced(self, findings: Sequence[Finding], history: HistoryMode) -> Iterator[tuple[int, Finding]]:
        """Tell the history of findings that were made without it: position and finding, file by file.

        Those of some files are told together: blames of one file share a run, and runs of several go side by side.
        """
        matched = [position for position, finding in enumerate(findings) if finding.answer.matches]
        matched.sort(key=lambda position: findings[position].answer.matches[0].message.path)

        def requests(positions: Iterable[int]) -> list[Request]:
            matches = (findings[position].answer.matches for position in positions)
            return [Request(match.message) for own in matches for match in own[: _depth(history, own)]]

        self._history.expect(requests(matched))
        for start in range(0, len(matched), TRACED_TOGETHER):
            positions = matched[start : start + TRACED_TOGETHER]
            told = iter(self._history.trace(requests(positions)))
            for position in positions:
                own = findings[position].answer.matches
                provenance = list(islice(told, _depth(history, own)))
                off = [_OFF] * (len(own) - len(provenance))
                pointed = self._tell_place(findings[position].answer.points_to, history)
                yield position, replace(findings[position], provenance=(*provenance, *off), points_to=pointed)

    def commit(self, commit_id: str) -> Commit:
        """A commit that an answer names."""
        return self._history.commits([commit_id])[commit_id]

    def commits(self, ids: Iterable[str]) -> list[Commit]:
        """Commits that answers name; those that are not there are left out."""
        return list(self._history.commits(ids).values())

    def histories(self, requests: Sequence[Request]) -> list[Provenance]:
        """Tell the history of messages, in order; blames of one file share a run."""
        return self._history.trace(requests)

    @property
    def has_history(self) -> bool:
        """Whether commits and releases are known: of a git repository, and of an index that carries them."""
        return self._releases is not None

    @property
    def releases(self) -> tuple[ReleaseTag, ...]:
        """The release tags of the repository, earliest version first; none without git."""
        return self._releases.tags if self._releases is not None else ()

    def indexed_releases(self) -> list[ReleaseTag]:
        """Other releases than this revision that are indexed, the latest first."""
        known = {revision.key for revision in self._store.revisions()} if self._releases is not None else set()
        return [tag for tag in reversed(self.releases) if tag.commit in known and tag.commit != self.info.commit]

    def lines_known(self, lines: Iterable[LogLine]) -> tuple[int, list[tuple[ReleaseTag, int]]]:
        """Return how many lines this tree can print as a whole, and each release that is indexed, the earliest first.

        Builds a missing index.
        """
        if self._ready(wait=True) is None:
            self.build_index()
        own = self._snapshot.key
        tags = {tag.commit: tag for tag in self.indexed_releases()}
        tags |= {tag.commit: tag for tag in self.releases if tag.commit == own}
        released = sorted(tags.values(), key=lambda tag: tag.version)
        keys = [tag.commit for tag in released]
        counts = dict(zip([own, *keys], MultiRevisionIndex(self._store, [own, *keys]).count(lines), strict=True))
        return counts[own], [(tag, counts[tag.commit]) for tag in released]

    @contextmanager
    def at_revision(self, rev: str) -> Iterator["Finder"]:
        """Open another revision of the same tree, with the same index."""
        snapshot = open_snapshot(self.root, rev, named=True)
        try:
            yield Finder(snapshot, self._store, self._settings, self._progress)
        finally:
            snapshot.close()

    def index_releases(self, *, candidates: bool) -> ReleasesReport:
        """Index every release tag, the earliest first, with `candidates` those of `-rc` too.

        What is indexed already is passed over: a run that was ended goes on where it was.
        Raises `KsrcfindError` if there are no release tags.
        """
        started = time.monotonic()
        wanted = [tag for tag in self.releases if candidates or tag.version == tag.version.final]
        if not wanted:
            raise KsrcfindError("this tree has no release tags", "ksrcfind doctor tells which tags count.")
        known = {revision.key for revision in self._store.revisions()}
        new = [tag for tag in wanted if tag.commit not in known]
        reports: list[IndexReport] = []
        with self._progress.task(f"indexing {len(new):,} releases", len(new)) as task:
            for tag in new:
                with self.at_revision(tag.name) as finder:
                    reports.append(finder.build_index())
                task.advance()
        return ReleasesReport(
            len(wanted),
            len(wanted) - len(new),
            sum(report.parsed for report in reports),
            sum(report.parsed_bytes for report in reports),
            sum(report.linked for report in reports),
            time.monotonic() - started,
            self._store.size_bytes,
        )

    def check_lives(self) -> None:
        """Raise `KsrcfindError` if the lives of messages cannot be shown here, for lack of releases."""
        if not self.releases:
            raise KsrcfindError(
                "`life` needs a git repository with release tags", "`ksrcfind doctor` shows which tree is used."
            )

    def later(self, finding: Finding) -> Later:
        """Tell what happened to the first match of a finding after the revision that it was found in, until HEAD."""
        start, snapshot = finding.tree.commit, self._snapshot
        if start is None or isinstance(snapshot, DirectorySnapshot) or not isinstance(self._history, History):
            return Later()
        message = finding.answer.matches[0].message
        head = snapshot.repository.head()
        return self._history.later(start, wording_place(Request(message)), head)

    def build_index(self) -> IndexReport:
        """Index the whole tree, or bring its index up to date; wait for another run that does so."""
        # Here and below: the parser and all that links is imported where files are read; most questions read none.
        from ksrcfind.index.apart import build

        report = build(self._snapshot, self._store, self._roots, self._jobs, self._progress, self._token())
        self._looked_for_index = True
        self._use_index()
        return report

    def _token(self) -> bytes:
        """Changes whenever a checkout does; the state of a plain directory is looked at file by file instead."""
        if isinstance(self._snapshot, CheckoutSnapshot):
            state = repr((self._snapshot.commit, sorted(self._snapshot.changes.items())))
            return state.encode("utf-8", "surrogateescape")
        return b""

    def _use_index(self) -> None:
        """Match with what is indexed of this tree. Raises `KeyError` if nothing is."""
        self._made = self._index_made()
        self._index = RevisionIndex(self._store.view(self._snapshot.key))
        self._matcher = Matcher(self._index)

    def _ready(self, *, wait: bool = False) -> Matcher | None:
        """Return the matcher over the whole tree, if there is an index; bring one of an older state up to date.

        If another run is doing that, answers come from the older state, with a note; with `wait`, wait for it.
        """
        if not self._looked_for_index:
            self._looked_for_index = True
            revision = self._store.revision(self._snapshot.key)
            with suppress(KeyError):
                self._use_index()
            if self._matcher is None and not self._store.was_damaged:
                return None
            if self._matcher is None or revision is None or revision.token != self._token():
                self._update(wait=wait)
        return self._matcher

    def _update(self, *, wait: bool) -> None:
        """Bring the index up to date; without `wait` only if no other run is building it."""
        with self._store.building(wait=False) as is_free:
            pass
        if is_free or wait:
            self.build_index()
        elif self._matcher is not None:
            self._notes.append("another run is updating the index: this answer is from before the last change")

    def _narrowed(self) -> "UnindexedSearch":
        if self._narrow is None:
            from ksrcfind.search.unindexed import UnindexedSearch

            self._narrow = UnindexedSearch(self._snapshot, self._store.cache, self._roots)
        return self._narrow

    def _messages_of(self, path: str) -> list[Message]:
        if self._ready() is None or self._index is None:
            return self._narrowed().messages_of([path])
        known = self._index.messages_of(path)
        # A file that is neither there nor known is none that changed.
        if (known or self._has_file(path)) and self._refresh([path]):
            known = self._index.messages_of(path)
        return known

    def _switched_off(self, path: str, line: int) -> list[Message]:
        return self._narrowed().switched_off(path, line)

    def _finding(
        self, source: Input, log: LogLine, limit: int, history: HistoryMode, event: int | None = None
    ) -> Finding:
        answer, notes = self._answer(log, limit)
        if answer.verdict not in (Tier.EXACT, Tier.PARTIAL) and not log.is_userspace and log.body.strip():
            for tag in self._releases_printing(log):  # The latest that knows it in full.
                older = Matcher(RevisionIndex(self._store.view(tag.commit))).answer(log, limit)
                if older.verdict == Tier.EXACT:
                    here = self.info.rev or self.root
                    note = f"not in {here}; the latest indexed release with this message is {tag.name}"
                    with self.at_revision(tag.name) as finder:
                        return finder._told(source, log, older, history, event, (note,))  # noqa: SLF001 - of its kind
        return self._told(source, log, answer, history, event, notes)

    def _releases_printing(self, log: LogLine) -> list[ReleaseTag]:
        """Return the other releases that are indexed and can print a line, the latest first."""
        tags = self.indexed_releases()
        if not tags:
            return []
        if self._across is None or self._across[0] != tags:
            self._across = tags, MultiRevisionIndex(self._store, [tag.commit for tag in tags])
        return [tag for tag, prints in zip(tags, self._across[1].printing(log), strict=True) if prints]

    def _told(
        self,
        source: Input,
        log: LogLine,
        answer: Answer,
        history: HistoryMode,
        event: int | None,
        notes: tuple[str, ...],
    ) -> Finding:
        """Return an answer with history."""
        told = tuple(self._tell(answer.matches, history))
        pointed = self._tell_place(answer.points_to, history)
        return Finding(source, log, self.info, answer, told, pointed, event=event, notes=notes)

    def _answer(self, log: LogLine, limit: int) -> tuple[Answer, tuple[str, ...]]:
        answer, notes = self._matched(log, limit)
        return (replace(answer, points_to=self._place_named(log, answer)) if answer.matches else answer), notes

    def _place_named(self, log: LogLine, answer: Answer) -> Place | None:
        """Look up the place that a line names, by file and line alone."""
        first = answer.matches[0]
        named = own_place(first)
        path: str | None = first.message.path
        if named is None:
            named = named_place(log.body)
            path = self._path_in_tree(named.path, first.message.path) if named is not None else None
        if named is None or path is None:
            return None
        # An expression over several lines has the place of any of them, so a call that covers the line is at it.
        for message in self._messages_of(path):
            if message.line_start <= named.line <= message.line_end:
                return Place(path, named.line, named.function or message.function, message.call, 0)
        if path == first.message.path and named.function == first.message.function:
            away = first.message.line_start - named.line
            return Place(path, named.line, named.function, first.message.call, away)
        call, drift = nearest_call(self._place_calls(path), named.line) or (None, None)
        return Place(path, named.line, named.function, call, drift)

    def _length(self, path: str) -> int | None:
        """Return how many lines a file has, None if there is no such file."""
        lines = self.source(path, 1, LONGEST_FILE)
        return len(lines) - (not lines[-1]) if lines else None

    def _has_file(self, path: str) -> bool:
        return bool(self.source(path, 1, 1))

    def _place_calls(self, path: str) -> Sequence[tuple[int, str]]:
        """Return the calls of a file that tell their own place, as `place_calls` does."""
        return place_calls("\n".join(self.source(path, 1, LONGEST_FILE)))

    def all_place_calls(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """Yield every file of C and assembly with its calls that tell their own place."""
        for path, data in self._snapshot.read_many(self._snapshot.files(NAMED_SUFFIXES, ())):
            yield path, place_calls(data.decode("utf-8", "replace"))

    def _path_in_tree(self, path: str, printed_by: str) -> str | None:
        """Return the file of the tree that a compiler was given under some path, None if there is none."""
        parts = [part for part in path.split("/") if part not in ("", ".", "..")]
        if f"/{printed_by}".endswith("/" + "/".join(parts)):
            return printed_by
        for start in range(len(parts)):
            shorter = "/".join(parts[start:])
            if self._has_file(shorter) or self._messages_of(shorter):
                return shorter
        return None

    def _matched(self, log: LogLine, limit: int) -> tuple[Answer, tuple[str, ...]]:
        matcher = self._ready()
        if matcher is not None:
            answer = matcher.answer(log, limit)
            if self._refresh([match.message.path for match in answer.matches]) and self._matcher is not None:
                answer = self._matcher.answer(log, limit)
            return answer, ()
        if log.is_userspace or not log.body.strip():
            return Matcher(self._narrowed().index_for("")).answer(log, limit), ()
        answers: list[Answer] = []
        for phrases in (True, False):
            answer = Matcher(self._narrowed().index_for(log.body, phrases=phrases)).answer(log, limit)
            if answer.verdict == Tier.EXACT:
                return answer, ()
            answers.append(answer)
            if answer.verdict == Tier.PARTIAL:
                break  # Other files would take as long again and hardly hold a better one.
        answer = next((answer for answer in reversed(answers) if answer.matches), answers[0])
        return answer, ("only the likeliest files were looked at: `ksrcfind index` reads them all",)

    def _refresh(self, paths: Iterable[str]) -> bool:
        """Look whether files of a plain directory changed since they were indexed; if so, index anew."""
        snapshot = self._snapshot
        if not isinstance(snapshot, DirectorySnapshot):
            return False
        for path in dict.fromkeys(paths):
            signature = snapshot.signature(path)
            if signature is None or self._store.cache.stat_blob(path, signature) is None:
                self.build_index()
                return True
        return False

    def _tell_place(self, place: Place | None, history: HistoryMode) -> Provenance | None:
        """Tell the history of a place that a line names, of the call there if that is still the same."""
        if place is None or place.call is None or history is HistoryMode.OFF:
            return None
        here = [m for m in self._messages_of(place.path) if m.line_start <= place.line <= m.line_end]
        line = place.line + (place.drift or 0)
        bare = Message(place.path, line, line, place.function, place.call, None, None, "", (), ())
        return self._history.trace([Request(here[0] if here else bare, at=(place.path, line))])[0]

    def _tell(self, matches: Sequence[Match], history: HistoryMode) -> Iterator[Provenance]:
        count = _depth(history, matches)
        told = self._history.trace([Request(match.message) for match in matches[:count]]) if count else []
        yield from told
        yield from (_OFF for _ in matches[len(told) :])

    def _place(
        self, path: str, line: int, messages: Sequence[Message], provenance: Provenance, absence: Absence
    ) -> Finding:
        source = Input(None, None, f"{path}:{line}", truncated=False)
        if not messages:
            return Finding(source, None, self.info, Answer("place", absence.reason(path, line), (), 0), ())
        matches = tuple(Match(Tier.EXACT, 1.0, 1.0, message, message.forms[0], ()) for message in messages[:1])
        return Finding(source, None, self.info, Answer("place", None, matches, 0), (provenance,))
