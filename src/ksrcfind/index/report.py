"""Figures of a build of the index."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexReport:
    """Figures of one build."""

    files: int
    """Source files of the tree."""
    parsed: int
    """Files whose facts were not cached."""
    parsed_bytes: int
    linked: int
    """Files that were linked."""
    messages: int
    """Messages of the revision."""
    recovered: int
    """Calls that the C parser rejected and that were read from the text alone."""
    lost: int
    """Functions with text in calls, none of which could be parsed."""
    list_s: float
    parse_s: float
    link_s: float
    write_s: float
    size_bytes: int
    """Size of the index file; 0 for an index in memory."""
    skipped: tuple[str, ...] = ()
    """Names of files that are not UTF-8, escaped: such files are not indexed."""

    def __str__(self) -> str:
        """Three lines for people."""
        return (
            f"{self.messages:,} messages in {self.files:,} files\n"
            f"parsed {self.parsed:,} files ({self.parsed_bytes / 1e6:.0f} MB), linked {self.linked:,}; "
            f"{self.recovered:,} calls taken from text, {self.lost:,} functions not understood\n"
            f"listing {self.list_s:.1f} s, parsing {self.parse_s:.1f} s, linking {self.link_s:.1f} s, "
            f"writing {self.write_s:.1f} s; index {self.size_bytes / 1e6:.0f} MB\n"
        )


@dataclass(frozen=True, slots=True)
class ReleasesReport:
    """Figures of indexing every release."""

    releases: int
    """Release tags that are indexed."""
    known: int
    """Release tags that were indexed before."""
    parsed: int
    """Files that were parsed, each content once."""
    parsed_bytes: int
    linked: int
    """Files that were linked."""
    seconds: float
    size_bytes: int
    """Size of the index file; 0 for an index in memory."""

    def __str__(self) -> str:
        """Two lines for people."""
        return (
            f"{self.releases:,} releases, {self.known:,} of them known before\n"
            f"parsed {self.parsed:,} files ({self.parsed_bytes / 1e6:.0f} MB), linked {self.linked:,} "
            f"in {self.seconds:.0f} s; index {self.size_bytes / 1e6:.0f} MB\n"
        )
