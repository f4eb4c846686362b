"""Invalidation: computes which files must be linked again because of changes since an indexed revision.

A file is linked again if its bytes changed, if it is built into another kernel module, or if the definitions of a name
on which its messages depend changed.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property

import msgspec
from msgspec import Struct

from ksrcfind.index.include_graph import Updated, users
from ksrcfind.index.symbol_table import SymbolTable
from ksrcfind.regex import regex
from ksrcfind.source.facts import Macro, SourceFacts, Wrapper, name_hash
from ksrcfind.source.program import Program
from ksrcfind.source.summary import included_names
from ksrcfind.source.wrapper_scope import module_of
from ksrcfind.storage.revision import RevisionState

_EVERYWHERE = -1  # the bit set of all files: -1 has all bits set
_TEXT = regex(r'"[^"]*(?:[A-Za-z]{2}|%)')  # a string in a macro, unless it is a log level such as "<3>"


class Prepared(Struct, frozen=True):
    """A parsed tree, with everything that the linker needs."""

    program: Program
    symbol_table: SymbolTable
    blobs: Mapping[str, str]
    """Path → blob id of every file of the program."""
    modules: Mapping[str, str]
    """Path of a source file without its suffix → name of the kernel module that the file is built into."""
    included: Updated
    changed: Set[str]
    """Paths of files that differ between this tree and the earlier revision, or exist in only one of them.

    All files if there is no earlier revision.
    """
    numbers: Set[int]
    """Numbers of the files that may have messages now, or had messages in the earlier revision."""


class Changes:
    """The differences between an indexed revision and a tree that is ready for linking."""

    def __init__(self, before: RevisionState, now: Prepared, facts: Callable[[str], SourceFacts | None]) -> None:
        """Compare the definitions in the changed files, as they were in `before` and as they are in `now`.

        `facts` returns the parsed facts of a file by its blob id. None if they are not cached.
        """
        self._before = before
        self._facts_of = facts
        self._program = now.program
        self._symbol_table = symbol_table = now.symbol_table
        self._blobs = now.blobs
        self._modules = now.modules
        self._other_modules = _different(before.modules, now.modules)
        """Paths, without suffix, of the files that are built into another kernel module than before."""
        self._numbers = {path: number for number, path in enumerate(now.program.paths)}
        self._names: dict[str, int] = dict.fromkeys(
            symbol_table.may_log.symmetric_difference(before.may_log), _EVERYWHERE
        )
        """Name whose definition changed → bit set of the files in which it changed."""
        for stem in self._other_modules:
            self._names[module_of(f"{stem}.c")] = _EVERYWHERE
        self._include_graph = now.included.include_graph
        self._files_with_other_includes = _bits(now.included.others)
        """Bit set of the files whose includes changed. Files that include one of them may see other definitions."""
        self._files_with_other_macros = 0
        """Bit set of the files whose macros changed."""
        self._changed_quoted_names: set[str] = set()
        """Base names of files that a changed `#include "…"` names or named, and of added and removed headers."""
        self._seeing_cache: dict[int, set[int]] = {}
        for path in now.changed:
            self._compare(path)

    def _compare(self, path: str) -> None:
        was, now = map(self._facts, (self._before.blobs.get(path), self._blobs.get(path)))
        here = 1 << self._numbers[path] if now is not None else _EVERYWHERE
        # Only files that include this one see its macros; functions and constants are visible everywhere.
        for name in _different(_macros(was), _macros(now)):
            self._names[name] = self._names.get(name, 0) | here
            self._files_with_other_macros |= here
        functions = (
            _different(_wrappers(was), _wrappers(now)) - self._program.roots.keys()
        )  # The linker never expands a log sink.
        giving_text = {name for facts in (was, now) if facts for name in facts.text_functions}
        giving_text |= {structure for facts in (was, now) if facts for structure, _field, _source in facts.registered}
        self._names |= dict.fromkeys(
            functions | giving_text | _different(_constants(was), _constants(now)), _EVERYWHERE
        )
        if (was.includes if was else ()) != (now.includes if now else ()):
            self._changed_quoted_names.update(name for facts in (was, now) if facts for name in included_names(facts))
        name = path.rpartition("/")[2]
        if (
            not (was and now) and name in self._symbol_table.includers
        ):  # Includes of this name may resolve to another file.
            self._changed_quoted_names.add(name)

    def _facts(self, blob: str | None) -> SourceFacts | None:
        return self._facts_of(blob) if blob else None

    @cached_property
    def _users(self) -> Sequence[Sequence[int]]:
        """For each file, by number: the numbers of the files that include it directly."""
        return users(self._include_graph)

    def _files_seeing(self, files: int) -> Container[int]:
        """Return the files in the bit set `files`, and all files that include one of them directly or indirectly."""
        if files < 0:
            return range(len(self._program.paths))
        if files in self._seeing_cache:
            return self._seeing_cache[files]
        found = self._seeing_cache[files] = set(_numbers(files))
        waiting = list(found)
        while waiting:
            fresh = [user for user in self._users[waiting.pop()] if user not in found]
            found.update(fresh)
            waiting += fresh
        return found

    def files_to_relink(self, numbers: Iterable[int], dependencies: Callable[[], Mapping[str, bytes]]) -> list[int]:
        """Return which of the unchanged files `numbers` must be linked again.

        `dependencies` returns path → hashes of the names that the linker looked up for that file in the earlier
        revision. It is called only if the definition of a name changed.
        """
        before = self._before
        names: dict[int, int] = defaultdict(int)
        for name, files in [*self._names.items(), *self._structures_with_other_names()]:
            names[name_hash(name)] |= files
        hashes = frozenset(names)
        seeing: dict[int, Container[int]] = {}
        everywhere = [self._files_seeing(self._files_with_other_includes)] if self._files_with_other_includes else []
        units = before.units
        looked_up = dependencies() if names else {}
        result: list[int] = []
        for number in numbers:
            path = self._program.paths[number]
            unit = units.get(path)
            if unit is None or (self._other_modules and path.rpartition(".")[0] in self._other_modules):
                result.append(number)
                continue
            hit = _common(hashes, looked_up.get(path, b"") + self._symbol_table.called[number])
            for one in hit:
                if one not in seeing:
                    seeing[one] = self._files_seeing(names[one])
            places = [*map(seeing.__getitem__, hit), *everywhere]
            if any(number in place for place in places) or self._is_affected_by_reader(number, places):
                result.append(number)
        return result

    def _structures_with_other_names(self) -> Iterator[tuple[str, int]]:
        """Yield the structures whose names in unchanged files may be others: macros or the module tell them."""
        changed = self._files_with_other_macros | self._files_with_other_includes
        if not changed and not self._other_modules:
            return
        seeing = self._files_seeing(changed)
        for structure, files in self._symbol_table.registered.items():
            stems = (self._program.paths[number].rpartition(".")[0] for number in files)
            if any(number in seeing for number in files) or not self._other_modules.isdisjoint(stems):
                yield structure, _EVERYWHERE

    def _is_affected_by_reader(self, number: int, places: Sequence[Container[int]]) -> bool:
        """Return whether a file must be linked again because of changes to the file that includes it.

        A file that a C file includes sees the definitions of that C file and is built into its module. `places` has the
        sets of files that see a changed definition.
        """
        path = self._program.paths[number]
        name = path.rpartition("/")[2]
        if name in self._changed_quoted_names:
            return True
        if name not in self._symbol_table.includers:
            return False
        if self._other_modules and path.rpartition(".")[0] not in self._modules:
            return True
        reader = self._program.includes.reader(number) if places else None
        return reader is not None and any(reader in place for place in places)


def _macros(facts: SourceFacts | None) -> dict[str, list[Macro]]:
    """Return name → definitions of the macros of a file, for a comparison with another version of the file.

    Line numbers are set to 0, except for macros with text: a message records the line of such a macro.
    """
    found: dict[str, list[Macro]] = defaultdict(list)
    for macro in facts.macros if facts else ():
        found[macro.name].append(macro if _TEXT.search(macro.body) else msgspec.structs.replace(macro, line=0))
    return found


def _wrappers(facts: SourceFacts | None) -> dict[str, list[Wrapper]]:
    """Return name → definitions of the wrapper functions of a file, for a comparison with another version of the file.

    Line numbers are set to 0, since a move within the file changes no message.
    """
    found: dict[str, list[Wrapper]] = defaultdict(list)
    for wrapper in facts.wrappers if facts else ():
        calls = tuple(msgspec.structs.replace(call, line=0, function=0) for call in wrapper.calls)
        found[wrapper.name].append(msgspec.structs.replace(wrapper, calls=calls, line=0))
    return found


def _constants(facts: SourceFacts | None) -> dict[str, str]:
    """Return name → text of the string constants of a file that other files can use."""
    return {name: text for name, text in facts.strings if name in facts.constants} if facts else {}


def _different(was: Mapping[str, object], now: Mapping[str, object]) -> set[str]:
    return {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)}


def _common(names: frozenset[int], data: bytes) -> Iterable[int]:
    """Return which of the hashes `names` (`name_hash`) are in `data`, an array of 32-bit hashes."""
    hashes = array("I", data)
    return () if names.isdisjoint(hashes) else names.intersection(hashes)


def _numbers(bits: int) -> Iterator[int]:
    """Yield the numbers of the files in a bit set, the highest first."""
    while bits:
        last = bits.bit_length() - 1
        yield last
        bits ^= 1 << last


def _bits(files: Iterable[int]) -> int:
    bits = bytearray()
    for file in files:
        bits.extend(bytes(max(0, file // 8 + 1 - len(bits))))
        bits[file // 8] |= 1 << file % 8
    return int.from_bytes(bits, "little")
