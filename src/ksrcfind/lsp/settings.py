"""The settings that an editor sends; all others come from the command line and the configuration file."""

from typing import Annotated

import msgspec

from ksrcfind.errors import KsrcfindError
from ksrcfind.levels import LEVELS, level_named

SECTION = "ksrcfind"
"""Name of the section in a client's configuration."""


class ClientSettings(msgspec.Struct, frozen=True, rename="camel"):
    """Settings of an editor, which writes their names in camel case. Unknown settings are ignored."""

    repo: str | None = None
    """The kernel tree; None: the tree around the workspace, else the configured one."""
    rev: str | None = None
    """Revision to answer from instead of the checkout."""
    index: str | None = None
    """A bundle to answer from instead of a tree."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    """Limit of matches shown for a line."""
    history: bool = True
    """Whether to show histories."""
    history_wait: Annotated[float, msgspec.Meta(ge=0, le=60)] = 1.0
    """Seconds that a hover waits for the history."""
    code_lens: bool = True
    inlay_hints: bool = False
    diagnostics: str = "err"
    """Level from which on lines become diagnostics; `off` for none."""
    build_index: bool = True
    """Whether to build a missing index."""
    copies: bool = False
    """Whether the client copies the answer that `ksrcfind.copyAnswer` returns; else it is shown as a document."""

    def __post_init__(self) -> None:
        """Normalise the name of the level. Raises `ValueError` for a level that does not exist."""
        if self.diagnostics != "off":
            level = level_named(self.diagnostics)
            if level is None:
                raise ValueError(f"diagnostics is {self.diagnostics!r}, but must be one of: off, {', '.join(LEVELS)}")
            msgspec.structs.force_setattr(self, "diagnostics", level)


def client_settings(*given: object) -> ClientSettings:
    """Return the settings that a client sent, with or without the section `ksrcfind` around them.

    Later objects override earlier ones. Raises `KsrcfindError` for an invalid setting.
    """
    settings: dict[str, object] = {}
    for one in given:
        section = one.get(SECTION, one) if isinstance(one, dict) else None
        if isinstance(section, dict):
            settings |= {key: value for key, value in section.items() if value not in (None, "")}
    try:
        return msgspec.convert(settings, ClientSettings)
    except msgspec.ValidationError as error:
        raise KsrcfindError(
            f"invalid editor setting for ksrcfind: {error}", "docs/editors.md lists the settings and their values."
        ) from error
