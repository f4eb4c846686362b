"""Write the result of `find` and `at` as text, fit to be pasted into a bug report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ksrcfind.conditions.sentence import sentence, shortened
from ksrcfind.history.provenance import Change, Commit, Event, Mentioned, Provenance, Related
from ksrcfind.knowledge.meaning import meaning_of
from ksrcfind.output.meaning import brief_meaning, full_meaning
from ksrcfind.output.record import NO_HISTORY, matches_with_history, shown_values, tested_values
from ksrcfind.output.source import source_lines
from ksrcfind.source.template import template

if TYPE_CHECKING:
    from ksrcfind.batch.coverage import Summary
    from ksrcfind.batch.filters import Group
    from ksrcfind.batch.fold import Folded
    from ksrcfind.callers.record import Callers
    from ksrcfind.conditions.record import Circumstances, Condition
    from ksrcfind.documents.record import Document
    from ksrcfind.finding import Finding
    from ksrcfind.match.answer import Match
    from ksrcfind.output.style import Painter, Span
    from ksrcfind.output.writer import Commits, TreeOptions, Write

EXPRESSION_WIDTH = 32
"""Expressions up to this width align their values in one column; a longer one moves its value to the right."""

MOST_CONDITIONS = 8
"""Limit of conditions of a call that are shown; the innermost ones are kept."""

UNRELEASED = "no tag"
"""Shown instead of the tag of a commit that is in no release."""

TEXT_EVENTS = {"introduced", "reworded", "reapplied"}
"""Kinds of events whose values are texts of the message. Other values are files, functions, calls or levels."""

NO_HISTORY_TO_ASK = "No history is available; ksrcfind doctor says why."


@dataclass(slots=True)
class TextWriter:
    """Writes findings in full, one after the other."""

    write: Write
    commits: Commits
    painter: Painter
    full: bool = False
    """True to write everything that the knowledge base has, not only the beginning."""
    tree_options: TreeOptions | None = None
    """Returns the options of a command that asks for the same tree as a finding."""
    first: bool = True

    def finding(self, finding: Finding) -> None:
        """Write the line, the call that printed it, and its history."""
        if not self.first:
            self.write("\n\n")
        self.first = False
        for line in self._lines(finding):
            self.write(line)

    def folded(self, folded: Folded) -> None:
        """Write the example of a message."""
        self.finding(folded.finding)

    def group(self, group: Group) -> None:
        """Write the examples of a group."""
        for folded in group.messages:
            self.folded(folded)

    def end(self, summary: Summary | None) -> None:
        """Write nothing: single answers have no summary."""

    def commit(self, commit: Commit) -> Iterator[str]:
        """Yield a commit: its releases, its message, and what it names."""
        yield from self._commit("Commit", Related(commit.id, commit.subject, commit.release), commit)
        yield from self._message(commit)
        yield from self._mentions(commit)

    def _lines(self, finding: Finding) -> Iterator[str]:
        line, answer = self.painter.line, finding.answer
        yield line((finding.log.body if finding.log else finding.input.text, "title"))
        if finding.circumstances is not None:
            yield line()
            yield line(sentence(finding.circumstances, _first_release(finding)), indent=2)
        yield from self._meaning(finding)
        if answer.points_to is not None:
            place = answer.points_to
            subsystem = (f"  {finding.subsystem.name}", "label") if finding.subsystem is not None else ""
            yield line()
            yield line("points to ", (f"{place.path}:{place.line}", "place"), *_in(place.function), subsystem, indent=2)
            if place.call is not None:
                yield line((place.call, "code"), _drift(place.drift), indent=2)
            yield from self._history(finding.points_to or NO_HISTORY)
        if answer.matches:
            match, history = next(matches_with_history(finding))
            yield line()
            yield from self._match(match, place=finding.log is None)
            if finding.circumstances is not None:
                yield from self._circumstances(finding.circumstances, match)
            yield from self._documents(finding.documented_in or ())
            if finding.code is not None:
                yield line()
                yield from source_lines(self.painter, finding.code)
            if finding.callers is not None:
                yield line()
                yield from callers_text(finding.callers, self.painter, indent=2)
            yield from self._history(history)
            yield from self._others(finding)
        if answer.reason is not None:
            yield line()
            yield line(("No match: ", "warn"), answer.reason.text, indent=2)
        for note in filter(None, (answer.note, *finding.notes)):
            yield line()
            yield line(("Note: ", "label"), note, indent=2)

    def _match(self, match: Match, *, place: bool) -> Iterator[str]:
        line, message = self.painter.line, match.message
        yield line(*where(match), *([] if place else ["  ", *how(match)]), indent=2)
        yield line((f"{message.call}({quoted(message.format)})", "code"), indent=2)
        printed = template(match.form.printed)
        if printed != message.format.removesuffix("\n"):
            yield line(("prints ", "label"), quoted(printed), indent=2)
        if message.defined_at is not None:
            definition = message.defined_at
            yield line(("from macro ", "label"), f"{definition.macro}, {definition.path}:{definition.line}", indent=2)
        values = shown_values(match)
        if values:
            yield line()
        conversions = max((len(value.conversion) for value in values), default=0)
        expressions = max((len(value.expression) for value in values), default=0)
        for value in values:
            decoded = f" ({value.decoded})" if value.decoded else ""
            yield line(
                (f"{value.conversion:<{conversions}}  ", "label"),
                f"{value.expression:<{min(expressions, EXPRESSION_WIDTH)}}  ",
                (value.value or "", "value"),
                decoded,
                indent=4,
            )

    def _circumstances(self, found: Circumstances, match: Match) -> Iterator[str]:
        """Yield what held when the call ran, the last assignments, and what can silence the call."""
        if found.conditions or found.configuration or found.runtime:
            yield self.painter.line()
        hidden = len(found.conditions) - MOST_CONDITIONS
        if hidden > 0:
            earlier = "1 earlier condition" if hidden == 1 else f"{hidden} earlier conditions"
            yield from self._fact("Condition", f"{earlier}: see --format json")
        for condition in found.conditions[-MOST_CONDITIONS:]:
            values = [
                f", {value.expression} is {value.value}{f' ({value.decoded})' if value.decoded else ''}"
                for value in tested_values(condition, match)
            ]
            shown, where = (shortened(condition.text), "code"), (f"  {_held(condition)}", "label")
            yield from self._fact("Condition", shown, where, ("".join(values), "value"))
        if not found.complete:
            yield from self._fact("Condition", "perhaps more: not all of the function could be decided")
        for assignment in found.assignments:
            text = shortened(assignment.text)
            yield from self._fact("Assigned", (text, "code"), (f"  line {assignment.line}", "label"))
        if found.configuration:
            symbols = (f"{'!' * each.negated}{each.symbol}" for each in found.configuration)
            yield from self._fact("Configuration", ", ".join(symbols))
        if found.runtime:
            yield from self._fact("At run time", ", ".join(found.runtime))

    def _meaning(self, finding: Finding) -> Iterator[str]:
        """Yield what the message means, in short or in full."""
        meaning = meaning_of(finding.answer)
        if meaning is None:
            return
        yield self.painter.line()
        if self.full:
            yield from full_meaning(meaning, self.painter)
            return
        message = finding.answer.matches[0].message
        options = self.tree_options(finding.tree) if self.tree_options is not None else ()
        yield from brief_meaning(meaning, f"{message.path}:{message.line_start}", self.painter, options)

    def _documents(self, documents: Sequence[Document]) -> Iterator[str]:
        """Yield where the documentation is about the message or its function."""
        if documents:
            yield self.painter.line()
        for number, each in enumerate(documents):
            place = (f"{each.path}:{each.line}", "place")
            yield from self._fact("" if number else "Documented in", place, f"  {documented(each)}")

    def _history(self, history: Provenance) -> Iterator[str]:
        first, last = history.introduced, history.last_changed
        note = history.note or (NO_HISTORY_TO_ASK if history.status == "unavailable" else None)
        shown = first or last
        if shown is not None:
            commit = self.commits(shown.commit)
            yield self.painter.line()
            yield from self._commit("Introduced" if first else "Last changed", shown, commit)
            for gone, back in absences(history):
                yield from self._fact("Missing", "from ", (gone, "release"), " to ", (back, "release"))
            if history.origin is not None and history.origin.commit != shown.commit:
                yield from self._fact("First wording", *changed(history.origin))
            if last is not None and last.commit != shown.commit:
                yield from self._fact("Last changed", *changed(last))
            yield from self._events(history.events)
            yield from self._message(commit)
            yield from self._mentions(commit)
        if note:
            yield self.painter.line()
            yield self.painter.line(note, indent=2)

    def _commit(self, label: str, change: Change | Related, commit: Commit) -> Iterator[str]:
        author, release = commit.author, change.release
        yield from self._fact(label, *cited(change))
        yield from self._fact("Author", f"{author.name} <{author.email}>")
        yield from self._fact("Date", f"{author.date:%Y-%m-%d %H:%M:%S %z}")
        yield from self._fact("First tag", (release.first_tag or "none contains it", "release"))
        yield from self._fact("First release", (release.first_release or "none yet", "release"), backported(commit))
        for label, others in (
            ("Upstream", [commit.upstream] if commit.upstream else []),
            ("Fixed by", commit.fixed_by),
            ("Reverted by", commit.reverted_by),
        ):
            for other in others:
                yield from self._fact(label, *changed(other))

    def _events(self, events: Sequence[Event]) -> Iterator[str]:
        """Yield a line for each event in the history. If the first event is the only one, no line is needed."""
        if len(events) < 2:
            return
        yield self.painter.line()
        tags = max(len(event.first_tag or UNRELEASED) for event in events)
        previous: str | None = None
        for event in events:
            tag = f"{event.first_tag or UNRELEASED:<{tags}}"
            new = event.commit != previous
            yield self.painter.line(
                (tag if new else " " * tags, "release"),
                "  ",
                (event.commit[:12] if new else " " * 12, "commit"),
                "  ",
                *happened(event),
                indent=2,
            )
            previous = event.commit

    def _message(self, commit: Commit) -> Iterator[str]:
        body = body_of(commit)
        if body:
            yield self.painter.line()
        for text in body:
            yield self.painter.line(text, indent=6)

    def _mentions(self, commit: Commit) -> Iterator[str]:
        """Yield where the names of a commit message are."""
        if commit.mentions:
            yield self.painter.line()
        for number, mention in enumerate(commit.mentions or ()):
            yield from self._fact("" if number else "Mentions", *mentioned(mention))

    def _fact(self, label: str, *spans: Span | str) -> Iterator[str]:
        yield self.painter.fact(label, *spans)

    def _others(self, finding: Finding) -> Iterator[str]:
        line, answer = self.painter.line, finding.answer
        first, *others = matches_with_history(finding)
        equal = [other for other in others if (other[0].tier, other[0].score) == (first[0].tier, first[0].score)]
        unseen = answer.rivals - len(equal)
        if not others and unseen <= 0:
            return
        yield line()
        yield line(("Other candidates", "title"), indent=2)
        for match, history in others:
            yield line()
            yield line(*where(match), "  ", *how(match), indent=4)
            yield line((f"{match.message.call}({quoted(match.message.format)})", "code"), indent=4)
            change = history.introduced or history.last_changed
            if change is not None:
                label = "introduced" if history.introduced else "last changed"
                yield line((f"{label} ", "label"), *changed(change), indent=4)
        if unseen > 0:
            yield line()
            calls = "1 more call matches" if unseen == 1 else f"{unseen} more calls match"
            yield line(f"{calls} as well as the first; -n {len(others) + 1 + unseen} shows all.", indent=4)


def callers_text(callers: Callers, painter: Painter, indent: int = 0) -> Iterator[str]:
    """Yield the callers of a function under a title, each with its own callers below it."""
    yield painter.line(("Callers", "title"), *([] if callers.found else [": none found"]), indent=indent)
    yield from _callers(callers, painter, indent + 2, set(_with_callers(callers)))


def _with_callers(callers: Callers) -> Iterator[tuple[str | None, str]]:
    """Yield name and path of the functions whose callers are listed, in the order of the list."""
    for caller in callers.found:
        if caller.callers is not None:
            yield caller.function, caller.path
            yield from _with_callers(caller.callers)


def _callers(callers: Callers, painter: Painter, indent: int, below: set[tuple[str | None, str]]) -> Iterator[str]:
    """Yield the callers of a function. `below` holds the functions whose callers are still to come; it shrinks."""
    for caller in callers.found:
        role: list[Span | str] = [f"  {caller.role}"] if caller.role and caller.function else []
        name = f"{caller.function}()" if caller.function else caller.role or caller.via
        handed = (f", {each.name} = {shortened(each.expression)}" for each in caller.handed)
        place = f"{caller.path}:{caller.line}"
        if caller.listed_elsewhere:
            role.append((f"  see {'below' if (caller.function, caller.path) in below else 'above'}", "label"))
        yield painter.line((name, "function"), "  ", (place, "place"), *role, ("".join(handed), "code"), indent=indent)
        if caller.callers is not None:
            below.discard((caller.function, caller.path))
            yield from _callers(caller.callers, painter, indent + 2, below)
    if not callers.complete:
        yield painter.line("… and more", indent=indent)


def documented(document: Document) -> str:
    """Return the title of a piece of documentation, and how it is about the message."""
    how_it_is = _ABOUT.get(document.about)
    return f"{document.title} ({how_it_is})" if how_it_is else document.title


_ABOUT = {"message": "quotes the message", "function": "names the function"}


def where(match: Match) -> list[Span | str]:
    """Return the spans of a call's location: `mm/oom_kill.c:868-869  __oom_kill_process()`."""
    message = match.message
    end = f"-{message.line_end}" if message.line_end != message.line_start else ""
    return [(f"{message.path}:{message.line_start}{end}", "place"), *_in(message.function)]


