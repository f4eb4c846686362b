"""The symbol table of a tree: which files define each name, and which names can reach a log sink.

A log sink is a function that writes text into the log, such as printk. A name reaches a sink if a call of that function
or macro can end in one, directly or through others.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from ksrcfind.source.sinks import LogSink
from ksrcfind.source.summary import FileSummary, included_names, sink_reaching

FilesByName = Mapping[str, Sequence[int]]
"""Name → numbers of the files that define or use it, ascending."""


class SymbolTable(Struct, frozen=True):
    """The summaries of all files of a tree, merged.

    The first six fields are arguments of `source.program.Program`; each names the files in which a name occurs.
    """

    macros: FilesByName
    wrappers: FilesByName
    includers: FilesByName
    constants: FilesByName
    text_functions: FilesByName
    registered: FilesByName
    may_log: frozenset[str]
    """Names of functions and macros that can reach a log sink (the result of `summary.sink_reaching`)."""
    with_calls: frozenset[int]
    """Numbers of the files that contain calls with text."""
    includes: Sequence[Sequence[str]]
    """For each file, by number: what its `#include` lines name (`SourceFacts.includes`)."""
    called: Sequence[bytes]
    """For each file, by number: hashes of the names that it calls (`SourceFacts.called`)."""
    recovered: int
    lost: int


def symbol_table(
    summaries: Sequence[FileSummary], roots: Iterable[LogSink], may_log: frozenset[str] | None = None
) -> SymbolTable:
    """Return the symbol table of some files, numbered in the order of `summaries`.

    `may_log` has the names that can reach a log sink, if the caller knows them. If it is None, they are computed.
    """
    return SymbolTable(
        _by_name(one.macros for one in summaries),
        _by_name(one.wrappers for one in summaries),
        _by_name(dict.fromkeys(included_names(one)) for one in summaries),
        _by_name(one.constants for one in summaries),
        _by_name(one.text_functions for one in summaries),
        _by_name(one.registered for one in summaries),
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
