"""What can be asked of a log: the words of the command line, apart from what they do."""

from enum import StrEnum


class Only(StrEnum):
    """Which lines are wanted."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"


class GroupBy(StrEnum):
    """What messages are put together by."""

    MESSAGE = "message"
    FILE = "file"
    SUBSYSTEM = "subsystem"
    RELEASE = "release"