def how(match: Match) -> list[Span | str]:
    """Return the spans of the quality of a match: `exact match, confidence 0.97`."""
    return [(f"{match.tier.value} match", match.tier.value), (f", confidence {match.confidence:.2f}", "label")]


def happened(event: Event) -> list[Span | str]:
    """Return the spans of one step in the history of a message: `converted from printk to pr_err`."""
    kind = (event.kind.replace("_", " "), "label")
    # The values of a revert are texts if it removed the message.
    show = quoted if event.kind in TEXT_EVENTS or event.after is None else str
    if event.before is None:
        return [kind] if event.after is None else [kind, " ", (show(event.after), "code")]
    if event.after is None:
        return [kind, " ", (show(event.before), "code")]
    if event.kind == "reworded":  # The line above shows the earlier wording.
        return [kind, " to ", (show(event.after), "code")]
    return [kind, " from ", (show(event.before), "code"), " to ", (show(event.after), "code")]


def absences(history: Provenance) -> Iterator[tuple[str, str]]:
    """Yield pairs of tags: the first tag without a wording, and the first tag that has it again."""
    introduced = history.introduced
    numbers = [n for n, event in enumerate(history.events) if introduced and event.commit == introduced.commit]
    if introduced is None or not numbers:
        return
    text = introduced.format
    texts: list[tuple[str, str | None]] = []
    for event in history.events[numbers[-1] + 1 :]:
        if event.kind in TEXT_EVENTS or (event.kind == "reverted" and event.before == text):
            text = event.after
            texts.append((event.first_tag or UNRELEASED, text))
    gone: str | None = None
    for tag, read in texts:
        if read not in (introduced.format, text):
            gone = gone or tag
        elif gone is not None:
            if gone != tag:
                yield gone, tag
            gone = None


