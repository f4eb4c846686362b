"""Linking many files, in parallel: messages packed as the store keeps them."""

import multiprocessing
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ksrcfind.index.parse import leave_interrupts_to_parent
from ksrcfind.index.store import pack_lines, pack_message
from ksrcfind.source.facts import name_hash
from ksrcfind.source.link import Linker
from ksrcfind.source.printed import origin_names, printed_lines
from ksrcfind.source.program import Program
from ksrcfind.tree.snapshot import Snapshot

_PORTION = 32  # files that a worker links at a time
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


class _FileLinker:
    def __init__(self, program: Program, snapshot: Snapshot) -> None:
        self._linker = Linker(program, lambda number: snapshot.read(program.paths[number]))

    def link(self, number: int) -> Linked:
        messages, consulted = self._linker.messages(number)
        lines = [tuple(printed_lines(messages, place)) for place in range(len(messages))]
        return Linked(
            number,
            array("I", sorted({name_hash(name) for name in consulted})).tobytes(),
            [(pack_message(message), pack_lines(own)) for message, own in zip(messages, lines, strict=True)],
            [[line.words for line in own] for own in lines],
            sorted(set().union(*map(origin_names, messages))),
        )


_linker: _FileLinker | None = None


def _link_portion(numbers: Sequence[int]) -> list[Linked]:
    return [_linker.link(number) for number in numbers] if _linker is not None else []


def linked(program: Program, snapshot: Snapshot, numbers: Sequence[int], processes: int) -> Iterator[Linked]:
    """Link files of a program, in the order of their numbers."""
    linker = _FileLinker(program, snapshot)
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
