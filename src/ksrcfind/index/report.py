"""Statistics of a build of the index: numbers of files and messages, and times."""

from msgspec import Struct


class IndexReport(Struct, frozen=True):
    """Statistics of one build of the index."""

    files: int
    """Number of source files in the tree."""
    parsed: int
    """Number of files that were parsed, since their facts were not cached."""
    parsed_bytes: int
    linked: int
    """Number of files that were linked."""
    messages: int
    """Number of messages in the index of the revision."""
    recovered: int
    """Number of calls that the C parser (tree-sitter) rejected; only the text of these calls was read."""
    lost: int
    """Number of functions that contain calls with text, but none that could be read."""
    list_s: float
    parse_s: float
    link_s: float
    write_s: float
    size_bytes: int
    """Size of all files of the store in bytes. 0 for an index in memory."""
    skipped: tuple[str, ...] = ()
    """Names of files that are not UTF-8, escaped: such files are not indexed."""

    def __str__(self) -> str:
        """Return the statistics as three lines of text for people."""
        return (
            f"{self.messages:,} messages in {self.files:,} files\n"
            f"parsed {self.parsed:,} files ({self.parsed_bytes / 1e6:.0f} MB), linked {self.linked:,}; "
            f"{self.recovered:,} calls taken from text, {self.lost:,} functions not understood\n"
            f"listing {self.list_s:.1f} s, parsing {self.parse_s:.1f} s, linking {self.link_s:.1f} s, "
            f"writing {self.write_s:.1f} s; index {self.size_bytes / 1e6:.0f} MB\n"
        )


class ReleasesReport(Struct, frozen=True):
    """Statistics of a run that indexes every release."""

    releases: int
    """Number of release tags that are indexed after the run."""
    known: int
    """Number of release tags that were indexed before the run."""
    parsed: int
    """Number of files that were parsed. Equal files of several releases are parsed once."""
    parsed_bytes: int
    linked: int
    """Number of files that were linked."""
    seconds: float
    size_bytes: int
    """Size of all files of the store in bytes. 0 for an index in memory."""

    def __str__(self) -> str:
        """Return the statistics as two lines of text for people."""
        return (
            f"{self.releases:,} releases, {self.known:,} of them known before\n"
            f"parsed {self.parsed:,} files ({self.parsed_bytes / 1e6:.0f} MB), linked {self.linked:,} "
            f"in {self.seconds:.0f} s; index {self.size_bytes / 1e6:.0f} MB\n"
        )
