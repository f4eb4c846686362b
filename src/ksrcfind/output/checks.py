"""The results of doctor and index, as text and as JSON."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import asdict

from ksrcfind import __version__
from ksrcfind.doctor import Check, State
from ksrcfind.index.report import IndexReport, ReleasesReport
from ksrcfind.output.json import encode
from ksrcfind.output.record import SCHEMA, Record
from ksrcfind.output.style import Painter

NAME_WIDTH = 14
"""Width of the column of names."""


def checks_text(checks: Iterable[Check], painter: Painter) -> str:
    """Return one line for each check, and its advice below it."""
    lines = []
    for check in checks:
        state = (f"{check.state.value:<7}", check.state.value)
        lines.append(painter.line(state, f"{check.name:<{NAME_WIDTH}}", check.value))
        if check.advice:
            lines.append(
                painter.line(("to do  " if check.state is not State.OK else "       ", "label"), check.advice, indent=7)
            )
    return "".join(lines)


def checks_json(checks: Iterable[Check]) -> str:
    """Return the document that the schema calls `doctor`."""
    document: Record = {
        "schema": SCHEMA,
        "type": "doctor",
        "version": __version__,
        "checks": [
            {"name": check.name, "state": check.state.value, "value": check.value, "advice": check.advice}
            for check in checks
        ],
    }
    return _document(document)


def report_json(report: IndexReport) -> str:
    """Return the document that the schema calls `index`."""
    return _document({"schema": SCHEMA, "type": "index", **asdict(report)})


def releases_json(report: ReleasesReport) -> str:
    """Return the document that the schema calls `releases`."""
    return _document({"schema": SCHEMA, "type": "releases", **asdict(report)})


def _document(document: Record) -> str:
    return msgspec.json.format(encode(document), indent=2) + "\n"
