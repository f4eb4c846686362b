"""The documents tell the truth: outputs, options, dependencies, links and names are compared with what is there."""

import importlib.util
import inspect
import re
import sys
import tomllib
from pathlib import Path

import pytest
import typer

import ksrcfind
from ksrcfind.cli.app import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("fixtures/**/*.md"), *ROOT.glob("editors/*/*.md")]
)
COMMANDS = typer.main.get_command(app).commands


def load_regenerate():
    sys.path.insert(0, str(ROOT / "docs"))  # as `python docs/regenerate.py` does
    spec = importlib.util.spec_from_file_location("regenerate", ROOT / "docs" / "regenerate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


regenerate = load_regenerate()
OUTDATED = "python docs/regenerate.py writes it anew"


@pytest.mark.parametrize("path", regenerate.WITH_OUTPUT, ids=lambda path: path.name)
def test_documents_show_what_is_printed(path, linux_mini, tmp_path):
    text = path.read_text()
    assert "```console\n$ " in text
    assert text == regenerate.with_outputs(text, regenerate.runner(linux_mini, tmp_path)), OUTDATED


@pytest.mark.parametrize("path", regenerate.WITH_PYTHON, ids=lambda path: path.name)
def test_examples_in_python_print_what_is_shown(path, linux_mini, tmp_path):
    text = path.read_text()
    pieces = regenerate._PYTHON.findall(text)
    assert pieces
    assert all(printed for _, printed in pieces)
    assert text.count("```python\n") == len(pieces), "a piece of Python without what it prints"
    assert text == regenerate.with_python(text, regenerate.python_runner(linux_mini, tmp_path)), OUTDATED


def test_every_public_name_is_documented():
    text = (ROOT / "docs" / "library.md").read_text()
    for name in ksrcfind.__all__:
        assert f"`{name}`" in text or name.startswith("__"), name
        assert name.startswith("__") or inspect.getdoc(getattr(ksrcfind, name)), name
    for name in dir(ksrcfind.Finder):
        if not name.startswith("_"):
            assert f"`{name}`" in text, name
            assert inspect.getdoc(getattr(ksrcfind.Finder, name)), name


def test_commands_md_is_up_to_date():
    text = regenerate.COMMAND_REFERENCE.read_text()
    assert "<!-- made by regenerate.py -->" in text
    assert text == regenerate.with_commands(text), OUTDATED


def test_json_md_is_up_to_date():
    text = regenerate.JSON_REFERENCE.read_text()
    assert "<!-- made by regenerate.py -->" in text
    assert text == regenerate.with_tables(text), OUTDATED


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_documented(name):
    text = (ROOT / "docs" / "commands.md").read_text()
    assert f"## ksrcfind {name}" in text
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            assert not option.startswith("-") or re.search(rf"`{re.escape(option)}[ `]", text), option


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_readme_names_every_command(name):
    assert re.search(rf"ksrcfind {name}\b|, `{name} ", (ROOT / "README.md").read_text())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        if anchor:
            headings = {
                re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-")
                for h in re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            }
            assert anchor in headings, target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(document):
    for name in re.findall(r"`((?:src|docs|tests|fixtures|bench|editors|\.ci)/[\w./-]*)`", document.read_text()):
        assert (ROOT / name).exists() or (ROOT / name).with_suffix("").is_dir(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_options_that_are_named_exist(document):
    known = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts}
    known |= {option for parameter in typer.main.get_command(app).params for option in parameter.opts} | {
        "-h",
        "--help",
    }
    for line in re.findall(r"^\$? ?ksrcfind .*$|`ksrcfind [^`]*`", document.read_text(), re.MULTILINE):
        text = re.sub(r'"[^"]*"', "", line)
        for option in re.findall(r"(?<= )(--?[a-zA-Z][\w-]*)", text.partition("|")[0]):
            assert option in known, line


def test_every_dependency_has_its_line():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "docs" / "dependencies.md").read_text()
    taken, _, _ = text.partition("## Looked at and not taken")
    run_time, _, development = taken.partition("## For development")

    def names(requirements):
        return {re.match(r"[\w-]+", requirement)[0] for requirement in requirements}

    def told(section):
        return set(re.findall(r"^\| ([\w-]+) \|(?= [A-Z])", section, re.MULTILINE))

    assert told(run_time) == names(project["dependencies"])
    assert told(development) == names(project["optional-dependencies"]["dev"])


def test_the_makefile_has_what_the_documents_name():
    makefile = (ROOT / "Makefile").read_text()
    for document in DOCUMENTS:
        for target in re.findall(r"^\$? ?make (\w+)|`make (\w+)", document.read_text(), re.MULTILINE):
            assert re.search(rf"^{''.join(target)}:", makefile, re.MULTILINE), target


def test_nobody_is_sent_to_a_package_index_that_lacks_ksrcfind():
    written = [*DOCUMENTS, *ROOT.glob("src/**/*.py"), *ROOT.glob("editors/*/src/*.ts")]
    for file in written:
        assert not re.search(r"install [^\n]*ksrcfind(?!\.)(?:\[|[\"'` ]*$)", file.read_text(), re.MULTILINE), file


def test_what_may_be_installed_already_is_installed_with_force():
    for document in DOCUMENTS:
        for line in re.findall(r"pipx install .*", document.read_text()):
            assert "--force" in line or "[" not in line, f"{document}: {line}"


def test_the_number_of_messages_is_stated_once():
    """A figure that stands in two places differs after the next run: other pages link to the first."""
    stated = {}
    for document in DOCUMENTS:
        for number in re.findall(r"\d{3},\d{3}(?= messages)|(?<=messages \| )\d{3},\d{3}", document.read_text()):
            stated.setdefault(document.name, []).append(number)
    assert list(stated) == ["extraction.md"]
    assert len(stated["extraction.md"]) == len(set(stated["extraction.md"]))


def test_the_site_lists_every_page():
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    plugins = {f"editor-{path.parent.name}.md" for path in ROOT.glob("editors/*/README.md")}
    listed = re.findall(r"([\w.-]+\.md)$", (ROOT / "docs" / "site.yml").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(pages | plugins)
