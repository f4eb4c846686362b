"""Summaries of files for the rest of the tree: the names that a file defines, and the names that their bodies use.

A summary depends on the facts of the file alone, and the cache stores both. Indexing reads the summaries of all files
of a tree, but the facts, ten times as many bytes, only of the files that are linked.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

import msgspec

from ksrcfind.regex import regex
from ksrcfind.source.facts import Macro, SourceFacts
from ksrcfind.source.sinks import LogSink


class FileSummary(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Each name occurs once, in the order of the facts."""

    includes: tuple[str, ...]
    """As in `SourceFacts`."""
    macros: tuple[str, ...]
    wrappers: tuple[str, ...]
    constants: tuple[str, ...]
    text_functions: tuple[str, ...]
    """As in `SourceFacts`."""
    uses: tuple[tuple[str, tuple[str, ...]], ...]
    """Macros and wrapper functions with the names in their bodies."""
    pasting: tuple[tuple[str, tuple[str, ...]], ...]
    """Macros with the parts of names in their bodies beside `##`."""
    calling: tuple[str, ...]
    """Macros that call an argument, as `wrap(_dev_err, fmt)` does: their own bodies do not name the function."""
    has_calls: bool
    called: bytes
    """As in `SourceFacts`."""
    recovered: int
    lost: int
    registered: tuple[str, ...] = ()
    """The structures of `SourceFacts.registered`."""


_NAME = regex(r"[A-Za-z_]\w*")
_CALLED = regex(r"\b([A-Za-z_]\w*+)\s*+\(")
_PASTED = regex(r"\b([A-Za-z_]\w*+)\s*+##|##\s*+([A-Za-z_]\w*+)")


def summary(facts: SourceFacts) -> FileSummary:
    """Return the summary of a file."""
    uses: dict[str, dict[str, None]] = defaultdict(dict)
    pasting: dict[str, dict[str, None]] = defaultdict(dict)
    calling: dict[str, None] = {}
    for macro in facts.macros:
        uses[macro.name].update(dict.fromkeys(_NAME.findall(macro.body)))
        if macro.parameters and _calls_parameter(macro):
            calling[macro.name] = None
        if "##" in macro.body:
            pasting[macro.name].update(dict.fromkeys(left or right for left, right in _PASTED.findall(macro.body)))
    for wrapper in facts.wrappers:
        for call in wrapper.calls:
            uses[wrapper.name].update(dict.fromkeys(_NAME.findall(call.text)))
    return FileSummary(
        facts.includes,
        tuple(dict.fromkeys(macro.name for macro in facts.macros)),
        tuple(dict.fromkeys(wrapper.name for wrapper in facts.wrappers)),
        facts.constants,
        facts.text_functions,
        tuple((name, tuple(used)) for name, used in uses.items() if used),
        tuple((name, tuple(parts)) for name, parts in pasting.items() if parts),
        tuple(calling),
        bool(facts.calls),
        facts.called,
        facts.recovered,
        facts.lost,
        tuple(dict.fromkeys(structure for structure, _field, _source in facts.registered)),
    )


def included_names(file: SourceFacts | FileSummary) -> Iterator[str]:
    """Yield the base names of the files that a file includes in quotes, for `Program`'s `includers`."""
    return (include[1:-1].rpartition("/")[2] for include in file.includes if include[0] == '"')


def _calls_parameter(macro: Macro) -> bool:
    called = set(_CALLED.findall(macro.body))
    return bool(called) and not called.isdisjoint(macro.parameters or ())


def sink_reaching(files: Sequence[FileSummary], roots: Iterable[LogSink]) -> frozenset[str]:
    """Return the names from which names in bodies lead to a log sink: a superset of the names of log calls."""
    start = {root.name for root in roots}
    defined = start.copy()
    for file in files:
        defined.update(file.macros)
        defined.update(file.wrappers)
    users: dict[str, list[str]] = defaultdict(list)
    pasting: dict[str, set[str]] = defaultdict(set)
    for file in files:
        for user, names in file.uses:
            for name in defined.intersection(names):
                users[name].append(user)
        for user, parts in file.pasting:
            pasting[user].update(parts)
        start.update(file.calling)
    return _closure_of_users(start, users, pasting)


def reach_the_same(reached: Set[str], was: Iterable[FileSummary], now: Iterable[FileSummary]) -> bool:
    """Return whether `sink_reaching` has the same result after some files changed, appeared or disappeared.

    True if no edge between reached names is gone and no new edge begins at another name; False if that is unclear.
    """
    before, after = (set(_edges(files, reached)) for files in (was, now))
    return before <= after and all(user in reached for user, _name in after - before)


def _edges(files: Iterable[FileSummary], reached: Set[str]) -> Iterator[tuple[str, str]]:
    """Yield each edge from a name to a reached name, a pasted part or (`()`) an argument."""
    for file in files:
        for user, names in file.uses:
            yield from ((user, name) for name in names if name in reached)
        for user, parts in file.pasting:
            yield from ((user, f"##{part}") for part in parts)
        yield from ((user, "()") for user in file.calling)


def _closure_of_users(
    start: Iterable[str], users: Mapping[str, Sequence[str]], pasting: Mapping[str, Set[str]]
) -> frozenset[str]:
    reached = set(start)
    todo = list(reached)
    ends: set[str] = set()
    while todo:
        fresh: list[str] = []
        while todo:
            fresh.append(todo.pop())
            for user in users.get(fresh[-1], ()):
                if user not in reached:
                    reached.add(user)
                    todo.append(user)
        # A pasted name such as `dev_##level` may be any name with this beginning or end.
        for name in fresh:
            for at in range(1, len(name) - 1):
                if name[at] == "_":
                    ends.add(name[: at + 1])
                    ends.add(name[at:])
        for user, parts in pasting.items():
            if user not in reached and not ends.isdisjoint(parts):
                reached.add(user)
                todo.append(user)
    return frozenset(reached)
