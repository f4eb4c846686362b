"""The format quickfix: `path:line:1: message`, which vim, Emacs and every grep-aware editor jump to.

The column is always 1. Without a column, vim's default 'errorformat' searches for one later in the line and parses
`52:54:00:` in a text as a location; a name in double quotes before a number misleads it too.

Paths are relative to the root of the tree. If that is not the current directory, the first line names it in the wording
of make, which vim's default 'errorformat' and the compilation-mode of Emacs understand.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ksrcfind.finding import Finding
from ksrcfind.output.record import about_elsewhere, matches_with_history
from ksrcfind.output.sanitize import sanitized_line
from ksrcfind.output.writer import Write
from ksrcfind.regex import regex
from ksrcfind.source.template import template

if TYPE_CHECKING:
    from ksrcfind.batch.coverage import Summary
    from ksrcfind.batch.filters import Group
    from ksrcfind.batch.fold import Folded


class QuickfixWriter:
    """Writes one line for each match; log lines without a match are omitted."""

    def __init__(self, write: Write, directory: Path | None = None) -> None:
        """`directory` is the root of the tree; None if that is the current directory, or if there is no tree."""
        self._write = write
        self._directory = directory

    def finding(self, finding: Finding) -> None:
        """Write a line for the source location that the log line names, and one for each match."""
        self._lines(finding, "")

    def folded(self, folded: Folded) -> None:
        """Write the lines for the example of a message, with the number of its occurrences."""
        count = folded.occurrences.count
        self._lines(folded.finding, f"{count}x " if count > 1 else "")

    def group(self, group: Group) -> None:
        """Write the lines of a group."""
        for folded in group.messages:
            self.folded(folded)

    def end(self, summary: Summary | None) -> None:
        """Write nothing: quickfix has no summary."""

    def _lines(self, finding: Finding, prefix: str) -> None:
        about, log = about_elsewhere(finding), finding.log
        if about is not None and log is not None:
            # The bracketed text ends the line: Emacs would stop again at a line that ends with a location.
            how = "where the line points" if finding.answer.points_to is not None else "what the report is about"
            self._line(about.path, about.line, f"{prefix}{log.body} [{how}]")
        for match, history in matches_with_history(finding):
            text = template(match.form.printed) if log is None else log.body
            facts = [match.tier.value] if log else []
            if match.message.function:
                facts.append(f"{match.message.function}()")
            change = history.introduced or history.last_changed
            if change is not None:
                facts.append(change.release.first_release or change.release.first_tag or change.commit[:12])
            self._line(match.message.path, match.message.line_start, f"{prefix}{text} [{', '.join(facts)}]")

    def _line(self, path: str, line: int, text: str) -> None:
        if self._directory is not None:
            self._write(f"ksrcfind: Entering directory '{sanitized_line(str(self._directory))}'\n")
            self._directory = None
        self._write(f"{sanitized_line(path)}:{line}:1: {_plain(sanitized_line(text))}\n")


# The first pattern of vim's default 'errorformat', %*[^"]"%f"%*\D%l: %m, from the last quotation mark before the digits
_TAKEN_FOR_PLACE = regex(r'"[^"]*+"[^"\d]*+\d++: ')


def _plain(text: str) -> str:
    """Return a text that no editor parses as a location."""
    return text.replace('"', "'") if _TAKEN_FOR_PLACE.search(text) else text
