"""Why a message was printed: the conditions of the first match's call, its code, and the callers of its function."""

from dataclasses import replace

from ksrcfind.backend import Source
from ksrcfind.callers.record import Callers
from ksrcfind.conditions.circumstances import circumstances, excerpt
from ksrcfind.conditions.macros import MacroBody
from ksrcfind.finding import Finding, Shown
from ksrcfind.match.answer import Match
from ksrcfind.source.kbuild import BuildSymbols
from ksrcfind.source.message import Message


class WhyService:
    """Adds to answers under what conditions a log call runs, and the source code around the call.

    A bundle has no source, so nothing is added to its answers.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._build_symbols = BuildSymbols(self._text)

    def added_to(self, finding: Finding, shown: Shown, callers: int = 0) -> Finding:
        """Return a finding with the conditions under which the call of its first match runs.

        If `shown` asks for code, the finding also gets the code around the call. This takes 2 ms for most functions,
        and 30 ms for the longest function of Linux. `callers` is the number of levels of callers; each level searches
        the tree.
        """
        if finding.match is None:
            return finding
        message = finding.match.message
        if callers:
            finding = replace(finding, callers=self._callers(finding.match, callers))
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
        if found is None or shown is None:
            return replace(finding, circumstances=found)
        lines = data.decode("utf-8", "replace").split("\n")
        return replace(
            finding, circumstances=found, code=excerpt(lines, found, None if shown == "function" else int(shown))
        )

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
