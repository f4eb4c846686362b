"""Why a line has no answer."""

from ksrcfind.log.line import LogLine
from ksrcfind.log.report import RowKind, is_module_row, is_report_row, row_kind
from ksrcfind.match.answer import Reason
from ksrcfind.match.body import Body
from ksrcfind.match.limits import LONGEST_WORD
from ksrcfind.match.message_index import MessageIndex
from ksrcfind.match.word_weights import is_common
from ksrcfind.regex import regex
from ksrcfind.source.message import Message

_ROW = {
    RowKind.STACK: "This row of a stack trace belongs to the report above it.",
    RowKind.DUMP: "This row of a memory dump belongs to the report above it.",
    RowKind.REGISTERS: "This row of registers belongs to the report above it.",
    RowKind.TASK: "This row with the state of a task (sched_show_task) belongs to the report around it.",
}
_NEVER_MATCHED = frozenset({RowKind.STACK, RowKind.TASK})
"""Rows whose words are names: of functions, of tasks."""


TRY_NEXT = (
    "Perhaps another kernel printed it: try its tree (--repo), its revision (--rev) or a bundle of its release "
    "(--index). A shorter part of the line may also match."
)
"""Ends the reason for a line without a match."""


def beyond_matching(line: LogLine, body: Body) -> Reason | None:
    """Return why a line is not matched at all; None if it is."""
    if line.is_userspace:
        return Reason("userspace", f"The user-space program {line.process or line.facility} wrote this line.")
    if not body.text:
        return Reason("empty", "The line has no text.")
    if _lists_partitions(body.text):
        return Reason("no_words", "This list of partitions has no words (check_partition() prints it).")
    # Calls print rows of several registers, and dumps behind words; these are matched by their words.
    kind = row_kind(line.body)
    has_words = len(body.words) > 1 and not _DUMP_ALONE.match(body.text)
    return None if has_words and kind not in _NEVER_MATCHED else row_of_report(line.body)


def _lists_partitions(text: str) -> bool:
    """Return whether a text has the names of a disk and its partitions only: `sda: sda1 < sda5 >`, `nvme0n1: p1 p2`.

    All is put together in a buffer, so that some format of values fits it by chance.
    """
    disk, _, rest = text.partition(": ")
    stem = "p" if disk[-1:].isdigit() else disk
    names = [name for name in rest.split() if name not in "<>"]
    return bool(disk and names) and " " not in disk and all(_is_numbered(name, stem) for name in names)


def _is_numbered(name: str, stem: str) -> bool:
    number = name.removeprefix(stem)
    return number != name and number.isdigit() and number[0] != "0"


_DUMP_ALONE = regex(r">?(?:0x)?[0-9a-f]+:? [0-9a-f]{2}")


def row_of_report(body: str) -> Reason | None:
    """Return the reason for a row of a report without an exact match; None for other lines."""
    kind = row_kind(body)
    return Reason("part_of_event", _ROW[kind]) if kind in _ROW else None


# A line begins with who prints it, perhaps with a device. A name that ends in a small number is a device: `nvme0n1: `.
_WRITER = regex(
    r"\[?([A-Za-z][A-Za-z0-9_-]{2,40})(?:(?<![A-Za-z]\d)(?<![A-Za-z]\d\d)\]?: "
    r"|\]? [0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d: )"
)


def unexplained(
    body: Body, index: MessageIndex, general: Message | None = None, nearest: Message | None = None
) -> Reason:
    """Return why no message explains a line.

    `general` is a message that accepts any text behind the prefix of the line; `nearest` shares most words with it.
    """
    if not any(is_common(word) or (len(word) <= LONGEST_WORD and index.contains(word)) for word in body.words):
        return Reason("no_words", "No word of this line occurs in any kernel message.")
    if general is not None:
        return of_any_text(general)
    if is_report_row(body.text) or is_module_row(body.text):
        return Reason("part_of_event", "This row belongs to a report, and no message in this tree has its text.")
    writer = _WRITER.match(body.text)
    if writer and not _may_be_named(writer[1], index):
        return Reason("module_not_in_tree", f"The line was printed by {writer[1]}, which is not in this tree.")
    near = ""
    if nearest is not None:
        near = f" The nearest is {nearest.forms[0].printed.strip()!r} at {nearest.path}:{nearest.line_start}."
    return Reason("nothing_alike", f"No message in this tree matches this line.{near} {TRY_NEXT}")


def of_any_text(general: Message) -> Reason:
    """Return the reason for a line that only a message explains that accepts any text."""
    place = f"{general.path}:{general.line_start}"
    text = f"Only a message that accepts any text matches this line: {general.forms[0].printed!r} at {place}."
    return Reason("any_text", text)


_SHORTEST_NAME = 3  # characters that the name of a device or driver shares with its module or directory


def _may_be_named(writer: str, index: MessageIndex) -> bool:
    """Return whether a module, driver, function or file of the tree, or a word of a message, can have this name.

    The index has no names of functions and drivers; these begin like their files or directories (`pcieport`: `pcie`).
    """
    name = writer.lower().replace("-", "_")
    if index.contains(name) or (writer[1:].islower() and writer[0].isupper()):
        return True
    return any(index.knows(name[:end]) for end in range(_SHORTEST_NAME, len(name) + 1))
