"""Convert answers into the types of the protocol: lenses, hints, symbols, diagnostics."""

from collections.abc import Callable, Iterable, Sequence

from lsprotocol import types

from ksrcfind.batch.coverage import SEVERITY
from ksrcfind.batch.matched_row import MatchedRow
from ksrcfind.history.provenance import Change, Provenance
from ksrcfind.lsp.log_document import LogDocument, MessageLines
from ksrcfind.output.sanitize import sanitized_line
from ksrcfind.output.text import UNRELEASED
from ksrcfind.source.template import template

MOST_DIAGNOSTICS = 1000
"""Limit of diagnostics of one document."""

MOST_LINES_NAMED = 200
"""Limit of lines of one message in the outline."""

TITLE_WIDTH = 100
"""Limit of characters in the title of a lens."""

SOURCE = "ksrcfind"

Units = Callable[[str], int]
"""Returns the length of a text in the units of the client's position encoding: UTF-16 unless negotiated."""

_SEVERITIES = {
    "emerg": types.DiagnosticSeverity.Error,
    "alert": types.DiagnosticSeverity.Error,
    "crit": types.DiagnosticSeverity.Error,
    "err": types.DiagnosticSeverity.Error,
    "warn": types.DiagnosticSeverity.Warning,
}


def line_range(document: LogDocument, line: int, units: Units) -> types.Range:
    """Return the range that covers a whole line."""
    end = units(document.lines[line].removesuffix("\r"))
    return types.Range(types.Position(line, 0), types.Position(line, end))


def release(change: Change | None) -> str | None:
    """Return the short name of the release of a change."""
    return None if change is None else change.release.first_release or change.release.first_tag or UNRELEASED


def short_place(item: MatchedRow) -> str | None:
    """Return the location and function of the call that printed a line; None without a match."""
    if not item.answer.matches:
        return None
    message = item.answer.matches[0].message
    return sanitized_line(
        f"{message.path}:{message.line_start}" + (f" {message.function}()" if message.function else "")
    )


def lens_title(seen: MessageLines, histories: Sequence[Provenance]) -> str:
    """Return the lens title for the first line of a message: `v5.9 · mm, oom: show … · 12 times`."""
    history = histories[0] if histories else None
    change = history and (history.introduced or history.last_changed)
    parts = [release(change), change.subject] if change else [short_place(seen.first)]
    if len(seen.lines) > 1:
        parts.append(f"{len(seen.lines)} times")
    return _cut(" · ".join(part for part in parts if part))


def call_title(provenance: Provenance) -> str:
    """Return the lens title for a log call: `introduced in v5.9 · last changed in v5.10 · reworded 2 times`."""
    parts = []
    if provenance.introduced:
        parts.append(f"introduced in {release(provenance.introduced)}")
    if provenance.last_changed and (
        provenance.introduced is None or provenance.introduced.commit != provenance.last_changed.commit
    ):
        parts.append(f"last changed in {release(provenance.last_changed)}")
    reworded = sum(event.kind == "reworded" for event in provenance.events)
    if reworded:
        parts.append("reworded once" if reworded == 1 else f"reworded {reworded} times")
    return _cut(" · ".join(parts) or provenance.note or "no history")


def hint(document: LogDocument, line: int, item: MatchedRow, units: Units) -> types.InlayHint | None:
    """Return the hint to show behind a line; None without a match."""
    place = short_place(item)
    if place is None:
        return None
    return types.InlayHint(line_range(document, line, units).end, place, padding_left=True)


def diagnostics(document: LogDocument, least: str, units: Units) -> list[types.Diagnostic]:
    """Return a diagnostic for each line of the level `least` or more severe, except rows of reports."""
    found = []
    for line, item in document.matched():
        level = item.cached.level
        if level is None or SEVERITY[level] > SEVERITY[least] or item.event is not None:
            continue
        reason = item.answer.reason
        if reason is not None and reason.code == "userspace":
            continue
        text = item.row.log.body or item.row.log.text
        place = short_place(item)
        found.append(
            types.Diagnostic(
                line_range(document, line, units),
                sanitized_line(text) + (f" ({place})" if place else ""),
                severity=_SEVERITIES.get(level, types.DiagnosticSeverity.Error),
                source=SOURCE,
                code=level,
            )
        )
        if len(found) == MOST_DIAGNOSTICS:
            break
    return found


def outline(
    document: LogDocument, messages: Iterable[MessageLines], subsystem: Callable[[str], str], units: Units
) -> list[types.DocumentSymbol]:
    """Return the messages of a log grouped by subsystem. `subsystem` returns the subsystem of a path."""
    groups: dict[str, list[types.DocumentSymbol]] = {}
    for seen in messages:
        match = seen.first.answer.matches[0]
        where = line_range(document, seen.lines[0], units)
        repeats = [
            types.DocumentSymbol(
                f"line {line + 1}", types.SymbolKind.Event, whole := line_range(document, line, units), whole
            )
            for line in seen.lines[1:MOST_LINES_NAMED]
        ]
        detail = short_place(seen.first) or ""
        groups.setdefault(sanitized_line(subsystem(match.message.path)), []).append(
            types.DocumentSymbol(
                _name(template(match.form.printed)),
                types.SymbolKind.Event,
                _over([where, *(symbol.range for symbol in repeats)]),
                where,
                detail=f"{detail} · {len(seen.lines)} times" if len(seen.lines) > 1 else detail,
                children=repeats,
            )
        )
    return [
        types.DocumentSymbol(
            _name(name),
            types.SymbolKind.Namespace,
            _over([symbol.range for symbol in own]),
            own[0].selection_range,
            detail=f"{len(own)} messages" if len(own) > 1 else "1 message",
            children=own,
        )
        for name, own in sorted(groups.items())
    ]


def _over(ranges: Sequence[types.Range]) -> types.Range:
    """Return the smallest range that covers all ranges."""
    return types.Range(
        min((one.start for one in ranges), key=_order),
        max((one.end for one in ranges), key=_order),
    )


def _order(position: types.Position) -> tuple[int, int]:
    return position.line, position.character


def _name(text: str) -> str:
    """Return the name of a symbol, which the protocol requires to be non-blank."""
    shown = _cut(sanitized_line(text).strip())
    return shown or "(blank)"


def _cut(text: str) -> str:
    shown = sanitized_line(text)
    return shown if len(shown) <= TITLE_WIDTH else shown[: TITLE_WIDTH - 1] + "…"
