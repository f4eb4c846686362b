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
    RowKind.STACK: "A row of a stack trace; it belongs to the report above it.",
    RowKind.DUMP: "A row of a dump of memory; it belongs to the report above it.",
    RowKind.REGISTERS: "A row of registers; it belongs to the report above it.",
}


# kauditd_printk_skb() and audit_printk_skb() of kernel/audit.c, with the header that audit_log_start() writes.
_AUDIT = re.compile(r"(?:audit: )?type=\d{4,5} audit\(\d+\.\d+:\d+\): ")
_PASSED_ON = (
    "An audit record: kernel/audit.c passes it on when no audit daemon listens, but no log call has its text. "
    "Its type tells who wrote it; types 1100 to 1299 come from user space."
)


def beyond_matching(line: LogLine, body: Body) -> Reason | None:
    """Say why no log call of the kernel need be looked for, if that is so."""
    if line.is_userspace:
        return Reason("userspace", f"A user-space program wrote this line: {line.process or line.facility}.")
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
        return Reason("no_words", "The line has no words that any message has; only values.")
    if general is not None:
        place = f"{general.path}:{general.line_start}"
        text = f"Only a text that takes anything fits this line, such as {general.forms[0].printed!r} at {place}."
        return Reason("any_text", text)
    writer = _WRITER.match(body.text)
    if writer and not index.knows(writer[1].lower().replace("-", "_")):
        return Reason("module_not_in_tree", f"The line is by {writer[1]}, and nothing in this tree is called so.")
    return Reason("nothing_alike", "No message of this tree reads like this line.")
