"""Find the texts in the hunks of a diff that a commit added, removed or touched."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from ksrcfind.history.index.diffs import FileDiff, Hunk
from ksrcfind.history.index.edits import AFTER, OWN, PIECE, REPEATED, Edit
from ksrcfind.history.wording import FUNCTION, SourceText, Wording, normalised
from ksrcfind.regex import regex

_INCLUDE = regex(rb'^([ +\-\t]*+#[ \t]*+include[ \t]*+)"([^"\n]*+)"', re.MULTILINE)
_HEAD = regex(rb"^[+-][A-Za-z_]", re.MULTILINE)
CALL_LINES = 20
"""Most lines between the name of a call and its text."""


def edits_of(diff: FileDiff) -> list[Edit]:
    """Return the texts of a file that a commit touched, from the diff: those before it and those after it.

    A commit touches a text if it changed a line of it, or a line between the name of its call and the text.
    """
    found: list[Edit] = []
    renamed: dict[str | None, str | None] = {}
    for hunk in diff.hunks:
        found += _edits_of_hunk(hunk, renamed)
    return found


class _Side(Struct, frozen=True):
    """One side of a hunk: its lines before the commit in one parent, or after the commit."""

    number: int
    first: int
    """Number of the first line in the file."""
    lines: list[bytes]
    changed: frozenset[int]
    """Positions of the lines that the other side does not have."""
    repeated: frozenset[int] = frozenset()
    """Positions of lines that a merge removed from an earlier parent too."""


def _edits_of_hunk(hunk: Hunk, renamed: dict[str | None, str | None]) -> Iterator[Edit]:
    """Yield the edits of a hunk.

    `renamed` has the name after the commit of a function that begins above; this call adds to it.
    """
    lines = hunk.lines
    if b'"' in lines and b"include" in lines:
        lines = _INCLUDE.sub(rb"\1<\2>", lines)
    quoted = b'"' in lines
    if not quoted and not _HEAD.search(lines):
        return
    match = FUNCTION.match(hunk.function)
    above = match[1].decode("ascii", "replace") if match is not None else None
    above_after = renamed.get(above, above)
    sides = _sides(hunk, lines)
    texts = [_Texts(side, above if side.number != AFTER else above_after) for side in sides]
    if quoted:
        yield from _changed(texts)
    last = {item.side.number: item.last_function for item in texts}
    if AFTER in last and last.get(1) is not None:
        renamed[last[1]] = last[AFTER]


def _sides(hunk: Hunk, lines: bytes) -> list[_Side]:
    parents = len(hunk.before)
    if parents == 1:
        return _two_sides(hunk, lines)
    sides: list[_Side] = []
    split = [(line[:parents], line[parents:]) for line in lines.split(b"\n") if not line.startswith(b"\\")]
    for number in range(parents):
        own = [
            (marks, line) for marks, line in split if marks[number : number + 1] == (b"-" if b"-" in marks else b" ")
        ]
        changed = frozenset(position for position, (marks, _) in enumerate(own) if b"-" in marks)
        repeated = frozenset(position for position in changed if b"-" in own[position][0][:number])
        sides.append(_Side(number + 1, hunk.before[number], [line for _, line in own], changed, repeated))
    after = [(marks, line) for marks, line in split if b"-" not in marks]
    changed = frozenset(position for position, (marks, _) in enumerate(after) if marks == b"+" * parents)
    sides.append(_Side(AFTER, hunk.after, [line for _, line in after], changed))
    return sides


def _two_sides(hunk: Hunk, lines: bytes) -> list[_Side]:
    before: list[bytes] = []
    after: list[bytes] = []
    removed: list[int] = []
    added: list[int] = []
    for line in lines.split(b"\n"):
        mark = line[:1]
        if mark == b"+":
            added.append(len(after))
            after.append(line[1:])
        elif mark == b"-":
            removed.append(len(before))
            before.append(line[1:])
        elif mark != b"\\":
            before.append(line[1:])
            after.append(line[1:])
    return [_Side(1, hunk.before[0], before, frozenset(removed)), _Side(AFTER, hunk.after, after, frozenset(added))]


class _Texts:
    """The texts of one side of a hunk."""

    def __init__(self, side: _Side, above: str | None) -> None:
        self.side = side
        self._above = above
        self.source = SourceText(b"\n".join(side.lines))
        self.wordings: Sequence[Wording] = self.source.wordings

    @property
    def last_function(self) -> str | None:
        """The name of the function at the end of this side."""
        heads = self.source.functions
        return heads[-1][1] if heads else self._above

    def function(self, wording: Wording) -> str | None:
        """Return the name of the function that contains a text."""
        return self.source.function(wording) or self._above

    def edits(self, wording: Wording, *, forced: bool) -> Iterator[Edit]:
        """Yield the edits for a text that the commit touched, or that it changed (`forced`)."""
        side = self.side
        call = self.source.call(wording)
        first = wording.line_start
        if call is not None and 0 <= first - call.line <= CALL_LINES:
            first = call.line
        if not forced and not any(line - 1 in side.changed for line in range(first, wording.line_end + 1)):
            return
        function = self.function(wording)
        name = call.name if call is not None else None
        level = self.source.level(wording)
        pieces = self.source.pieces(wording)
        flags = 0
        if any(line - 1 in side.changed for line, _ in pieces):
            flags |= OWN
        if wording.line_start - 1 in side.repeated:
            flags |= REPEATED
        literals = tuple(text for _, text in pieces)
        yield Edit(side.number, side.first + pieces[0][0] - 1, literals, function, name, level, flags)
        if len(pieces) > 1:
            for line, text in pieces:
                if line - 1 in side.changed and normalised(text.decode("utf-8", "surrogateescape")):
                    flags = OWN | PIECE
                    yield Edit(side.number, side.first + line - 1, (text,), function, name, level, flags)


def _changed(texts: Iterable[_Texts]) -> Iterator[Edit]:
    """Yield the edits of all sides of a hunk."""
    texts = list(texts)
    after = texts[-1]
    counts = Counter(wording.text for wording in after.wordings)
    for item in texts[:-1]:
        own = Counter(wording.text for wording in item.wordings)
        gone = own - counts
        for wording in item.wordings:
            yield from item.edits(wording, forced=gone[wording.text] > 0)
    came = counts - Counter(wording.text for item in texts[:-1] for wording in item.wordings)
    for wording in after.wordings:
        yield from after.edits(wording, forced=came[wording.text] > 0)
