"""Links for terminals: source locations open an editor or a browser, commits a browser."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_PLACE = re.compile(r"(?P<path>.*?):(?P<line>\d+)(?:-\d+)?|(?P<file>[^:]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Links:
    """Templates of addresses, and the values for them."""

    place: str | None
    """With `{path}` (in the tree), `{file}` (absolute), `{line}` and `{rev}`; None for no links."""
    commit: str | None
    """With `{commit}`, as many digits as are shown."""
    root: Path | None
    """Directory of the tree; None if it has no files on disk."""
    rev: str | None

    def address(self, text: str, style: str) -> str | None:
        """Return the address for a span, in printable ASCII; None if the span is not a link."""
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
