"""Make source locations and commits clickable on a terminal; a location opens an editor or a browser."""

import re
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from ksrcfind.regex import regex

_PLACE = regex(r"(?P<path>.*?):(?P<line>\d+)(?:-\d+)?|(?P<file>[^:]+)", re.DOTALL)


class Links(Struct, frozen=True):
    """Templates of the addresses of links, and the values to insert."""

    place: str | None
    """Address of a source location, with `{path}` (in the tree), `{file}` (absolute), `{line}` and `{rev}`.

    None for no links."""
    commit: str | None
    """Address of a commit, with `{commit}`: the digits of the id that are shown. None for no links."""
    root: Path | None
    """Directory of the tree; None if it has no files on disk."""
    rev: str | None

    def address(self, text: str, style: str) -> str | None:
        """Return the address for a text of a style, in printable ASCII; None if the text is not a link."""
        if style == "commit" and self.commit is not None:
            return self.commit.replace("{commit}", quote(text, safe=""))
        match = _PLACE.fullmatch(text) if style == "place" and self.place is not None else None
        if match is None or self.place is None:
            return None
        path = match["path"] or match["file"]
        known = {"path": path, "line": match["line"] or "1", "rev": self.rev}
        known["file"] = str(self.root / path) if self.root is not None else None
        address = self.place
        for name, value in known.items():
            if f"{{{name}}}" in address:
                if value is None:
                    return None
                address = address.replace(f"{{{name}}}", quote(value, safe="/", errors="surrogateescape"))
        return address


def linked(text: str, address: str | None) -> str:
    """Return text as a terminal link (OSC 8, supported by VTE, iTerm2, kitty, foot and others)."""
    return text if address is None else f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\"
