"""Answers before there is an index: only the files that can hold a line's words are read.

The line's words are looked up with one pass of grep; the files that hold the rarest of them go through the same parser
and linker as a whole tree would, with the headers that they include and the wrapper functions that they call. What is
parsed is kept in the store, so that a later build, or the next question, starts from it.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from ksrcfind.index import sources
from ksrcfind.index.memory import MemoryIndex
from ksrcfind.index.parse import Worker
from ksrcfind.index.store import Store, unpack_facts
from ksrcfind.match.weights import bits
from ksrcfind.source.facts import EMPTY, SourceFacts, extract
from ksrcfind.source.kbuild import module_names
from ksrcfind.source.link import Linker
from ksrcfind.source.message import Message
from ksrcfind.source.parse import Parser
from ksrcfind.source.program import Program, included_names, reaching
from ksrcfind.source.roots import Root
from ksrcfind.source.switched_off import switched_on
from ksrcfind.tree.snapshot import Snapshot

_FILES = 24  # files of which the messages are read for one line
_WORDS = 6  # words of a line that are looked for, the rarest: common ones make grep slow and tell little
_PHRASES = 12  # phrases of a line that are looked for
_TELLING_PHRASE = 14.0  # bits of a phrase that is worth a search
_FILES_WITH_PHRASES = 16  # files of which the messages are read for its phrases
_LONGEST_BODY = 4096  # characters of a line in which phrases are looked for
_BETWEEN = re.compile(r"[ ,:;()\[\]/=.-]{1,3}")
_LONGEST_WORD = 200  # characters; no source has longer ones, and a command line ends somewhere
_TELLING = 10.0  # bits of a word that is worth a search
_AT_LEAST = 3  # words that are searched for if all are common
_COMMON = 3000  # files; a word in more of them tells nothing

# Places and symbols are values: the file that they name is not the one that prints them.
_VALUE = re.compile(r"(?<![\w./+-])[\w./+-]{1,255}\.[chS]:\d+|(?<![\w.$])[\w.$]{1,255}\+0x[0-9a-f]+/0x[0-9a-f]+")
_WORD = re.compile(r"(?<![0-9A-Za-z_])[A-Za-z_][A-Za-z0-9_]+")  # no part of a number such as 0x9ec00
_VARIABLE_ARGUMENTS = ("va_start", "va_format")

# Where wrapper functions stand that any file may call.
_CORE = {"kernel", "kernel/printk", "lib", "drivers/base", "net/core", "mm", "drivers/gpu/drm"}


class Narrow:
    """Reads a tree piece by piece."""

    def __init__(self, snapshot: Snapshot, store: Store, roots: Sequence[Root]) -> None:
        self._snapshot = snapshot
        self._store = store
        self._roots = roots
        self._files = sources.source_files(snapshot)
        self._paths = [path for path in self._files if not sources.is_makefile(path)]
        self._number = {path: number for number, path in enumerate(self._paths)}
        self._facts: dict[int, SourceFacts] = {}
        self._linked: dict[str, list[Message]] = {}
        self._macros: dict[str, list[int]] = defaultdict(list)
        self._wrappers: dict[str, list[int]] = defaultdict(list)
        self._includers: dict[str, list[int]] = defaultdict(list)
        self._constants: dict[str, list[int]] = defaultdict(list)
        self._variadic: list[str] | None = None
        self._program = Program(self._paths, self._load, self._macros, self._wrappers, roots, frozenset())
        self._worker = Worker(snapshot)

    def index_for(self, body: str, *, phrases: bool = False) -> MemoryIndex:
        """Messages of the files that most likely hold the call that printed a text: those that hold its words.

        With `phrases`, those that hold some of its words one behind the other: quicker to read, and where all words are
        common, these alone tell.
        """
        return MemoryIndex(self.messages_of(self._with_phrases(body) if phrases else self._candidates(body)))

    def messages_of(self, paths: Iterable[str]) -> list[Message]:
        """Messages of some files, in order."""
        wanted = [path for path in paths if path in self._number]
        new = [path for path in wanted if path not in self._linked]
        if new:
            self._link(new)
        return [message for path in wanted for message in self._linked[path]]

    def switched_off(self, path: str, line: int) -> list[Message]:
        """Messages of a file as they were if a comment or `#if 0` on a line were not there; none if it has neither."""
        number = self._number.get(path)
        changed = switched_on(self._snapshot.read(path), line) if number is not None else None
        if number is None or changed is None:
            return []
        self._fetch([number])
        facts, self._facts[number] = self._facts[number], extract(changed, Parser())
        try:
            return self._linker([path], lambda _number: changed).messages(number)[0]
        finally:
            self._facts[number] = facts

    def _candidates(self, body: str) -> list[str]:
        known = {word for word in _WORD.findall(_VALUE.sub(" ", body)) if len(word) <= _LONGEST_WORD}
        words = sorted(known, key=lambda word: (-bits(word.lower()), -len(word), word))[:_WORDS]
        if not words:
            return []
        telling = [word for word in words if bits(word.lower()) >= _TELLING]
        found = self._snapshot.grep(telling or words[:_AT_LEAST], sources.SUFFIXES)
        if telling and not found:
            found = self._snapshot.grep([word for word in words if word not in telling], sources.SUFFIXES)
        spread: dict[str, int] = defaultdict(int)
        for path, counts in found.items():
            if path in self._number:
                for word in counts:
                    spread[word] += 1
        total = len(self._paths) + 1
        weight = {word: math.log(total / count) for word, count in spread.items() if count <= _COMMON}
        weight = weight or {word: math.log(total / count) for word, count in spread.items()}
        return self._best(found, weight)[:_FILES]

    def _best(self, found: Mapping[str, Mapping[str, int]], weight: Mapping[str, float]) -> list[str]:
        """Files by the weights of what was found in them, the best first; none without any."""
        score = {
            path: sum(weight.get(text, 0.0) for text in counts)
            for path, counts in found.items()
            if path in self._number
        }
        return sorted((path for path in score if score[path] > 0), key=lambda path: (-score[path], path))

    def _with_phrases(self, body: str) -> list[str]:
        phrases = _phrases(_VALUE.sub(" ", body[:_LONGEST_BODY]))
        found = self._snapshot.grep(phrases, sources.SUFFIXES) if phrases else {}
        spread = Counter(phrase for path, counts in found.items() if path in self._number for phrase in counts)
        total = len(self._paths) + 1
        weight = {phrase: math.log(total / count) for phrase, count in spread.items()}
        return self._best(found, weight)[:_FILES_WITH_PHRASES]

    def _load(self, number: int) -> SourceFacts:
        facts = self._facts.get(number)
        if facts is None:
            self._fetch([number])
            facts = self._facts.setdefault(number, EMPTY)
        return facts

    def _fetch(self, numbers: Iterable[int]) -> None:
        """Bring facts of files in: from the store, else from the tree."""
        missing: dict[str, str] = {}
        for number in numbers:
            if number in self._facts:
                continue
            path = self._paths[number]
            key = self._files[path]
            blob = key if sources.is_blob_id(key) else self._store.stat_blob(path, key)
            facts = self._store.facts(blob) if blob else None
            if facts is None:
                missing[path] = key
            else:
                self._take(number, facts)
        found = self._worker.parse(list(missing.items()))
        if found:
            self._store.add_facts(
                [(blob, packed) for _path, _key, blob, packed, _size in found],
                [(path, key, blob) for path, key, blob, _packed, _size in found if key != blob],
            )
        for path, _key, _blob, packed, _size in found:
            self._take(self._number[path], unpack_facts(packed))

    def _take(self, number: int, facts: SourceFacts) -> None:
        self._facts[number] = facts
        for name in {macro.name for macro in facts.macros}:
            self._macros[name].append(number)
        for name in {wrapper.name for wrapper in facts.wrappers}:
            self._wrappers[name].append(number)
        for name in included_names(facts):
            self._includers[name].append(number)
        for name in facts.constants:
            self._constants[name].append(number)

    def _link(self, paths: Sequence[str]) -> None:
        linker = self._linker(paths, lambda number: self._snapshot.read(self._paths[number]))
        for path in paths:
            self._linked[path] = linker.messages(self._number[path])[0]

    def _linker(self, paths: Sequence[str], read: Callable[[int], bytes]) -> Linker:
        """Return a linker for some files, with all that they need read."""
        numbers = [self._number[path] for path in paths]
        self._fetch(numbers)
        self._read_includes(numbers)
        self._read_wrappers(numbers)
        modules = module_names(sources.makefile_texts(self._snapshot, self._makefiles(paths)))
        may_log = reaching(self._facts.values(), self._roots)
        program = Program(
            self._paths,
            self._load,
            self._macros,
            self._wrappers,
            self._roots,
            may_log,
            self._includers,
            modules,
            self._constants,
        )
        return Linker(program, read)

    def _makefiles(self, paths: Iterable[str]) -> dict[str, str]:
        """Those that can say which object a file is built into: in its directory and above."""
        directories = {path[:at] for path in paths for at in range(len(path)) if path[at] == "/"} | {""}
        return {
            path: key
            for path, key in self._files.items()
            if sources.is_makefile(path) and path.rpartition("/")[0] in directories
        }

    def _read_includes(self, numbers: Iterable[int]) -> None:
        """Read all headers that files include, level by level: many at a time are quicker than one by one."""
        front = set(numbers)
        seen = set(front)
        while front:
            self._fetch(front)
            front = {child for number in front for child in self._program.includes(number)} - seen
            seen |= front

    def _read_wrappers(self, numbers: Iterable[int]) -> None:
        """Read the functions near these files, and those of the core, that handle variable arguments."""
        if self._variadic is None:
            found = self._snapshot.grep(_VARIABLE_ARGUMENTS, (".c",))
            self._variadic = [path for path in found if path in self._number]
        places = {_subsystem(self._paths[number]) for number in numbers} | _CORE
        fresh = [self._number[path] for path in self._variadic if _subsystem(path) in places]
        self._fetch(fresh)


def _phrases(body: str) -> list[str]:
    """Return runs of two and three words of a text with what stands between them, the most telling ones."""
    words = list(_WORD.finditer(body))
    weight: dict[str, float] = {}
    for count in (2, 3):
        for some in zip(*(words[start:] for start in range(count)), strict=False):
            between = [body[one.end() : other.start()] for one, other in pairwise(some)]
            if all(map(_BETWEEN.fullmatch, between)):
                told = sum(bits(word[0].lower()) for word in some)
                weight[body[some[0].start() : some[-1].end()]] = told
    able = [phrase for phrase in weight if weight[phrase] >= _TELLING_PHRASE]
    return sorted(able, key=lambda phrase: (-weight[phrase], phrase))[:_PHRASES]


def _subsystem(path: str) -> str:
    return "/".join(path.split("/")[:-1][:3])
