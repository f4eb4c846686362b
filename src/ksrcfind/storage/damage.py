"""The error for a damaged file of the index."""

from pathlib import Path

from ksrcfind.errors import KsrcfindError


class DamagedIndexError(KsrcfindError):
    """A file of the index cannot be read. ksrcfind removed the file, so the next run builds the index again."""

    def __init__(self, path: Path | None, reason: object) -> None:
        super().__init__(f"the index file {path} is damaged ({reason})", "It was removed: run the command again.")
        self.path = path
