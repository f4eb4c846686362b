"""Which file includes which, as the include directories of the kernel have it."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cached_property

# Headers under asm/ differ by architecture: code outside of arch/ is read as for the first of these that has one.
_ARCHITECTURES = ("x86", "arm64", "arm", "powerpc", "riscv", "s390", "mips")

_READERS = 50  # files that are asked whether they include a header


class Includes:
    """The files of a tree by number, and what they include.

    `written` gives the includes of a file as they stand in it (`SourceFacts.includes`), `includers`, for the base name
    of a header, the files that include one of that name in quotes.
    """

    def __init__(
        self,
        paths: Sequence[str],
        written: Callable[[int], Sequence[str]],
        includers: Mapping[str, Sequence[int]],
    ) -> None:
        """Know none of them yet."""
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
        """Take over what all files include directly, by number, from who found it out before."""
        self._direct = dict(enumerate(direct))

    def of(self, number: int) -> tuple[int, ...]:
        """Files that one file includes directly, as far as they are in the tree."""
        known = self._direct.get(number)
        if known is None:
            found = (self.resolve(number, include) for include in self._written(number))
            known = self._direct[number] = tuple(dict.fromkeys(file for file in found if file is not None))
        return known

    def resolve(self, number: int, include: str) -> int | None:
        """The file of the tree that a file means by an `#include`, written with its quotes or angle brackets."""
        directory = self._paths[number].rpartition("/")[0]
        name = include[1:-1]
        numbers = self._numbers
        if include[0] == '"':
            found = numbers.get(_normalize(f"{directory}/{name}" if directory else name))
            if found is not None:
                return found
        for candidate in self._places(directory, name):
            found = numbers.get(candidate)
            if found is not None:
                return found
        # An include directory that a Makefile names: the nearest file whose path ends like this.
        suffix = "/" + _normalize(name).lstrip("./")
        candidates = [
            file for file in self._by_name.get(name.rpartition("/")[2], ()) if self._paths[file].endswith(suffix)
        ]
        if not candidates:
            return None
        return min(candidates, key=lambda file: (-shared(self._paths[file], directory), len(self._paths[file]), file))

    def _places(self, directory: str, name: str) -> Iterable[str]:
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
        """All files that a file includes, itself too, as a bit set."""
        known = self._closures.get(number)
        return self._close(number) if known is None else known

    def forget(self, number: int) -> None:
        """Give back the memory of a file that is done with: a closure is a bit for each file of the tree."""
        self._closures.pop(number, None)

    def seen_from(self, file: int) -> int:
        """The closure of a file, with that of a file which includes it."""
        reader = self.reader(file)
        return self.closure(file) if reader is None else self.closure(file) | self.closure(reader)

    def reader(self, header: int) -> int | None:
        """The nearest C file that includes a file in quotes, which may be C code itself."""
        if header not in self._readers:
            directory, _slash, name = self._paths[header].rpartition("/")
            users = [user for user in self._includers.get(name, ()) if self._paths[user].endswith(".c")]
            users.sort(key=lambda user: (-shared(self._paths[user], directory), user))
            self._readers[header] = next((user for user in users[:_READERS] if header in self.of(user)), None)
        return self._readers[header]

    def only_reader(self, file: int) -> int | None:
        """The C file that a file is a part of: the one file that includes it in quotes; None if there are others."""
        if file not in self._only_readers:
            name = self._paths[file].rpartition("/")[2]
            users = self._includers.get(name, ())
            known = [user for user in users if file in self.of(user)] if len(users) <= _READERS else []
            is_part = len(known) == 1 and self._paths[known[0]].endswith(".c")
            self._only_readers[file] = known[0] if is_part else None
        return self._only_readers[file]

    def last_of(self, file: int, some: Set[int]) -> int | None:
        """Which of some files a file includes last, in the order in which a compiler opens them."""
        last = None
        seen: set[int] = set()
        waiting = [file]
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            if number in some:
                last = number
            waiting += reversed(self.of(number))
        return last

    def _close(self, start: int) -> int:
        """Tarjan's strongly connected components: files that include each other share one closure."""
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
    """The base name of any file that an include, written with its quotes or angle brackets, may mean."""
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
    """Leading path components that a file shares with a directory."""
    count = 0
    for one, other in zip(path.split("/")[:-1], directory.split("/"), strict=False):
        if one != other:
            break
        count += 1
    return count
