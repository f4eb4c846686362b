"""The title of a document."""

import itertools

from ksrcfind.regex import regex

_ADORNMENT = regex(r"([=\-~#*^\"'`+_:.])\1{2,}+\s*+\Z")
_NO_TITLE = regex(r"\.\.(?:\s|\Z)|:[\w -]+:|\s|\Z")
_READ = 8000  # characters in which a title is looked for
_LONGEST = 100  # characters of a title


def title_of(path: str, data: bytes) -> str:
    """Return the title of a document: its first underlined line, else its first line of text, else its file name."""
    lines = data[:_READ].decode("utf-8", "replace").split("\n")
    underlined = (
        before.strip()
        for before, line in itertools.pairwise(lines)
        if _ADORNMENT.match(line) and before.strip() and not _ADORNMENT.match(before) and not before.startswith("..")
    )
    texts = (line.strip() for line in lines if not _NO_TITLE.match(line) and not _ADORNMENT.match(line))
    title = next(underlined, None) or next(texts, None) or path.rpartition("/")[2]
    return title if len(title) <= _LONGEST else f"{title[:_LONGEST]}…"
