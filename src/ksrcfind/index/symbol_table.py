"""The symbol table of a tree: the files that define each name, and the names that may reach a log sink."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ksrcfind.source.sinks import LogSink
from ksrcfind.source.summary import FileSummary, included_names, sink_reaching

FilesByName = Mapping[str, Sequence[int]]
"""Name → numbers of files, ascending."""


@dataclass(frozen=True, slots=True)
class SymbolTable:
    """The summaries of all files of a tree, merged. The first five fields are arguments of `Program`."""

    macros: FilesByName
    wrappers: FilesByName
    includers: FilesByName
    constants: FilesByName
    text_functions: FilesByName
    may_log: frozenset[str]
    """The result of `sink_reaching`."""
    with_calls: frozenset[int]
    """Files that contain calls with text."""
    includes: Sequence[Sequence[str]]
    """`SourceFacts` field of each file."""
    called: Sequence[bytes]
    """`SourceFacts` field of each file."""
    recovered: int
    lost: int


def symbol_table(
    summaries: Sequence[FileSummary], roots: Iterable[LogSink], may_log: frozenset[str] | None = None
) -> SymbolTable:
    """Return the symbol table of files in this order; `may_log` is computed if it is None."""
    return SymbolTable(
        _by_name(one.macros for one in summaries),
        _by_name(one.wrappers for one in summaries),
        _by_name(dict.fromkeys(included_names(one)) for one in summaries),
        _by_name(one.constants for one in summaries),
        _by_name(one.text_functions for one in summaries),
        sink_reaching(summaries, roots) if may_log is None else may_log,
        frozenset(number for number, one in enumerate(summaries) if one.has_calls),
        [one.includes for one in summaries],
        [one.called for one in summaries],
        sum(one.recovered for one in summaries),
        sum(one.lost for one in summaries),
    )


def _by_name(names: Iterable[Iterable[str]]) -> FilesByName:
    found: dict[str, list[int]] = defaultdict(list)
    for number, some in enumerate(names):
        for name in some:
            found[name].append(number)
    return found