def backported(commit: Commit) -> str:
    """Return the stable releases with a backport of a commit: ` (backported: v5.8.2, v5.4.59)`."""
    tags = dict.fromkeys(other.release.first_tag for other in commit.backports if other.release.first_tag)
    return f" (backported: {', '.join(tags)})" if tags else ""


def cited(change: Change | Related) -> list[Span | str]:
    """Return the spans that cite a commit in the kernel's style: `619b5b469bab ("mm, oom: show …")`."""
    return [(change.commit[:12], "commit"), f' ("{change.subject}")']


def changed(change: Change | Related) -> list[Span | str]:
    """Return the spans that cite a commit and its release: `in v5.9 by 619b5b469bab ("mm, oom: show …")`.

    For a backport, the release of its upstream commit comes first: `in v5.9, here v5.8.2, by …`.
    """
    here = change.release.first_release or change.release.first_tag
    upstream = change.upstream.release if isinstance(change, Change) and change.upstream else None
    release = (upstream and (upstream.first_release or upstream.first_tag)) or here
    if release is None:
        return cited(change)
    also: list[Span | str] = [(", here ", "label"), (here, "release"), ","] if here and here != release else []
    return [("in ", "label"), (release, "release"), *also, (" by ", "label"), *cited(change)]


def mentioned(mention: Mentioned) -> list[Span | str]:
    """Return the spans of a name in a commit message and of its place: `dump_header()  mm/oom_kill.c:421`."""
    if mention.kind == "commit":
        found = ("in ", "label"), (mention.first_release or "no release", "release")
        return [(mention.text, "commit"), "  ", *found]
    shown = {"function": f"{mention.text}()", "message": quoted(mention.text)}.get(mention.kind, mention.text)
    place = mention.path if mention.line is None else f"{mention.path}:{mention.line}"
    if mention.kind == "file":
        return [(place or "", "place")]
    return [(shown, "function" if mention.kind == "function" else "code"), "  ", (place or "", "place")]


