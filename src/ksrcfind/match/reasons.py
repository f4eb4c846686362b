"""Why a line has no answer."""

import re

from ksrcfind.log.line import LogLine
from ksrcfind.log.report import RowKind, row_kind
from ksrcfind.match.answer import Reason
from ksrcfind.match.body import Body
from ksrcfind.match.candidates import MessageIndex
from ksrcfind.match.word_weights import is_common
from ksrcfind.match.wordings import LONGEST_WORD
from ksrcfind.source.message import Message

_ROW = {
    RowKind.STACK: "This row of a stack trace belongs to the report above it.",
    RowKind.DUMP: "This row of a memory dump belongs to the report above it.",
    RowKind.REGISTERS: "This row of registers belongs to the report above it.",
}


# kauditd_printk_skb() and audit_printk_skb() of kernel/audit.c, with the header that audit_log_start() writes.
TRY_NEXT = "Try the tree that the kernel was built from (--repo, --rev), or a shorter part of the line."
"""Ends the reason for a line without a match."""

_AUDIT = re.compile(r"(?:audit: )?type=\d{4,5} audit\(\d+\.\d+:\d+\): ")
_PASSED_ON = (
    "This is an audit record. kernel/audit.c prints it when no audit daemon runs, but no log call has its text. "
    "Records of the types 1100 to 1299 come from user space."
)


def beyond_matching(line: LogLine, body: Body) -> Reason | None:
    """Say why no log call of the kernel need be looked for, if that is so."""
    if line.is_userspace:
        return Reason("userspace", f"The user-space program {line.process or line.facility} wrote this line.")
    if not body.text:
        return Reason("empty", "The line has no text.")
    if _AUDIT.match(body.text):
        return Reason("audit_record", _PASSED_ON)
    kind = row_kind(line.body)
    return Reason("part_of_event", _ROW[kind]) if kind in _ROW else None


# Who writes stands in front, perhaps with a device; what ends in a small number is a device itself: `nvme0n1: `.
_WRITER = re.compile(
    r"\[?([A-Za-z][A-Za-z0-9_-]{2,40})(?:(?<![A-Za-z]\d)(?<![A-Za-z]\d\d)\]?: "
    r"|\]? [0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d: )"
)


def unexplained(body: Body, index: MessageIndex, general: Message | None = None) -> Reason:
    """Say why no message explains a line; `general` is one that fits it, as it would any text."""
    if not any(is_common(word) or (len(word) <= LONGEST_WORD and index.contains(word)) for word in body.words):
        return Reason("no_words", "No word of this line occurs in any kernel message.")
    if general is not None:
        place = f"{general.path}:{general.line_start}"
        text = f"Only a message that accepts any text matches this line: {general.forms[0].printed!r} at {place}."
        return Reason("any_text", text)
    writer = _WRITER.match(body.text)
    if writer and not index.knows(writer[1].lower().replace("-", "_")):
        return Reason("module_not_in_tree", f"The line was printed by {writer[1]}, which is not in this tree.")
    return Reason("nothing_alike", f"No message in this tree matches this line. {TRY_NEXT}")
