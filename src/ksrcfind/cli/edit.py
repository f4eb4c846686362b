"""Start an editor at the first call that was found, in place of this program (option --open)."""

import os
import shlex
from typing import NoReturn

from ksrcfind.cli.terminal import flush
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import Finding
from ksrcfind.output.record import about_elsewhere
from ksrcfind.tree.disk import read_file

HOW_TO_SET = "Set it with VISUAL, EDITOR, or `editor` in the configuration file."


def editor_call(engine: Engine, finding: Finding, editor: str) -> list[str]:
    """Return the command that starts an editor at what a line is about: at the call that printed it, or elsewhere.

    `editor` is a command with `{file}` and `{line}`; without `{file}`, `+LINE FILE` is added, which vi, Emacs, nano and
    most others understand. Raises `KsrcfindError` if the file on disk differs from the file in the answer.
    """
    if engine.source_root is None:
        raise KsrcfindError("--open needs a kernel tree: a bundle holds no source", "Name a tree with --repo.")
    path, first, last = _place(finding)
    file = engine.root / path
    try:
        # A link could lead the editor out of the tree, a pipe would make it wait.
        here = read_file(engine.root, path).decode("utf-8", "replace").split("\n")
    except OSError as error:
        reason = error.strerror or "this tree has no such regular file"
        raise KsrcfindError(f"cannot open {file}: {reason}", "--open needs a tree with files on disk.") from error
    if here[first - 1 : last] != engine.source.lines(path, first, last):
        rev = engine.info.rev or engine.info.commit
        raise KsrcfindError(
            f"{file} differs from {rev}, which the answer is about",
            f"Show that version with: {shlex.join(['git', 'show', f'{rev}:{path}'])}",
        )
    try:
        words = shlex.split(editor)
    except ValueError as error:
        raise KsrcfindError(f"cannot parse the editor command {editor}: {error}", HOW_TO_SET) from error
    if not words:
        raise KsrcfindError("the editor command is blank", HOW_TO_SET)
    if not any("{file}" in word for word in words):
        words += ["+{line}", "{file}"]
    return [word.replace("{line}", str(first)).replace("{file}", str(file)) for word in words]


def _place(finding: Finding) -> tuple[str, int, int]:
    """Return the path, the first and the last line at which an editor is opened."""
    message, pointed, about = finding.answer.matches[0].message, finding.answer.points_to, about_elsewhere(finding)
    if about is None:
        return message.path, message.line_start, message.line_end
    # The line names a location of its own kernel, from which this tree may have drifted.
    line = max(1, about.line + ((pointed.drift or 0) if pointed is not None else 0))
    return about.path, line, line


def exec_editor(words: list[str]) -> NoReturn:
    """Replace this program with an editor. Raises `KsrcfindError` if the editor cannot be started."""
    flush()
    try:
        os.execvp(words[0], words)  # noqa: S606 - without a shell
    except OSError as error:
        raise KsrcfindError(f"cannot start the editor {words[0]}: {error.strerror}", HOW_TO_SET) from error
