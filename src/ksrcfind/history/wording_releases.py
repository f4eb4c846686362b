"""Find the first final release that has a wording.

Mostly it is the first release that contains the commit that introduced the wording. A wording that was taken back while
the release was prepared, and added again later, is missing from that release.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from itertools import islice

from msgspec.structs import replace

from ksrcfind.history.provenance import Release
from ksrcfind.history.releases import Releases
from ksrcfind.history.wording import SourceText
from ksrcfind.regex import regex
from ksrcfind.tree.database import MissingObjectError, ObjectDatabase

MOST_RELEASES = 40
"""Limit of releases in which one wording is looked for."""

_BETWEEN_LITERALS = regex(rb'"\s*+"')

HasText = Callable[[str, str, str], bool]
"""Returns whether a file of a commit has a text: called with commit, path and text. False if it is not known."""


class WordingReleases:
    """Looks into the files of releases. The files that were read last stay in memory."""

    def __init__(self, objects: ObjectDatabase, releases: Releases) -> None:
        self._releases = releases
        self._texts = lru_cache(maxsize=64)(partial(_read, objects))
        self.has_text: HasText | None = None
        """Looks into a history index instead of files; None without one."""

    def of(self, commit: str, paths: Iterable[str], texts: Iterable[str]) -> Release:
        """Return the first tag that contains a commit, and the first final release that has its wording.

        The commit introduced the wording. `paths` are the names of its file from then on, and `texts` the texts that
        count as this wording. The release is None if no final release has it.
        """
        release = self._releases.of(commit)
        paths, texts = list(dict.fromkeys(paths)), set(texts)
        if release.first_release is None or self._has(release.first_release, paths, texts):
            return release
        later = islice(self._releases.finals_containing(commit), MOST_RELEASES)
        return replace(release, first_release=next((name for name in later if self._has(name, paths, texts)), None))

    def _has(self, tag: str, paths: Sequence[str], texts: set[str]) -> bool:
        commit = self._releases.commit_of(tag)
        if self.has_text is not None and any(self.has_text(commit, path, text) for path in paths for text in texts):
            return True
        return any(file.has(text) for path in paths if (file := self._texts(commit, path)) for text in texts)


class _ReleaseFile:
    """One file of a release."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._source = SourceText(data)
        self._joined: bytes | None = None

    def has(self, text: str) -> bool:
        """Return whether the file has a text, however it is split into literals."""
        needle = text.encode("utf-8", "surrogateescape")
        # Finding the literals of a file takes 5 ms; most texts are there as they were.
        whole = re.compile(b'"' + re.escape(needle) + rb'(?:\\n|\s)*+"')
        if whole.search(self._data):
            return True
        if self._joined is None:
            self._joined = _BETWEEN_LITERALS.sub(b"", self._data)
        return whole.search(self._joined) is not None or bool(self._source.same(text))


def _read(objects: ObjectDatabase, commit: str, path: str) -> _ReleaseFile | None:
    try:
        kind, data = objects.read_typed(f"{commit}:{path}")
    except MissingObjectError:
        return None
    return _ReleaseFile(data) if kind == "blob" else None
