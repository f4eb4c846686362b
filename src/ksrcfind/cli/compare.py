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
from ksrcfind.engine.comparison import file_pairs, pairs_of, subsystem_of
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.open import open_named
from ksrcfind.errors import KsrcfindError
from ksrcfind.evolution.differences import KINDS, Difference, Selection, differences
from ksrcfind.evolution.rules import Evidence, Explained, Outcome, outcomes
from ksrcfind.log.line import read_line
from ksrcfind.match.answer import Tier
from ksrcfind.output.changes import changes, rules
from ksrcfind.output.formats import Format
from ksrcfind.rules.files import RulesFormat, detected, read_rules
from ksrcfind.rules.record import Rule, RuleError
from ksrcfind.source.template import WORD

RULES_LIMIT = 16 << 20
"""Limit of bytes of a rules file; a longer file is refused."""

LOOKED_UP = 5
"""Limit of messages that are looked up for an example of a rule."""

STRING_FILES = 2000
"""Files with all words of a text that are searched for a string with it, at most."""

SHORT = {"level": "level_changed"}
"""Kinds of differences by the shorter names that `--only` takes too."""


def compare(
    options: Common,
    names: tuple[str, str],
    paths: Sequence[str],
    selection: Selection,
    rules_file: Path | None,
    rules_format: RulesFormat | None = None,
    *,
    everything: bool,
) -> int:
    """Write what differs between two trees; return the exit status: 1 if nothing differs or every rule matches.

    `everything` lists all differences on a terminal. Raises `KsrcfindError` for trees, revisions, paths and files that
    do not exist.
    """
    if options.rev is not None:
        raise KsrcfindError("diff takes two revisions instead of --rev", "Example: ksrcfind diff v6.1 v6.12")
    asked = _rules(rules_file, rules_format) if rules_file is not None else None
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
        trees = older.info, newer.info
        if asked is None:
            selected = [in_tree(path, older.root, session.directory) for path in paths]
            subsystem = subsystem_of(older, newer)
            compared = differences((pair.old, pair.new) for pair in file_pairs(older, newer, selected))
            found = selection.of(compared, subsystem)
            bounded = options.format is Format.TEXT and not everything and sys.stdout.isatty()
            empty = not found
            painter = session.terminal.painter
            output = changes(
                options.format, found, trees, painter, names=names, subsystem_of=subsystem, bounded=bounded
            )
        else:
            checked = _checked(asked, older, newer)
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


def _checked(asked: Sequence[Rule], older: Engine, newer: Engine) -> list[Outcome]:
    old, new = list(older.messages()), list(newer.messages())

    def changed() -> list[Difference]:
        return differences((pair.old, pair.new) for pair in pairs_of(old, new))

    return outcomes(asked, old, new, changed, (_evidence(older), _evidence(newer)))


def _evidence(engine: Engine) -> Evidence:
    """Return what a release knows of a text: the answers of `find`, and the strings of its source."""
    source = engine.backend.source

    def explained(text: str) -> list[Explained]:
        matches = engine.answer(read_line(text), LOOKED_UP).matches
        # A message that is only similar to the text never counts as one that a rule matches.
        return [
            (match.message, match.confidence if match.tier in (Tier.EXACT, Tier.PARTIAL) else 0.0) for match in matches
        ]

    def has_string(path: str, text: str) -> bool:
        try:
            return _line_of(source.read(path), text) is not None
        except FileNotFoundError:
            return False

    def string(text: str) -> tuple[str, int] | None:
        words = list(dict.fromkeys(WORD.findall(text)))
        try:
            files = source.with_words(words) if words else {}
        except KsrcfindError:  # A bundle has no source.
            return None
        paths = sorted(path for path, held in files.items() if len(set(held)) == len(words))
        for path, content in source.read_many(paths[:STRING_FILES]):
            line = _line_of(content, text)
            if line is not None:
                return path, line
        return None

    return Evidence(explained, has_string, string)


def _line_of(content: bytes, text: str) -> int | None:
    """Return the line of a file on which a string contains a text."""
    wanted = text.encode("utf-8", "replace")
    at = content.find(wanted)
    while at >= 0:
        start = content.rfind(b"\n", 0, at) + 1
        if content.count(b'"', start, at) % 2:
            return content.count(b"\n", 0, at) + 1
        at = content.find(wanted, at + 1)
    return None


def _rules(path: Path, chosen: RulesFormat | None) -> list[Rule]:
    """Return the rules of a file. Raises `KsrcfindError` with the line of an invalid rule."""
    text = _read(path)
    given = chosen or detected(path.name, text)
    try:
        return read_rules(text, given)
    except RuleError as error:
        where = f"{path}:{error.line}" if error.line is not None else str(path)
        hint = f"The file was read in the format {given}; --rules-format names another. \\( stands for a parenthesis."
        raise KsrcfindError(f"{where}: {error}", hint) from error


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
