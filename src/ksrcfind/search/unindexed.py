"""Search without an index: finds a line's messages by reading only the files that contain words of the line.

One pass over the C files finds those that contain phrases of the line; headers, and then the line's rarest words, are
searched only if that finds no message. The likeliest files go through the same parser and linker as a whole tree, with
the headers that these files include and the wrapper functions that they call. The parsed facts of each file are cached
for the next question and for a later build of the index.
"""

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import cached_property

from ksrcfind.caching import cached, lookup, store
from ksrcfind.index import sources
from ksrcfind.index.parse import Worker
from ksrcfind.match.word_weights import bits
from ksrcfind.regex import regex
from ksrcfind.search import candidate_files
from ksrcfind.search.memory_index import MemoryIndex
from ksrcfind.search.query_terms import phrases_of, words_of
from ksrcfind.source.extract import extract
from ksrcfind.source.facts import EMPTY, SourceFacts, name_hash
from ksrcfind.source.kbuild import module_names
from ksrcfind.source.link import Linker
from ksrcfind.source.message import Message
from ksrcfind.source.parse import Parser
from ksrcfind.source.program import Program
from ksrcfind.source.sinks import LogSink
from ksrcfind.source.summary import included_names, sink_reaching, summary
from ksrcfind.source.switched_off import switched_on
from ksrcfind.storage.cache import DerivedCache
from ksrcfind.storage.codec import unpack_facts
from ksrcfind.tree.grep import Found
from ksrcfind.tree.snapshot import Snapshot

_FILES_WITH_CONSTANTS = 8  # most files that are read because they use a string constant of a candidate file
_DISCRIMINATIVE = 10.0  # bits of information that a word must have to be searched for
_AT_LEAST = 3  # words to search for if all words of the line are common

_SEARCH_ENTRY = "search-2"
"""Prefix of the cache keys of search results."""
_SEARCHES_CACHED = 16  # most cached search results
_VARIADIC_ENTRY = "variadic-1"
"""Cache key of the table of functions with variable arguments."""

_VARIABLE_ARGUMENTS = ("va_start", "va_format")

_VARIADIC = regex(rb"\.\.\.\s*\)\s*\{")  # the end of the head of a function that takes variable arguments
_BEFORE_PARAMETERS = regex(rb"\b(\w++)\s*+\([^()]*+$")
_LONGEST_HEAD = 1000  # most bytes of a function's head
_IDENTIFIER = regex(r"[A-Za-z_]\w*")


