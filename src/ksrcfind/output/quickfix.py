"""The format quickfix: `path:line:1: message`, which vim, Emacs and every grep-aware editor jump to.

The column is always the first. Without one, the default 'errorformat' of vim looks for it further on and takes a text
with `52:54:00:` in it for a place; a name in double quotes with a number behind it misleads it as well.

Paths are those of the tree, as everywhere else. When it is not the current directory, the first line says where they
start, in the words of make that the default 'errorformat' of vim and compilation-mode of Emacs follow.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ksrcfind.finding import Finding
from ksrcfind.output.record import matches_with_history
from ksrcfind.output.sanitize import sanitized_line
from ksrcfind.output.writer import Write
from ksrcfind.source.template import template

if TYPE_CHECKING:
    from ksrcfind.batch.coverage import Summary
    from ksrcfind.batch.filters import Group
    from ksrcfind.batch.fold import Folded


class QuickfixWriter:
    """One line for each match; lines that nothing explains are left out."""

    def __init__(self, write: Write, directory: Path | None = None) -> None:
        """`directory` is where the paths start, None if that is the current directory or none at all."""
        self._write = write
        self._directory = directory

    def finding(self, finding: Finding) -> None:
        """Write a line for the place that the log line names, and one for each match."""
        self._lines(finding, "")

    def folded(self, folded: Folded) -> None:
        """Write the lines of the example, with how often it stood in the log."""
        count = folded.occurrences.count
        self._lines(folded.finding, f"{count}x " if count > 1 else "")

    def group(self, group: Group) -> None:
        """Write the lines of a group."""
        for folded in group.messages:
            self.folded(folded)

    def end(self, summary: Summary | None) -> None:
        """Write nothing more."""

    def _lines(self, finding: Finding, prefix: str) -> None:
        points_to, log = finding.answer.points_to, finding.log
        if points_to is not None and log is not None:
            # Text that ended with the place would be one more to stop at for Emacs.
            self._line(points_to.path, points_to.line, f"{prefix}{log.body} [where the line points]")
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
_TAKEN_FOR_PLACE = re.compile(r'"[^"]*+"[^"\d]*+\d++: ')


def _plain(text: str) -> str:
    """Return a text that no editor takes for a place by itself."""
    return text.replace('"', "'") if _TAKEN_FOR_PLACE.search(text) else text
