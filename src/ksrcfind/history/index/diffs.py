"""Read the diffs of commits as git prints them: which files each commit changed, and the hunks with text literals."""

from collections.abc import Iterator, Sequence
from typing import IO

from msgspec import Struct

from ksrcfind.history.blame import unquote
from ksrcfind.regex import regex
from ksrcfind.tree.git import Git, GitError

COMMITS_PER_PROCESS = 1000
"""Number of commits for which one git process prints diffs: their ids fit into a pipe's buffer (64 KiB)."""
CONTEXT = 3
"""Lines of context around a change, which show the rest of a text of several lines, and the call around it."""
PATTERNS = ("*.c", "*.h")
"""The files whose diffs are read."""

_OPTIONS = ("--stdin", "-r", "-p", f"-U{CONTEXT}", "--text", "--root")
_BLOCK_BYTES = 1 << 20
_COMMIT = regex(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_HUNK = regex(rb"(?:-\d+(?:,\d+)? )+\+(\d+)(?:,\d+)? @@+ ?([^\n]*)\n?")
_OLD_START = regex(rb"-(\d+)")


class Hunk(Struct, frozen=True):
    """One hunk of a diff."""

    function: bytes
    """What git prints behind the line numbers: the line that begins the function, cut after 80 bytes, or another line
    that begins with a letter."""
    before: tuple[int, ...]
    """Number of the first line in the file of each parent."""
    after: int
    """Number of the first line in the new file."""
    lines: bytes
    """The lines of the hunk. Each begins with one character for each parent: blank, `+` or `-`."""


class FileDiff(Struct, frozen=True):
    """What one commit changed in one file."""

    commit: str
    path: str
    """The file's name after the commit; for a deleted file, before it."""
    status: str
    """`A` added, `D` deleted, `R` renamed, `M` changed."""
    before: str | None
    """The earlier name of a renamed file."""
    hunks: Sequence[Hunk]
    """The hunks that contain a quotation mark, and those that begin a function, from top to bottom."""


def read_diffs(git: Git, commits: Sequence[str], *, merges: bool) -> Iterator[FileDiff]:
    """Yield the changes of C files by commits (full ids), in the order of the commits. Raises `GitError`.

    `merges` says that all commits are merges; of these, git prints only what differs from every parent. Other merges
    are passed over. `commits` are at most `COMMITS_PER_PROCESS`.
    """
    # Renames of merges are left out: git would compare whole branches for them.
    options = (*_OPTIONS, "--cc", "--no-renames") if merges else (*_OPTIONS, "-M")
    process = git.start("diff-tree", *options, "--", *PATTERNS, errors=True)
    try:
        process.input.write("".join(f"{commit}\n" for commit in commits).encode())
        process.input.close()
        commit = ""
        for section in _sections(process.output):
            body = section
            end = section[section.rfind(b"\n") + 1 :]
            following = end.decode() if _COMMIT.fullmatch(end) else None
            if following is not None:
                body = section[: -len(end) - 1]
            if commit and body:
                found = _file_diff(commit, body)
                if found is not None:
                    yield found
            commit = following or commit
    except BaseException:
        process.end()
        raise
    status, stderr = process.finish()
    if status:
        raise GitError(f"git diff-tree failed in {git.directory}", stderr=stderr)


def _sections(output: IO[bytes]) -> Iterator[bytes]:
    """Yield the output in pieces: the first commit, then each diff of a file with the commit that follows it.

    Only the first line of a diff begins with a `d`: every line of a file has a character in front of it.
    """
    rest = b"\n"
    while block := output.read1(_BLOCK_BYTES):  # type: ignore[attr-defined]  # a BufferedReader
        *whole, rest = (rest + block).split(b"\ndiff --")
        yield from whole
    yield rest.removesuffix(b"\n")


def _file_diff(commit: str, section: bytes) -> FileDiff | None:
    """Return the parsed diff of one file; None for one without a change of text, such as a new mode."""
    combined = section.startswith(b"c")
    head, *parts = section.split(b"\n@@@" if combined else b"\n@@ ")
    names = _Names(head, combined=combined)
    hunks: list[Hunk] = []
    for part in parts:
        if b'"' in part or b"\n+" in part:
            hunk = _hunk(part.lstrip(b"@ ") if combined else part)
            if hunk is not None:
                hunks.append(hunk)
    if names.path is None:
        return None
    return FileDiff(commit, names.path, names.status, names.before, hunks)


def _hunk(part: bytes) -> Hunk | None:
    match = _HUNK.match(part)
    if match is None:
        return None
    before = tuple(int(number) for number in _OLD_START.findall(part, 0, match.start(1)))
    return Hunk(match[2], before, int(match[1]), part[match.end() :])


class _Names:
    """The names of a file in the head of its diff."""

    def __init__(self, head: bytes, *, combined: bool) -> None:
        self.status = "M"
        self.path: str | None = None
        self.before: str | None = None
        first, *lines = head.split(b"\n")
        old: str | None = None
        for line in lines:
            if line.startswith(b"--- "):
                old = _name(line[4:])
            elif line.startswith(b"+++ "):
                self.path = _name(line[4:])
            elif line.startswith(b"new file mode"):
                self.status = "A"
            elif line.startswith(b"deleted file mode"):
                self.status = "D"
            elif line.startswith(b"rename from "):
                self.status, self.before = "R", unquote(line[12:])
            elif line.startswith(b"rename to "):
                self.path = unquote(line[10:])
        self.path = self.path or old
        if self.path is None and self.status != "M":  # An empty file has no lines with its names.
            name = first.partition(b" ")[2]
            self.path = unquote(name) if combined else _name(name[: len(name) // 2])


def _name(name: bytes) -> str | None:
    """Return the name behind `a/` or `b/`; None for `/dev/null`."""
    # Behind a name with blanks, git prints a tab.
    return None if name == b"/dev/null" else unquote(name.removesuffix(b"\t"))[2:]
