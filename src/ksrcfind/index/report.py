"""What a build of the index did."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexReport:
    """Figures of one build."""

    files: int
    """Source files of the tree."""
    parsed: int
    """Files whose facts were not known yet."""
    parsed_bytes: int
    linked: int
    """Files whose messages were put together anew."""
    messages: int
    """Messages of the revision."""
    recovered: int
    """Calls that the C grammar did not accept and that were taken from the text alone."""
    lost: int
    """Functions that hold text in calls of which none could be told."""
    list_s: float
    parse_s: float
    link_s: float
    write_s: float
    size_bytes: int
    """Of the index file; 0 if it is kept in memory."""
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
    """Release tags that are indexed now."""
    known: int
    """Those of them that were indexed before."""
    parsed: int
    """Files that were read, each content once."""
    parsed_bytes: int
    linked: int
    """Files whose messages were put together anew."""
    seconds: float
    size_bytes: int
    """Of the index file; 0 if it is kept in memory."""

    def __str__(self) -> str:
        """Two lines for people."""
        return (
            f"{self.releases:,} releases, {self.known:,} of them known before\n"
            f"parsed {self.parsed:,} files ({self.parsed_bytes / 1e6:.0f} MB), linked {self.linked:,} "
            f"in {self.seconds:.0f} s; index {self.size_bytes / 1e6:.0f} MB\n"
        )
