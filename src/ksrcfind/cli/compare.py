"""The command diff: compare the messages of two revisions, or check monitoring rules against both."""

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from ksrcfind.cli.options import Common
from ksrcfind.cli.places import in_tree
from ksrcfind.cli.session import begin
from ksrcfind.engine.comparison import file_pairs
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.evolution.differences import differences
from ksrcfind.evolution.rules import Lookup, outcomes, read_rules
from ksrcfind.log.line import read_line
from ksrcfind.match.answer import Tier
from ksrcfind.output.changes import changes, rules
from ksrcfind.source.message import Message

RULES_LIMIT = 16 << 20
"""Limit of bytes of a rules file; a longer file is refused."""

LOOKED_UP = 50
"""Limit of messages that are returned for a rule containing values."""


def compare(options: Common, old: str, new: str, paths: Sequence[str], rules_file: Path | None) -> int:
    """Write what differs between two revisions; return the exit status: 1 if nothing differs or every rule matches.

    Raises `KsrcfindError` for revisions, paths and files that do not exist.
    """
    if options.rev is not None:
        raise KsrcfindError("diff takes two revisions instead of --rev", "Example: ksrcfind diff v6.1 v6.12")
    text = _read(rules_file) if rules_file is not None else None
    session = begin(options)
    # A bundle named by the environment holds only one revision.
    session = replace(session, settings=replace(session.settings, index=options.index))
    with replace(session, rev=old).engine() as older, replace(session, rev=new).engine() as newer:
        selected = [in_tree(path, older.root, session.directory) for path in paths]
        found = differences((pair.old, pair.new) for pair in file_pairs(older, newer, selected))
        trees = older.info, newer.info
        if text is None:
            output, empty = changes(options.format, found, trees, session.terminal.painter), not found
        else:
            messages = [list(engine.messages()) for engine in (older, newer)]
            checked = outcomes(read_rules(text), messages[0], messages[1], found, (_lookup(older), _lookup(newer)))
            empty = all(outcome.state == "matches" for outcome in checked)
            output = rules(options.format, checked, trees, session.terminal.painter)
        for piece in output:
            session.terminal.write(piece)
    return 1 if empty else 0


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
