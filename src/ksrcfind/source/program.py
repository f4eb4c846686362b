"""Name resolution: the macros and wrapper functions that a name means in each file of a tree."""

import itertools
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cached_property
from typing import Any

from msgspec import Struct

from ksrcfind.source.facts import Macro, SourceFacts, Wrapper, name_hash
from ksrcfind.source.includes import Includes, shared
from ksrcfind.source.sinks import NOT_LOGGED, LogSink

_ALTERNATIVES = 4  # wrapper functions of one name that are expanded
_AFTER_ALL_NAMES = "\U0010ffff"  # sorts after every character of a name
_HOST_PROGRAMS = frozenset(("scripts", "tools"))  # folders


class Definition(Struct, frozen=True):
    """A macro or wrapper function with its file."""

    file: int
    item: Macro | Wrapper


Resolution = tuple[Definition, ...]
DefinitionKey = tuple[tuple[int, int], ...]
"""The definitions of a name in a file, by file and line; comparable between files."""


class Program:
    """The files of a tree by number, their facts, and the names that they define.

    `paths` are all C files of the tree. `facts` returns the facts of a file (it may load them on demand), `written`
    only its includes. `macros`, `wrappers`, `constants` and `text_functions` have the files that define a name
    (`SourceFacts.constants`, `SourceFacts.text_functions`), `registered` those that initialise a structure with texts.
    `may_log` has the names that may reach a log sink (`summary.sink_reaching`). `includers` has, by base name, the
    files that include a header of this name in quotes. `modules` has the module of a path without suffix.
    """

    def __init__(
        self,
        paths: Sequence[str],
        facts: Callable[[int], SourceFacts],
        macros: Mapping[str, Sequence[int]],
        wrappers: Mapping[str, Sequence[int]],
        roots: Iterable[LogSink],
        may_log: Set[str],
        includers: Mapping[str, Sequence[int]] | None = None,
        modules: Mapping[str, str] | None = None,
        constants: Mapping[str, Sequence[int]] | None = None,
        written: Callable[[int], Sequence[str]] | None = None,
        text_functions: Mapping[str, Sequence[int]] | None = None,
        registered: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.paths = paths
        self.facts = facts
        self.roots = {root.name: root for root in roots}
        self.may_log = may_log
        self.includes = Includes(paths, written or (lambda number: facts(number).includes), includers or {})
        """The include graph."""
        self._constants = constants or {}
        self._text_functions = text_functions or {}
        self._registered = registered or {}
        self._modules = modules or {}
        self._macros = macros
        self._wrappers = wrappers
        self._defined: dict[int, dict[str, Resolution]] = {}
        self._functions: dict[int, dict[str, Resolution]] = {}
        self._holder_sets: dict[str, int] = {}
        self._scopes: dict[int, FileScope] = {}
        self._alike_names: dict[tuple[str, str], bool] = {}

    @cached_property
    def _logging(self) -> dict[int, str]:
        return {name_hash(name): name for name in sorted(self.may_log - NOT_LOGGED)}

    def logging(self, called: bytes) -> list[str]:
        """Return the names that a file calls (`SourceFacts.called`) and that may reach a log sink."""
        hashes = array("I")
        hashes.frombytes(called)
        if self._logging.keys().isdisjoint(hashes):
            return []  # most files, and much faster
        return [self._logging[number] for number in hashes if number in self._logging]

    def may_log_like(self, beginning: str, ending: str) -> bool:
        """Return whether a name with this beginning and ending may reach a log sink."""
        known = self._alike_names.get((beginning, ending))
        if known is None:
            names, reversed_names = self._sorted_names
            alike = _beginning_with(beginning, names)
            alike_reversed = _beginning_with(ending[::-1], reversed_names)
            if len(alike) <= len(alike_reversed):
                known = any(names[at].endswith(ending) for at in alike)
            else:
                known = any(reversed_names[at].endswith(beginning[::-1]) for at in alike_reversed)
            self._alike_names[beginning, ending] = known
        return known

    @cached_property
    def _sorted_names(self) -> tuple[list[str], list[str]]:
        """The names that may reach a log sink, sorted, and the same reversed, sorted."""
        return sorted(self.may_log), sorted(name[::-1] for name in self.may_log)

    def scope(self, file: int) -> "FileScope":
        """Return the scope of a file, cached: for files whose functions others call."""
        known = self._scopes.get(file)
        if known is None:
            known = self._scopes[file] = FileScope(self, file)
        return known

    def forget(self, file: int) -> None:
        """Free the memory of a C file that is no longer needed."""
        if self.paths[file].endswith(".c"):
            self.includes.forget(file)
            self._defined.pop(file, None)
            self._functions.pop(file, None)

    def module(self, file: int) -> str | None:
        """Return KBUILD_MODNAME of a file or of the file that includes it; None if no Makefile lists it."""
        path = self.paths[file]
        module = self._modules.get(path.rpartition(".")[0])
        if module is None and path.endswith(".c") and (reader := self.includes.reader(file)) is not None:
            module = self._modules.get(self.paths[reader].rpartition(".")[0])
        return module

    def constant(self, name: str) -> str | None:
        """Return the C source of a string that exactly one file defines for all others: `linux_banner`; else None."""
        files = self._constants.get(name, ())
        return dict(self.facts(files[0]).strings).get(name) if len(files) == 1 else None

    def text_function(self, name: str) -> int | None:
        """Return the only file that defines a function which gives other files text; None for several or none."""
        files = self._text_functions.get(name, ())
        return files[0] if len(files) == 1 else None

    def registering(self, structure: str) -> Sequence[int]:
        """Return the files that initialise a structure with texts."""
        return self._registered.get(structure, ())

    def _macros_of(self, file: int) -> dict[str, Resolution]:
        known = self._defined.get(file)
        if known is None:
            table: dict[str, list[Definition]] = defaultdict(list)
            for macro in self.facts(file).macros:
                table[macro.name].append(Definition(file, macro))
            known = self._defined[file] = {name: tuple(found) for name, found in table.items()}
        return known

    def _holders(self, name: str) -> int:
        """Return the files that define a macro, as a bit set."""
        known = self._holder_sets.get(name)
        if known is None:
            known = 0
            for holder in self._macros.get(name, ()):
                known |= 1 << holder
            self._holder_sets[name] = known
        return known

    def macros(self, file: int, name: str, before: int | None = None) -> Resolution:
        """Return the definitions of a macro that are visible in a file: those in the nearest file that has any.

        Redefinitions in the file itself at the line `before` or below are excluded.
        """
        holders = self._holders(name)
        if not holders:
            return ()
        visible = holders & self.includes.closure(file) or holders & self.includes.seen_from(file)
        reader = self.includes.only_reader(file)
        if reader is not None and self._are_fallbacks(visible, name):
            visible |= holders & self.includes.closure(reader)
        if not visible & (visible - 1):  # one file or none, as for nearly all names
            holder = visible.bit_length() - 1
            alone = self._macros_of(holder).get(name, ()) if visible else ()
            return _in_force(alone, before if holder == file else None)
        return self._nearest(file, name, visible, before)

    def _nearest(self, file: int, name: str, visible: int, before: int | None) -> Resolution:
        """Return the definitions of a macro in the nearest of several files (a bit set)."""
        directory = self.paths[file].rpartition("/")[0]
        places: list[tuple[tuple[bool, bool, int, int], Resolution]] = []
        while visible:
            holder = visible.bit_length() - 1
            visible ^= 1 << holder
            found = _in_force(self._macros_of(holder).get(name, ()), before if holder == file else None)
            if not found:
                continue
            nearness = shared(self.paths[holder], directory)
            places.append(((_is_fallback(found), holder != file, -nearness, holder), found))
        if not places:
            return ()
        places.sort(key=lambda place: place[0])
        redefinitions = {key[-1]: found for key, found in places if key[-1] != file and _are_redefinitions(found)}
        if len(redefinitions) > 1 and places[0][0][-1] in redefinitions:
            return redefinitions[self.includes.last_of(file, redefinitions.keys()) or places[0][0][-1]]
        result = places[0][1]
        for _key, more in places[1:]:
            if any(isinstance(d.item, Macro) and d.item.body for d in result):
                break
            result += more
        return result

    def _are_fallbacks(self, holders: int, name: str) -> bool:
        """Return whether all definitions of a macro in these files (a bit set) are `#ifndef` fallbacks."""
        while holders:
            holder = holders.bit_length() - 1
            holders ^= 1 << holder
            if not _is_fallback(self._macros_of(holder).get(name, ())):
                return False
        return True

    def wrappers(self, file: int, name: str) -> Resolution:
        """Return the wrapper functions of a name that are visible in a file, at most `_ALTERNATIVES`."""
        holders = self._wrappers.get(name)
        if not holders:
            return ()
        own = self._wrappers_of(file).get(name, ())
        if own:
            return own
        directory = self.paths[file].rpartition("/")[0]
        nearest = sorted(holders, key=lambda holder: (-shared(self.paths[holder], directory), holder))
        found: list[Definition] = []
        for definition in itertools.chain.from_iterable(self._wrappers_of(holder).get(name, ()) for holder in nearest):
            is_static = isinstance(definition.item, Wrapper) and definition.item.is_static
            if _is_foreign(self.paths[definition.file], self.paths[file]):
                continue
            if len(holders) > 1 and _adds_values(definition.item):
                continue  # `die` of one architecture or another
            if not is_static or self.includes.closure(file) >> definition.file & 1:
                found.append(definition)
                if len(found) == _ALTERNATIVES:
                    break
        return tuple(found)

    def _wrappers_of(self, file: int) -> dict[str, Resolution]:
        """Return the wrapper functions of a file by name, the first `_ALTERNATIVES` of each."""
        known = self._functions.get(file)
        if known is None:
            table: dict[str, list[Definition]] = defaultdict(list)
            for wrapper in self.facts(file).wrappers:
                if len(table[wrapper.name]) < _ALTERNATIVES:
                    table[wrapper.name].append(Definition(file, wrapper))
            known = self._functions[file] = {name: tuple(found) for name, found in table.items()}
        return known


def _beginning_with(beginning: str, names: Sequence[str]) -> range:
    """Return where the names with this beginning are among sorted names."""
    return range(bisect_left(names, beginning), bisect_left(names, beginning + _AFTER_ALL_NAMES))


def _adds_values(item: Macro | Wrapper) -> bool:
    """Return whether a function prints a text parameter together with values."""
    return isinstance(item, Wrapper) and item.prints_text and item.calls[0].text.count("%") > 1


def _is_foreign(path: str, caller: str) -> bool:
    """Return whether a file cannot be linked with the file of a caller: of another architecture, or of a host program.

    User mode Linux is built with parts of x86.
    """
    top, _, rest = path.partition("/")
    other_top, _, other_rest = caller.partition("/")
    if top in _HOST_PROGRAMS or other_top in _HOST_PROGRAMS:
        return top != other_top
    if top != "arch" or other_top != "arch":
        return False
    architectures = {rest.partition("/")[0], other_rest.partition("/")[0]}
    return len(architectures) > 1 and "um" not in architectures


def _is_fallback(definitions: Resolution) -> bool:
    """Return whether all definitions are `#ifndef` fallbacks."""
    return all(isinstance(definition.item, Macro) and definition.item.fallback for definition in definitions)


def _are_redefinitions(definitions: Resolution) -> bool:
    """Return whether `#undef` is before all definitions: the last such file counts."""
    return all(isinstance(definition.item, Macro) and definition.item.replaces for definition in definitions)


def _in_force(definitions: Resolution, before: int | None) -> Resolution:
    """Return the definitions since the last `#undef` before a line."""
    if len(definitions) < 2 and before is None:
        return definitions
    start = 0
    for index, definition in enumerate(definitions):
        if isinstance(definition.item, Macro) and definition.item.replaces:
            if before is not None and definition.item.line >= before:
                return definitions[start:index]
            start = index
    return definitions[start:]


class FileScope:
    """The meaning of names in one file, cached."""

    def __init__(self, program: Program, file: int, redefined: Sequence[int] = ()) -> None:
        """With a line in `redefined`, redefinitions in the file there or below are excluded."""
        self.file = file
        self._before = redefined[0] if redefined else None
        self._program = program
        self._macros: dict[str, Resolution] = {}
        self._wrappers: dict[str, Resolution] = {}
        self._definition_keys: dict[str, DefinitionKey] = {}
        self.signatures: dict[object, Any] = {}
        """The `CallSignature`s that hold in this file. `SignatureCache` fills it; its module imports this one."""

    @property
    def module(self) -> str | None:
        """KBUILD_MODNAME of the file; None if no Makefile lists it."""
        return self._program.module(self.file)

    @property
    def path(self) -> str:
        """Path of the file."""
        return self._program.paths[self.file]

    def of(self, file: int) -> "FileScope":
        """Return the scope of another file."""
        return self if file == self.file else self._program.scope(file)

    @property
    def may_log(self) -> Set[str]:
        """Names with a definition, in any file, that may reach a log sink."""
        return self._program.may_log

    def may_log_like(self, beginning: str, ending: str) -> bool:
        """Return whether `may_log` has a name with this beginning and ending."""
        return self._program.may_log_like(beginning, ending)

    def root(self, name: str) -> LogSink | None:
        """Return the log sink of a name; a weak one only if the tree does not define the name."""
        root = self._program.roots.get(name)
        if root is not None and root.weak and (self.macros(name) or self.wrappers(name)):
            return None
        return root

    def macros(self, name: str) -> Resolution:
        """Return the definitions of a macro that are visible in this file."""
        known = self._macros.get(name)
        if known is None:
            known = self._macros[name] = self._program.macros(self.file, name, self._before)
        return known

    def wrappers(self, name: str) -> Resolution:
        """Return the wrapper functions of a name that are visible in this file."""
        known = self._wrappers.get(name)
        if known is None:
            known = self._wrappers[name] = self._program.wrappers(self.file, name)
        return known

    def definition_key(self, name: str) -> DefinitionKey:
        """Return the location of the definitions of a name, comparable between files."""
        known = self._definition_keys.get(name)
        if known is None:
            known = tuple((d.file, d.item.line) for d in self.macros(name)) + tuple(
                (d.file, -d.item.line) for d in self.wrappers(name)
            )
            self._definition_keys[name] = known
        return known
