"""Find the source line that printed a kernel log message, the commit that added it, and its first release.

    from ksrcfind import Finder

    with Finder.open("~/linux") as finder:
        finding = finder.find("Out of memory: Killed process 4711 (nginx)")

docs/library.md describes the interface: the names in `__all__`; everything else may change. Each name is imported when
it is first used, so that importing the package costs nothing.
"""

import importlib

__version__ = "0.1.0"

TYPE_CHECKING = False  # Type checkers treat it like typing.TYPE_CHECKING, without importing typing.
if TYPE_CHECKING:
    from ksrcfind.batch.coverage import Summary as Summary
    from ksrcfind.batch.fold import Folded as Folded
    from ksrcfind.batch.fold import Occurrences as Occurrences
    from ksrcfind.batch.fold import Sighting as Sighting
    from ksrcfind.config import Settings as Settings
    from ksrcfind.errors import KsrcfindError as KsrcfindError
    from ksrcfind.finding import Finding as Finding
    from ksrcfind.finding import HistoryMode as HistoryMode
    from ksrcfind.history.provenance import Change as Change
    from ksrcfind.history.provenance import Commit as Commit
    from ksrcfind.history.provenance import Provenance as Provenance
    from ksrcfind.history.provenance import Release as Release
    from ksrcfind.library import Finder as Finder
    from ksrcfind.library import LogReport as LogReport
    from ksrcfind.library import record as record
    from ksrcfind.log.line import LogLine as LogLine
    from ksrcfind.match.answer import Answer as Answer
    from ksrcfind.match.answer import Match as Match
    from ksrcfind.match.answer import Tier as Tier
    from ksrcfind.match.answer import Value as Value
    from ksrcfind.output.json import schema as schema
    from ksrcfind.source.message import Message as Message

_HOMES = {
    "batch.coverage": ("Summary",),
    "batch.fold": ("Folded", "Occurrences", "Sighting"),
    "config": ("Settings",),
    "errors": ("KsrcfindError",),
    "finding": ("Finding", "HistoryMode"),
    "history.provenance": ("Change", "Commit", "Provenance", "Release"),
    "library": ("Finder", "LogReport", "record"),
    "log.line": ("LogLine",),
    "match.answer": ("Answer", "Match", "Tier", "Value"),
    "output.json": ("schema",),
    "source.message": ("Message",),
}
_HOME = {name: f"ksrcfind.{module}" for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604 - names, all of them


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'ksrcfind' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return __all__
