"""Updates everything generated: outputs and tables in the documents, the manual pages, the table of completions.

    python docs/regenerate.py

A block that begins with ```console holds commands behind `$ ` and what they print. They are run inside the bundled
repository, with nothing else in the environment; `$ make demo` stands for the command that the Makefile's demo runs
there. A block that begins with ```python is run, all of one document in one interpreter; a block ```text right behind
it holds what it prints. The home directory of all of them holds the bundled log and a link to the repository.
`tests/test_docs.py` calls the same functions and fails where a document differs.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import manual
import msgspec
import typer
from typer._completion_classes import BashComplete, _sanitize_help_text

from ksrcfind.cli import completion
from ksrcfind.cli.app import app, group
from ksrcfind.cli.argv import Option
from ksrcfind.cli.candidates import METAVARS
from ksrcfind.cli.examples import EXAMPLES
from ksrcfind.cli.options import WITHOUT_VALUE

ROOT = Path(__file__).resolve().parent.parent
WITH_OUTPUT = [
    ROOT / "README.md",
    *(ROOT / "docs" / f"{page}.md" for page in ("quick-start", "batch", "trees", "rules")),
]
WITH_PYTHON = [ROOT / "docs" / "library.md"]
FIXTURE = ROOT / "fixtures" / "linux-mini"
JSON_REFERENCE = ROOT / "docs" / "json.md"
COMMAND_REFERENCE = ROOT / "docs" / "commands.md"
COMPLETIONS = ROOT / "src" / "ksrcfind" / "cli" / completion.TABLE
SCHEMA = ROOT / "src" / "ksrcfind" / "schema" / "ksrcfind-1.schema.json"

_CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
_MADE = re.compile(r"(?<=<!-- made by regenerate.py -->\n).*?(?=<!-- end -->)", re.DOTALL)

_PYTHON = re.compile(r"^```python\n(.*?)^```$\n\n^```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# Runs pieces of code in one namespace and returns the output of each.
_DRIVER = """
import contextlib, io, json, sys
names, printed = {}, []
for code in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, names)
    printed.append(out.getvalue())
