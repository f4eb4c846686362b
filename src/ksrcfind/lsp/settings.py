"""What a client may set, in its own configuration; the rest is that of the command line."""

from typing import Annotated

import msgspec

from ksrcfind.errors import KsrcfindError
from ksrcfind.levels import LEVELS, level_named

SECTION = "ksrcfind"
"""Name of the section in a client's configuration."""


class ClientSettings(msgspec.Struct, frozen=True, rename="camel"):
    """Settings of a client, with the names that it uses in camel case. What it does not know is passed over."""

    repo: str | None = None
    """The kernel tree; None: the one around the workspace, else the configured one."""
    rev: str | None = None
    """Revision to answer from instead of the checkout."""
    index: str | None = None
    """A bundle to answer from instead of a tree."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    """Calls that are shown for a line."""
    history: bool = True
    """Whether history is told."""
    history_wait: Annotated[float, msgspec.Meta(ge=0, le=60)] = 1.0
    """Seconds that a hover waits for history before it is shown without."""
    code_lens: bool = True
    inlay_hints: bool = False
    diagnostics: str = "err"
    """The least severe level of a log line that is a diagnostic; `off` for none."""
    build_index: bool = True
    """Whether a missing index is built."""
    copies: bool = False
    """Whether the client copies the answer that it is given to copy; otherwise it is shown."""

    def __post_init__(self) -> None:
        """Give the level the name that the record has. Raises `ValueError` for one that does not exist."""
        if self.diagnostics != "off":
            level = level_named(self.diagnostics)
            if level is None:
                raise ValueError(f"diagnostics is {self.diagnostics!r}: off, {', '.join(LEVELS)}")
            msgspec.structs.force_setattr(self, "diagnostics", level)


def client_settings(*given: object) -> ClientSettings:
    """Return the settings that a client sent, each in their section or bare, later ones before earlier ones.

    Raises `KsrcfindError` for a mistake.
    """
    told: dict[str, object] = {}
    for one in given:
        section = one.get(SECTION, one) if isinstance(one, dict) else None
        if isinstance(section, dict):
            told |= {key: value for key, value in section.items() if value not in (None, "")}
    try:
        return msgspec.convert(told, ClientSettings)
    except msgspec.ValidationError as error:
        raise KsrcfindError(
            f"the editor's settings for ksrcfind: {error}", "docs/editors.md lists the settings and their values."
        ) from error
