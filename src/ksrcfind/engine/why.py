"""Why a message was printed: the conditions of the first match's call, its code, callers and documentation."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ksrcfind.callers.record import Callers
from ksrcfind.conditions.circumstances import circumstances, excerpt
from ksrcfind.conditions.macros import MacroBody
from ksrcfind.conditions.record import Excerpt
from ksrcfind.engine.documents import documents_of
from ksrcfind.source.kbuild import BuildSymbols

if TYPE_CHECKING:
    from ksrcfind.backend import Source
    from ksrcfind.callers.resolve import Tree
    from ksrcfind.finding import Finding, Shown
    from ksrcfind.match.answer import Match
    from ksrcfind.source.message import Message


class WhyService:
    """Adds to answers under what conditions a log call runs, and the source code around the call.

    Nothing is added to the answers of a bundle without code.
    """

    def __init__(self, source: "Source") -> None:
        self._source = source
        self._build_symbols = BuildSymbols(self._text)

    def added_to(self, finding: "Finding", shown: "Shown", callers: int = 0) -> "Finding":
        """Return a finding with the conditions under which the call of its first match runs, and its documentation.

        If `shown` asks for code, the finding also gets the code around the call. This takes 2 ms for most functions,
        and 30 ms for the longest function of Linux. `callers` is the number of levels of callers; each level searches
        the tree.
        """
        match = finding.match
        if match is None:
            return finding
        message = match.message
        if callers:
            finding = self.with_callers(finding, callers)
        try:
            data = self._source.read(message.path)
        except FileNotFoundError:
            return finding
        found = circumstances(
            data,
            message.line_start,
            message.line_end,
            message.call,
            message.function,
            built_by=self._build_symbols.of_file(message.path),
            macro=self._macro(message),
        )
        documents = documents_of(self._source, match, data, found)
        finding = replace(finding, circumstances=found, documented_in=tuple(documents))
        if found is None or shown is None:
            return finding
        lines = data.decode("utf-8", "replace").split("\n")
        around = excerpt(lines, found, None if shown == "function" else int(shown))
        return replace(finding, code=_within(around, self._source.known_lines(message.path, message.line_start)))

    def check_callers(self) -> None:
        """Raise `KsrcfindError` if callers cannot be found, since a bundle has no code to search."""
        self._source.with_words([])

    def with_callers(self, finding: "Finding", depth: int) -> "Finding":
        """Return a finding with the callers of its first match's function, down to a depth."""
        return replace(finding, callers=_callers(self._source, finding.match, depth)) if finding.match else finding

    def all_with_callers(self, findings: Sequence["Finding"], depth: int) -> list["Finding"]:
        """Return findings with the callers of their functions, whose first level is searched for in one pass."""
        searched = SearchedTree(self._source, [one.match.message for one in findings if one.match])
        return [replace(one, callers=_callers(searched, one.match, depth)) if one.match else one for one in findings]

    def _macro(self, message: "Message") -> MacroBody | None:
        defined = message.defined_at
        if defined is None:
            return None
        try:
            return MacroBody(self._source.read(defined.path), defined.line, defined.macro, message.format)
        except FileNotFoundError:
            return None

    def _text(self, path: str) -> str | None:
        try:
            return self._source.read(path).decode("utf-8", "replace")
        except FileNotFoundError:
            return None


class SearchedTree:
    """The files of a tree, searched at once for what names the functions of some messages."""

    def __init__(self, source: "Source", messages: Iterable["Message"]) -> None:
        self._source = source
        # What includes a C file can call its static functions.
        words = {word for one in messages if one.function for word in (one.function, posixpath.basename(one.path))}
        self._words = frozenset(words)
        self._files: dict[str, dict[str, Iterable[str]]] = {}
        for path, held in source.with_words(sorted(words)).items() if words else ():
            for word in held:
                self._files.setdefault(word, {})[path] = (word,)

    def with_words(self, words: Sequence[str], /) -> Mapping[str, Iterable[str]]:
        """Return path → words, for the files that contain one of some words as a whole word."""
        if len(words) == 1 and words[0] in self._words:
            return self._files.get(words[0], {})
        return self._source.with_words(words)

    def read_many(self, paths: Iterable[str], /) -> Iterable[tuple[str, bytes]]:
        """Return path and content of files; those that are not there are left out."""
        return self._source.read_many(paths)


def _callers(tree: "Tree", match: "Match", depth: int) -> Callers:
    # The parser of declarations is imported where it is needed: most questions do not ask for callers.
    from ksrcfind.callers.resolve import Target, callers_of

    message = match.message
    if message.function is None:
        return Callers((), complete=True)
    # A source line has no values.
    values = {value.expression: value.value for value in match.values}
    texts = {
        argument.expression: values.get(argument.expression)
        for argument in match.form.arguments
        if argument.conversion.endswith("s")
    }
    return callers_of(tree, Target(message.function, message.path, texts), depth)


def _within(code: Excerpt, known: range) -> Excerpt | None:
    """Return the part of an excerpt that is on some lines. None if there is none."""
    kept = [(number, line) for number, line in enumerate(code.lines, code.line_start) if number in known]
    if not kept:
        return None
    return Excerpt(kept[0][0], tuple(line for _, line in kept), tuple(each for each in code.marked if each in known))
