"""Compare versions of files line by line, as `git blame` does. One git process compares many files."""

from collections.abc import Iterable, Sequence
from threading import Lock
from weakref import finalize

from msgspec import Struct

from ksrcfind.regex import regex
from ksrcfind.tree.database import ObjectDatabase
from ksrcfind.tree.git import Git, Process

BLOBS = regex(rb"index ([0-9a-f]{40,64})\.\.([0-9a-f]{40,64})")
HUNK = regex(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
END = b"--end"
"""Marks the end of an answer: `git diff-tree --stdin` repeats a line that is no object id, and flushes its output."""


class Hunk(Struct, frozen=True):
    """One hunk of a diff: adjacent lines that differ between two versions of a file."""

    removed: int
    """Number of lines in the older version."""
    start: int
    """1-based number of the first line in the newer version. If nothing was added: the number of the line before."""
    added: int
    """Number of lines in the newer version."""


def older_line(hunks: Sequence[Hunk], line: int) -> int | None:
    """Return the older version's line number of a line of the newer version; None if the line is new."""
    moved = 0
    for hunk in hunks:
        if line < hunk.start + (hunk.added == 0):
            break
        if line < hunk.start + hunk.added:
            return None
        moved += hunk.removed - hunk.added
    return line + moved


class Version(Struct, frozen=True):
    """A version of a file."""

    commit: str
    """Full id of a commit that has this version."""
    path: str
    blob: str
    """Blob id of the file in this commit."""


class FileDiffs:
    """Compares versions of files. Several threads may use it; the git process starts with the first question."""

    def __init__(self, git: Git, objects: ObjectDatabase, names: Iterable[str]) -> None:
        """`names` are the names of the files to compare, without directories."""
        self._git = git
        self._objects = objects
        self._names = sorted(names)
        self._process: Process | None = None
        self._end: finalize[[], FileDiffs] | None = None
        """Ends the git process, at the latest when this object is garbage-collected."""
        self._lock = Lock()
        self._hunks: dict[tuple[str, str], tuple[Hunk, ...]] = {}

    def between(self, older: Version, newer: Version) -> tuple[Hunk, ...] | None:
        """Return the hunks between two versions of a file, from top to bottom; None if git does not report them.

        The file has the same name in both versions; its directory may differ. Git compares all differing files of the
        directory, so `older` should be in a parent of the commit of `newer`.
        """
        if older.blob == newer.blob:
            return ()
        key = older.blob, newer.blob
        with self._lock:
            if key not in self._hunks:
                self._ask(older, newer)
            return self._hunks.get(key)

    def close(self) -> None:
        """End the git process."""
        self._process = None
        if self._end is not None:
            self._end()

    def _ask(self, older: Version, newer: Version) -> None:
        """Let git compare the directories of two file versions, and store the hunks of all their files.

        Git compares the trees of the two directories, not the whole commits, so that it looks at no other directory.
        """
        question = f"{newer.commit} {older.commit}"  # `commit parent` compares the files in the topmost directory.
        before, after = older.path.rpartition("/")[0], newer.path.rpartition("/")[0]
        if before or after:
            if not before or not after:
                return
            old, new = self._objects.ids([f"{older.commit}:{before}", f"{newer.commit}:{after}"])
            if old is None or new is None:
                return
            question = f"{old} {new}"
        if self._process is None or not self._process.running:
            self.close()
            # Like `git blame`: no context, no renames, and attributes that make a file binary are ignored.
            options = ("--stdin", "-p", "-U0", "--text", "--full-index", "--no-renames", "--no-commit-id")
            names = (f":(top,literal){name}" for name in self._names)
            self._process = self._git.start("diff-tree", *options, "--", *names)
            self._end = finalize(self, self._process.end)
        try:
            self._process.input.write(question.encode() + b"\n" + END + b"\n")
            self._process.input.flush()
            self._read(self._process)
        except OSError:
            self.close()

    def _read(self, process: Process) -> None:
        key: tuple[str, str] | None = None
        hunks: list[Hunk] = []
        for line in process.pieces(b"\n"):
            is_end = line == END
            blobs = BLOBS.match(line)
            if (is_end or blobs) and key is not None:
                self._hunks[key] = tuple(hunks)
                hunks = []
            if is_end:
                return
            if blobs is not None:
                key = blobs[1].decode(), blobs[2].decode()
            elif (hunk := HUNK.match(line)) is not None:
                hunks.append(Hunk(int(hunk[1] or 1), int(hunk[2]), int(hunk[3] or 1)))
        self.close()
