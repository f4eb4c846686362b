"""Building an index from a process that has threads: in another process, which has none.

Building forks worker processes, and a fork copies one thread: a lock that another thread holds stays locked for ever in
the copy. So a program with threads (the servers, users of the library) starts a fresh Python that builds the index and
forks as it likes. What it wrote is read from the index file; progress and the report come through a pipe. Both programs
go on alone if the other one ends.

`multiprocessing` could start that process too, but would run the main module of the caller's program in it again.
"""

import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import Pipe, spawn
from multiprocessing.connection import Connection
from pathlib import Path

from ksrcfind.errors import KsrcfindError
from ksrcfind.index import build as building
from ksrcfind.index import sources
from ksrcfind.index.report import IndexReport
from ksrcfind.index.workers import leave_interrupts_to_parent, may_fork
from ksrcfind.progress import Progress, Task
from ksrcfind.source.sinks import LogSink
from ksrcfind.storage.store import Store
from ksrcfind.tree.snapshot import Snapshot

SMALL = 200
"""Source files of a tree that is indexed sooner than another Python starts; no worker is needed for it."""

EVERY = 0.5
"""Seconds after which a caller hears from a build that has nothing to say: its `Task` may raise to end it."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be built."""

    snapshot: Snapshot
    directory: Path
    """Of the store."""
    identity: str
    """As `Store.open` wants it."""
    roots: tuple[LogSink, ...]
    jobs: int | None
    token: bytes
    """As `build` wants it."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """A piece of work began."""

    description: str
    total: int | None


@dataclass(frozen=True, slots=True)
class _Advanced:
    """So many further units of the last piece of work are done."""

    amount: int


@dataclass(frozen=True, slots=True)
class _Failed:
    """The build ended with an error: for the user, or, with a traceback, for a programmer."""

    title: str
    hint: str = ""
    traceback: str = ""


_News = _Begun | _Advanced | _Failed | IndexReport


def build(
    snapshot: Snapshot,
    store: Store,
    roots: Sequence[LogSink],
    jobs: int | None,
    progress: Progress,
    token: bytes = b"",
) -> IndexReport:
    """Bring the index of a snapshot up to date and return what was done: in this process if it may fork, else apart.

    Waits for another run that is building. `token` names the state of a working tree that is indexed. What `progress`
    raises ends the build. Raises `KsrcfindError`.
    """
    order = _Order(snapshot, store.directory, store.identity, tuple(roots), jobs, token)
    if may_fork() or not store.is_usable or not spawn.get_executable() or _is_small(snapshot):
        return _build_here(order, store, progress)
    return _build_apart(order, progress)


def _build_here(order: _Order, store: Store, progress: Progress) -> IndexReport:
    with ExitStack() as shown:
        waiting = progress.task("waiting for another run that builds this index", None)
        with store.building(waiting=cache(lambda: shown.enter_context(waiting))):
            shown.close()
            return building.build(order.snapshot, store, order.roots, order.jobs, progress, order.token)


def _is_small(snapshot: Snapshot) -> bool:
    return len(sources.source_files(snapshot).files) < SMALL


def _build_apart(order: _Order, progress: Progress) -> IndexReport:
    ours, theirs = Pipe()
    # The path is that of this process: the package may have been found through a change of it.
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve({theirs.fileno()})"
    with ours:
        with theirs:
            process = _started(code, theirs.fileno())
        try:
            ours.send(order)
            news = _followed(ours, progress)
        except (EOFError, ConnectionError) as error:
            raise KsrcfindError(
                f"cannot build the index: its process ended with status {process.wait()}",
                "To use less memory, run fewer processes: --jobs 1",
            ) from error
        except BaseException:
            process.terminate()
            raise
        finally:
            process.wait()
    if isinstance(news, _Failed) and news.traceback:
        raise RuntimeError(f"building the index failed\n{news.traceback}")
    if isinstance(news, _Failed):
        raise KsrcfindError(news.title, news.hint)
    return news


def _started(code: str, descriptor: int) -> "subprocess.Popen[bytes]":
    python = os.fsdecode(spawn.get_executable())
    try:
        return subprocess.Popen([python, "-c", code], stdin=subprocess.DEVNULL, pass_fds=[descriptor])
    except OSError as error:
        raise KsrcfindError(
            f"cannot build the index: cannot start {python}: {error.strerror}",
            "Build it beforehand with: ksrcfind index",
        ) from error


def _followed(pipe: Connection, progress: Progress) -> IndexReport | _Failed:
    """Hand on the progress of a build until it is done. Raises `EOFError` if its process ends without a word."""
    news = _next(pipe, None)
    while isinstance(news, _Begun):
        with progress.task(news.description, news.total) as task:
            while isinstance(news := _next(pipe, task), _Advanced):
                task.advance(news.amount)
    assert not isinstance(news, _Advanced)  # noqa: S101 - a build tells first what it is about
    return news


def _next(pipe: Connection, task: Task | None) -> _News:
    while not pipe.poll(EVERY):
        if task is not None:
            task.advance(0)
    news: _News = pipe.recv()
    return news


@dataclass(slots=True)
class _Reporter:
    """Sends progress through a pipe: a `Progress` and its `Task` at once."""

    pipe: Connection

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator["_Reporter"]:
        """Begin a piece of work."""
        self.pipe.send(_Begun(description, total))
        yield self

    def advance(self, amount: int = 1) -> None:
        """Say that so many further units are done."""
        self.pipe.send(_Advanced(amount))


def serve(descriptor: int) -> None:
    """Build the index that is ordered through a pipe: what the process that is started runs."""
    leave_interrupts_to_parent()
    with Connection(descriptor) as pipe:
        order: _Order = pipe.recv()
        try:
            news: _News = _built(order, pipe)
        except KsrcfindError as error:
            news = _Failed(error.title, error.hint)
        except ConnectionError:  # Nobody is there any more who wants it.
            return
        except Exception as error:  # noqa: BLE001 - it is raised again where the build was asked for
            news = _Failed(str(error), traceback=traceback.format_exc())
        pipe.send(news)


def _built(order: _Order, pipe: Connection) -> IndexReport:
    with closing(Store.open(order.directory, order.identity)) as store:
        report = _build_here(order, store, _Reporter(pipe))
        if store.unsaved is not None:
            raise KsrcfindError(store.unsaved, "Free some space, or name another directory: KSRCFIND_CACHE_DIR.")
        return report
