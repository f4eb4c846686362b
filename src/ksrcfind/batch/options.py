"""The values of the command line's options for logs; importing them loads nothing else."""

from enum import StrEnum


class LineKind(StrEnum):
    """Which lines to show, by whether a message matches them."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"


class GroupBy(StrEnum):
    """How to group messages."""

    MESSAGE = "message"
    FILE = "file"
    SUBSYSTEM = "subsystem"
    RELEASE = "release"
