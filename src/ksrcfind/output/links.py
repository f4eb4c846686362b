"""Where the links of a terminal lead to: places to an editor or a browser, commits to a browser."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_PLACE = re.compile(r"(?P<path>.*?):(?P<line>\d+)(?:-\d+)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Links:
    """Templates of addresses, with what they need to be filled in."""

    place: str | None
    """With `{path}` (in the tree), `{file}` (absolute), `{line}` and `{rev}`; None for no links."""
    commit: str | None
    """With `{commit}`, as many digits as are shown."""
    root: Path | None
    """Directory of the tree; None if there are no files to lead to."""
    rev: str | None

    def address(self, text: str, style: str) -> str | None:
        """Return where a span leads to; None if nowhere. Only printable ASCII is in it, whatever the text holds."""
        if style == "commit" and self.commit is not None:
            return self.commit.replace("{commit}", quote(text, safe=""))
        match = _PLACE.fullmatch(text) if style == "place" and self.place is not None else None
        if match is None or self.place is None:
            return None
        known = {"path": match["path"], "line": match["line"], "rev": self.rev}
        known["file"] = str(self.root / match["path"]) if self.root is not None else None
        address = self.place
        for name, value in known.items():
            if f"{{{name}}}" in address:
                if value is None:
                    return None
                address = address.replace(f"{{{name}}}", quote(value, safe="/", errors="surrogateescape"))
        return address


def linked(text: str, address: str | None) -> str:
    """Return text that a terminal shows as a link: OSC 8, as VTE, iTerm2, kitty, foot and others have it."""
    return text if address is None else f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\"
