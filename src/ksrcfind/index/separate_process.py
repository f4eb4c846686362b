"""Builds an index for a program with threads: in a separate Python process, which has no threads and may fork.

A build forks worker processes, and a fork copies only one thread: a lock that another thread holds stays locked for
ever in the copy. So a program with threads (the servers, users of the library) starts a new Python that builds the
index. The caller reads the index from the store; progress and the report come through a pipe. If one of the two
processes ends, the other one does not crash.

`multiprocessing` could start the process too, but would run the main module of the caller's program again in it.
"""

import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import Pipe, spawn
from multiprocessing.connection import Connection
from pathlib import Path

from msgspec import Struct

from ksrcfind.errors import KsrcfindError
from ksrcfind.index import build as building
from ksrcfind.index import sources
from ksrcfind.index.build import BuildOptions
from ksrcfind.index.report import IndexReport
from ksrcfind.index.workers import begin_worker, may_fork
from ksrcfind.progress import Progress, Task
from ksrcfind.storage.store import UNSAVED_HINT, Store
from ksrcfind.tree.snapshot import Snapshot

SMALL = 200
"""Number of source files below which a tree is indexed in this process, without workers: a new Python starts slower."""

EVERY = 0.5
"""Longest time in seconds between two calls of the caller's `Task`. Such a call may raise, to cancel the build."""


class _Request(Struct, frozen=True):
    """The request to build an index, sent to the separate process."""

    snapshot: Snapshot
    directory: Path
    """Directory of the store."""
    identity: str
    """The argument `identity` of `Store.open`."""
    options: BuildOptions


class _Begun(Struct, frozen=True):
    """News from the separate process: a task of the build began."""

    description: str
    total: int | None


class _Advanced(Struct, frozen=True):
    """News from the separate process: the task that began last advanced by `amount` steps."""

    amount: int


class _Failed(Struct, frozen=True):
    """News from the separate process: the build ended with an error.

    A `traceback` means a mistake of the program; without one, the error is for the user.
    """

    title: str
    hint: str = ""
    traceback: str = ""


_News = _Begun | _Advanced | _Failed | IndexReport


def build(snapshot: Snapshot, store: Store, options: BuildOptions, progress: Progress) -> IndexReport:
    """Build or update the index of a tree's snapshot and return a report.

    The build runs in this process if it may fork or if the tree is small, else in a separate process. If another
    process builds an index of this store, this function waits. An exception from `progress` cancels the build. Raises
    `KsrcfindError` if the index cannot be built.
    """
    request = _Request(snapshot, store.directory, store.identity, options)
    if may_fork() or not store.is_usable or not spawn.get_executable() or _is_small(snapshot):
        return _build_here(request, store, progress)
    return _build_separately(request, progress)


def _build_here(request: _Request, store: Store, progress: Progress) -> IndexReport:
    with ExitStack() as shown:
        waiting = progress.task("waiting for another run that builds this index", None)
        with store.building(waiting=cache(lambda: shown.enter_context(waiting))):
            shown.close()
            return building.build(request.snapshot, store, request.options, progress)


def _is_small(snapshot: Snapshot) -> bool:
    return len(sources.source_files(snapshot).files) < SMALL


def _build_separately(request: _Request, progress: Progress) -> IndexReport:
    ours, theirs = Pipe()
    # The new process gets this process's path: a program may have changed it before it imported the package.
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve({theirs.fileno()})"
    with ours:
        with theirs:
            process = _started(code, theirs.fileno())
        try:
            ours.send(request)
            news = _forwarded(ours, progress)
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


def _forwarded(pipe: Connection, progress: Progress) -> IndexReport | _Failed:
    """Forward the progress of a build to `progress`, and return the result of the build.

    Raises `EOFError` if the separate process dies.
    """
    news = _next(pipe, None)
    while isinstance(news, _Begun):
        with progress.task(news.description, news.total) as task:
            while isinstance(news := _next(pipe, task), _Advanced):
                task.advance(news.amount)
    assert not isinstance(news, _Advanced)  # noqa: S101 - a task begins before it advances
    return news


def _next(pipe: Connection, task: Task | None) -> _News:
    while not pipe.poll(EVERY):
        if task is not None:
            task.advance(0)
    news: _News = pipe.recv()
    return news


@dataclass(slots=True)
class _Reporter:
    """Sends progress through a pipe. The object is a `Progress` and the `Task` that its method `task` returns."""

    pipe: Connection

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator["_Reporter"]:
        """Report that a task begins, and return its `Task`."""
        self.pipe.send(_Begun(description, total))
        yield self

    def advance(self, amount: int = 1) -> None:
        """Report that the task advanced by `amount` steps."""
        self.pipe.send(_Advanced(amount))


def serve(descriptor: int) -> None:
    """Build the index that a pipe requests. This is the main function of the separate process.

    `descriptor` is the file descriptor of the pipe.
    """
    begin_worker()
    with Connection(descriptor) as pipe:
        request: _Request = pipe.recv()
        try:
            news: _News = _built(request, pipe)
        except KsrcfindError as error:
            news = _Failed(error.title, error.hint)
        except ConnectionError:  # The caller has ended.
            return
        except Exception as error:  # noqa: BLE001 - the caller raises it
            news = _Failed(str(error), traceback=traceback.format_exc())
        pipe.send(news)


def _built(request: _Request, pipe: Connection) -> IndexReport:
    with closing(Store.open(request.directory, request.identity)) as store:
        report = _build_here(request, store, _Reporter(pipe))
        if store.unsaved is not None:
            raise KsrcfindError(store.unsaved, UNSAVED_HINT)
        return report
