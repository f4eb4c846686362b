"""The command diff: compare the messages of two trees, bundles or revisions, or check monitoring rules against both."""

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from ksrcfind.cli.options import Common
from ksrcfind.cli.places import in_tree
from ksrcfind.cli.session import begin
from ksrcfind.cli.terminal import show_note
from ksrcfind.engine.comparison import file_pairs, subsystem_of
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.open import open_named
from ksrcfind.errors import KsrcfindError
from ksrcfind.evolution.differences import KINDS, Selection, differences
from ksrcfind.evolution.rules import Lookup, outcomes, read_rules
from ksrcfind.log.line import read_line
from ksrcfind.match.answer import Tier
from ksrcfind.output.changes import changes, rules
from ksrcfind.output.formats import Format
from ksrcfind.source.message import Message

RULES_LIMIT = 16 << 20
"""Limit of bytes of a rules file; a longer file is refused."""

LOOKED_UP = 50
"""Limit of messages that are returned for a rule containing values."""

SHORT = {"level": "level_changed"}
"""Kinds of differences by the shorter names that `--only` takes too."""


def compare(
    options: Common,
    names: tuple[str, str],
    paths: Sequence[str],
    selection: Selection,
    rules_file: Path | None,
    *,
    everything: bool,
) -> int:
    """Write what differs between two trees; return the exit status: 1 if nothing differs or every rule matches.

    `everything` lists all differences on a terminal. Raises `KsrcfindError` for trees, revisions, paths and files that
    do not exist.
    """
    if options.rev is not None:
        raise KsrcfindError("diff takes two revisions instead of --rev", "Example: ksrcfind diff v6.1 v6.12")
    text = _read(rules_file) if rules_file is not None else None
    session = begin(options)
    # A bundle named by the environment holds only one revision.
    settings = replace(session.settings, index=options.index)
    progress = session.terminal.progress
    with (
        closing(open_named(names[0], settings, session.directory, progress)) as older,
        closing(open_named(names[1], settings, session.directory, progress)) as newer,
    ):
        for note in dict.fromkeys((*older.notes, *newer.notes)):
            show_note(session.terminal.painter.line(f"note: {note}"))
        selected = [in_tree(path, older.root, session.directory) for path in paths]
        found = differences((pair.old, pair.new) for pair in file_pairs(older, newer, selected))
        trees = older.info, newer.info
        subsystem = subsystem_of(older, newer)
        if text is None:
            found = selection.of(found, subsystem)
            bounded = options.format is Format.TEXT and not everything and sys.stdout.isatty()
            empty = not found
            output = changes(
                options.format,
                found,
                trees,
                session.terminal.painter,
                names=names,
                subsystem_of=subsystem,
                bounded=bounded,
            )
        else:
            messages = [list(engine.messages()) for engine in (older, newer)]
            checked = outcomes(read_rules(text), messages[0], messages[1], found, (_lookup(older), _lookup(newer)))
            empty = all(outcome.state == "matches" for outcome in checked)
            output = rules(options.format, checked, trees, session.terminal.painter, names=names)
        for piece in output:
            session.terminal.write(piece)
    return 1 if empty else 0


def kinds_named(text: str) -> frozenset[str]:
    """Return the kinds of differences in a list with commas. Raises `KsrcfindError` for a name of no kind."""
    named = [name.strip() for name in text.split(",")]
    kinds = frozenset(SHORT.get(name, name) for name in named)
    if not kinds <= set(KINDS):
        wrong = next(name for name in named if SHORT.get(name, name) not in KINDS)
        raise KsrcfindError(
            f"no such kind of difference: {wrong}", "Kinds are added, removed, reworded, level and moved."
        )
    return kinds


def _lookup(engine: Engine) -> Lookup:
    def look_up(text: str) -> list[Message]:
        matches = engine.answer(read_line(text), LOOKED_UP).matches
        return [match.message for match in matches if match.tier in (Tier.EXACT, Tier.PARTIAL)]

    return look_up


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(RULES_LIMIT + 1)
    except OSError as error:
        raise KsrcfindError(
            f"cannot read {path}: {error.strerror}", "--rules needs a file with one rule per line."
        ) from error
    if len(content) > RULES_LIMIT:
        raise KsrcfindError(
            f"{path} is longer than {RULES_LIMIT >> 20} MiB", "--rules needs a file with one rule per line."
        )
    return content.decode("utf-8", "replace")
