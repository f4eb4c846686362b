"""`callers_of`: the callers of a function in a whole tree, level by level."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.callers.record import MOST, Caller, Callers, Handed
from ksrcfind.callers.uses import Use, uses_of
from ksrcfind.source.source_file import SourceFile
from ksrcfind.source.tokens import is_string, tokenize

_MOST_FILES = 400  # files that are read for one name, the nearest first


class Tree(Protocol):
    """The files of a tree."""

    def with_words(self, words: Sequence[str]) -> Mapping[str, Iterable[str]]:
        """Return path → words for the files that contain one of some words as a whole word."""
        ...

    def read_many(self, paths: Iterable[str]) -> Iterable[tuple[str, bytes]]:
        """Return path and bytes of files."""
        ...


class Target(Struct, frozen=True):
    """A function or macro whose callers are looked for."""

    name: str
    path: str
    """The file that defines it."""
    texts: Mapping[str, str | None]
    """Parameters whose value is printed, with what the line shows for them."""


def callers_of(tree: Tree, target: Target, depth: int) -> Callers:
    """Return the callers of a function, and theirs, down to a depth."""
    return _Search(tree).callers([target], depth)[0]


class _Search:
    """Finds callers; files are read once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._files: dict[str, SourceFile] = {}
        self._seen: set[tuple[str | None, str]] = set()

    def callers(self, targets: Sequence[Target], depth: int) -> list[Callers]:
        """Return the callers of each function of one level, with those of the levels above it."""
        self._seen.update((target.name, target.path) for target in targets)
        results: list[Callers] = []
        further: list[tuple[int, int, Target]] = []
        left = MOST
        found = self._candidates(targets)
        for number, target in enumerate(targets):
            paths, complete = found[number]
            pairs = list(self._of(target, paths))
            complete = complete and len(pairs) <= left
            pairs = pairs[:left]
            left -= len(pairs)
            level: list[Caller] = []
            for position, (caller, next_target) in enumerate(pairs):
                if (caller.function, caller.path) in self._seen:
                    level.append(replace(caller, listed_elsewhere=True))
                    continue
                level.append(caller)
                if depth > 1 and next_target is not None:
                    self._seen.add((next_target.name, next_target.path))
                    further.append((number, position, next_target))
            results.append(Callers(tuple(level), complete))
        if further:
            deeper = self.callers([target for _, _, target in further], depth - 1)
            for (number, position, _), callers in zip(further, deeper, strict=True):
                level = list(results[number].found)
                level[position] = replace(level[position], callers=callers)
                results[number] = replace(results[number], found=tuple(level))
        return results

    def _candidates(self, targets: Sequence[Target]) -> list[tuple[list[str], bool]]:
        """Return for each function the files that may use it, its own first, and whether these are all."""
        self._read({target.path for target in targets})
        words = [target.path.rpartition("/")[2] if self._is_static(target) else target.name for target in targets]
        found = self._tree.with_words(list(dict.fromkeys(words)))
        result = []
        for target, word in zip(targets, words, strict=True):
            others = sorted(
                (path for path, held in found.items() if word in held and path != target.path),
                key=lambda path: (-_in_common(path, target.path), path),
            )
            paths = [target.path, *others[:_MOST_FILES]]
            self._read(paths)
            result.append((paths, len(others) <= _MOST_FILES))
        return result

    def _of(self, target: Target, paths: Sequence[str]) -> Iterator[tuple[Caller, Target | None]]:
        """Yield the callers of a function in some files, each with what is to be looked for next."""
        parameters = self._parameters(target)
        seen = set()
        found: list[tuple[Caller, Target | None]] = []
        for path in paths:
            if path not in self._files or not self._is_resolved(target, path, paths):
                continue
            for use in uses_of(self._files[path], target.name):
                handed = tuple(_handed(target, parameters, use))
                key = (
                    use.function,
                    path,
                    use.via,
                    use.role if use.function is None or use.via != "call" else "",
                    handed,
                )
                if key in seen:
                    continue
                seen.add(key)
                caller = Caller(use.function, path, use.line, use.via, use.role, handed)
                following = {
                    each.expression: target.texts.get(each.name) for each in handed if each.expression.isidentifier()
                }
                further = Target(use.function, path, following) if use.function else None
                found.append((caller, further))
        # First those whose text is the one of the line.
        yield from sorted(found, key=lambda pair: not _hands_the_text(target, pair[0]))

    def _is_resolved(self, target: Target, path: str, paths: Sequence[str]) -> bool:
        """Return whether the name means this function in a file, and not another one with the same name."""
        if path == target.path:
            return True
        file = self._files[path]
        if self._is_static(target):
            name = re.escape(target.path.rpartition("/")[2].encode())
            return re.search(rb'#[ \t]*include[ \t]*["<][^">\n]*(?<![\w-])' + name + rb'[">]', file.data) is not None
        if _defines(file, target.name):
            return False
        rivals = [
            each for each in paths if each != target.path and each.endswith(".c") and self._is_shared(each, target)
        ]
        return all(_in_common(path, rival) <= _in_common(path, target.path) for rival in rivals)

    def _is_shared(self, path: str, target: Target) -> bool:
        file = self._files.get(path)
        return file is not None and any(
            each.name == target.name and not each.is_static
            for each in file.functions
            if target.name.encode() in file.data
        )

    def _is_static(self, target: Target) -> bool:
        """Return whether only the file of a function, and files that include it, can use it."""
        file = self._files.get(target.path)
        if file is None or not target.path.endswith(".c"):
            return False
        own = [each.is_static for each in file.functions if each.name == target.name]
        return any(own) or (not own and any(each.name == target.name for each in file.macros))

    def _parameters(self, target: Target) -> tuple[str, ...]:
        file = self._files.get(target.path)
        return next((each.parameters for each in file.functions if each.name == target.name), ()) if file else ()

    def _read(self, paths: Iterable[str]) -> None:
        wanted = [path for path in paths if path not in self._files]
        self._files.update((path, SourceFile(data, path)) for path, data in self._tree.read_many(wanted))


def _defines(file: SourceFile, name: str) -> bool:
    """Return whether a file has a definition of its own, which hides one of another file."""
    if name.encode() not in file.data or file.path.endswith(".S"):
        return False
    return any(each.name == name and each.is_static for each in file.functions) or any(
        each.name == name for each in file.macros if not file.path.endswith(".h")
    )


def _handed(target: Target, parameters: Sequence[str], use: Use) -> Iterator[Handed]:
    """Yield what a call hands for the parameters that are printed."""
    for number, name in enumerate(parameters):
        if name in target.texts and number < len(use.arguments):
            yield Handed(name, use.arguments[number])


def _hands_the_text(target: Target, caller: Caller) -> bool:
    values = {value for value in target.texts.values() if value}
    return any(text[1:-1] in values for each in caller.handed for text in filter(is_string, tokenize(each.expression)))


def _in_common(path: str, other: str) -> int:
    """Return how many directories two paths have in common, counted from the root."""
    count = 0
    for one, two in zip(path.split("/")[:-1], other.split("/")[:-1], strict=False):
        if one != two:
            break
        count += 1
    return count
