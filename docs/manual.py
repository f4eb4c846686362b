"""Writes the manual pages: from the text of `--help`, and from the docstrings of the configuration file's keys.

`docs/regenerate.py` calls it. The pages use the macros of man(7) that groff and mandoc both have.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import typer
from msgspec.structs import fields

from ksrcfind import __version__, config
from ksrcfind.cli import terminal
from ksrcfind.cli.app import app
from ksrcfind.cli.examples import EXAMPLES
from ksrcfind.cli.options import WITHOUT_VALUE, Common
from ksrcfind.errors import KsrcfindError

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "man"
CHANGELOG = ROOT / "CHANGELOG.md"

UNRELEASED = "2026-11-28"
"""The date of the pages until the changelog has a release; it must not depend on the day of the run."""

COMMON = {field.name for field in fields(Common)} - {"format"}
"""The options that every command has, without `--format`: each command has formats of its own."""

RULES = (
    "The first word that is not an option is the command if it is exactly the name of a command; otherwise it begins "
    "a query.",
    "The argument `-` stands for standard input. If an option is given several times, the last one counts.",
    "ksrcfind never writes into the tree, never runs a program that the configuration of the repository names, and "
    "never uses the network.",
)

FILES = {
    "~/.config/ksrcfind/config.toml": "The user's configuration file: ksrcfind.toml(5).",
    ".ksrcfind.toml": "The tree's configuration file, at the root of the tree: ksrcfind.toml(5).",
    "~/.cache/ksrcfind": "Indexes and histories. It may be removed at any time; the next run builds what it needs.",
}

ENVIRONMENT = {
    "KSRCFIND_REPO": "The kernel tree. `--repo` overrides it.",
    "KSRCFIND_INDEX": "A bundle to answer from instead of a tree. `--index`, `--repo` and `--rev` override it.",
    "KSRCFIND_CACHE_DIR": "The directory of the indexes.",
    "KSRCFIND_SHARED_INDEXES": "Directories of indexes that others made, separated by colons; they are only read.",
    "KSRCFIND_CONFIG": "The user's configuration file.",
    "NO_COLOR": "If set and not empty, text has no colours. `--color` overrides it.",
    "TERM": "If it is `dumb`, text has no colours, and no progress is shown.",
    "PAGER": "The pager of `batch --all`. Default: `less`. If it is empty or `cat`, no pager is used.",
    "VISUAL": "The editor of `--open`, unless the configuration file names one.",
    "EDITOR": "The editor of `--open` if VISUAL is not set.",
    "SHELL": "The shell of `--show-completion` and `--install-completion`: bash, zsh or fish.",
    "XDG_CACHE_HOME": "The directory that contains `ksrcfind`, the directory of the indexes. Default: `~/.cache`.",
    "XDG_CONFIG_HOME": "The directory that contains `ksrcfind/config.toml`. Default: `~/.config`.",
}

STATUS = {
    terminal.FOUND: "Something matched.",
    terminal.NOTHING_FOUND: "Nothing matched.",
    KsrcfindError.exit_code: "Wrong usage, or something is missing or cannot be read. The message says what to do.",
    terminal.FAILED_ON: "`batch --fail-on`: there is an incident of this level or more severe.",
    terminal.INTERRUPTED: "Ctrl-C ended the run.",
    terminal.CLOSED_PIPE: "The reader of a pipe closed it.",
}

SEE_ALSO = ("ksrcfind.toml(5)", "dmesg(1)", "git-blame(1)", "git-describe(1)", "journalctl(1)")


def pages() -> dict[Path, str]:
    """Return the file of each manual page with its text."""
    return {PAGES / "ksrcfind.1": program_page(), PAGES / "ksrcfind.toml.5": configuration_page()}


def program_page() -> str:
    """Return ksrcfind(1)."""
    program = typer.main.get_command(app)
    summary, *more = _paragraphs(program.help)
    lines = [
        *_title("KSRCFIND", 1, "User Commands"),
        *_section("NAME"),
        f"ksrcfind \\- {text(summary[0].lower() + summary[1:].rstrip('.'))}",
        *_section("SYNOPSIS"),
        r"\fBksrcfind\fR [\fIOPTION\fR]... \fILINE\fR...",
        ".br",
        r"\fBksrcfind\fR [\fIOPTION\fR]... \fICOMMAND\fR [\fIARGUMENT\fR]...",
        *_section("DESCRIPTION"),
        *_running([summary, *more, *RULES]),
        *_section("OPTIONS"),
        *_running(["Options of the program:"]),
    ]
    for parameter in program.params:
        if parameter.name not in COMMON and parameter.name != "format":
            lines += _parameter(parameter)
    lines += [".TP", r"\fB\-h\fR, \fB\-\-help\fR", text("Show help. After a command: its options and examples.")]
    lines += _running(["Options of every command:"])
    for parameter in program.params:
        if parameter.name in COMMON:
            lines += _parameter(parameter)
    lines += _section("COMMANDS")
    for name, one in program.commands.items():
        lines += _command(name, one)
    lines += [*_section("FILES"), *_definitions(FILES, "I")]
    lines += [*_section("ENVIRONMENT"), *_definitions(ENVIRONMENT, "B")]
    lines += [*_section("EXIT STATUS"), *_definitions({str(one): meaning for one, meaning in STATUS.items()}, "B")]
    lines += [*_section("EXAMPLES"), *_examples("")]
    lines += [*_section("SEE ALSO"), ", ".join(map(_reference, SEE_ALSO))]
    return _page(lines)


def configuration_page() -> str:
    """Return ksrcfind.toml(5)."""
    lines = [
        *_title("KSRCFIND.TOML", 5, "File Formats"),
        *_section("NAME"),
        r"ksrcfind.toml \- configuration files of ksrcfind",
        *_section("SYNOPSIS"),
        r"\fI\(ti/.config/ksrcfind/config.toml\fR",
        ".br",
        r"\fITREE/.ksrcfind.toml\fR",
        *_section("DESCRIPTION"),
        *_running(
            [
                "ksrcfind(1) reads two files in TOML, both optional: the user's file, and the file at the root of the "
                "kernel tree. The tree's file is not trusted: it can define log functions and release tags, but not "
                "what is read, written or run.",
                "An option of the command line overrides the environment, the environment overrides the user's file. "
                f"A file has at most {config.FILE_LIMIT // 1024} KiB. An unknown key is an error.",
            ]
        ),
        *_section("KEYS OF THE USER'S FILE"),
        *_keys(config.UserFile),
        *_section("KEYS OF THE TREE'S FILE"),
        *_keys(config.TreeFile),
        *_section("KEYS OF [[roots]]"),
        *_running(["Each table describes one log function or macro, in either file:"]),
        *_keys(config.Root),
        *_section("FILES"),
        *_definitions({name: meaning.partition(":")[0] + "." for name, meaning in [*FILES.items()][:2]}, "I"),
        *_section("ENVIRONMENT"),
        *_definitions(
            {
                name: ENVIRONMENT[name]
                for name in ("KSRCFIND_CONFIG", "KSRCFIND_REPO", "KSRCFIND_CACHE_DIR", "KSRCFIND_SHARED_INDEXES")
            },
            "B",
        ),
        *_section("EXAMPLES"),
        *_running(["A user's file:"]),
        *_code(EXAMPLE),
        *_section("SEE ALSO"),
        ", ".join(map(_reference, ("ksrcfind(1)", "git-config(1)"))),
    ]
    return _page(lines)


EXAMPLE = """\
repo = "~/linux"
release_tags = ["v[0-9]*"]
jobs = 2
place_link = "vscode://file{file}:{line}"
commit_link = "https://git.kernel.org/linus/{commit}"
editor = "code --goto {file}:{line}"

