"""Every command on a real pseudo-terminal, narrow and wide, with and without colours: a hit, a miss and an error.

What reads the same everywhere is compared with what the command writes into a pipe.
"""

import json
import re
from pathlib import Path

import pytest

from commandline import DEMO
from pseudoterminal import PseudoTerminals

ROOT = Path(__file__).parent.parent
KERNEL_LOG = str(ROOT / "fixtures" / "linux-mini" / "kern.log")
NOBODYS_LOG = "nobody.log"
NOWHERE = "qqq wibble flurb"
PLACE = "mm/oom_kill.c:14"

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x1b]*\x1b\\")
DURATION = re.compile(r"[\d.]+ (?:s|seconds?|minutes?|hours?|MB)\b")

# What is typed, and the exit status.
TEXT = {
    "find hit": (["find", DEMO], 0),
    "find part": (["find", "--history", "all", "no PHY found"], 0),
    "find miss": (["find", NOWHERE], 1),
    "find error": (["find", "--rev", "v99", DEMO], 2),
    "at hit": (["at", PLACE], 0),
    "at miss": (["at", "mm/oom_kill.c:99"], 1),
    "at error": (["at", "nowhere"], 2),
    "batch hit": (["batch", KERNEL_LOG], 0),
    "batch several": (["batch", "--group-by", "subsystem", KERNEL_LOG, NOBODYS_LOG], 0),
    "batch release": (["batch", "--rev", "auto", KERNEL_LOG], 0),
    "batch miss": (["batch", NOBODYS_LOG], 1),
    "batch error": (["batch", "no-such.log"], 2),
    "batch --each hit": (["batch", "--each", KERNEL_LOG], 0),
    "batch --each miss": (["batch", "--each", NOBODYS_LOG], 1),
    "batch --each error": (["batch", "--each", "no-such.log"], 2),
    "messages hit": (["messages"], 0),
    "messages miss": (["messages", "include/linux/mini_assert.h"], 1),
    "messages error": (["messages", "nowhere"], 2),
    "life hit": (["life", "invoked oom-killer: gfp_mask=0x0"], 0),
    "life place": (["life", PLACE], 0),
    "life miss": (["life", NOWHERE], 1),
    "life error": (["life", "--rev", "v99", DEMO], 2),
    "explain hit": (["explain", "invoked oom-killer: gfp_mask=0x0"], 0),
    "explain place": (["explain", PLACE], 0),
    "explain miss": (["explain", NOWHERE], 1),
    "explain error": (["explain", "--rev", "v99", DEMO], 2),
    "show function": (["show", "dump_header"], 0),
    "show commit": (["show", "v5.9"], 0),
    "show miss": (["show", "dump_heder"], 1),
    "show error": (["show", "--rev", "v99", "dump_header"], 2),
    "diff hit": (["diff", "v5.8", "v5.9"], 0),
    "diff miss": (["diff", "v5.9", "v5.9"], 1),
    "diff error": (["diff", "v0.1", "v5.9"], 2),
    "diff rules hit": (["diff", "v5.8", "v5.9", "--rules", "rules"], 0),
    "diff rules error": (["diff", "v5.8", "v5.9", "--rules", "no-such"], 2),
    "index": (["index"], 0),
    "index error": (["index", "--candidates"], 2),
    "index --output error": (["index", "--output", "no/where"], 2),
    "doctor": (["doctor"], 0),
    "doctor error": (["-C", "nowhere", "doctor"], 2),
    "lsp error": (["lsp", "--format", "json"], 2),
    "mcp error": (["mcp", "--format", "json"], 2),
    "nothing": ([], 2),
    "version": (["--version"], 0),
    "usage error": (["find", "--no-such-option"], 2),
    "format error": (["find", "--format", "no-such", DEMO], 2),
}
HELP = [
    [],
    *(
        [name]
        for name in (
            "find",
            "at",
            "batch",
            "messages",
            "life",
            "explain",
            "show",
            "diff",
            "index",
            "doctor",
            "lsp",
            "mcp",
        )
    ),
]
ANSWERS = ("json", "ndjson", "quickfix")
MACHINE = [
    *((form, name) for name in ("find hit", "find miss", "at hit", "at miss") for form in ANSWERS),
    *((form, name) for name in ("batch hit", "batch miss") for form in (*ANSWERS, "csv", "sarif", "html")),
    *((form, name) for name in ("batch --each hit", "batch --each miss") for form in (*ANSWERS, "csv", "sarif")),
    *((form, name) for name in ("messages hit", "messages miss") for form in ("json", "ndjson", "csv")),
    *((form, "life hit") for form in ("json", "ndjson")),
    *(("json", name) for name in ("show function", "show commit")),
    *((form, name) for name in ("diff hit", "diff miss", "diff rules hit") for form in ("json", "ndjson", "csv")),
    *(("json", name) for name in ("index", "doctor", "doctor error")),
]


