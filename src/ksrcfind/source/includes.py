"""The include graph of a tree, with the include directories of the kernel."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cached_property

# Headers under asm/ differ by architecture: for code outside of arch/ the first of these with such a header counts.
_ARCHITECTURES = ("x86", "arm64", "arm", "powerpc", "riscv", "s390", "mips")

_READERS = 50  # candidates that may include a header


class Includes:
    """The include graph of a tree; files are numbers.

    `written` returns the includes of a file as written (`SourceFacts.includes`); `includers` has, by base name, the
    files that include a header of this name in quotes.
    """

    def __init__(
        self,
        paths: Sequence[str],
        written: Callable[[int], Sequence[str]],
        includers: Mapping[str, Sequence[int]],
    ) -> None:
        """Begin with an empty graph; edges are resolved on demand."""
        self._paths = paths
        self._written = written
        self._includers = includers
        self._direct: dict[int, tuple[int, ...]] = {}
        self._closures: dict[int, int] = {}
        self._readers: dict[int, int | None] = {}
        self._only_readers: dict[int, int | None] = {}

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {path: number for number, path in enumerate(self._paths)}

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        table: dict[str, list[int]] = {}
        for number, path in enumerate(self._paths):
            if path.endswith(".h") or "/" not in path:
                table.setdefault(path.rpartition("/")[2], []).append(number)
        return table

    def learn(self, direct: Iterable[tuple[int, ...]]) -> None:
        """Use known direct includes of all files, by number."""
        self._direct = dict(enumerate(direct))

    def of(self, number: int) -> tuple[int, ...]:
        """Return the files of the tree that one file includes directly."""
        known = self._direct.get(number)
        if known is None:
            found = (self.resolve(number, include) for include in self._written(number))
            known = self._direct[number] = tuple(dict.fromkeys(file for file in found if file is not None))
        return known

    def resolve(self, number: int, include: str) -> int | None:
        """Return the file that an `#include` of a file names (with its quotes or angle brackets); None if unknown."""
        directory = self._paths[number].rpartition("/")[0]
        name = include[1:-1]
        numbers = self._numbers
        if include[0] == '"':
            found = numbers.get(_normalize(f"{directory}/{name}" if directory else name))
            if found is not None:
                return found
        for candidate in self._candidates(directory, name):
            found = numbers.get(candidate)
            if found is not None:
                return found
        # For an include directory of a Makefile: the nearest file whose path has this suffix.
        suffix = "/" + _normalize(name).lstrip("./")
        candidates = [
            file for file in self._by_name.get(name.rpartition("/")[2], ()) if self._paths[file].endswith(suffix)
        ]
        if not candidates:
            return None
        return min(candidates, key=lambda file: (-shared(self._paths[file], directory), len(self._paths[file]), file))

    def _candidates(self, directory: str, name: str) -> Iterable[str]:
        own = directory.split("/")[1] if directory.startswith("arch/") and directory.count("/") else ""
        if not name.startswith(("asm/", "mach/", "plat/")):
            yield f"include/{name}"
            yield f"include/uapi/{name}"
        for architecture in ([own] if own else []) + [a for a in _ARCHITECTURES if a != own]:
            yield f"arch/{architecture}/include/{name}"
            yield f"arch/{architecture}/include/uapi/{name}"
        if name.startswith("asm/"):
            yield f"include/asm-generic/{name[4:]}"

    def closure(self, number: int) -> int:
        """Return all files that a file includes, with the file itself, as a bit set."""
        known = self._closures.get(number)
        return self._close(number) if known is None else known

    def forget(self, number: int) -> None:
        """Free the closure of a file that is no longer needed: it has a bit for each file of the tree."""
        self._closures.pop(number, None)

    def seen_from(self, file: int) -> int:
        """Return the closure of a file, united with that of its `reader`."""
        reader = self.reader(file)
        return self.closure(file) if reader is None else self.closure(file) | self.closure(reader)

    def reader(self, header: int) -> int | None:
        """Return the nearest C file that includes a file (header or C code) in quotes; None if there is none."""
        if header not in self._readers:
            directory, _slash, name = self._paths[header].rpartition("/")
            users = [user for user in self._includers.get(name, ()) if self._paths[user].endswith(".c")]
            users.sort(key=lambda user: (-shared(self._paths[user], directory), user))
            self._readers[header] = next((user for user in users[:_READERS] if header in self.of(user)), None)
        return self._readers[header]

    def only_reader(self, file: int) -> int | None:
        """Return the only file that includes a file in quotes, if it is a C file; None if there are others."""
        if file not in self._only_readers:
            name = self._paths[file].rpartition("/")[2]
            users = self._includers.get(name, ())
            known = [user for user in users if file in self.of(user)] if len(users) <= _READERS else []
            is_part = len(known) == 1 and self._paths[known[0]].endswith(".c")
            self._only_readers[file] = known[0] if is_part else None
        return self._only_readers[file]

    def last_of(self, file: int, candidates: Set[int]) -> int | None:
        """Return the candidate that a compiler opens last while it compiles a file; None if it opens none."""
        last = None
        seen: set[int] = set()
        waiting = [file]
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            if number in candidates:
                last = number
            waiting += reversed(self.of(number))
        return last

    def _close(self, start: int) -> int:
        """Compute closures by Tarjan's strongly connected components: files that include each other share one."""
        index: dict[int, int] = {start: 0}
        low: dict[int, int] = {start: 0}
        stack = [start]
        on_stack = {start}
        work = [(start, iter(self.of(start)))]
        while work:
            node, children = work[-1]
            for child in children:
                if child in self._closures:
                    continue
                if child not in index:
                    index[child] = low[child] = len(index)
                    stack.append(child)
                    on_stack.add(child)
                    work.append((child, iter(self.of(child))))
                    break
                if child in on_stack:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    self._finish(node, stack, on_stack)
        return self._closures[start]

    def _finish(self, node: int, stack: list[int], on_stack: set[int]) -> None:
        component: list[int] = []
        while True:
            member = stack.pop()
            on_stack.discard(member)
            component.append(member)
            if member == node:
                break
        closure = 0
        for member in component:
            closure |= 1 << member
        for member in component:
            for child in self.of(member):
                closure |= self._closures.get(child, 0)
        for member in component:
            self._closures[member] = closure


def base_name(include: str) -> str:
    """Return the base name of the file that an include (with its quotes or angle brackets) names."""
    return _normalize(include[1:-1]).rpartition("/")[2]


def _normalize(path: str) -> str:
    if "./" not in path and "//" not in path:
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def shared(path: str, directory: str) -> int:
    """Return the number of leading path components that a file shares with a directory."""
    count = 0
    for one, other in zip(path.split("/")[:-1], directory.split("/"), strict=False):
        if one != other:
            break
        count += 1
    return count
