"""The manual pages are up to date, complete, and free of warnings."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest
import typer

from ksrcfind import config
from ksrcfind.cli.app import app
from test_docs import regenerate

manual = sys.modules["manual"]
COMMANDS = typer.main.get_command(app).commands
PAGES = [manual.PAGES / "ksrcfind.1", manual.PAGES / "ksrcfind.toml.5"]


def plain(page):
    """Return the text of a page without its font changes and with ordinary dashes."""
    return re.sub(r"\\f[BIR]", "", page).replace(r"\-", "-")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_up_to_date(path):
    assert path.read_text() == manual.pages()[path], "python docs/regenerate.py writes it"


def test_every_page_is_written_by_the_one_command():
    assert set(manual.pages()) == set(PAGES) == set(manual.PAGES.iterdir())
    assert "manual.pages()" in Path(regenerate.__file__).read_text()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_option_and_example_is_in_the_page(name):
    page = plain(manual.program_page())
    _, _, rest = page.partition(f'.SS "ksrcfind {name}')
    section = re.split(r"^\.S[SH] ", rest, flags=re.MULTILINE)[0]
    assert section
    shared = page.partition(".SH COMMANDS")[0]
    for parameter in COMMANDS[name].params:
        where = shared if parameter.name in manual.COMMON else section
        for option in parameter.opts:
            hidden = getattr(parameter, "hidden", False) or not option.startswith("-")
            assert hidden or re.search(rf"(?m)^(.*, )?{re.escape(option)}\b", where), option
    for _, example in manual.EXAMPLES[name]:
        assert manual.code(example) in manual.program_page(), example


@pytest.mark.parametrize("kind", [config.UserFile, config.TreeFile, config.Root], ids=lambda kind: kind.__name__)
def test_every_key_of_a_configuration_file_is_in_the_page(kind):
    page = plain(manual.configuration_page())
    documented = manual.docstrings(kind)
    for key in kind.__struct_fields__:
        assert documented.get(key), f"{kind.__name__}.{key} has no docstring, so ksrcfind.toml(5) cannot explain it"
        assert re.search(rf"^{key} = ", page, re.MULTILINE), key


def test_a_key_without_a_docstring_is_an_error(tmp_path, monkeypatch):
    module = tmp_path / "forgotten.py"
    module.write_text("import msgspec\n\nclass File(msgspec.Struct):\n    jobs: int = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import forgotten

    with pytest.raises(KeyError, match="jobs"):
        list(manual._keys(forgotten.File))


def test_the_example_is_a_valid_file_of_the_user():
    example = msgspec.convert(tomllib.loads(manual.EXAMPLE), config.UserFile)
    assert example.roots[0].name == "xen_printk"


def test_every_variable_that_the_program_reads_is_in_the_page():
    sources = [*Path(config.__file__).parent.glob("cli/*.py"), Path(config.__file__)]
    read = {
        name
        for source in sources
        for name in re.findall(r"environ(?:ment)?(?:\.get\(|\[)\"([A-Z][A-Z_]+)\"", source.read_text())
    }
    internal = {"COMP_WORDS", "COMP_CWORD"}  # set by the completion scripts
    assert {"KSRCFIND_REPO", "PAGER"} <= read
    assert read - internal <= {*manual.ENVIRONMENT}


def test_roff_shows_what_was_written():
    assert manual.code("a-b \\n 'x' ~/`c`^") == r"a\-b \(rsn \(aqx\(aq \(ti/\(gac\(ga\(ha"
    assert manual.code(".ksrcfind.toml") == r"\&.ksrcfind.toml"
    assert manual.text("Use `a-b`, --no-history or -n: git-blame(1).") == (
        r"Use \fBa\-b\fR, \fB\-\-no\-history\fR or \fB\-n\fR: \fBgit\-blame\fR(1)."
    )
    assert manual.text("an arrow →") == r"an arrow \[u2192]"
    wrapped = manual.text("word " * 15 + "xx ... .hidden 'quoted " + "word " * 20)
    assert all(len(line) <= 80 and not line.startswith((".", "'")) for line in wrapped.splitlines())


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_mandoc_has_no_warning(path):
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", path], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_groff_has_no_warning(path):
    done = subprocess.run(
        ["groff", "-ww", "-man", "-Tutf8", "-rLL=78n", path], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"KSRCFIND(\.TOML)?\([15]\)", done.stdout)
