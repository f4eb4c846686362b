"""A whole tree as the compiler would see it: what a name means where."""

import itertools
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ksrcfind.source.facts import Macro, SourceFacts, Wrapper, name_hash
from ksrcfind.source.includes import Includes, shared
from ksrcfind.source.sinks import NOT_LOGGED, LogSink

_ALTERNATIVES = 4  # wrapper functions of one name that are looked into


@dataclass(frozen=True, slots=True)
class Definition:
    """A macro or wrapper function with the file that holds it."""

    file: int
    item: Macro | Wrapper


Resolution = tuple[Definition, ...]
DefinitionKey = tuple[tuple[int, int], ...]
"""What a name means in a file: where its definitions stand."""


class Program:
    """Files of a tree by number, their facts, and the names that they define.

    `includers` gives, for the base name of a header, the files that include one of that name in quotes; `constants`,
    for the name of a text, the files that define it for all others (`SourceFacts.constants`).
    `modules` gives the module that a path without its suffix is built into.
    `paths` are all C files of the tree; `facts` gives those of one file (it may load them on demand), `written` the
    includes among them; `macros` and
    `wrappers` tell which files define a name, `may_log` which names lead to a root (see `summary.sink_reaching`).
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
    ) -> None:
        self.paths = paths
        self.facts = facts
        self.roots = {root.name: root for root in roots}
        self.may_log = may_log
        self.includes = Includes(paths, written or (lambda number: facts(number).includes), includers or {})
        """Which file includes which."""
        self._constants = constants or {}
        self._modules = modules or {}
        self._macros = macros
        self._wrappers = wrappers
        self._defined: dict[int, dict[str, Resolution]] = {}
        self._functions: dict[int, dict[str, Resolution]] = {}
        self._holder_sets: dict[str, int] = {}
        self._scopes: dict[int, FileScope] = {}
        self._alike: dict[tuple[str, str], bool] = {}

    @cached_property
    def _logging(self) -> dict[int, str]:
        return {name_hash(name): name for name in sorted(self.may_log - NOT_LOGGED)}

    def logging(self, called: bytes) -> list[str]:
        """Those of the names that a file calls (`SourceFacts.called`) that may lead to a root."""
        hashes = array("I")
        hashes.frombytes(called)
        if self._logging.keys().isdisjoint(hashes):
            return []  # most files, and much quicker to tell
        return [self._logging[number] for number in hashes if number in self._logging]

    def may_log_like(self, beginning: str, ending: str) -> bool:
        """True if a name that may lead to a root begins and ends so."""
        known = self._alike.get((beginning, ending))
        if known is None:
            names, turned = self._sorted_names
            if beginning:
                known = any(name.endswith(ending) for name in _beginning_with(beginning, names))
            else:
                known = any(True for _ in _beginning_with(ending[::-1], turned))
            self._alike[beginning, ending] = known
        return known

    @cached_property
    def _sorted_names(self) -> tuple[list[str], list[str]]:
        """Names that may lead to a root, and the same written backwards."""
        return sorted(self.may_log), sorted(name[::-1] for name in self.may_log)

    def scope(self, file: int) -> "FileScope":
        """What names mean in a file; kept, for files whose functions others call."""
        known = self._scopes.get(file)
        if known is None:
            known = self._scopes[file] = FileScope(self, file)
        return known

    def forget(self, file: int) -> None:
        """Give back the memory of a C file that is done with."""
        if self.paths[file].endswith(".c"):
            self.includes.forget(file)
            self._defined.pop(file, None)
            self._functions.pop(file, None)

    def module(self, file: int) -> str | None:
        """KBUILD_MODNAME of a file, or of the file that includes it; None if no Makefile says."""
        path = self.paths[file]
        module = self._modules.get(path.rpartition(".")[0])
        if module is None and path.endswith(".c") and (reader := self.includes.reader(file)) is not None:
            module = self._modules.get(self.paths[reader].rpartition(".")[0])
        return module

    def constant(self, name: str) -> str | None:
        """C source of a constant text that one file of the tree defines for all others: `linux_banner`."""
        files = self._constants.get(name, ())
        return dict(self.facts(files[0]).strings).get(name) if len(files) == 1 else None

    def _macros_of(self, file: int) -> dict[str, Resolution]:
        known = self._defined.get(file)
        if known is None:
            table: dict[str, list[Definition]] = defaultdict(list)
            for macro in self.facts(file).macros:
                table[macro.name].append(Definition(file, macro))
            known = self._defined[file] = {name: tuple(found) for name, found in table.items()}
        return known

    def _holders(self, name: str) -> int:
        """Files that define a macro, as a bit set."""
        known = self._holder_sets.get(name)
        if known is None:
            known = 0
            for holder in self._macros.get(name, ()):
                known |= 1 << holder
            self._holder_sets[name] = known
        return known

    def macros(self, file: int, name: str, before: int | None = None) -> Resolution:
        """Definitions of a macro as one file sees it: the alternatives of the nearest place that defines it.

        What the file defines anew at the line `before` or further down does not count.
        """
        holders = self._holders(name)
        if not holders:
            return ()
        visible = holders & self.includes.closure(file) or holders & self.includes.seen_from(file)
        reader = self.includes.only_reader(file)
        if reader is not None and self._are_fallbacks(visible, name):
            visible |= holders & self.includes.closure(reader)
        if not visible & (visible - 1):  # one place or none, as for nearly all names
            holder = visible.bit_length() - 1
            alone = self._macros_of(holder).get(name, ()) if visible else ()
            return _in_force(alone, before if holder == file else None)
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
        anew = {key[-1]: found for key, found in places if key[-1] != file and _define_anew(found)}
        if len(anew) > 1 and places[0][0][-1] in anew:
            return anew[self.includes.last_of(file, anew.keys()) or places[0][0][-1]]
        result = places[0][1]
        for _key, more in places[1:]:
            if any(isinstance(d.item, Macro) and d.item.body for d in result):
                break
            result += more
        return result

    def _are_fallbacks(self, holders: int, name: str) -> bool:
        """True if all that these files say of a macro is what it is if nobody else defines it."""
        while holders:
            holder = holders.bit_length() - 1
            holders ^= 1 << holder
            if not _is_fallback(self._macros_of(holder).get(name, ())):
                return False
        return True

    def wrappers(self, file: int, name: str) -> Resolution:
        """Functions of that name that handle variable arguments, as one file sees them."""
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
            if not is_static or self.includes.closure(file) >> definition.file & 1:
                found.append(definition)
                if len(found) == _ALTERNATIVES:
                    break
        return tuple(found)

    def _wrappers_of(self, file: int) -> dict[str, Resolution]:
        """The wrapper functions of a file by name, of each name the first few."""
        known = self._functions.get(file)
        if known is None:
            table: dict[str, list[Definition]] = defaultdict(list)
            for wrapper in self.facts(file).wrappers:
                if len(table[wrapper.name]) < _ALTERNATIVES:
                    table[wrapper.name].append(Definition(file, wrapper))
            known = self._functions[file] = {name: tuple(found) for name, found in table.items()}
        return known


def _beginning_with(beginning: str, names: Sequence[str]) -> Iterator[str]:
    """Those of sorted names that begin so."""
    following = itertools.islice(names, bisect_left(names, beginning), None)
    return itertools.takewhile(lambda name: name.startswith(beginning), following)


def _is_fallback(definitions: Resolution) -> bool:
    """True if a macro is defined so only where nothing else defines it."""
    return all(isinstance(definition.item, Macro) and definition.item.fallback for definition in definitions)


def _define_anew(definitions: Resolution) -> bool:
    """True if `#undef` stands before all of them: the last such file counts."""
    return all(isinstance(definition.item, Macro) and definition.item.replaces for definition in definitions)


def _in_force(definitions: Resolution, before: int | None) -> Resolution:
    """Definitions since the last `#undef`, of those that stand before a line."""
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
    """What names mean in one file; every answer is remembered."""

    def __init__(self, program: Program, file: int, redefined: Sequence[int] = ()) -> None:
        """With a line in `redefined`, what the file defines anew there or further down does not count."""
        self.file = file
        self._before = redefined[0] if redefined else None
        self._program = program
        self._macros: dict[str, Resolution] = {}
        self._wrappers: dict[str, Resolution] = {}
        self._signatures: dict[str, DefinitionKey] = {}
        self.signatures: dict[object, Any] = {}
        """The `CallSignature`s that hold in this file. `SignatureCache` fills it; its module imports this one."""

    @property
    def module(self) -> str | None:
        """KBUILD_MODNAME of the file."""
        return self._program.module(self.file)

    @property
    def path(self) -> str:
        """Path of the file."""
        return self._program.paths[self.file]

    def of(self, file: int) -> "FileScope":
        """What names mean in another file."""
        return self if file == self.file else self._program.scope(file)

    @property
    def may_log(self) -> Set[str]:
        """Names of which a definition in some file may lead to a root."""
        return self._program.may_log

    def may_log_like(self, beginning: str, ending: str) -> bool:
        """True if there is such a name that begins and ends so."""
        return self._program.may_log_like(beginning, ending)

    def root(self, name: str) -> LogSink | None:
        """The root of that name. A weak one only where the tree does not define the name itself."""
        root = self._program.roots.get(name)
        if root is not None and root.weak and (self.macros(name) or self.wrappers(name)):
            return None
        return root

    def macros(self, name: str) -> Resolution:
        """Definitions of a macro as this file sees it."""
        known = self._macros.get(name)
        if known is None:
            known = self._macros[name] = self._program.macros(self.file, name, self._before)
        return known

    def wrappers(self, name: str) -> Resolution:
        """Functions of that name that handle variable arguments."""
        known = self._wrappers.get(name)
        if known is None:
            known = self._wrappers[name] = self._program.wrappers(self.file, name)
        return known

    def definition_key(self, name: str) -> DefinitionKey:
        """What a name means here, comparable between files."""
        known = self._signatures.get(name)
        if known is None:
            known = tuple((d.file, d.item.line) for d in self.macros(name)) + tuple(
                (d.file, -d.item.line) for d in self.wrappers(name)
            )
            self._signatures[name] = known
        return known
