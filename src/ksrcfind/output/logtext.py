"""The format text of batch: a few lines for each message of a log, the most severe first, and what it all came to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ksrcfind.batch.answer_cache import level_of
from ksrcfind.batch.coverage import Summary
from ksrcfind.batch.filters import Group
from ksrcfind.batch.fold import Folded, Occurrences, Sighting
from ksrcfind.finding import Finding
from ksrcfind.output.bursts import bursts
from ksrcfind.output.record import matches_with_history
from ksrcfind.output.style import Painter, Span
from ksrcfind.output.text import NO_HISTORY_TO_ASK, changed, where
from ksrcfind.output.writer import Write

LEVEL_STYLES = dict.fromkeys(("emerg", "alert", "crit", "err"), "error") | {"warn": "warn"}
"""Level → style; others are labels."""

COUNT_WIDTH = 7
"""Width of the column of counts."""

INDENT = 6 + COUNT_WIDTH + 2
"""Columns in front of what is said of a message."""

MOST_BOOTS = 10
"""Boots that are shown."""

MOST_PLACES = 3
"""Places that are shown of the reports of one headline."""

MEANINGS = {
    "userspace": "written by user-space programs",
    "empty": "without text",
    "part_of_event": "rows of reports",
    "nothing_alike": "no message reads like it",
    "audit_record": "audit records",
    "no_words": "without words to go by",
    "any_text": "fitting only what takes any text",
    "not_in_tree": "not in this tree",
    "module_not_in_tree": "of a module that is not in this tree",
}
"""Reason → what the table of coverage says."""


@dataclass(slots=True)
class LogTextWriter:
    """A log's lines with what printed them."""

    write: Write
    painter: Painter
    name_sources: bool
    """True if places in the log are told with their file."""
    each: bool = False
    """True once a single line was written."""
    without_history: str | None = None
    """Why there was no history to tell, if there was none."""

    def finding(self, finding: Finding) -> None:
        """Write a log line as read and, below, what printed it."""
        self.each = True
        self.write(self.painter.line(finding.input.text))
        for spans in _explained(finding):
            self.write(self.painter.line(*spans, indent=4))

    def group(self, group: Group) -> None:
        """Write a heading and what stands under it; of lines that are no messages only the summary tells."""
        messages = [folded for folded in group.messages if folded.is_message]
        if not messages:
            return
        if group.title is not None:
            lines = sum(folded.occurrences.count for folded in messages)
            self.write(self.painter.line((group.title, "title"), f"  {_messages(len(messages))}, {_lines(lines)}"))
            self.write("\n")
        for first, *others in bursts(messages):
            self.folded(first)
            if others:
                self._others(others)
        self.write("\n")

    def folded(self, folded: Folded) -> None:
        """Write a message's level, count and example and, below, what printed it, when and since which release."""
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
        for spans in _explained(finding):
            self.write(self.painter.line(*spans, indent=INDENT))
        self.write(self.painter.line((", ".join(self._when(seen)), "label"), indent=INDENT))

    def _others(self, others: Sequence[Folded]) -> None:
        """Say what else the function of a message printed right behind it."""
        match = others[0].finding.match
        name = f"{match.message.function}()" if match is not None else "it"
        first, last = others[0].occurrences.first, others[-1].occurrences.first
        lines = f"{self._place(first, 'lines ')} to {self._place(last, '')}"
        text = f"and {_messages(len(others))} right behind it by {name}, {lines}"
        self.write(self.painter.line((text, "label"), indent=INDENT))

    def end(self, summary: Summary | None) -> None:
        """Write what the log came to."""
        if summary is None:
            return
        if self.each:
            self.write("\n")
        for spans in self._summary(summary):
            self.write(self.painter.line(*spans))

    def _summary(self, summary: Summary) -> Iterator[list[Span | str]]:
        end = ", interrupted" if summary.interrupted else ""
        yield [(f"{_lines(summary.lines)}, {_messages(summary.messages)}{end}", "title")]
        for seen in summary.boots[:MOST_BOOTS]:
            version = f"Linux {seen.boot.version}" if seen.boot.version else "a kernel that does not say its version"
            name = f"{seen.source}:{seen.boot.line}" if self.name_sources else f"line {seen.boot.line}"
            yield [f"  {_lines(seen.lines):>14}  ", version, (f", from {name} on", "label")]
        if len(summary.boots) > MOST_BOOTS:
            yield [f"  and {len(summary.boots) - MOST_BOOTS:,} further boots"]
        yield []
        kernel = summary.kernel_lines
        for name, count in summary.verdicts.items():
            told = count - summary.aside if name == "none" else count
            share = f"{100 * told / kernel:5.1f} %" if kernel else ""
            yield [(f"  {name:<8}", name if told else "label"), f"{told:>9,}", (f"  {share}", "label")]
        for code, count in summary.reasons.items():
            if code not in ("userspace", "empty"):
                yield [f"      {count:>13,}  ", (MEANINGS.get(code, code.replace("_", " ")), "label")]
        yield [("  kernel  ", "title"), f"{kernel:>9,}"]
        for code in ("userspace", "empty"):
            if summary.reasons.get(code):
                yield [("  aside   ", "label"), f"{summary.reasons[code]:>9,}", (f"  {MEANINGS[code]}", "label")]
        if self.without_history is not None:
            yield []
            yield ["  ", self.without_history]
        if summary.levels:
            yield []
            yield ["  ", ", ".join(f"{count:,} {level}" for level, count in summary.levels.items())]

    def _when(self, seen: Occurrences) -> Iterator[str]:
        """Yield `line 12 at 40872.663481`, or `lines 12 to 4711` and `3.1 to 40872.663481`, and what belongs to it."""
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
        if seen.report is not None:
            yield f"{seen.report.rows:,} {'row' if seen.report.rows == 1 else 'rows'} of report"
        if seen.suppressed:
            yield f"{seen.suppressed:,} more suppressed"

    def _place(self, sighting: Sighting, word: str) -> str:
        return f"{sighting.source}:{sighting.line}" if self.name_sources else f"{word}{sighting.line}"


def _explained(finding: Finding) -> Iterator[list[Span | str]]:
    answer = finding.answer
    if answer.points_to is not None:
        yield [("points to ", "label"), (f"{answer.points_to.path}:{answer.points_to.line}", "place")]
    for match, history in matches_with_history(finding):
        others = f"  or {answer.rivals} more" if answer.rivals else ""
        tier: Span | str = "" if match.tier.value == "exact" else (f"  {match.tier.value}", match.tier.value)
        subsystem: Span | str = (f"  {finding.subsystem.name}", "label") if finding.subsystem else ""
        yield [*where(match), tier, others, subsystem]
        change = history.introduced or history.last_changed
        if change is not None:
            yield [("introduced " if history.introduced else "last changed ", "label"), *changed(change)]
        return
    if answer.reason is not None:
        yield [("no match: ", "warn"), answer.reason.text]


def _places(faulted_at: Sequence[tuple[str, int]]) -> str:
    """Return where the processor was in the reports of a headline: the commonest few."""
    told = [f"{place} ({count}x)" if len(faulted_at) > 1 else place for place, count in faulted_at[:MOST_PLACES]]
    more = f" and {len(faulted_at) - MOST_PLACES:,} more" if len(faulted_at) > MOST_PLACES else ""
    return ", ".join(told) + more


def _time(sighting: Sighting) -> str | None:
    if sighting.time is not None:
        return sighting.time.isoformat()
    return sighting.wallclock or (None if sighting.uptime_s is None else f"{sighting.uptime_s:.6f}")


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count:,} messages"