json.dump(printed, sys.stdout)
"""

Run = Callable[[str], str]
"""Gives what a command prints."""

RunPython = Callable[[list[str]], list[str]]
"""Gives what pieces of code print that are run one after the other."""


def with_outputs(document: str, run: Run) -> str:
    """Return a document with the output of every command in its console blocks as it is now."""

    def block(match: re.Match[str]) -> str:
        commands = [line for line in match[0].splitlines() if line.startswith("$ ")]
        return "\n".join(f"{command}\n{run(command[2:])}" for command in commands)

    return _CONSOLE.sub(block, document)


def with_python(document: str, run: RunPython) -> str:
    """Return a document with the output of its pieces of Python as it is now."""
    printed = iter(run([match[1] for match in _PYTHON.finditer(document)]))
    return _PYTHON.sub(lambda match: f"```python\n{match[1]}```\n\n```text\n{next(printed)}```", document)


def furnish(home: Path, repository: Path) -> dict[str, str]:
    """Put into a home directory what the documents have in theirs; return the environment of their commands."""
    if not (home / "linux").exists():
        (home / "linux").symlink_to(repository)
        shutil.copy(FIXTURE / "kern.log", home)
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "COLUMNS": "100",
        "LC_ALL": "C.UTF-8",
    }


def python_runner(repository: Path, home: Path) -> RunPython:
    """Return what runs the documents' pieces of Python."""
    environment = furnish(home, repository)

    def run(pieces: list[str]) -> list[str]:
        call = [sys.executable, "-c", _DRIVER]
        done = subprocess.run(
            call, input=json.dumps(pieces), cwd=home, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return json.loads(done.stdout)

    return run


def runner(repository: Path, home: Path) -> Run:
    """Return what runs the documents' commands."""
    environment = furnish(home, repository)

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", demo() if command == "make demo" else command],
            cwd=repository,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    return run


def demo() -> str:
    """Return the ksrcfind command of the Makefile's demo."""
    _, _, recipe = (ROOT / "Makefile").read_text().partition("\ndemo:")
    lines = recipe.partition("\n\n")[0].splitlines()
    return f"ksrcfind {lines[-1].strip()}"


def tables(definitions: dict[str, dict]) -> str:
    """Return a section with a table for each object of the schema."""
    sections = []
    for name, definition in definitions.items():
        if "properties" not in definition:
            continue
        rows = [
            f"| `{field}` | {_type(field_schema, definitions)} | {_meaning(field_schema, definitions)} |"
            for field, field_schema in definition["properties"].items()
        ]
        head = [f"### {name}", "", definition["description"], "", "| field | type | meaning |", "| --- | --- | --- |"]
        sections.append("\n".join([*head, *rows]))
    return "\n" + "\n\n".join(sections) + "\n\n"


def _type(field_schema: dict, definitions: dict[str, dict]) -> str:
    return " or ".join(dict.fromkeys(_types(field_schema, definitions)))


def _types(field_schema: dict, definitions: dict[str, dict]) -> Iterator[str]:
    for alternative in [*field_schema.get("anyOf", []), *field_schema.get("oneOf", [])]:
        yield from _types(alternative, definitions)
    if "$ref" in field_schema:
        name = field_schema["$ref"].rpartition("/")[2]
        if "properties" in definitions[name]:
            yield f"[{name}](#{name})"
        else:
            yield from _types(definitions[name], definitions)
    if "const" in field_schema:
        yield f"`{json.dumps(field_schema['const'])}`"
    kinds = field_schema.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind == "array" and "items" in field_schema:
            yield f"array of {_type(field_schema['items'], definitions)}"
        elif kind == "string" and "enum" in field_schema:
            yield ", ".join(f"`{value}`" for value in field_schema["enum"] if value is not None)
        else:
            yield kind


def _meaning(field_schema: dict, definitions: dict[str, dict]) -> str:
    """Return what a field says of itself, else what its type does."""
    if "description" in field_schema:
        return field_schema["description"]
    name = field_schema.get("$ref", "").rpartition("/")[2]
    return definitions.get(name, {}).get("description", "")


def with_tables(document: str) -> str:
    """Return the JSON reference with tables as the schema is now."""
    definitions = json.loads(SCHEMA.read_text())["$defs"]
    return _MADE.sub(lambda _: tables(definitions), document)


def with_commands(document: str) -> str:
    """Return the command reference with the commands and options as they are now."""
    return _MADE.sub(lambda _: commands(), document)


def commands() -> str:
    """Return a section for each command, and one for the options that all of them have."""
    program = typer.main.get_command(app)
    sections = []
    shared: dict[str, str] = {}
    for name, one in program.commands.items():
        own = {parameter.name: _row(parameter) for parameter in one.params if not getattr(parameter, "hidden", False)}
        # Each command has formats of its own.
        shared |= {key: own.pop(key) for key in [*own] if key in manual.COMMON}
        usage = " ".join(filter(None, map(_argument, one.params)))
        examples = "\n".join(f"# {purpose}\n{example}" for purpose, example in EXAMPLES[name])
        sections += [
            f"## ksrcfind {name} {usage}".rstrip(),
            "",
            "\n\n".join(textwrap.fill(part, 120) for part in one.help.split("\n\n")),
            "",
            f"```sh\n{examples}\n```",
            "",
        ]
        sections += [*_HEAD, *own.values(), ""] if own else []
    sections += ["## Options of every command", "", *_HEAD, *shared.values(), ""]
    sections += ["## Options of the program", "", *_HEAD]
    sections += [*(_row(one) for one in program.params if one.name not in {*manual.COMMON, "format"}), ""]
    return "\n" + "\n".join(sections) + "\n"


_HEAD = ["| | |", "| --- | --- |"]


def _argument(parameter: Any) -> str:
    if parameter.param_type_name != "argument":
        return ""
    return f"{parameter.metavar}{'...' if parameter.nargs != 1 else ''}"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"| `{_argument(parameter)}` | {parameter.help} |"
    value = "" if parameter.is_flag else f" {parameter.metavar}".replace("|", r"\|")
    names = ", ".join(f"`{name}{value}`" for name in parameter.opts)
    default = f" Default: {parameter.default}." if parameter.show_default and not parameter.is_flag else ""
    return f"| {names} | {parameter.help}{default} |"


def completions() -> str:
    """Return what `cli/completion.py` reads: the completions that typer makes, by command; those of none under ""."""
    program = group()
    known = program.options()

    def items(arguments: Sequence[str], incomplete: str) -> list[completion.Item]:
        found = BashComplete(program, {}, "ksrcfind", "").get_completions([*arguments], incomplete)
        return [
            completion.Item(item.value, " ".join(_sanitize_help_text(item.help).split()) if item.help else None)
            for item in found
        ]

    table: dict[str, completion.CommandItems] = {}
    for name in ("", *program.commands):
        before = [name] if name else []
        parameters = [] if not name else program.commands[name].params
        kinds = {one: METAVARS.get(parameter.metavar) for parameter in parameters for one in parameter.opts}
        listed = {item.value: item for item in items(before, "-")}
        grouped = [tuple(one for one in parameter.opts if one in listed) for parameter in parameters]
        if not name:  # Without a command, the options are those of find and of the program.
            grouped = [tuple(option.opts) for option in (*program.commands["find"].params, *program.params)]
            grouped = [own for names in grouped if (own := tuple(one for one in names if one in listed))]
        rest = sorted(one for one in listed if not any(one in names for names in grouped))
        options = []
        for names in [*dict.fromkeys(filter(None, grouped)), *([tuple(rest)] if rest else [])]:
            option = known.get(names[0], Option(takes_value=False))
            values = items([*before, names[0]], "") if option.takes_value else []
            options.append(
                completion.OptionItem(
                    tuple(listed[one] for one in names),
                    option.takes_value,
                    WITHOUT_VALUE.get(names[0]),
                    option.for_all,
                    tuple(values),
                    kinds.get(names[0]),
                )
            )
        order = [*(one for one in listed if one not in rest), *rest]
        options.sort(key=lambda option: order.index(option.names[0].value))
        words = items(before, "")
        arguments = [METAVARS.get(one.metavar) for one in parameters if one.param_type_name == "argument"]
        table[name] = completion.CommandItems(tuple(options), tuple(words), tuple(arguments) if any(arguments) else ())
    return msgspec.json.format(msgspec.json.encode(table), indent=1).decode() + "\n"


def main() -> None:
    """Update all documents."""
    sys.path.insert(0, str(FIXTURE))
    from build import build

    COMPLETIONS.write_text(completions())
    JSON_REFERENCE.write_text(with_tables(JSON_REFERENCE.read_text()))
    COMMAND_REFERENCE.write_text(with_commands(COMMAND_REFERENCE.read_text()))
    for path, page in manual.pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(page)
    with tempfile.TemporaryDirectory() as scratch:
        repository, home = Path(scratch) / "linux", Path(scratch) / "home"
        home.mkdir()
        build(repository)
        for path in WITH_OUTPUT:
            path.write_text(with_outputs(path.read_text(), runner(repository, home)))
        for path in WITH_PYTHON:
            path.write_text(with_python(path.read_text(), python_runner(repository, home)))


if __name__ == "__main__":
    main()
