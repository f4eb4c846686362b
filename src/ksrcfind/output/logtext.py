"""The format text of batch: a few lines for each message of a log, and the count of all at the end."""

from collections.abc import Iterator
from dataclasses import dataclass

from ksrcfind.batch import Folded, Occurrences, Sighting, Summary
from ksrcfind.finding import Finding
from ksrcfind.output.record import told_matches
from ksrcfind.output.style import Painter, Span
from ksrcfind.output.text import changed, where
from ksrcfind.output.writer import Write


@dataclass(slots=True)
class LogTextWriter:
    """A log's lines with what printed them."""

    write: Write
    painter: Painter
    name_sources: bool
    """True if places in the log are told with their file."""

    def finding(self, finding: Finding) -> None:
        """Write a log line as read and, below, what printed it."""
        self.write(self.painter.line(finding.input.text))
        self._below(finding)

    def folded(self, folded: Folded) -> None:
        """Write a message's example with how often and when it stood in the log and, below, what printed it."""
        log, seen = folded.finding.log, folded.occurrences
        count = (f"{seen.count}x ", "value") if seen.count > 1 else ""
        self.write(self.painter.line(count, (log.body if log else folded.finding.input.text, "title")))
        self.write(self.painter.line((self._when(seen), "label"), indent=4))
        self._below(folded.finding)

    def end(self, summary: Summary | None) -> None:
        """Write the count of all."""
        if summary is None:
            return
        verdicts = ", ".join(f"{count:,} {verdict}" for verdict, count in summary.verdicts.items() if count)
        end = ", interrupted" if summary.interrupted else ""
        self.write("\n")
        self.write(self.painter.line((f"{_lines(summary.lines)}, {_messages(summary.messages)}{end}", "title")))
        if verdicts:
            self.write(self.painter.line(verdicts, indent=4))
        for code, count in summary.reasons.items():
            self.write(self.painter.line((f"{count:>8,} ", "label"), code.replace("_", " "), indent=4))

    def _below(self, finding: Finding) -> None:
        for spans in _explained(finding):
            self.write(self.painter.line(*spans, indent=4))

    def _when(self, seen: Occurrences) -> str:
        """Return `line 12 at 40872.663481` or `lines 12 to 4711, from 3.1 to 40872.663481`."""
        first, last = seen.first, seen.last
        from_time, to_time = _time(first), _time(last)
        if first == last:
            return f"{self._place(first, 'line ')}{f' at {from_time}' if from_time else ''}"
        times = f", from {from_time} to {to_time}" if from_time and to_time else ""
        return f"{self._place(first, 'lines ')} to {self._place(last, '')}{times}"

    def _place(self, sighting: Sighting, word: str) -> str:
        return f"{sighting.source}:{sighting.line}" if self.name_sources else f"{word}{sighting.line}"


def _explained(finding: Finding) -> Iterator[list[Span | str]]:
    answer = finding.answer
    if answer.points_to is not None:
        yield ["points to ", (f"{answer.points_to.path}:{answer.points_to.line}", "place")]
    for match, history in told_matches(finding):
        others = f"  or {answer.rivals} more" if answer.rivals else ""
        yield [*where(match), "  ", (match.tier.value, match.tier.value), others]
        change = history.introduced or history.last_changed
        if change is not None:
            yield [("introduced " if history.introduced else "last changed ", "label"), *changed(change)]
        return
    if answer.reason is not None:
        yield [("no match: ", "warn"), answer.reason.text]


def _time(sighting: Sighting) -> str | None:
    if sighting.time is not None:
        return sighting.time.isoformat()
    return sighting.wallclock or (None if sighting.uptime_s is None else f"{sighting.uptime_s:.6f}")


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count:,} messages"