def body_of(commit: Commit) -> list[str]:
    """Return the lines of a commit message below the subject.

    If the subject is not the first paragraph, return all lines.
    """
    head, _, rest = commit.message.strip("\n").partition("\n\n")
    text = rest if " ".join(head.split()) == " ".join(commit.subject.split()) else commit.message
    return text.strip("\n").splitlines()


def quoted(text: str) -> str:
    """Return text as a C string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _drift(drift: int | None) -> str:
    if not drift:
        return ""
    lines = f"{abs(drift)} {'line' if abs(drift) == 1 else 'lines'} {'further down' if drift > 0 else 'further up'}"
    return f" is {lines} in this tree: the log comes from another version of this file"


def _in(function: str | None) -> list[Span | str]:
    return ["  ", (f"{function}()", "function")] if function else []


def _first_release(finding: Finding) -> str | None:
    """Return the first release that has the message of the first match."""
    introduced = finding.history.introduced if finding.history is not None else None
    return introduced.release.first_release if introduced is not None else None


def _held(condition: Condition) -> str:
    """Return the location of a condition, and its kind if it is not a plain one."""
    kind = {"guard": "an earlier exit was not taken", "loop": "loop", "label": "jump", "macro": "argument"}
    note = kind.get(condition.kind)
    if condition.kind == "loop" and condition.negated:
        note = "the loop ended"
    return f"line {condition.line}{f', {note}' if note else ''}"
