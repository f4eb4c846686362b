r"""Names that are not UTF-8: file systems and git allow any bytes, and Python keeps such bytes as lone surrogates.

No kernel has a file with such a name. The index and everything written as JSON hold text, so files with such names are
skipped, and the user is told which; a directory or branch may be called what it likes.
"""

from collections.abc import Sequence

MOST_NAMED = 3
"""Files that a note names."""


def is_utf8(name: str) -> bool:
    """Return True if a name is UTF-8."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def escaped(name: str) -> str:
    r"""Return a name as text, with the bytes that are not UTF-8 by their numbers: `caf\xe9.c`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def without_surrogates(value: object) -> object:
    """Return text, or a structure of lists and dictionaries with text, with U+FFFD for bytes that are not UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return value


def skipped_note(names: Sequence[str]) -> str:
    """Return the sentence about files that are skipped for their names, which are escaped."""
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    named = ", ".join(names[:MOST_NAMED]) + more
    if len(names) == 1:
        return f"1 file is skipped because its name is not UTF-8: {named}"
    return f"{len(names):,} files are skipped because their names are not UTF-8: {named}"