class UnindexedSearch:
    """Finds the messages that may have printed a line, without an index of the tree.

    It reads only the files that most likely contain these messages.
    """

    def __init__(self, snapshot: Snapshot, cache: DerivedCache, roots: Sequence[LogSink]) -> None:
        self._snapshot = snapshot
        self._cache = cache
        self._roots = roots
        self._files, self.skipped = sources.source_files(snapshot)
        self._paths = [path for path in self._files if not sources.is_makefile(path)]
        self._number = {path: number for number, path in enumerate(self._paths)}
        self._facts: dict[int, SourceFacts] = {}
        self._linked: dict[str, list[Message]] = {}
        self._macros: dict[str, list[int]] = defaultdict(list)
        self._bodies: dict[str, list[str]] = defaultdict(list)
        self._wrappers: dict[str, list[int]] = defaultdict(list)
        self._includers: dict[str, list[int]] = defaultdict(list)
        self._constants: dict[str, list[int]] = defaultdict(list)
        self._text_functions: dict[str, list[int]] = defaultdict(list)
        self._program = Program(self._paths, self._load, self._macros, self._wrappers, roots, frozenset())
        self._worker = Worker(snapshot)
        self._variadic = lookup(cache, _VARIADIC_ENTRY, snapshot.state, dict[str, list[str]])
        """Name of each function with variable arguments → files that define it. None until these files are read."""
        self._variadic_files: list[str] | None = None
        """Files that may define functions with variable arguments. None before the first search."""

    def likely(self, body: str) -> Iterator[MemoryIndex]:
        """Yield indexes of messages that may have printed a log line, `body`; each one after a longer search.

        First come the messages in C files that contain phrases of the line: these files have half of the bytes of Linux
        and nearly all messages. Then headers are searched too. Last come the messages in files that contain the line's
        rarest words: a search for phrases is faster, and it can find a line of common words only.
        """
        phrases = phrases_of(body)
        found: dict[str, Set[str]] = {}
        for suffix in sources.SUFFIXES:
            found |= self._grep(phrases, (suffix,))
            paths = candidate_files.with_phrases(found, len(self._paths), body)
            yield self._index_of([*paths, *self._printing_constants(paths, phrases)])
        yield self._index_of(self._candidates(body))

    def _index_of(self, paths: Iterable[str]) -> MemoryIndex:
        return MemoryIndex(self.messages_of(sorted(paths)))  # sorted as in an index: the first of equal matches wins

    def messages_of(self, paths: Iterable[str]) -> list[Message]:
        """Return the messages of source files: file by file in the order of `paths`, each in source order.

        Paths that are not in the tree are ignored.
        """
        wanted = [path for path in paths if path in self._number]
        new = [path for path in wanted if path not in self._linked]
        if new:
            self._link(new)
        return [message for path in wanted for message in self._linked[path]]

    def switched_off(self, path: str, line: int) -> list[Message]:
        """Return the messages of a file as if the comment or `#if 0` around a line were removed.

        Empty if the line is in neither, or if there is no such file.
        """
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
        words = words_of(body)
        if not words:
            return []
        rare = [word for word in words if bits(word.lower()) >= _DISCRIMINATIVE]
        found = self._grep(rare or words[:_AT_LEAST])
        if rare and not found:
            found = self._grep([word for word in words if word not in rare])
        return candidate_files.with_words(found, len(self._paths))

    def _grep(self, texts: Sequence[str], suffixes: Sequence[str] = sources.SUFFIXES) -> Found:
        """Return which files contain which of the texts. The result is cached for the present state of the tree."""
        if not texts:
            return {}
        request = f"{self._snapshot.state}\0{suffixes}\0{list(texts)}"
        digest = hashlib.sha256(request.encode("utf-8", "surrogateescape")).hexdigest()
        return cached(
            self._cache,
            f"{_SEARCH_ENTRY}-{int(digest[:8], 16) % _SEARCHES_CACHED}",
            digest if self._snapshot.state is not None else None,
            dict[str, frozenset[str]],
            lambda: self._search(texts, suffixes),
        )

    def _search(self, texts: Sequence[str], suffixes: Sequence[str]) -> dict[str, frozenset[str]]:
        """Search the tree for texts; return path → texts.

        The first search also finds the files with functions of variable arguments, in the same pass over the tree.
        """
        together = ".c" in suffixes and self._variadic is None and self._variadic_files is None
        added = [word for word in _VARIABLE_ARGUMENTS if word not in texts] if together else []
        found = self._snapshot.grep([*texts, *added], suffixes)
        if together:
            # Of overlapping texts only the longest is found, so a text that contains the word counts as a hit.
            self._variadic_files = [
                path
                for path, held in found.items()
                if path.endswith(".c") and any(word in text for text in held for word in _VARIABLE_ARGUMENTS)
            ]
        own = ((path, frozenset(held) - set(added)) for path, held in found.items())
        return {path: held for path, held in own if held and path in self._number}

    def _printing_constants(self, paths: Iterable[str], phrases: Iterable[str]) -> list[str]:
        """Return the C files that use a string constant which one of the files `paths` defines.

        Only constants whose text contains one of the phrases count. For example, init/main.c prints the string
        `linux_banner` of init/version.c.
        """
        numbers = [self._number[path] for path in paths]
        self._fetch(numbers)
        texts = [phrase.strip('"') for phrase in phrases]
        names = [
            name
            for number in numbers
            for name, source in self._load(number).strings
            if name in self._load(number).constants and any(text in source for text in texts)
        ]
        return list(self._grep(names, (".c",)))[:_FILES_WITH_CONSTANTS]

    def _load(self, number: int) -> SourceFacts:
        facts = self._facts.get(number)
        if facts is None:
            self._fetch([number])
            facts = self._facts.setdefault(number, EMPTY)
        return facts

    def _fetch(self, numbers: Iterable[int]) -> None:
        """Load the facts of files, given by number, from the cache. Files that are not cached are parsed."""
        missing: dict[str, str] = {}
        for number in numbers:
            if number in self._facts:
                continue
            path = self._paths[number]
            key = self._files[path]
            blob = key if sources.is_blob_id(key) else self._cache.stat_blob(path, key)
            facts = self._cache.facts(blob) if blob else None
            if facts is None:
                missing[path] = key
            else:
                self._take(number, facts)
        found = self._worker.parse(list(missing.items()))
        if found:
            self._cache.add_facts(
                [(blob, packed) for _path, _key, blob, packed, _size in found],
                [(path, key, blob) for path, key, blob, _packed, _size in found if key != blob],
            )
        for path, _key, _blob, packed, _size in found:
            self._take(self._number[path], unpack_facts(packed.facts))

    def _take(self, number: int, facts: SourceFacts) -> None:
        self._facts[number] = facts
        for name in {macro.name for macro in facts.macros}:
            self._macros[name].append(number)
        for macro in facts.macros:
            self._bodies[macro.name].append(macro.body)
        for name in {wrapper.name for wrapper in facts.wrappers}:
            self._wrappers[name].append(number)
        for name in included_names(facts):
            self._includers[name].append(number)
        for name in facts.constants:
            self._constants[name].append(number)
        for name in facts.text_functions:
            self._text_functions[name].append(number)

    def _link(self, paths: Sequence[str]) -> None:
        linker = self._linker(paths, lambda number: self._snapshot.read(self._paths[number]))
        for path in paths:
            self._linked[path] = linker.messages(self._number[path])[0]

    def _linker(self, paths: Sequence[str], read: Callable[[int], bytes]) -> Linker:
        """Return a linker for some files, after reading the headers and wrapper functions that these files use."""
        numbers = [self._number[path] for path in paths]
        self._fetch(numbers)
        self._read_includes(numbers)
        self._read_wrappers(numbers)
        modules = module_names(sources.makefile_texts(self._snapshot, self._makefiles(paths)))
        may_log = sink_reaching(list(map(summary, self._facts.values())), self._roots)
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
            text_functions=self._text_functions,
        )
        return Linker(program, read)

    def _makefiles(self, paths: Iterable[str]) -> dict[str, str]:
        """Return path → content key of the Makefiles in the directories of some files and in all parent directories.

        These Makefiles decide which kernel module a file is built into.
        """
        directories = {path[:at] for path in paths for at in range(len(path)) if path[at] == "/"} | {""}
        return {
            path: key
            for path, key in self._files.items()
            if sources.is_makefile(path) and path.rpartition("/")[0] in directories
        }

    def _read_includes(self, numbers: Iterable[int]) -> None:
        """Read the headers that some files include, directly or indirectly.

        All headers of one level of inclusion are read together, which is faster.
        """
        front = set(numbers)
        seen = set(front)
        while front:
            self._fetch(front)
            front = {child for number in front for child in self._program.includes.of(number)} - seen
            seen |= front

    def _read_wrappers(self, numbers: Iterable[int]) -> None:
        """Read the files of the functions with variable arguments that some files call.

        A call can be direct, in a macro, or in another such function.
        """
        names = self._names_used(numbers)
        read: set[int] = set()
        while fresh := {number for name in names for number in self._variadic_functions.get(name, ())} - read:
            read |= fresh
            self._fetch(fresh)
            self._read_includes(fresh)
            names = self._names_used(fresh)

    def _names_used(self, numbers: Iterable[int]) -> set[str]:
        """Return the names that some files call, and every name in the bodies of those that are macros."""
        facts = [self._load(number) for number in numbers]
        called = {word for one in facts for word in array("I", one.called)}
        named = {call.name for one in facts for call in (*one.calls, *(c for w in one.wrappers for c in w.calls))}
        front = named | {name for name in self._bodies if name_hash(name) in called}
        named = set(front)
        while front:
            bodies = (body for name in front for body in self._bodies.get(name, ()))
            front = {word for body in bodies for word in _IDENTIFIER.findall(body)} - named
            named |= front
        return named

    @cached_property
    def _variadic_functions(self) -> dict[str, list[int]]:
        """Name of each function with variable arguments → numbers of the C files that define it."""
        if self._variadic is None:
            self._variadic = self._read_variadic()
            store(self._cache, _VARIADIC_ENTRY, self._snapshot.state, self._variadic)
        return {name: [self._number[path] for path in paths] for name, paths in self._variadic.items()}

    def _read_variadic(self) -> dict[str, list[str]]:
        files = self._variadic_files
        if files is None:
            files = list(self._snapshot.grep(_VARIABLE_ARGUMENTS, (".c",)))
        table: dict[str, list[str]] = defaultdict(list)
        for path, data in self._snapshot.read_many(path for path in files if path in self._number):
            for end in _VARIADIC.finditer(data):
                if head := _BEFORE_PARAMETERS.search(data[max(0, end.start() - _LONGEST_HEAD) : end.start()]):
                    table[head[1].decode()].append(path)
        return table
