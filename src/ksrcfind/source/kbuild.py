"""KBUILD_MODNAME of files, the object that they are built into (Documentation/kbuild/makefiles.rst), from Makefiles.

The Makefiles are data, nothing runs: object lists are collected for every configuration, with simple variables and
functions such as `$(addprefix …)` expanded.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

_ASSIGNMENT = re.compile(r"[ ]*+(?:export[ ]++|override[ ]++)?([\w.$(){}@/-]++)[ \t]*+(:=|::=|\?=|\+=|=)[ \t]*+(.*+)")
_VARIABLE = re.compile(r"\$[({]([^$(){}:, ]+)[)}]")
_FUNCTION = re.compile(r"\$\((addprefix|addsuffix|strip|sort|filter|patsubst|subst|if|wildcard)[ \t]++([^$()]*+)\)")
_OBJECTS = re.compile(r"(?:obj|lib|core|drivers|libs|net)-(?:[\w$(){}-]*)|hostprogs|always")
_COMPOSITE = re.compile(r"(.+?)-(?:objs|y|m|\$.*+|[A-Z0-9_]++)\Z", re.DOTALL)
_CONDITION = re.compile(r"^([\w-]+-)\$\((?:subst|if|filter|call|patsubst) [^=]{1,200}?(?=[:+]?=)")
_INCLUDE = re.compile(r"[ ]*+-?include[ \t]++(.++)")
_ROUNDS = 40
_NESTED = 4  # nested includes of Makefiles
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
        for name, objects in _lists(makefiles, path):
            if _OBJECTS.fullmatch(name):
                modules.update(objects)
                continue
            composite = _COMPOSITE.match(name)
            if composite is None:
                continue
            target = posixpath.normpath(posixpath.join(directory, composite[1]))
            for member in objects:
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


def _lists(makefiles: Mapping[str, str], path: str) -> Iterable[tuple[str, list[str]]]:
    """Yield each variable that lists objects: its name, the paths of the objects without suffix."""
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
        if ".o" not in variables[name] and "$(" not in variables[name]:
            continue
        expanded = expander.expand(variables[name], variables)
        objects = [
            posixpath.normpath(posixpath.join(directory, word[:-2].lstrip("/")))
            for word in expanded.split()
            if word.endswith(".o") and "$" not in word
        ]
        if objects:
            yield name, objects


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
