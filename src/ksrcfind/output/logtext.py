"""Write the result of `batch` as text: a few lines for each message of a log, most severe first, and a summary."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ksrcfind.batch.answer_cache import level_of
from ksrcfind.batch.coverage import NOT_KERNEL, Summary
from ksrcfind.batch.filters import Group
from ksrcfind.batch.fold import Folded, Occurrences, Sighting
from ksrcfind.finding import About, Finding
from ksrcfind.match.reasons import TRY_NEXT
from ksrcfind.output.bursts import bursts
from ksrcfind.output.record import about_elsewhere, matches_with_history
from ksrcfind.output.style import Painter, Span, number_of
from ksrcfind.output.text import NO_HISTORY_TO_ASK, changed, where
from ksrcfind.output.writer import Head, Write

LEVEL_STYLES = dict.fromkeys(("emerg", "alert", "crit", "err"), "error") | {"warn": "warn"}
"""Level → style; other levels are shown as labels."""

COUNT_WIDTH = 7
"""Width of the column of counts."""

INDENT = 6 + COUNT_WIDTH + 2
"""Indentation of the lines about a message."""

MOST_BOOTS = 10
"""Limit of boots that are shown."""

MOST_PLACES = 3
"""Instruction pointers shown for the reports of one headline, at most."""

MEANINGS = {
    "userspace": "from user-space programs",
    "empty": "without text",
    "part_of_event": "rows of reports",
    "nothing_alike": "no message matches",
    "audit_record": "audit records",
    "no_words": "without a word of any kernel message",
    "any_text": "match only messages that accept any text",
    "not_in_tree": "not in this tree",
    "module_not_in_tree": "from a module that is not in this tree",
}
"""Reason code → description in the summary."""


@dataclass(slots=True)
class LogTextWriter:
    """Writes the messages or lines of a log, then a summary."""

    write: Write
    painter: Painter
    name_sources: bool
    """True if the name of the log is shown with line numbers."""
    head: Head | None = None
    """Returns what the log is, which begins the summary."""
    all_matches: bool = False
    """True if all matches of a line are shown, not only the first."""
    each: bool = False
    """True after a single line was written."""
    without_history: str | None = None
    """Reason why no histories are shown; None if they are shown."""

    def finding(self, finding: Finding) -> None:
        """Write a log line and, below it, the call that printed it."""
        self.each = True
        self.write(self.painter.line(finding.input.text))
        for spans in _explained(finding, all_matches=self.all_matches):
            self.write(self.painter.line(*spans, indent=4))

    def group(self, group: Group) -> None:
        """Write a heading and the messages under it. Lines that are not messages appear only in the summary."""
        messages = [folded for folded in group.messages if folded.is_message]
        if not messages:
            return
        if group.title is not None:
            lines = sum(folded.occurrences.count for folded in messages)
            self.write(
                self.painter.line(
                    (group.title, "title"), f"  {number_of(len(messages), 'message')}, {number_of(lines, 'line')}"
                )
            )
            self.write("\n")
        for first, *others in bursts(messages):
            self.folded(first)
            if others:
                self._others(others)
        self.write("\n")

    def folded(self, folded: Folded) -> None:
        """Write a message's level, count and example and, below it, the call, the release and the times."""
        finding, seen = folded.finding, folded.occurrences
        if finding.history is not None and finding.history.status == "unavailable":
            self.without_history = finding.history.note or NO_HISTORY_TO_ASK
        level = level_of(finding.log, finding.answer) or "-"
        self.write(
            self.painter.line(
                (f"{level:<6}", LEVEL_STYLES.get(level, "label")),
                (f"{seen.count:>{COUNT_WIDTH},}x ", "value"),
                (finding.log.body if finding.log else finding.input.text, "title"),
            )
        )
        if seen.report is not None and seen.report.faulted_at:
            self.write(self.painter.line(("in ", "label"), (_places(seen.report.faulted_at), "place"), indent=INDENT))
        for spans in _explained(finding, all_matches=self.all_matches):
            self.write(self.painter.line(*spans, indent=INDENT))
        self.write(self.painter.line((", ".join(self._when(seen)), "label"), indent=INDENT))

    def _others(self, others: Sequence[Folded]) -> None:
        """Write one line about the other messages of a burst."""
        match = others[0].finding.match
        name = f"{match.message.function}()" if match is not None else "the same function"
        first, last = others[0].occurrences.first, others[-1].occurrences.first
        lines = f"{self._place(first, 'lines ')} to {self._place(last, '')}"
        text = f"and {number_of(len(others), 'message')} more from {name} directly after it, {lines}"
        self.write(self.painter.line((text, "label"), indent=INDENT))

    def end(self, summary: Summary | None) -> None:
        """Write the summary of a log."""
        if summary is None:
            return
        if self.each:
            self.write("\n")
        for spans in self._summary(summary):
            self.write(self.painter.line(*spans))

    def _summary(self, summary: Summary) -> Iterator[list[Span | str]]:
        end = ", interrupted" if summary.interrupted else ""
        if self.head is not None:
            yield [(self.head(summary), "label")]
        yield [(f"{number_of(summary.lines, 'line')}, {number_of(summary.messages, 'message')}{end}", "title")]
        for seen in summary.boots[:MOST_BOOTS]:
            version = f"Linux {seen.boot.version}" if seen.boot.version else "a kernel of unknown version"
            name = f"{seen.source}:{seen.boot.line}" if self.name_sources else f"line {seen.boot.line}"
            host = f" on {seen.boot.host.name}" if len(summary.hosts) > 1 else ""
            yield [f"  {number_of(seen.lines, 'line'):>14}  ", version, (f"{host}, starting at {name}", "label")]
        if len(summary.boots) > MOST_BOOTS:
            yield [f"  and {len(summary.boots) - MOST_BOOTS:,} more boots"]
        yield []
        kernel = summary.kernel_lines
        for name, count in summary.verdicts.items():
            lines = count - summary.skipped if name == "none" else count
            share = f"{100 * lines / kernel:5.1f} %" if kernel else ""
            yield [(f"  {name:<8}", name if lines else "label"), f"{lines:>9,}", (f"  {share}", "label")]
        for code, count in summary.reasons.items():
            if code not in NOT_KERNEL:
                yield [f"      {count:>13,}  ", (MEANINGS.get(code, code.replace("_", " ")), "label")]
        yield [("  kernel  ", "title"), f"{kernel:>9,}"]
        for code in NOT_KERNEL:
            if summary.reasons.get(code):
                yield [("  skipped ", "label"), f"{summary.reasons[code]:>9,}", (f"  {MEANINGS[code]}", "label")]
        if self.without_history is not None:
            yield []
            yield ["  ", self.without_history]
        if summary.levels:
            yield []
            yield ["  ", ", ".join(f"{count:,} {level}" for level, count in summary.levels.items())]

    def _when(self, seen: Occurrences) -> Iterator[str]:
        """Yield `line 12 at 40872.663481`, or `lines 12 to 4711` and `3.1 to 40872.663481`, then further counts."""
        first, last = seen.first, seen.last
        from_time, to_time = _time(first), _time(last)
        if first == last:
            yield f"{self._place(first, 'line ')}{f' at {from_time}' if from_time else ''}"
        else:
            yield f"{self._place(first, 'lines ')} to {self._place(last, '')}"
            if from_time and from_time == to_time:
                yield f"at {from_time}"
            elif from_time and to_time:
                yield f"{from_time} to {to_time}"
        yield from spread(seen)
        if seen.report is not None:
            yield f"{seen.report.rows:,} {'row' if seen.report.rows == 1 else 'rows'} of report"
        if seen.suppressed:
            yield f"{seen.suppressed:,} more suppressed"

    def _place(self, sighting: Sighting, word: str) -> str:
        return f"{sighting.source}:{sighting.line}" if self.name_sources else f"{word}{sighting.line}"


