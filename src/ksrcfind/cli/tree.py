"""The command tree: how to get the source of a log's kernel, and the names that the user gave to trees."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import platformdirs

from ksrcfind.bundle.at_path import KernelAt, kernel_at
from ksrcfind.cli.argv import has_blank
from ksrcfind.cli.options import Common
from ksrcfind.cli.release import trees_with
from ksrcfind.cli.session import Session, begin
from ksrcfind.cli.terminal import FOUND, NOTHING_FOUND, say
from ksrcfind.config import TREE_NAME, TREE_NAME_LENGTH, Settings, user_file
from ksrcfind.errors import KsrcfindError
from ksrcfind.kernels.in_log import RUNNING, kernels_named
from ksrcfind.kernels.recipes import recipe_for
from ksrcfind.log.stream import STDIN, check_log, is_file, log_files, read_logs
from ksrcfind.output.formats import Format
from ksrcfind.output.kernels import KernelSource, NamedTree, kernels, named_trees
from ksrcfind.settings_file import forget_tree, name_tree
from ksrcfind.storage.store import store_path
from ksrcfind.tree.tarball import unpack


def tree_command(options: Common, action: str, words: Sequence[str]) -> int:
    """Run `ksrcfind tree ACTION WORDS`; return the exit status. Raises `KsrcfindError` for an unknown action."""
    session = begin(options)
    match action, len(words):
        case "for", _:
            return _show_sources(session, options.format, words)
        case "add", 2:
            return _add(session, *words)
        case "add", _:
            raise KsrcfindError("tree add takes a name and a path", "Example: ksrcfind tree add v6.1 ~/linux-6.1")
        case "list", 0:
            return _list(session, options.format)
        case "list", _:
            raise KsrcfindError("tree list takes no further words", "Example: ksrcfind tree list")
        case "remove", 1:
            return _remove(session.settings, words[0])
        case "remove", _:
            raise KsrcfindError("tree remove takes one name", "ksrcfind tree list shows the names.")
    raise KsrcfindError(f"tree has no action {action}", "Actions: for LOG, add NAME PATH, list, remove NAME.")


# tree for


def _show_sources(session: Session, chosen: Format, logs: Sequence[str]) -> int:
    found = [
        KernelSource(
            named,
            recipe_for(named.banner),
            _name_for(named.banner.release),
            trees_with(session.settings, named.banner),
        )
        for named in kernels_named(_lines(logs or [RUNNING]))
    ]
    for text in kernels(chosen, found, session.terminal.painter):
        session.terminal.write(text)
    if not found:
        say("no kernel is named: a log names it in the line `Linux version ...` and in the reports of crashes")
        return NOTHING_FOUND
    return FOUND


def _lines(logs: Sequence[str]) -> Iterator[tuple[str | None, int, str]]:
    """Yield (file, line number, text) of all lines. A word with a blank that is no file is a line itself."""
    for log in logs:
        if has_blank(log) and not is_file(Path(log)):
            yield None, 1, log
            continue
        if log != STDIN:
            check_log(log)
        files = [log] if log == STDIN else [str(path) for path in log_files(Path(log))]
        for row in read_logs(files, sys.stdin.buffer):
            yield row.source, row.line, row.log.body


def _name_for(release: str) -> str:
    """Return a name for a kernel's tree: what `uname -r` prints, if a name may have these characters."""
    return re.sub(r"[^A-Za-z0-9._+-]", "-", release)[:TREE_NAME_LENGTH]


# tree add, list, remove


def _add(session: Session, name: str, path: str) -> int:
    if re.fullmatch(TREE_NAME, name) is None or len(name) > TREE_NAME_LENGTH:
        hint = f"Use letters, digits and . _ + -, at most {TREE_NAME_LENGTH}, as in v6.1."
        raise KsrcfindError(f"{name!r} cannot be the name of a tree", hint)
    target = (session.directory / Path(path).expanduser()).absolute()
    earlier, unpacked = session.settings.trees.get(name), _unpacked(name)
    is_tarball = is_file(target) and kernel_at(target).kind != "bundle"
    if is_tarball:
        if earlier == unpacked:
            raise KsrcfindError(f"{name} is {unpacked} already", f"To replace it: ksrcfind tree remove {name}")
        shutil.rmtree(unpacked, ignore_errors=True)  # Nothing has this name: an earlier run did not end.
        unpack(target, unpacked, session.terminal.progress)
        target = unpacked
    try:
        kernel = _checked(target, path)
        name_tree(user_file(os.environ), name, target)
    except KsrcfindError:
        if is_tarball:
            shutil.rmtree(unpacked, ignore_errors=True)
        raise
    if earlier == unpacked != target:
        shutil.rmtree(unpacked, ignore_errors=True)
    release = f" ({kernel.kind}, {kernel.release})" if kernel.release else f" ({kernel.kind})"
    instead = f", which was {earlier}" if earlier not in (None, target) else ""
    session.terminal.write(session.terminal.painter.line(f"{name} is {target}{release}{instead}"))
    return FOUND


def _checked(target: Path, path: str) -> KernelAt:
    """Return what is at a path. Raises `KsrcfindError` if that is neither a tree nor a bundle."""
    kernel = kernel_at(target)
    if kernel.kind == "missing":
        raise KsrcfindError(
            f"no kernel tree, tarball or bundle: {path}", "Name the directory that has the Makefile of the kernel."
        )
    return kernel


def _list(session: Session, chosen: Format) -> int:
    settings = session.settings
    found = []
    for name, path in sorted(settings.trees.items()):
        kernel = kernel_at(path)
        is_indexed = kernel.kind == "bundle" or store_path(settings.cache_dir, path).is_dir()
        found.append(NamedTree(name, str(path), kernel.kind, kernel.release, is_indexed))
    for text in named_trees(chosen, found, session.terminal.painter):
        session.terminal.write(text)
    if not found:
        say("no tree has a name yet. To give one: ksrcfind tree add NAME PATH")
        return NOTHING_FOUND
    return FOUND


def _remove(settings: Settings, name: str) -> int:
    path = settings.trees.get(name)
    if path is None:
        raise KsrcfindError(f"no tree has the name {name}", "ksrcfind tree list shows the names.")
    forget_tree(user_file(os.environ), name)
    # Only what `tree add` unpacked is deleted; a user's own tree or bundle stays.
    if path == _unpacked(name) and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    return FOUND


def _unpacked(name: str) -> Path:
    """Return where the tarball with a name is unpacked."""
    return platformdirs.user_data_path("ksrcfind") / "trees" / name
