"""The format sarif: Static Analysis Results Interchange Format 2.1.0, for tools that show findings in source code.

Each message of the log is a result at what it is about: the call that printed it, or the code that a report complains
about. Each call is a rule.
"""

from urllib.parse import quote

import msgspec

from ksrcfind import __version__
from ksrcfind.batch.answer_cache import level_of
from ksrcfind.batch.coverage import SEVERITY, Summary, severity
from ksrcfind.batch.filters import Group
from ksrcfind.batch.fold import Folded
from ksrcfind.finding import About, Finding
from ksrcfind.match.answer import Match
from ksrcfind.output.json import encode
from ksrcfind.output.record import Record, about_elsewhere, matches_with_history
from ksrcfind.output.writer import Write
from ksrcfind.source.template import template

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class SarifWriter:
    """Collects results and writes one document at the end."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._rules: dict[str, tuple[int, Record]] = {}
        """Id of a rule → its position in the document, and the rule."""
        self._results: list[Record] = []
        self._tree: Record = {}

    def finding(self, finding: Finding) -> None:
        """Keep the result of a line."""
        self._keep(finding, finding.log.repeats if finding.log else 1)

    def folded(self, folded: Folded) -> None:
        """Keep the result of a message."""
        self._keep(folded.finding, folded.occurrences.count)

    def group(self, group: Group) -> None:
        """Keep the results of a group."""
        for folded in group.messages:
            self.folded(folded)

    def end(self, summary: Summary | None) -> None:
        """Write the document."""
        driver = {"name": "ksrcfind", "version": __version__, "rules": [rule for _, rule in self._rules.values()]}
        run: Record = {
            "tool": {"driver": driver},
            "columnKind": "unicodeCodePoints",
            "results": self._results,
            "invocations": [{"executionSuccessful": not (summary and summary.interrupted)}],
            "properties": self._tree,
        }
        document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
        self._write(msgspec.json.format(encode(document), indent=2) + "\n")

    def _keep(self, finding: Finding, count: int) -> None:
        self._tree = {"rev": finding.tree.rev, "commit": finding.tree.commit}
        first = next(matches_with_history(finding), None)
        if first is None:
            return
        match, history = first
        change = history.introduced or history.last_changed
        about = about_elsewhere(finding)
        rule = f"{match.message.path}:{match.message.line_start}"
        self._rules.setdefault(rule, (len(self._rules), _rule(rule, match)))
        self._results.append(
            {
                "ruleId": rule,
                "ruleIndex": self._rules[rule][0],
                "level": _level(finding),
                "message": {"text": finding.log.body if finding.log else finding.input.text},
                "locations": [_location(match) if about is None else _about(about)],
                "relatedLocations": ([] if about is None else [_location(match)]) + _others(finding),
                "occurrenceCount": count,
                "properties": {
                    "tier": match.tier.value,
                    "confidence": match.confidence,
                    "logLevel": level_of(finding.log, finding.answer),
                    "firstTag": change.release.first_tag if change else None,
                    "firstRelease": change.release.first_release if change else None,
                    "commit": change.commit if change else None,
                    "subsystem": finding.subsystem.name if finding.subsystem else None,
                },
            }
        )


def _rule(name: str, match: Match) -> Record:
    text = template(match.form.printed).strip() or match.message.call
    return {"id": name, "name": match.message.call, "shortDescription": {"text": text}}


def _level(finding: Finding) -> str:
    rank = severity(finding.log, finding.answer)
    if rank <= SEVERITY["err"]:
        return "error"
    return "warning" if rank <= SEVERITY["warn"] else "note"


def _others(finding: Finding) -> list[Record]:
    """Return the locations of the other matches, each once, as the schema requires."""
    found: list[Record] = []
    for match in finding.answer.matches[1:]:
        location = _location(match)
        if location not in found:
            found.append(location)
    return found


def _location(match: Match) -> Record:
    message = match.message
    return _place(message.path, message.line_start, message.line_end, message.function)


def _about(about: About) -> Record:
    return _place(about.path, about.line, about.line, about.function)


def _place(path: str, first: int, last: int, function: str | None) -> Record:
    place: Record = {
        "physicalLocation": {
            # Relative to the tree's root, which the reader of the file knows; the file does not name it.
            "artifactLocation": {"uri": quote(path, errors="surrogateescape"), "uriBaseId": "SRCROOT"},
            "region": {"startLine": first, "endLine": last},
        }
    }
    if function:
        place["logicalLocations"] = [{"name": function, "kind": "function"}]
    return place
