"""What --open does: an editor takes the place of this program, at the call that was found first."""

import os
import shlex
from typing import NoReturn

from ksrcfind.cli.terminal import flush
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import Finding
from ksrcfind.tree.disk import read_file

WHO_NAMES_IT = "VISUAL, EDITOR or `editor` in the configuration names it."


def editor_call(engine: Engine, finding: Finding, editor: str) -> list[str]:
    """Return the words that start an editor at the first match.

    `editor` are words with `{file}` and `{line}`; without `{file}`, `+LINE FILE` is added, which vi, Emacs, nano and
    most others take. Raises `KsrcfindError` if the file is not on disk as it is in the answer.
    """
    if engine.source_root is None:
        raise KsrcfindError("--open needs a kernel tree: a bundle holds no source", "Name a tree with --repo.")
    message = finding.answer.matches[0].message
    file = engine.root / message.path
    try:
        # A link could lead the editor out of the tree, a pipe would make it wait.
        here = read_file(engine.root, message.path).decode("utf-8", "replace").split("\n")
    except OSError as error:
        reason = error.strerror or "there is no such regular file in this tree"
        raise KsrcfindError(f"{file} cannot be opened: {reason}", "--open takes a tree with files.") from error
    around = message.line_start, message.line_end
    if here[around[0] - 1 : around[1]] != engine.source.lines(message.path, *around):
        rev = engine.info.rev or engine.info.commit
        raise KsrcfindError(
            f"{file} reads otherwise than in {rev}", shlex.join(["git", "show", f"{rev}:{message.path}"])
        )
    try:
        words = shlex.split(editor)
    except ValueError as error:
        raise KsrcfindError(f"the editor's command cannot be read: {editor}: {error}", WHO_NAMES_IT) from error
    if not words:
        raise KsrcfindError("the editor's command is blank", WHO_NAMES_IT)
    if not any("{file}" in word for word in words):
        words += ["+{line}", "{file}"]
    return [word.replace("{line}", str(message.line_start)).replace("{file}", str(file)) for word in words]


def exec_editor(words: list[str]) -> NoReturn:
    """Start an editor in place of this program. Raises `KsrcfindError` if it cannot be started."""
    flush()
    try:
        os.execvp(words[0], words)  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise KsrcfindError(f"{words[0]} cannot be started: {error.strerror}", WHO_NAMES_IT) from error
