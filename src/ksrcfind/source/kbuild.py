"""What Makefiles say about files: KBUILD_MODNAME, and the configuration symbols without which a file is not built.

KBUILD_MODNAME is the object that a file is built into (Documentation/kbuild/makefiles.rst).
The Makefiles are data, nothing runs: object lists are collected for every configuration, with simple variables and
functions such as `$(addprefix …)` expanded.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from ksrcfind.regex import regex

_ASSIGNMENT = regex(r"[ ]*+(?:export[ ]++|override[ ]++)?([\w.$(){}@/-]++)[ \t]*+(:=|::=|\?=|\+=|=)[ \t]*+(.*+)")
_VARIABLE = regex(r"\$[({]([^$(){}:, ]+)[)}]")
_FUNCTION = regex(r"\$\((addprefix|addsuffix|strip|sort|filter|patsubst|subst|if|wildcard)[ \t]++([^$()]*+)\)")
_OBJECTS = regex(r"(?:obj|lib|core|drivers|libs|net)-(?:[\w$(){}-]*)|hostprogs|always")
_COMPOSITE = regex(r"(.+?)-(?:objs|y|m|\$.*+|[A-Z0-9_]++)\Z", re.DOTALL)
_OF_SYMBOL = regex(r"(.+?)-(?:\$[({](\w+)[)}]|y|m|objs)")
_BUILT = frozenset(("obj", "lib", "core", "drivers", "net"))  # their lists are built, others are parts of an object
_CONDITION = regex(r"^([\w-]+-)\$\((?:subst|if|filter|call|patsubst) [^=]{1,200}?(?=[:+]?=)")
_INCLUDE = regex(r"[ ]*+-?include[ \t]++(.++)")
_ROUNDS = 40
_NESTED = 4  # nested includes of Makefiles
_COMPOSED = 5  # objects that are parts of each other
_LONGEST = 200_000  # characters that a variable may grow to
_LONGEST_NAME = 200
_MOST_EXPANDED = 8_000_000  # characters that the expansion of a Makefile may produce
_MOST_FOR_VALUE = 1_000_000  # of these for one value: a recursive value must not stop the others


def module_names(makefiles: Mapping[str, str]) -> dict[str, str]:
    """Return source path without suffix → KBUILD_MODNAME, from the text of every `Makefile` and `Kbuild` by path.

    For an object of several modules the first in path order counts. Never raises on any text.
    """
    parents: dict[str, list[str]] = {}
    modules: set[str] = set()
    for path in sorted(makefiles):
        directory = posixpath.dirname(path)
        for each in _lists(makefiles, path):
            if _OBJECTS.fullmatch(each.name):
                modules.update(each.objects)
                continue
            composite = _COMPOSITE.match(each.name)
            if composite is None:
                continue
            target = posixpath.normpath(posixpath.join(directory, composite[1]))
            for member in each.objects:
                if member != target:
                    parents.setdefault(member, []).append(target)
    result: dict[str, str] = {}
    for member in {*parents, *modules}:
        top = _module_of(member, parents, modules)
        if top in modules or top != member:
            result[member] = posixpath.basename(top).replace("-", "_")
    return result


def _module_of(member: str, parents: Mapping[str, Sequence[str]], modules: Set[str]) -> str:
    """Return the nearest module that contains an object, or the object itself if none does."""
    top = member
    seen = {member}
    for _ in range(_ROUNDS):
        targets = [target for target in parents.get(top, ()) if target not in seen]
        in_modules = [target for target in targets if _leads_to(target, parents, modules)]
        if not targets or (top in modules and not in_modules):
            break
        top = (in_modules or targets)[0]
        seen.add(top)
    return top


def _leads_to(target: str, parents: Mapping[str, Sequence[str]], modules: Set[str]) -> bool:
    above = [target]
    for _ in range(_ROUNDS):
        if not modules.isdisjoint(above):
            return True
        above = [each for one in above for each in parents.get(one, ())][:_ROUNDS]
    return False


def _lines(
    makefiles: Mapping[str, str], path: str, variables: Mapping[str, str], expander: "_Expander"
) -> Iterator[str]:
    """Yield the lines of a Makefile, with included ones in place; `variables` has the values at the current line."""
    directory = posixpath.dirname(path)
    included = {path}  # each file once: nested double includes would grow exponentially

    def lines(path: str, depth: int) -> Iterator[str]:
        for line in makefiles[path].replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
            include = _INCLUDE.match(line)
            if include is None:
                yield line
                continue
            for word in expander.expand(include[1], variables).split():
                other = posixpath.normpath(posixpath.join(directory, word.lstrip("/")))
                if other in makefiles and other not in included and depth < _NESTED:
                    included.add(other)
                    yield from lines(other, depth + 1)

    return lines(path, 0)


class _List(NamedTuple):
    """A variable that lists objects: `obj-$(CONFIG_FOO)`, `foo-y`."""

    name: str
    objects: list[str]
    """Paths without suffix."""
    directories: list[str]
    """Paths that end with a slash."""


def _lists(makefiles: Mapping[str, str], path: str) -> Iterable[_List]:
    """Yield the lists of objects in a Makefile."""
    directory = posixpath.dirname(path)
    variables: dict[str, str] = {"src": "", "obj": "", "srctree": "", "objtree": ""}
    words: dict[str, set[str]] = {name: set() for name in variables}
    order: list[str] = []
    expander = _Expander()
    for line in _lines(makefiles, path, variables, expander):
        match = _ASSIGNMENT.match(_CONDITION.sub(r"\1$(x) ", line.split("#", 1)[0].rstrip()))
        if match is None or line.startswith("\t"):
            continue
        name, _operator, value = match.groups()
        name = (
            _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), name) if len(name) < _LONGEST_NAME else name
        )
        if name in variables:
            # All branches of a Makefile count, so a plain assignment also appends.
            if len(variables[name]) < _LONGEST and value.strip() not in words[name]:
                variables[name] += " " + value
                words[name].update(value.split())
        else:
            variables[name] = value
            words[name] = set(value.split())
            order.append(name)
    for name in order:
        if not any(mark in variables[name] for mark in (".o", "/", "$(")):
            continue
        listed = [word for word in expander.expand(variables[name], variables).split() if "$" not in word]
        objects = [_joined(directory, word[:-2]) for word in listed if word.endswith(".o")]
        directories = [_joined(directory, word) + "/" for word in listed if word.endswith("/")]
        if objects or directories:
            yield _List(name, objects, directories)


def _joined(directory: str, word: str) -> str:
    return posixpath.normpath(posixpath.join(directory, word.lstrip("/")))


def build_files(path: str) -> list[str]:
    """Return the paths of the files that can decide whether a C file is built; not all of them need to exist."""
    found: list[str] = []
    while path := posixpath.dirname(path):
        found += (posixpath.join(path, name) for name in ("Kbuild", "Makefile"))
    return found


class BuildSymbols:
    """Answers which configuration symbols build a file. Each Makefile is read once."""

    def __init__(self, read: Callable[[str], str | None]) -> None:
        """`read` returns the text of a file, None if it does not exist."""
        self._read = read
        self._of_directories: dict[str, tuple[str, ...]] = {"": ()}
        self._lists: dict[str, dict[str, list[str]]] = {}

    def of_file(self, path: str) -> tuple[str, ...]:
        """Return the symbols without which a C file is not built, those of the outermost directory first.

        Objects in several lists are built for any of them: then no symbol is certain.
        """
        directory = posixpath.dirname(path)
        own = _symbols(posixpath.splitext(path)[0], directory, self._lists_of(directory))
        return tuple(dict.fromkeys((*self._of_directory(directory), *own)))

    def _of_directory(self, directory: str) -> tuple[str, ...]:
        if directory not in self._of_directories:
            above = posixpath.dirname(directory)
            own = _symbols(f"{directory}/", above, self._lists_of(above))
            self._of_directories[directory] = (*self._of_directory(above), *own)
        return self._of_directories[directory]

    def _lists_of(self, directory: str) -> Mapping[str, Sequence[str]]:
        """Return the names of the lists by object and directory, from the Makefile of a directory."""
        if directory not in self._lists:
            found = self._lists[directory] = {}
            path, text = self._makefile(directory)
            for each in _lists({path: text}, path):
                if _OF_SYMBOL.fullmatch(each.name):
                    for member in dict.fromkeys((*each.objects, *each.directories)):
                        found.setdefault(member, []).append(each.name)
        return self._lists[directory]

    def _makefile(self, directory: str) -> tuple[str, str]:
        """Return path and text of the file that kbuild reads in a directory; an empty text if there is none."""
        kbuild, makefile = posixpath.join(directory, "Kbuild"), posixpath.join(directory, "Makefile")
        text = self._read(kbuild)
        return (makefile, self._read(makefile) or "") if text is None else (kbuild, text)


def _symbols(member: str, directory: str, lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the symbols that an object or a directory needs, by the lists of one Makefile."""
    found: tuple[str, ...] = ()
    for _ in range(_COMPOSED):
        match = _OF_SYMBOL.fullmatch(names[0]) if len(names := lists.get(member, ())) == 1 else None
        if match is None:
            break
        if match[2] and match[2].startswith("CONFIG_"):
            found = (match[2], *found)
        if match[1] in _BUILT:
            break
        member = _joined(directory, match[1])
    return found