def _explained(finding: Finding, *, all_matches: bool) -> Iterator[list[Span | str]]:
    answer = finding.answer
    subsystem: Span | str = (f"  {finding.subsystem.name}", "label") if finding.subsystem else ""
    elsewhere = about_elsewhere(finding)
    if elsewhere is not None:
        yield [("about ", "label"), (f"{elsewhere.path}:{elsewhere.line}", "place"), *in_function(elsewhere), subsystem]
        subsystem = ""
    for position, (match, history) in enumerate(matches_with_history(finding)):
        if position and not all_matches:
            return
        listed = all_matches and len(answer.matches) > 1
        others = f"  or {answer.rivals} more" if answer.rivals and not listed else ""
        tier: Span | str = "" if match.tier.value == "exact" else (f"  {match.tier.value}", match.tier.value)
        word = "or " if position else "printed by " if elsewhere is not None else ""
        yield [(word, "label"), *where(match), tier, others, "" if position else subsystem]
        change = history.introduced or history.last_changed
        if change is not None:
            yield [("introduced " if history.introduced else "last changed ", "label"), *changed(change)]
    if answer.reason is not None and not answer.matches:
        # What to try next is the same for every line; many lines of a log are explained, and the run ends with notes.
        yield [("no match: ", "warn"), answer.reason.text.removesuffix(TRY_NEXT).rstrip()]


def in_function(about: About) -> list[Span | str]:
    """Return the function of a place, for text behind the place; empty if it has none."""
    return ["  ", (f"{about.function}()", "function")] if about.function else []


def _places(faulted_at: Sequence[tuple[str, int]]) -> str:
    """Return the most frequent instruction pointers in the reports of a headline."""
    shown = [f"{place} ({count}x)" if len(faulted_at) > 1 else place for place, count in faulted_at[:MOST_PLACES]]
    more = f" and {len(faulted_at) - MOST_PLACES:,} more" if len(faulted_at) > MOST_PLACES else ""
    return ", ".join(shown) + more


def _time(sighting: Sighting) -> str | None:
    if sighting.time is not None:
        return sighting.time.isoformat()
    return sighting.wallclock or (None if sighting.uptime_s is None else f"{sighting.uptime_s:.6f}")


def spread(seen: Occurrences) -> Iterator[str]:
    """Yield on how many hosts and in how many boots a message is, if these are several."""
    if seen.hosts > 1:
        yield f"on {at_least(seen.hosts, complete=seen.hosts_complete)} hosts"
    if seen.boots > 1:
        yield f"in {at_least(seen.boots, complete=seen.boots_complete)} boots"


def at_least(count: int, *, complete: bool) -> str:
    """Return a count as text; one that is only a lower bound ends with a plus sign."""
    return f"{count:,}{'' if complete else '+'}"