[[roots]]
name = "xen_printk"
format = 0
level = "info"
prefix = "(XEN) "
"""
"""A configuration file with the less usual keys; a test reads it."""


def docstrings(kind: type) -> dict[str, str]:
    """Return the docstring under each field of a class, in the order of the fields."""
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    name = ""
    for statement in definition.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and name:
            found[name] = " ".join(statement.value.value.split())
            name = ""
    return found


def _keys(kind: type[msgspec.Struct]) -> Iterator[str]:
    """Yield an entry for each key of a table. Raises `KeyError` for a key without a docstring."""
    meanings = docstrings(kind)
    for field in fields(kind):
        meaning = meanings[field.name]
        default = "" if field.default in (None, (), {}, "", msgspec.NODEFAULT) else f" Default: `{field.default}`."
        needed = " Required." if field.required else ""
        kind_name = _kind(msgspec.inspect.type_info(field.type))
        yield from (".TP", rf"\fB{code(field.name)}\fR = {text(kind_name)}", f"{text(meaning + default + needed)}")


def _kind(info: Any) -> str:
    """Return the kind of a value in words: `string`, `array of strings`, `number, 1 to 1024`."""
    if isinstance(info, msgspec.inspect.Metadata):
        return _kind(info.type)
    if isinstance(info, msgspec.inspect.UnionType):
        return " or ".join(_kind(one) for one in info.types if not isinstance(one, msgspec.inspect.NoneType))
    if isinstance(info, msgspec.inspect.LiteralType):
        return ", ".join(f'"{value}"' for value in info.values)
    if isinstance(info, msgspec.inspect.VarTupleType):
        return "tables" if isinstance(info.item_type, msgspec.inspect.StructType) else "array of strings"
    if isinstance(info, msgspec.inspect.IntType):
        return "number" if info.ge is None else f"number, {info.ge} to {info.le}"
    if isinstance(info, msgspec.inspect.DictType):
        return "table of strings"
    assert isinstance(info, msgspec.inspect.StrType), info
    return "string"


def _title(name: str, section: int, kind: str) -> list[str]:
    released = re.search(r"^## \d[\d.]*.*?(\d{4}-\d\d-\d\d)", CHANGELOG.read_text(), re.MULTILINE)
    date = released[1] if released else UNRELEASED
    return [
        '.\\" Made by docs/regenerate.py.',
        f'.TH {name} {section} {date} "ksrcfind {__version__}" "{kind}"',
        '.\\" Left-aligned and without hyphenation: much of the text is code.',
        ".ad l",
        ".nh",
    ]


def _section(name: str) -> list[str]:
    return [f".SH {code(name)}"]


def _command(name: str, command: Any) -> Iterator[str]:
    usage = [_argument(parameter) for parameter in command.params if parameter.param_type_name == "argument"]
    yield f'.SS "{code(" ".join(["ksrcfind", name, *usage]))}"'
    yield from _running(_paragraphs(command.help))
    for parameter in command.params:
        if parameter.name not in COMMON and not getattr(parameter, "hidden", False):
            yield from _parameter(parameter)
    yield from _running(["Examples:"])
    yield from _examples(name)


def _parameter(parameter: Any) -> Iterator[str]:
    yield ".TP"
    if parameter.param_type_name == "argument":
        yield rf"\fI{code(_argument(parameter))}\fR"
    else:
        value = "" if parameter.is_flag else parameter.metavar
        joined = "" if parameter.opts[0] in WITHOUT_VALUE else " "
        shown = rf"{joined}\fI{code(value)}\fR" if value else ""
        yield ", ".join(rf"\fB{code(option)}\fR{shown}" for option in sorted(parameter.opts, key=len))
    default = f" Default: {parameter.default}." if parameter.show_default and not _is_flag(parameter) else ""
    yield text(f"{parameter.help}{default}")


def _is_flag(parameter: Any) -> bool:
    return getattr(parameter, "is_flag", False) or parameter.default is None


def _argument(parameter: Any) -> str:
    return f"{parameter.metavar}{'...' if parameter.nargs != 1 else ''}"


def _paragraphs(help_text: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in inspect.cleandoc(help_text).split("\n\n")]


def _running(paragraphs: list[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        yield from (".PP", text(paragraph))


def _definitions(meanings: dict[str, str], font: str) -> Iterator[str]:
    for name, meaning in meanings.items():
        yield from (".TP", rf"\f{font}{code(name)}\fR", text(meaning))


def _examples(command: str) -> Iterator[str]:
    for purpose, example in EXAMPLES[command]:
        yield from (".PP", text(purpose), *_code(example))


def _code(block: str) -> Iterator[str]:
    yield from (".PP", ".RS 4", ".nf", *(code(line) for line in block.splitlines()), ".fi", ".RE")


def _reference(page: str) -> str:
    name, section, _ = re.split(r"[()]", page)
    return rf"\fB{code(name)}\fR({section})"


_CHARACTERS = {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}


def code(literal: str) -> str:
    """Return text that is typed or shown as it is, in roff: every dash is a minus sign that can be copied."""
    return _line("".join(_CHARACTERS.get(character, _ascii(character)) for character in literal))


def text(prose: str) -> str:
    """Return prose in roff: options and what stands in backticks are bold, references to pages too."""
    parts = []
    for part in re.split(r"(`[^`]+`|(?<![\w-])--?[A-Za-z][\w-]*|\b[a-z][a-z.-]+\(\d\))", prose):
        if re.fullmatch(r"`[^`]+`", part):
            parts.append(rf"\fB{code(part[1:-1])}\fR")
        elif re.fullmatch(r"--?[A-Za-z][\w-]*", part):
            parts.append(rf"\fB{code(part)}\fR")
        elif re.fullmatch(r"[a-z][a-z.-]+\(\d\)", part):
            parts.append(_reference(part))
        else:
            parts.append("".join(_PROSE.get(character, _ascii(character)) for character in part))
    wrapped = textwrap.wrap("".join(parts), 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(_line, wrapped))


_PROSE = _CHARACTERS | {"-": "-", "'": r"\(cq"}


def _ascii(character: str) -> str:
    return character if character.isascii() else rf"\[u{ord(character):04X}]"


def _line(roff: str) -> str:
    """Return a line whose first character does not make it a request."""
    return rf"\&{roff}" if roff.startswith((".", "'")) else roff


def _page(lines: list[str]) -> str:
    """Return the text of a page: no paragraph macro right behind a heading, which mandoc warns about."""
    kept = [
        line for before, line in pairwise(["", *lines]) if line != ".PP" or not before.startswith((".SH", ".SS", ".PP"))
    ]
    return "\n".join(kept) + "\n"
