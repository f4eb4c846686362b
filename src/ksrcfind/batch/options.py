"""The values of the command-line options for logs. This module imports nothing else, to load fast."""

from enum import StrEnum


class LineKind(StrEnum):
    """Which lines to show, by whether a message matches them."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"


class GroupBy(StrEnum):
    """How to group messages; `host` groups incidents, since a message can be on many hosts."""

    MESSAGE = "message"
    FILE = "file"
    SUBSYSTEM = "subsystem"
    RELEASE = "release"
    HOST = "host"
