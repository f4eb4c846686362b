"""The formats json (one document) and ndjson (one record per line, streamed)."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from ksrcfind.finding import Finding
from ksrcfind.output.record import (
    SCHEMA,
    Record,
    commit_record,
    finding_record,
    folded_record,
    named_commits,
    summary_record,
)
from ksrcfind.output.sanitize import sanitized_json
from ksrcfind.output.writer import Commits, Write
from ksrcfind.tree.names import without_surrogates

if TYPE_CHECKING:
    from ksrcfind.batch.coverage import Summary
    from ksrcfind.batch.filters import Group
    from ksrcfind.batch.fold import Folded

_encoder = msgspec.json.Encoder()


def schema() -> str:
    """Return the JSON Schema (draft 2020-12) of all JSON output."""
    return (files("ksrcfind") / "schema" / "ksrcfind-1.schema.json").read_text(encoding="utf-8")


def encode(value: object) -> str:
    """Return JSON in one line, safe to print on a terminal."""
    try:
        encoded = _encoder.encode(value)
    except UnicodeEncodeError:  # A lone surrogate: an undecodable byte of a file name.
        encoded = _encoder.encode(without_surrogates(value))
    document = encoded.decode()
    return document if encoded.isascii() and b"\x7f" not in encoded else sanitized_json(document)


class NdjsonWriter:
    """Writes one record per line at once; a commit precedes the first record that names it."""

    def __init__(self, write: Write, commits: Commits) -> None:
        self._write = write
        self._commits = _NewCommits(commits)
        self._number = 0

    def finding(self, finding: Finding) -> None:
        """Write the finding's record; before it, the commits that no earlier record named."""
        self._number += 1
        self._lines(*self._commits.of(finding), finding_record(finding, self._number))

    def folded(self, folded: Folded) -> None:
        """Write the message's record; before it, the commits that no earlier record named."""
        self._lines(*self._commits.of(folded.finding), folded_record(folded))

    def group(self, group: Group) -> None:
        """Write the records of a group."""
        for folded in group.messages:
            self.folded(folded)

    def end(self, summary: Summary | None) -> None:
        """Write the summary of a batch."""
        if summary is not None:
            self._lines(summary_record(summary))

    def _lines(self, *records: Record) -> None:
        for record in records:
            self._write(encode(record) + "\n")


class JsonWriter:
    """Collects records and writes one document at the end."""

    def __init__(self, write: Write, commits: Commits) -> None:
        self._write = write
        self._commits = _NewCommits(commits)
        self._named: dict[str, Record] = {}
        self._records: list[Record] = []

    def finding(self, finding: Finding) -> None:
        """Keep the finding's record, and the commits that no earlier record named."""
        self._keep(finding, finding_record(finding, len(self._records) + 1))

    def folded(self, folded: Folded) -> None:
        """Keep the message's record, and the commits that no earlier record named."""
        self._keep(folded.finding, folded_record(folded))

    def group(self, group: Group) -> None:
        """Keep the records of a group."""
        for folded in group.messages:
            self.folded(folded)

    def end(self, summary: Summary | None) -> None:
        """Write the document."""
        document = {
            "schema": SCHEMA,
            "records": self._records,
            "commits": self._named,
            "summary": summary and summary_record(summary),
        }
        self._write(msgspec.json.format(encode(document), indent=2) + "\n")

    def _keep(self, finding: Finding, record: Record) -> None:
        self._records.append(record)
        self._named |= {str(commit["commit"]): commit for commit in self._commits.of(finding)}


class _NewCommits:
    """Returns the record of each commit only once."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._written: set[str] = set()

    def of(self, finding: Finding) -> list[Record]:
        """Return the records of the commits that a finding is the first to name."""
        new = [commit for commit in dict.fromkeys(named_commits(finding)) if commit not in self._written]
        self._written.update(new)
        return [commit_record(self._commits(commit)) for commit in new]
