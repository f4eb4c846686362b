r"""Handles file names that are not UTF-8, which Python represents with lone surrogates.

File systems and git allow any bytes in a name, but no kernel has a file with such a name. The index and JSON output are
text, so files with such names are skipped, and a note names them. The tree's directory and its branches may have any
name.
"""

from collections.abc import Sequence

MOST_NAMED = 3
"""Most skipped files that a note names."""


def is_utf8(name: str) -> bool:
    """Return True if a name is UTF-8."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def escaped(name: str) -> str:
    r"""Return a name as text, with each byte that is not UTF-8 as a hexadecimal escape: `caf\xe9.c`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def without_surrogates(value: object) -> object:
    """Return a copy of a text with U+FFFD for each byte that is not UTF-8.

    The value can also be a structure of lists and dictionaries with such texts.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return value


def skipped_note(names: Sequence[str]) -> str:
    """Return the note for the user about files that are skipped because their names are not UTF-8.

    `names` are the names of these files, escaped.
    """
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    named = ", ".join(names[:MOST_NAMED]) + more
    if len(names) == 1:
        return f"1 file is skipped because its name is not UTF-8: {named}"
    return f"{len(names):,} files are skipped because their names are not UTF-8: {named}"
