"""An answer as Markdown, for editors that show it beside the line.

Untrusted text is escaped by `text` or put into a code block, so it can neither format nor link anything.
"""

import re
from collections.abc import Iterator
from urllib.parse import quote

from ksrcfind.conditions.sentence import sentence
from ksrcfind.finding import Finding
from ksrcfind.history.provenance import Change, Commit, Mentioned, Provenance
from ksrcfind.knowledge.meaning import meaning_of
from ksrcfind.match.answer import Match, Place, Value
from ksrcfind.output.record import NO_HISTORY, matches_with_history, shown_values
from ksrcfind.output.sanitize import sanitized, sanitized_line
from ksrcfind.output.text import body_of, changed, documented, how, quoted
from ksrcfind.output.writer import Commits
from ksrcfind.regex import regex

MOST_LINES = 40
"""Limit of lines of a commit message that are shown."""

PENDING = "The history is not ready yet. Hover again in a moment."

_SPECIAL = regex(r"[\\`*_{}\[\]()#+\-.!|<>~&$:@]")


def text(plain: str) -> str:
    """Return one line of text, escaped and stripped: leading spaces would make it a code block."""
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", sanitized_line(plain).strip())


def code(plain: str) -> str:
    """Return text as inline code."""
    shown = sanitized_line(plain)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    padding = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def block(plain: str, language: str = "") -> str:
    """Return text as a code block."""
    shown = sanitized(plain)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    return f"{fence}{language}\n{shown}\n{fence}"


def hover(finding: Finding, commits: Commits, root: str | None, *, pending: bool = False) -> str:
    """Return the finding for a log line or source line as Markdown.

    `root` is the `file:` URI of the tree, None if it has no files; `pending` is True if the history is not ready yet.
    """
    return "\n\n".join(_parts(finding, commits, root, pending=pending))


def _parts(finding: Finding, commits: Commits, root: str | None, *, pending: bool) -> Iterator[str]:
    answer = finding.answer
    if answer.points_to is not None:
        yield f"Points to {_pointed(answer.points_to, root)}"
        yield from _history(finding.points_to or NO_HISTORY, commits, root)
    if answer.matches:
        match, history = next(matches_with_history(finding))
        if finding.circumstances is not None:
            yield text(sentence(finding.circumstances))
        meaning = meaning_of(answer)
        if meaning is not None:
            yield f"**{text(meaning.title)}**: {text(meaning.means)}"
        yield _where(match, root, place=finding.log is None)
        yield block(f"{match.message.call}({quoted(match.message.format)})", "c")
        if finding.code is not None:
            yield block("\n".join(finding.code.lines), "c")
        values = shown_values(match)
        if values:
            yield _values(values)
        if finding.documented_in:
            yield "\n".join(
                [
                    "Documented in:\n",
                    *(
                        f"- {_link(each.path, each.line, root)} {text(documented(each))}"
                        for each in finding.documented_in
                    ),
                ]
            )
        if pending:
            yield f"*{PENDING}*"
        yield from _history(history, commits, root)
        yield from _others(finding, root)
    elif answer.reason is not None:
        yield f"No match: {text(answer.reason.text)}"
    yield from (f"Note: {text(note)}" for note in finding.notes)


def _link(path: str, line: int, root: str | None) -> str:
    shown = text(f"{path}:{line}")
    return f"[{shown}]({root}/{quote(path, errors='surrogateescape')}#L{line})" if root is not None else f"**{shown}**"


def _pointed(place: Place, root: str | None) -> str:
    inside = f" in {code(place.function + '()')}" if place.function else ""
    called = f": {code(place.call)}" if place.call else ""
    return _link(place.path, place.line, root) + inside + called


def _where(match: Match, root: str | None, *, place: bool) -> str:
    message = match.message
    parts = [_link(message.path, message.line_start, root)]
    if message.function:
        parts.append(code(f"{message.function}()"))
    if not place:
        parts.append(text("".join(span if isinstance(span, str) else span[0] for span in how(match))))
    return " · ".join(parts)


def _values(values: tuple[Value, ...]) -> str:
    rows = []
    for value in values:
        shown = f": {code(value.value)}" if value.value else ""
        decoded = f" ({text(value.decoded)})" if value.decoded else ""
        rows.append(f"- {code(value.conversion)} {code(value.expression)}{shown}{decoded}")
    return "\n".join(rows)


def _history(history: Provenance, commits: Commits, root: str | None) -> Iterator[str]:
    shown = history.introduced or history.last_changed
    if shown is not None:
        label = "Introduced" if history.introduced else "Last changed"
        yield f"**{label}** {_change(shown)}"
        last, origin = history.last_changed, history.origin
        further = []
        if origin is not None and origin.commit != shown.commit:
            further.append(f"First wording {_change(origin)}")
        if last is not None and last.commit != shown.commit:
            further.append(f"Last changed {_change(last)}")
        yield from further
        yield from _commit(commits(shown.commit), root)
    if history.note:
        yield text(history.note)


def _change(change: Change) -> str:
    return text("".join(span if isinstance(span, str) else span[0] for span in changed(change)))


def _commit(commit: Commit, root: str | None) -> Iterator[str]:
    yield f"{text(commit.author.name)}, {commit.author.date:%Y-%m-%d}"
    body = body_of(commit)
    if body:
        cut = [*body[:MOST_LINES], "…"] if len(body) > MOST_LINES else body
        yield block("\n".join(cut))
    if commit.mentions:
        yield "Mentions: " + ", ".join(_mentioned(each, root) for each in commit.mentions)


def _mentioned(mention: Mentioned, root: str | None) -> str:
    if mention.path is None:
        return f"{code(mention.text)} in {text(mention.first_release or 'no release')}"
    place = _link(mention.path, mention.line or 1, root)
    return place if mention.kind == "file" else f"{code(mention.text)} {place}"


def _others(finding: Finding, root: str | None) -> Iterator[str]:
    others = [match for match, _ in matches_with_history(finding)][1:]
    if others:
        yield "Other candidates: " + ", ".join(_link(m.message.path, m.message.line_start, root) for m in others)
    unseen = finding.answer.rivals - len(others)
    if unseen > 0:
        yield (
            "1 more call matches as well as the first."
            if unseen == 1
            else f"{unseen} more calls match as well as the first."
        )
