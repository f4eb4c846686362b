"""The commands find and at: explain log lines and source lines, one finding after the other."""

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from msgspec.structs import replace

from ksrcfind.cli.argv import has_blank
from ksrcfind.cli.edit import editor_call, exec_editor
from ksrcfind.cli.options import Explaining
from ksrcfind.cli.places import PathLine, in_tree, parse_place, parse_places, place_in_source
from ksrcfind.cli.session import Session, begin
from ksrcfind.cli.terminal import FOUND, NOTHING_FOUND, say, say_how_to_end
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import Finding
from ksrcfind.log.stream import STDIN, read_logs
from ksrcfind.match.answer import Tier
from ksrcfind.output.formats import Format
from ksrcfind.output.writer import Writer


def explain_lines(options: Explaining, words: Sequence[str], *, open_editor: bool) -> int:
    """Answer `find`: write the calls that printed the log lines in `words`; return the exit status."""
    return _answer(options, lambda session, engine: _lines(session, engine, options, words), open_editor)


def explain_places(options: Explaining, places: Sequence[str], *, open_editor: bool) -> int:
    """Answer `at`: write what the log calls at the given PATH:LINE print; return the exit status.

    `-` reads the locations from standard input.
    """
    parsed = list(chain.from_iterable(map(_parsed, places)))

    def explain(session: Session, engine: Engine) -> Iterator[Finding]:
        here = [(in_tree(path, engine.root, session.directory), line) for path, line in parsed]
        return engine.at(here, history=options.history_mode, shown=options.shown, callers=options.depth)

    return _answer(options, explain, open_editor)


def answer_line_or_place(
    session: Session, engine: Engine, words: Sequence[str], *, limit: int = 5, callers: int = 0
) -> Finding:
    """Return the finding of a source line if the words are PATH:LINE, else the finding of the words as a log line."""
    text = " ".join(words)
    try:
        path, line = parse_place(text)
    except KsrcfindError:
        return engine.find(text, limit=limit, callers=callers)
    if has_blank(text):
        return engine.find(text, limit=limit, callers=callers)
    return next(iter(engine.at([(in_tree(path, engine.root, session.directory), line)], callers=callers)))


def _answer(options: Explaining, explain: Callable[[Session, Engine], Iterable[Finding]], open_editor: bool) -> int:
    """Write findings, start an editor at the first match if `open_editor` is set, and return the exit status."""
    session = begin(options)
    with session.engine() as engine:
        engine.names_subsystems = options.format is not Format.TEXT
        first = _show(_with_list(options, explain(session, engine)), session.writer(options, engine))
        editor = editor_call(engine, first, session.settings.editor) if first and open_editor else None
    if editor is not None:
        exec_editor(editor)
    return FOUND if first is not None else NOTHING_FOUND


def _with_list(options: Explaining, findings: Iterable[Finding]) -> Iterable[Finding]:
    """Add to each finding what the kernel's own list says about its call, if options name both a list and a tree."""
    if options.printk_index is None or (options.repo is None and options.rev is None):
        return findings
    from ksrcfind.printk_index.built_in import BuiltIn
    from ksrcfind.printk_index.read import read_lists

    lists = read_lists(options.printk_index)
    built_in = BuiltIn(lists.entries, lists.name)

    def added(finding: Finding) -> Finding:
        answer = finding.answer
        equal = [match.message for match in answer.matches if match.score == answer.matches[0].score]
        note = built_in.sentence(equal)
        return finding if note is None else replace(finding, notes=(*finding.notes, note))

    return map(added, findings)


def _show(findings: Iterable[Finding], writer: Writer) -> Finding | None:
    """Write findings; return the first one that has a match."""
    first: Finding | None = None
    for finding in findings:
        writer.finding(finding)
        if first is None and finding.answer.matches:
            first = finding
    writer.end(None)
    return first


def _parsed(place: str) -> list[PathLine]:
    if place != STDIN:
        return [parse_place(place)]
    say_how_to_end()
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    if not text.strip():
        say("standard input is empty")
    return parse_places(text.split("\n"), "standard input")


def find_again(session: Session, engine: Engine, line: str, **how: Any) -> Finding:
    """Return the finding of a line. A miss in a checkout that changed meanwhile is asked again.

    While git switches to another commit, files are missing for a moment.
    """
    finding = engine.find(line, **how)
    if finding.answer.verdict != "none" or engine.info.source != "checkout" or _is_current(engine):
        return finding
    with session.engine() as now:
        return now.find(line, **how)


def _is_current(engine: Engine) -> bool:
    try:
        return engine.is_current()
    except KsrcfindError:  # Git cannot answer while the checkout changes.
        return False


def _lines(session: Session, engine: Engine, options: Explaining, words: Sequence[str]) -> Iterator[Finding]:
    """Yield the findings of the lines in the words of the command line."""
    limit, history, shown, callers = options.limit, options.history_mode, options.shown, options.depth
    if STDIN not in words and not any(map(has_blank, words)):
        finding = find_again(
            session, engine, " ".join(words), limit=limit, history=history, shown=shown, callers=callers
        )
        place = place_in_source(words[0]) if len(words) == 1 else None
        if place is None or finding.answer.verdict in (Tier.EXACT, Tier.PARTIAL):
            yield finding
            return
        say(f"{words[0]} is answered as a source line, like: {shlex.join(['ksrcfind', 'at', words[0]])}")
        yield from engine.at(
            [(in_tree(place[0], engine.root, session.directory), place[1])],
            history=history,
            shown=shown,
            callers=callers,
        )
        return
    for word in words:
        if word == STDIN:
            yield from _lines_of_stdin(engine, options)
            continue
        # A pasted piece of a log may be several lines.
        for line in word.removesuffix("\n").split("\n"):
            yield find_again(session, engine, line, limit=limit, history=history, shown=shown, callers=callers)


def _lines_of_stdin(engine: Engine, options: Explaining) -> Iterator[Finding]:
    say_how_to_end()
    rows = read_logs([STDIN], sys.stdin.buffer)
    first = next(rows, None)
    if first is None:
        say("standard input is empty")
        return
    yield from engine.lines(
        chain([first], rows),
        limit=options.limit,
        history=options.history_mode,
        shown=options.shown,
        callers=options.depth,
    )
