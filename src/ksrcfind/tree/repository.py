"""A git repository: its directories, its settings, what a partial clone lacks, and its revisions."""

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from ksrcfind.caching import Cache, cached, cached_later, latest
from ksrcfind.errors import KsrcfindError
from ksrcfind.regex import regex
from ksrcfind.tree import disk
from ksrcfind.tree.database import MissingObjectError, ObjectDatabase
from ksrcfind.tree.direct import DirectDatabase, usable
from ksrcfind.tree.git import Configuration, Git, GitError, executable, neutral, not_fetched
from ksrcfind.tree.objects import GitDatabase
from ksrcfind.tree.trees import raw

HEAD_ENTRY = "head-1"
"""Cache key of the commit that is checked out and its name."""
FILES_ENTRY = "files-1"
"""Cache key of the list of files of a commit."""
MOST_CHANGED = 1000
"""Files that differ from the last commit; with more of them, the list of a commit is read as a whole."""
COMMIT_ID = regex(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository as it was when it was opened. Later changes of its configuration do not change the fields."""

    root: Path
    """Top directory of the working tree. For a bare repository, the directory of the repository."""
    git: Git
    objects: ObjectDatabase = field(compare=False)
    """The database that reads the objects and references of the repository."""
    bare: bool
    common_directory: Path
    """Directory of objects and references: `.git`, or for a linked working tree that of the main one."""
    index: Path
    """Path of git's index file, which lists the tracked files of the working tree."""
    has_index: bool
    """False for a bare repository, and for a clone of which nothing was checked out."""
    shallow: bool
    """True if the history is incomplete, as after `git clone --depth`."""
    partial: bool
    """True if the repository was cloned with `--filter`: it lacks objects, which git fetches on demand."""
    sparse: bool
    """True if only a part of the files is checked out."""
    settings: dict[str, tuple[str, ...]]
    """Setting → all its values, as git reads them here. Section and variable names are in lower case."""
    configuration: Configuration | None = field(default=None, compare=False)
    """The settings with the files that they come from. None if this version of git does not print the files."""
    configuration_state: str | None = field(default=None, compare=False)
    """Digest of the configuration files when the repository was opened. None if these files are not known."""

    def current_settings(self) -> Mapping[str, tuple[str, ...]]:
        """Return the repository's present settings: setting → all its values. Empty if they cannot be read.

        Git reads the settings again only if a configuration file has changed since the repository was opened.
        """
        configuration, state = self.configuration, self.configuration_state
        if configuration is not None and state is not None and configuration.state(self.root) == state:
            return self.settings
        return self.read_settings()

    def read_settings(self) -> Mapping[str, tuple[str, ...]]:
        """Let git read the repository's present settings, and return them. Empty if they cannot be read."""
        try:
            return self.git.configuration()
        except GitError:
            return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about limits of this repository, such as an incomplete history."""
        if self.shallow:
            return (
                "This repository is shallow: history before its oldest commits is not there (git fetch --unshallow).",
            )
        return ()

    def commit(self, rev: str) -> str:
        """Return the id of the commit that a revision names.

        Raises `KsrcfindError` if there is no such commit; the error suggests similar names.
        """
        # Git would take a name that begins with a dash for an option; no revision has such a name.
        if rev and not rev.startswith("-") and "\0" not in rev:
            found = self.objects.commit(rev)
            if found is not None and COMMIT_ID.fullmatch(found):
                return found
            kind = self.git.answer("cat-file", "-t", f"{rev}^{{}}")
            if kind is not None:  # v2.6.11 of Linux is a tag of a tree.
                raise KsrcfindError(f"{rev} names a {kind}, not a commit", self._nearest(rev))
        raise KsrcfindError(f"unknown revision: {rev}", self._nearest(rev))

    def find_commit(self, rev: str) -> str | None:
        """Return the id of the commit that a revision names, None if there is none.

        Raises `KsrcfindError` for an id that several commits begin with.
        """
        if not rev or rev.startswith("-") or "\0" in rev:
            return None
        found = self.objects.commit(rev)
        if found is not None and COMMIT_ID.fullmatch(found):
            return found
        if not re.fullmatch(r"[0-9a-f]{4,64}", rev):
            return None
        known = (self.git.answer("rev-parse", f"--disambiguate={rev}") or "").split()
        commits = [one for one in known if self.git.answer("cat-file", "-t", one) == "commit"]
        if len(commits) < 2:
            return None
        listed = ", ".join(one[: len(rev) + 5] for one in commits[:5])
        raise KsrcfindError(f"{rev} is the beginning of {len(commits)} commits", f"Write more digits: {listed}")

    def head(self) -> str:
        """Return the id of the commit that is checked out. Raises `KsrcfindError` in a repository without commits."""
        found = self.objects.head()
        if found is None:
            raise KsrcfindError(f"the repository at {self.root} has no commit checked out", "Name one with --rev.")
        return found

    def head_name(self) -> str:
        """Return a name for the checked-out commit: its tag, else its branch, else the beginning of its id."""
        return self.objects.head_name() or self.head()[:12]

    def head_with_name(self, cache: Cache | None = None) -> tuple[str, str]:
        """Return the id and the name of the checked-out commit, as `head` and `head_name` return them.

        Id and name depend only on the references, so they are cached with the state of the references. Raises
        `KsrcfindError` in a repository without commits.
        """
        state = self.objects.state("refs/") if cache is not None else None

        def read() -> tuple[str, str]:
            if cache is not None:
                self.objects.load()  # Many objects are read next: those of references, those of the tree.
            return self.head(), self.head_name()

        return cached(cache, HEAD_ENTRY, state, tuple[str, str], read)

    def blobs(self, commit: str, cache: Cache | None = None) -> Callable[[], dict[str, str]]:
        """Return what returns path → blob id of the regular files of a commit, in git's order of paths.

        `cache` keeps the list for the last commit. It is used now, and the list is decoded later. The list of a commit
        that hardly differs from the last one is made from that list.
        """
        state = commit if self.objects.ids_are_final else None

        def read() -> dict[str, str]:
            if cache is None:
                return self.objects.blobs(commit)
            self.objects.load()
            last = latest(cache, FILES_ENTRY, dict[str, str]) if state is not None else None
            return (self._blobs_from(*last, commit) if last is not None else None) or self.objects.blobs(commit)

        return cached_later(cache, FILES_ENTRY, state, dict[str, str], read)

    def _blobs_from(self, before: str, listed: dict[str, str], commit: str) -> dict[str, str] | None:
        """Return the list of a commit, made from the list of another one. None if that one is gone or differs much."""
        try:
            changed = [one.path for one in self.objects.changed(before, commit)]
            if len(changed) > MOST_CHANGED:
                return None
            now = {path: self.objects.blob(commit, path) for path in changed}
        except (GitError, MissingObjectError):
            return None
        found = {path: blob for path, blob in (listed | now).items() if blob is not None}
        return found if found.keys() == listed.keys() else dict(sorted(found.items(), key=lambda item: raw(item[0])))

    def missing(self, what: str) -> KsrcfindError:
        """Return the error for a missing object, described by `what`, that a complete repository would have."""
        if self.partial:  # Some versions of git report an object as missing if they may not fetch it.
            return not_fetched(self.root)
        return KsrcfindError(
            f"{what} is missing from the repository at {self.root}",
            f"git -C {shlex.quote(str(self.root))} fsck lists what else is missing.",
        )

    def names(self) -> list[str]:
        """Return the names of all tags and branches."""
        listed = self.git.run("for-each-ref", "--format=%(refname:short)", "refs/tags", "refs/heads", "refs/remotes")
        return [name for name in listed.decode("utf-8", "surrogateescape").split("\n") if name]

    def _nearest(self, rev: str) -> str:
        names = [name for name in self.names() if name != rev]
        if not names:
            return "This repository has no tags and no branches."
        import difflib

        # A similar last part of a name is enough: `6.1` suggests `origin/linux-6.1.y`.
        close = difflib.get_close_matches(rev, names, n=5, cutoff=0.5)
        close += [name for name in names if rev and rev in name and name not in close][: 5 - len(close)]
        if close:
            return f"Nearest names: {', '.join(close)}"
        return f"git -C {shlex.quote(str(self.root))} tag lists {len(names)} names of tags and branches."


def open_repository(directory: Path) -> Repository | None:
    """Return the git repository whose top directory is `directory`. None if it is not the top of a repository.

    Raises `KsrcfindError` if git refuses the repository, and `GitMissingError` if git is not installed.
    """
    git = Git(directory)
    read = git.configuration_with_origins()
    state = read.state(directory) if read is not None else None
    found = (_usual_layout(directory, read) if read is not None else None) or _layout(git)
    if found is None:
        return None
    root = found.git_directory if found.bare else found.top
    if root is None or root.resolve() != directory.resolve():  # None: inside the .git directory itself.
        return None
    settings = read.settings if read is not None else git.configuration()
    configuration = {key: values[-1] for key, values in settings.items()}
    common = (directory / found.common).resolve()
    git = Git(root, neutral(configuration))
    plain = usable(git, found.git_directory, common, configuration)
    return Repository(
        root=root,
        git=git,
        objects=DirectDatabase(git, found.git_directory, common) if plain else GitDatabase(git),
        bare=found.bare,
        common_directory=common,
        index=found.git_directory / "index",
        has_index=not found.bare and (found.git_directory / "index").exists(),
        shallow=found.shallow,
        partial=any(key.endswith((".promisor", ".partialclonefilter")) for key in configuration)
        or "extensions.partialclone" in configuration,
        sparse=configuration.get("core.sparsecheckout", "false") == "true",
        settings=settings,
        configuration=read,
        configuration_state=state,
    )


class _Layout(Struct, frozen=True):
    """The paths and properties of the repository that a directory belongs to, as git reports them."""

    bare: bool
    shallow: bool
    git_directory: Path
    common: Path
    top: Path | None


def _usual_layout(directory: Path, configuration: Configuration) -> _Layout | None:
    """Return the layout of a repository whose `.git` is a directory. None for other repositories: git must be asked.

    Invariant: git has read `.git/config` in this directory. So git regards the directory as the top of a repository
    that it trusts, and no other file or setting moves the parts of the repository.
    """
    settings = configuration.settings
    if "file:.git/config" not in configuration.origins or not {"core.worktree", "extensions.worktreeconfig"}.isdisjoint(
        settings
    ):
        return None
    if any(value != "false" for value in settings.get("core.bare", ())):
        return None
    top = directory.resolve()
    own = top / ".git"
    if own.is_symlink() or not (own / "HEAD").is_file() or not (own / "objects").is_dir():
        return None
    if os.path.lexists(own / "commondir"):  # A linked working tree (gitrepository-layout(5)).
        return None
    return _Layout(bare=False, shallow=(own / "shallow").exists(), git_directory=own, common=own, top=top)


_NEXT = "--next"
"""A separator in the output of `git rev-parse`, which repeats an option that it does not know.

Line ends would not do as separators, since a path can contain them.
"""
_NEW = "--show-object-format"
"""An option of `git rev-parse` since git 2.25. Older versions repeat it, which shows that git is too old."""


def _layout(git: Git) -> _Layout | None:
    """Ask git for the layout of the repository that a directory belongs to. None if it belongs to no repository.

    Raises `KsrcfindError` if git refuses the repository, and `GitMissingError` if git is not installed.
    """
    about = ("--is-bare-repository", "--is-shallow-repository", "--absolute-git-dir", _NEXT, "--git-common-dir", _NEXT)
    question = ("rev-parse", _NEW, *about)
    # In a bare repository, git fails at the last question, after it has answered the others.
    said = git.run(*question, "--show-toplevel", okay=(0, 128)).decode("utf-8", "surrogateescape")
    parts = said.split(f"\n{_NEXT}\n")
    if len(parts) < 3 or parts[0].startswith(f"{_NEW}\n"):
        executable()
        if len(parts) < 3:
            try:
                git.run(*question)
            except GitError as error:
                if "not a git repository" in error.stderr:
                    return None
                raise
            raise GitError(f"git reports nothing about {git.directory}")
    _, bare, shallow, git_directory = parts[0].split("\n", 3)
    top = parts[2].removesuffix("\n")
    return _Layout(bare == "true", shallow == "true", Path(git_directory), Path(parts[1]), Path(top) if top else None)


def has_commit_graph(repository: Repository) -> bool:
    """Return whether the repository has a commit-graph file, with which git walks the history fast."""
    return any(graph.is_file() for graph in commit_graphs(repository.common_directory / "objects"))


def commit_graphs(objects: Path) -> Iterator[Path]:
    """Yield the paths where commit-graph files can be.

    A repository has one such file or a chain of them; repositories from which it borrows objects can have them too.
    """
    yield objects / "info" / "commit-graph"
    chain = objects / "info" / "commit-graphs"
    for name in _lines(chain / "commit-graph-chain"):
        yield chain / f"graph-{name}.graph"
    for borrowed in _lines(objects / "info" / "alternates"):
        yield objects / borrowed / "info" / "commit-graph"


def _lines(path: Path) -> list[str]:
    try:
        with disk.open_regular(path) as file:
            return file.read(disk.LARGEST).decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
