"""Reads git objects through one `git cat-file --batch` process.

It serves as fast as the pack allows (27,163 files of Linux 2.6.35, 340 MB: 2.0 s; libgit2 takes 2.3 to 3.5 s) and
reads every repository that git itself reads: partial clones, new reference formats, other hash functions.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import ClassVar, Generic, Self, TypeVar

from ksrcfind.tree.disk import LARGEST
from ksrcfind.tree.git import Git, Process, failure

# Requests written ahead of the answers. They must fit into a pipe as a whole, for git may be busy writing an answer;
# and the answers are held until all are there, so that one question never meets the answers of another.
AHEAD = 64
PIPE_BYTES = 32768


Found = TypeVar("Found")


class MissingObjectError(LookupError):
    """An object that is named is not in the repository."""


class _Reader(ABC, Generic[Found]):
    """Asks one process for objects by id or by any other name (`v5.9:mm/oom_kill.c`).

    The process starts with the first question and is started anew after a fork or in the copy that pickling makes.
    Not for use by several threads at once.
    """

    command: ClassVar[str]
    """Option of `git cat-file`."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: Process | None = None

    def __reduce__(self) -> tuple[type[Self], tuple[Git]]:
        return type(self), (self._git,)

    def read_many(self, names: Iterable[str]) -> Iterator[Found | None]:
        """What is known of many objects, in the order asked; None for one that is missing."""
        rest = iter(names)
        while chunk := list(islice(rest, AHEAD)):
            for group in _portions([_request(name) for name in chunk]):
                yield from self._exchange(group)

    def close(self) -> None:
        """End the process; the next question starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def __del__(self) -> None:
        self.close()

    @abstractmethod
    def _found(self, process: Process, name: bytes, kind: bytes, size: int) -> Found:
        """Take the rest of an answer."""

    def _exchange(self, requests: list[bytes]) -> list[Found | None]:
        if self._process is not None and not self._process.running:
            self.close()
        if self._process is None:
            self._process = self._git.start("cat-file", self.command, errors=True)
        try:
            self._process.input.write(b"".join(requests))
            self._process.input.flush()
            return [self._answer(self._process) for _ in requests]
        except BaseException:
            self.close()  # Answers that nobody waits for any more would be taken for those of the next question.
            raise

    def _answer(self, process: Process) -> Found | None:
        header = process.output.readline()
        if not header.endswith(b"\n"):
            _, said = process.finish()
            raise failure(self._git.directory, ("cat-file",), said)
        # `<id> <type> <size>`, or the name asked for and `missing`, `ambiguous` or `submodule`.
        fields = header.rstrip(b"\n").split(b" ")
        if len(fields) < 3 or not fields[-1].isdigit():
            return None
        return self._found(process, fields[0], fields[-2], int(fields[-1]))


class ObjectReader(_Reader[tuple[str, bytes]]):
    """Types (`blob`, `tree`, `commit`, `tag`) and bytes of the objects of one repository.

    One of more than `LARGEST` bytes reads as empty.
    """

    command = "--batch"

    def read(self, name: str) -> bytes:
        """Bytes of one object. Raises `MissingObjectError`."""
        _, data = self.read_typed(name)
        return data

    def read_typed(self, name: str) -> tuple[str, bytes]:
        """Type and bytes of one object. Raises `MissingObjectError`."""
        found = next(self.read_many([name]))
        if found is None:
            raise MissingObjectError(name)
        return found

    def _found(self, process: Process, name: bytes, kind: bytes, size: int) -> tuple[str, bytes]:  # noqa: ARG002
        if size > LARGEST:  # It may be a thousand times as large as in the pack.
            for left in range(size + 1, 0, -PIPE_BYTES):
                process.output.read(min(left, PIPE_BYTES))
            return kind.decode(), b""
        data = process.output.read(size + 1)
        return kind.decode(), data[:size]


class IdReader(_Reader[str]):
    """Ids of the objects of one repository."""

    command = "--batch-check"

    def _found(self, process: Process, name: bytes, kind: bytes, size: int) -> str:  # noqa: ARG002
        return name.decode()


def _request(name: str) -> bytes:
    """Return the request line; a name that cannot be asked for becomes one that is missing."""
    line = name.encode("utf-8", "surrogateescape") + b"\n"
    return line if line.count(b"\n") == 1 and len(line) <= 8192 else b"?\n"


def _portions(requests: list[bytes]) -> Iterator[list[bytes]]:
    """Split requests so that each part fits into a pipe."""
    part: list[bytes] = []
    size = 0
    for request in requests:
        if part and size + len(request) > PIPE_BYTES:
            yield part
            part, size = [], 0
        part.append(request)
        size += len(request)
    if part:
        yield part
