"""Why a message was printed: the conditions of the first match's call, its code, callers and documentation."""

from dataclasses import replace

from ksrcfind.backend import Source
from ksrcfind.callers.record import Callers
from ksrcfind.conditions.circumstances import circumstances, excerpt
from ksrcfind.conditions.macros import MacroBody
from ksrcfind.conditions.record import Excerpt
from ksrcfind.engine.documents import documents_of
from ksrcfind.finding import Finding, Shown
from ksrcfind.match.answer import Match
from ksrcfind.source.kbuild import BuildSymbols
from ksrcfind.source.message import Message


class WhyService:
    """Adds to answers under what conditions a log call runs, and the source code around the call.

    Nothing is added to the answers of a bundle without code, but a note where code was asked for.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._build_symbols = BuildSymbols(self._text)

    def added_to(self, finding: Finding, shown: Shown, callers: int = 0) -> Finding:
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
            finding = replace(finding, callers=self._callers(match, callers))
        try:
            data = self._source.read(message.path)
        except FileNotFoundError:
            note = self._source.without_code if shown is not None else None
            return replace(finding, notes=(*finding.notes, note)) if note else finding
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

    def _callers(self, match: Match, depth: int) -> Callers:
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
        return callers_of(self._source, Target(message.function, message.path, texts), depth)

    def _macro(self, message: Message) -> MacroBody | None:
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


def _within(code: Excerpt, known: range) -> Excerpt | None:
    """Return the part of an excerpt that is on some lines. None if there is none."""
    kept = [(number, line) for number, line in enumerate(code.lines, code.line_start) if number in known]
    if not kept:
        return None
    return Excerpt(kept[0][0], tuple(line for _, line in kept), tuple(each for each in code.marked if each in known))
