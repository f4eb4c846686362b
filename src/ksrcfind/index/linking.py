"""Links files in parallel: turns their log calls into messages, and packs the messages for the store."""

import multiprocessing
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from multiprocessing.pool import Pool

from msgspec import Struct

from ksrcfind.index.workers import begin_worker, may_fork, portions
from ksrcfind.source.facts import name_hash
from ksrcfind.source.link import Linker
from ksrcfind.source.printed_lines import all_origin_names, all_printed_lines
from ksrcfind.source.program import Program
from ksrcfind.storage.codec import pack_lines, pack_message
from ksrcfind.tree.snapshot import Snapshot

_PORTION = 32  # most files that a worker links at a time
_FEW = 40  # fewer files than this are linked without worker processes


class Linked(Struct, frozen=True):
    """The result of linking one source file: its packed messages."""

    number: int
    """Number of the file."""
    dependencies: bytes
    """Hashes (32 bit each, sorted) of the names that the linker looked up."""
    messages: list[tuple[bytes, bytes]]
    """For each message, the packed message and the packed lines that it can print."""
    words: list[list[str]]
    """For each message, the words of each line that it can print, separated by blanks."""
    names: list[str]
    """Names of the file, its directories and its modules (`printed.origin_names`)."""


class _FileLinker:
    def __init__(self, program: Program, snapshot: Snapshot) -> None:
        self._linker = Linker(program, lambda number: snapshot.read(program.paths[number]))

    def link(self, number: int) -> Linked:
        messages, dependencies = self._linker.messages(number)
        lines = all_printed_lines(messages)
        return Linked(
            number,
            array("I", sorted({name_hash(name) for name in dependencies})).tobytes(),
            [(pack_message(message), pack_lines(own)) for message, own in zip(messages, lines, strict=True)],
            [[line.words for line in own] for own in lines],
            all_origin_names(messages),
        )


_linker: _FileLinker | None = None


def _link_portion(numbers: Sequence[int]) -> list[Linked]:
    return [_linker.link(number) for number in numbers] if _linker is not None else []


@contextmanager
def linking(
    program: Program, snapshot: Snapshot, processes: int
) -> Iterator[Callable[[Sequence[int]], Iterable[Linked]]]:
    """Yield a function that links files: it takes their numbers and returns their results in the same order.

    Worker processes begin at the call, before the caller iterates over the results. So the caller can compute meanwhile
    which other files to link.
    """
    global _linker  # noqa: PLW0603 - inherited by the worker processes, which are forked below
    _linker = linker = _FileLinker(program, snapshot)
    with ExitStack() as stack:
        pool: Pool | None = None

        def link(numbers: Sequence[int]) -> Iterable[Linked]:
            nonlocal pool
            if pool is None and (processes == 1 or len(numbers) < _FEW or not may_fork()):
                return map(linker.link, numbers)
            if pool is None:
                pool = stack.enter_context(multiprocessing.get_context("fork").Pool(processes, begin_worker))
            return chain.from_iterable(pool.imap(_link_portion, portions(numbers, processes, _PORTION)))

        try:
            yield link
        finally:
            _linker = None