class _Expander:
    """Expands variables and functions of one Makefile, within a budget."""

    def __init__(self) -> None:
        self._all = _MOST_EXPANDED
        self._left = 0

    def expand(self, value: str, variables: Mapping[str, str]) -> str:
        """Return a value with its variables and functions expanded; beyond the budget they expand to nothing."""
        budget = self._left = min(self._all, _MOST_FOR_VALUE)
        for _ in range(_ROUNDS):
            self._left -= len(value)
            before = value
            value = _VARIABLE.sub(lambda found: self._affordable(variables.get(found[1], "").strip()), value)
            value = _FUNCTION.sub(self._function, value)
            if value == before or len(value) > _LONGEST or self._left < 0:
                break
        self._all -= budget - self._left
        return value

    def _affordable(self, text: str) -> str:
        self._left -= len(text)
        return text if self._left >= 0 else ""

    def _function(self, match: re.Match[str]) -> str:
        parts = [part.strip() for part in match[2].split(",")]
        words = parts[-1].split()
        if match[1] == "addprefix" and len(parts) == 2:
            return " ".join(self._affordable(parts[0] + word) for word in words)
        if match[1] == "addsuffix" and len(parts) == 2:
            return " ".join(self._affordable(word + parts[0]) for word in words)
        if match[1] == "patsubst" and len(parts) == 3 and "%" in parts[0]:
            before, after = parts[0].split("%", 1)
            return " ".join(
                self._affordable(parts[1].replace("%", word[len(before) : len(word) - len(after)]))
                if word.startswith(before) and word.endswith(after)
                else word
                for word in words
            )
        return " ".join(words)