@pytest.fixture(scope="module")
def terminals():
    with PseudoTerminals() as helper:
        yield helper


@pytest.fixture(scope="module")
def cache(tmp_path_factory, terminals, linux_mini):
    """A cache with indexes, so that every run answers from the same."""
    directory = tmp_path_factory.mktemp("cache")
    for call in (["index"], ["diff", "v5.8", "v5.9"]):
        terminals.run(*call, directory=linux_mini, environment={"KSRCFIND_CACHE_DIR": str(directory)})
    return directory


@pytest.fixture
def run(terminals, cache, linux_mini, tmp_path):
    """Run a command beside the bundled tree: `run(arguments, columns, color)`; columns 0 for a pipe."""
    (tmp_path / NOBODYS_LOG).write_text(f"{NOWHERE}\n\n[    1.000000] systemd[1]: Started.\n")
    (tmp_path / "rules").write_text("already exiting\nnobody says this\n")

    def start(arguments, columns, **environment):
        # Links lead to the tree, so it is named by one path in all runs.
        variables = {"KSRCFIND_CACHE_DIR": str(cache), "KSRCFIND_REPO": str(linux_mini), **environment}
        return terminals.run(
            *arguments, columns=columns or 80, piped=not columns, directory=tmp_path, environment=variables
        )

    return start


def stable(text):
    return DURATION.sub("N", text)


@pytest.mark.parametrize("name", TEXT)
def test_text_reads_the_same_on_every_terminal_and_in_a_pipe(run, name):
    arguments, status = TEXT[name]
    pipe = run(arguments, 0)
    narrow, wide = run(arguments, 80), run(arguments, 200, NO_COLOR="1")
    assert "Traceback" not in pipe.err + narrow.err + wide.err
    assert (pipe.status, narrow.status, wide.status) == (status, status, status), pipe.err
    assert "\x1b" not in pipe.out + pipe.err + wide.out + wide.err
    assert stable(wide.out) == stable(pipe.out) or not arguments  # Without arguments it is help that is shown.
    assert stable(wide.err) == stable(pipe.err)
    assert stable(ESCAPE.sub("", narrow.out)) == stable(pipe.out)
    assert stable(ESCAPE.sub("", narrow.err)) == stable(pipe.err)
    assert pipe.out or pipe.err or name == "messages miss"
    assert (pipe.err.count("error: ") == 1) == (status == 2 and pipe.out == "")


@pytest.mark.parametrize("name", [name for name in TEXT if not name.startswith(("index", "lsp", "mcp", "nothing"))])
def test_colours_can_be_asked_for_in_a_pipe(run, name):
    arguments, status = TEXT[name]
    plain, coloured = run([*arguments, "--color", "never"], 0), run([*arguments, "--color", "always"], 0)
    assert "Traceback" not in coloured.err
    if name != "version":
        assert (plain.status, coloured.status) == (status, status)
    assert stable(ESCAPE.sub("", coloured.out)) == stable(plain.out)
    assert "\x1b" not in plain.out


@pytest.mark.parametrize(("form", "name"), MACHINE)
def test_what_programs_read_is_the_same_on_a_terminal(run, form, name):
    arguments, status = TEXT[name]
    arguments = [*arguments, "--format", form]
    pipe, terminal = run(arguments, 0), run([*arguments, "--color", "always"], 80)
    assert "Traceback" not in pipe.err + terminal.err
    assert (pipe.status, terminal.status) == (status, status), pipe.err
    assert "\x1b" not in terminal.out
    if (form, name) == ("json", "index"):
        assert json.loads(terminal.out).keys() == json.loads(pipe.out).keys()
    else:
        assert stable(terminal.out) == stable(pipe.out)


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("command", HELP, ids=lambda command: command[0] if command else "program")
def test_help_fits_the_terminal(run, command, columns):
    coloured, plain = run([*command, "--help"], columns), run([*command, "--help"], columns, NO_COLOR="1")
    never = run(["--color", "never", *command, "--help"], columns)
    assert coloured.status == plain.status == never.status == 0
    assert "\x1b[" in coloured.out
    assert "\x1b" not in plain.out + never.out
    assert ESCAPE.sub("", coloured.out) == plain.out == never.out
    assert max(map(len, plain.out.splitlines())) == columns  # Panels are as wide as the terminal.
