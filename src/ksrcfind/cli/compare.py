"""What the command diff does: two releases in, what became of messages or rules out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

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
"""Bytes of a file of rules; a longer one is refused."""

LOOKED_UP = 50
"""Messages that a rule with values in it may match."""


def compare(options: Common, old: str, new: str, paths: Sequence[str], rules_file: Path | None) -> int:
    """Write what differs between two revisions; return the exit status, 1 if nothing does or every rule matches.

    Raises `KsrcfindError` for revisions, paths and files that are not there.
    """
    if options.rev is not None:
        raise KsrcfindError("diff takes two revisions, not --rev", "ksrcfind diff v6.1 v6.12")
    text = _read(rules_file) if rules_file is not None else None
    session = begin(options)
    # An index that the environment names holds one revision.
    session = replace(session, settings=replace(session.settings, index=options.index))
    with replace(session, rev=old).engine() as older, replace(session, rev=new).engine() as newer:
        wanted = [in_tree(path, older.root, session.directory) for path in paths]
        found = differences((pair.old, pair.new) for pair in file_pairs(older, newer, wanted))
        trees = older.info, newer.info
        if text is None:
            output, empty = changes(options.format, found, trees, session.terminal.painter), not found
        else:
            every = [list(engine.messages()) for engine in (older, newer)]
            became = outcomes(read_rules(text), every[0], every[1], found, (_lookup(older), _lookup(newer)))
            empty = all(outcome.state == "matches" for outcome in became)
            output = rules(options.format, became, trees, session.terminal.painter)
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
        raise KsrcfindError(f"{path} cannot be read: {error.strerror}", "Name a file of rules, one a line.") from error
    if len(content) > RULES_LIMIT:
        raise KsrcfindError(f"{path}: longer than {RULES_LIMIT >> 20} MiB", "Name a file of rules, one a line.")
    return content.decode("utf-8", "replace")
