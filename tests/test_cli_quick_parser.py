"""The quick parser reads command lines as typer does, or leaves them to typer."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksrcfind.cli import answers, quick_parser, typer_parser
from ksrcfind.cli.app import group
from ksrcfind.cli.options import COMMANDS, Explaining, Traced
from ksrcfind.conditions.record import CONTEXT
from ksrcfind.errors import KsrcfindError
from ksrcfind.output.formats import Format
from ksrcfind.output.style import Color

OPTIONS = (
    *("-C", "--repo", "--rev", "--index", "--format", "--color", "--jobs", "-j", "--quiet", "-q", "--limit", "-n"),
    *("--history", "--no-history", "--no-follow", "--source", "--callers", "--open", "--each", "--bad", "--version"),
    *("-qn5", "-n5", "--limit=7", "-n=3", "--format=json", "--source=4", "--source=function", "--callers=2", "-Cdir"),
    *("--quiet=1", "--open=yes", "--source=", "--callers=99", "--rev=", "-h", "--help", "-V", "--no-color", "--li=3"),
)
VALUES = (
    "5",
    "0",
    "-1",
    "1001",
    "05",
    "5.0",
    " 5",
    "٥",
    "json",
    "csv",
    "JSON",
    "never",
    "all",
    "first",
    "",
    "v5.9",
    "x y",
)
WORDS = (
    "find",
    "at",
    "batch",
    "mm/oom_kill.c:10",
    "-",
    "--",
    "OOM victim 1",
    "- a",
    "--repo is a word",
    "killing",
    "7",
)


class Asked:
    """Takes the place of the commands, and remembers what they were asked."""

    def __init__(self) -> None:
        self.questions: list[quick_parser.Question] = []

    def find(self, options, words, *, open_editor):
        self.questions.append(quick_parser.Question("find", options, tuple(words), open_editor))
        return 0

    def at(self, options, words, *, open_editor):
        self.questions.append(quick_parser.Question("at", options, tuple(words), open_editor))
        return 0


@pytest.fixture(scope="module")
def by_typer():
    """Return how typer reads a command line; None if it is no question, or wrong."""
    asked = Asked()

    def read(arguments: list[str]) -> quick_parser.Question | None:
        asked.questions.clear()
        try:
            typer_parser.run_command(arguments)
        except KsrcfindError:
            return None
        return asked.questions[0] if asked.questions else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "explain_lines", asked.find)
        patch.setattr(answers, "explain_places", asked.at)
        for other in ("ksrcfind.cli.logs.explain_logs", "ksrcfind.cli.servers.serve_lsp"):
            patch.setattr(other, lambda *_: 0)
        yield read


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        (["OOM victim"], quick_parser.Question("find", Explaining(), ("OOM victim",), open_editor=False)),
        (["find", "a", "b"], quick_parser.Question("find", Explaining(), ("a", "b"), open_editor=False)),
        (
            ["-C", "linux", "at", "a.c:1", "--open", "-q"],
            quick_parser.Question("at", Explaining(repo=Path("linux"), quiet=True), ("a.c:1",), open_editor=True),
        ),
        (
            ["a", "--source", "--callers=2", "--limit=3", "-j", "2", "--format", "ndjson", "--color=never"],
            quick_parser.Question(
                "find",
                Explaining(source=CONTEXT, callers=2, limit=3, jobs=2, format=Format.NDJSON, color=Color.NEVER),
                ("a",),
                open_editor=False,
            ),
        ),
        (
            ["a", "--source=function", "--history", "all", "--no-follow", "--rev", "v5.9"],
            quick_parser.Question(
                "find",
                Explaining(source="function", history=Traced.ALL, no_follow=True, rev="v5.9"),
                ("a",),
                open_editor=False,
            ),
        ),
        (["--", "--help"], quick_parser.Question("find", Explaining(), ("--help",), open_editor=False)),
    ],
)
def test_usual_questions(arguments, read, by_typer):
    assert quick_parser.read(arguments) == read == by_typer(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["find", "--help"],
        ["find"],
        ["batch", "dmesg.log"],
        ["a", "--each"],
        ["a", "--unknown"],
        ["a", "-n"],
        ["a", "-n", "0"],
        ["a", "-n", "many"],
        ["a", "--format", "csv"],
        ["a", "--source=no"],
        ["a", "--rev="],
        ["a", "--quiet=1"],
    ],
)
def test_other_command_lines_are_left_to_typer(arguments):
    assert quick_parser.read(arguments) is None


@given(st.lists(st.one_of(st.sampled_from(OPTIONS), st.sampled_from(VALUES), st.sampled_from(WORDS)), max_size=6))
def test_any_command_line_is_read_as_typer_reads_it(by_typer, arguments):
    question = quick_parser.read(arguments)
    assert question is None or question == by_typer(arguments)


def test_the_names_of_the_commands():
    assert list(COMMANDS) == list(group().commands)


@pytest.mark.parametrize("arguments", [["--version"], ["-C", "{tree}", "OOM victim 1 (a) is already exiting. Skip"]])
def test_a_usual_run_does_not_import_typer(arguments, tmp_path):
    (tmp_path / "Kconfig").touch()
    (tmp_path / "Makefile").touch()
    script = (
        "import sys; from ksrcfind.cli.main import run; run(sys.argv[1:]);"
        "print([name for name in ('typer', 'pydantic', 'pygit2') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *[each.format(tree=tmp_path) for each in arguments]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
