"""Select, sort and group the messages of a log."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from ksrcfind.batch.coverage import SEVERITY, severity
from ksrcfind.batch.fold import Folded
from ksrcfind.batch.options import GroupBy, LineKind
from ksrcfind.finding import Finding
from ksrcfind.history.provenance import Change
from ksrcfind.tree.versions import Version, parse_tag

UNEXPLAINED = "not explained"
NO_RELEASE = "in no release"


class Filter(Struct, frozen=True):
    """Selects lines and messages by level and by the release that introduced them."""

    min_level: str | None = None
    """Only messages of this level or more severe; messages of unknown level are omitted."""
    only: LineKind | None = None
    new_since: Version | None = None
    """Only messages that a release after this one introduced; needs history."""

    def accepts(self, finding: Finding) -> bool:
        """Return True if the filter selects a line, as far as that is known without its history."""
        answer = finding.answer
        if self.only is not None and bool(answer.matches) != (self.only is LineKind.MATCHED):
            return False
        if self.new_since is not None and not answer.matches:
            return False
        if self.min_level is None:
            return True
        return severity(finding.log, answer) <= SEVERITY[self.min_level]

    def is_new(self, finding: Finding) -> bool:
        """Return True if the first match was introduced after the release `new_since`, or if no release is set."""
        if self.new_since is None:
            return True
        change = arrival(finding)
        if change is None:
            return False
        version = _version(change.release.first_tag)
        had = _version(change.release.first_release)
        if version is not None and had is not None and had > version.final:  # Taken back before its first release.
            version = had
        return version is None or version > self.new_since


def _version(tag: str | None) -> Version | None:
    return parse_tag(tag, tail=True) if tag is not None else None


class Group(Struct, frozen=True):
    """Messages under a heading."""

    title: str | None
    """None if messages are not grouped."""
    messages: tuple[Folded, ...]


def arrival(finding: Finding) -> Change | None:
    """Return the change that introduced the first match of a finding.

    If it is unknown, return its last change; None without a history.
    """
    if not finding.provenance:
        return None
    return finding.provenance[0].introduced or finding.provenance[0].last_changed


def by_severity(messages: Iterable[Folded]) -> list[Folded]:
    """Return the messages sorted: most severe first, then rarest, then in the order of the log."""
    return sorted(messages, key=_severity)


def _severity(folded: Folded) -> tuple[int, bool, int, int]:
    finding, seen = folded.finding, folded.occurrences
    return severity(finding.log, finding.answer), seen.report is None, seen.count, folded.number


def grouped(messages: Iterable[Folded], by: GroupBy) -> list[Group]:
    """Return the messages in groups: the group with the most severe message first, or the newest release first."""
    ordered = by_severity(messages)
    if by in (GroupBy.MESSAGE, GroupBy.HOST):
        return [Group(None, tuple(ordered))]
    groups: dict[str, list[Folded]] = {}
    for folded in ordered:
        groups.setdefault(_TITLE[by](folded.finding), []).append(folded)
    found = [Group(title, tuple(own)) for title, own in groups.items()]
    if by is GroupBy.RELEASE:
        found.sort(key=lambda group: _age(group.title or ""))
    return found


def _age(title: str) -> tuple[int, tuple[int, ...]]:
    """Return a sort key for headings: messages in no release yet, releases from newest to oldest, unknown releases."""
    version = parse_tag(title, tail=True)
    if version is None:
        return (0 if title == NO_RELEASE else 2), ()
    return 1, tuple(-number for number in (*version.numbers, 0, 0, 0)[:4])


def _file(finding: Finding) -> str:
    """Return the file that a message is about."""
    if finding.about is not None:
        return finding.about.path
    return finding.answer.matches[0].message.path if finding.answer.matches else UNEXPLAINED


def _subsystem(finding: Finding) -> str:
    if not finding.answer.matches:
        return UNEXPLAINED
    return finding.subsystem.name if finding.subsystem else "no subsystem known"


def _release(finding: Finding) -> str:
    if not finding.answer.matches:
        return UNEXPLAINED
    change = arrival(finding)
    if change is None:
        return "no history"
    return change.release.first_release or change.release.first_tag or NO_RELEASE


_TITLE: dict[GroupBy, Callable[[Finding], str]] = {
    GroupBy.FILE: _file,
    GroupBy.SUBSYSTEM: _subsystem,
    GroupBy.RELEASE: _release,
}
