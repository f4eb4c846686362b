"""What a stranger types: commands and files with typing mistakes, other names of levels, values that make no sense."""

import ast
import os
from pathlib import Path

import pytest
import typer

from commandline import DEMO, ksrcfind
from ksrcfind.cli.app import app
from repositories import KERNEL, VirtualDocuments

ROOT = Path(__file__).parent.parent
COMMANDS = typer.main.get_command(app).commands
FORMATS = ["text", "json", "ndjson", "quickfix", "csv", "sarif", "html"]
OWN_FORMATS = {
    "find": FORMATS[:4],
    "at": FORMATS[:4],
    "batch": FORMATS,
    "messages": ["text", "json", "ndjson", "csv"],
    "life": ["text", "json", "ndjson"],
    "explain": ["text", "json"],
    "show": ["text", "json"],
    "diff": ["text", "json", "ndjson", "csv"],
    "tree": ["text", "json"],
    "index": ["text", "json"],
    "doctor": ["text", "json"],
    "lsp": ["text"],
    "mcp": ["text"],
    "help": ["text"],
    "version": ["text"],
}


@pytest.fixture
def log(tmp_path):
    """A log of one line."""
    path = tmp_path / "kern.log"
    path.write_text(f"{DEMO}\n")
    return path


def test_help_is_a_command(ask):
    assert ask("help") == ask("--help")
    assert ask("help", "batch") == ask("batch", "--help")
    assert ask("-C", "x", "help").status == 0
    done = ask("help", "bacth")
    assert (done.status, done.out) == (2, "")
    assert done.err == "error: no such command: bacth\n  Did you mean batch?\n"
    assert "Commands: find, at, batch" in ask("help", "frobnicate").err


def test_version_is_a_command(ask):
    assert ask("version") == ask("-V") == ask("--version")


def test_the_names_of_commands_can_still_be_asked_for(ask):
    assert "Usage" not in ask("find", "help").out
    assert "Usage" not in ask("--", "version").out
    done = ask("index", "out", "of", "range")
    assert done.status == 2
    assert "To find a log line that begins with index: ksrcfind find index out of range" in done.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("bacth", "batch"), ("indx", "index"), ("Docter", "doctor"), ("fidn", "find"), ("mesages", "messages")],
)
def test_a_mistyped_command_that_matches_nothing_is_named(ask, typed, meant):
    done = ask(typed, "some.log")
    assert done.status == 1
    assert "No match: " in done.out
    assert done.err == f"note: Did you mean the command {meant}? ksrcfind {meant} some.log\n"


def test_a_query_that_matches_is_no_mistyped_command(tmp_path):
    VirtualDocuments(tmp_path).commit(
        "start", KERNEL | {"mm/a.c": 'void f(void)\n{\n\tprintk("bacth job of mm ended\\n");\n}\n'}
    )
    done = ksrcfind("bacth", "job", "of", "mm", "ended", directory=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert "mm/a.c:3" in done.out


@pytest.mark.parametrize("arguments", [("no such text", "bacth"), ("find", "bacth"), ("--", "bacth"), ("oom-killer",)])
def test_what_was_meant_as_a_query_is_no_mistyped_command(ask, arguments):
    assert "Did you mean" not in ask(*arguments).err


def test_an_error_names_the_mistyped_command_too(ask, tmp_path):
    done = ask("bacth", "--min-level", "err", "x.log")
    assert done.status == 2
    assert "Did you mean the command batch? ksrcfind batch --min-level err x.log\n" in done.err
    done = ksrcfind("indx", directory=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "Did you mean the command index? ksrcfind index\n" in done.err


def test_an_option_of_another_command_says_whose_it_is(ask):
    assert "--each is an option of batch.\n" in ask("at", "x.c:1", "--each").err


def test_a_log_without_a_command_is_offered_to_batch(ask, log):
    done = ask(log)
    assert done.status == 1
    assert done.err == f"note: To explain a whole log: ksrcfind batch {log}\n"


def test_a_place_alone_is_answered_as_a_place(ask):
    done = ask("mm/oom_kill.c:14", "--format", "ndjson")
    assert done.out == ask("at", "mm/oom_kill.c:14", "--format", "ndjson").out
    assert (done.status, done.err) == (
        0,
        "note: mm/oom_kill.c:14 is answered as a source line, like: ksrcfind at mm/oom_kill.c:14\n",
    )
    done = ask("mm/oom_kil.c:14")
    assert (done.status, "Did you mean mm/oom_kill.c?" in done.out) == (1, True)


def test_a_place_that_a_message_prints_is_a_line(tmp_path):
    VirtualDocuments(tmp_path).commit(
        "start", KERNEL | {"mm/a.c": 'void f(void)\n{\n\tprintk("watchdog/entry.c:3\\n");\n}\n'}
    )
    assert ksrcfind("index", directory=tmp_path).status == 0
    done = ksrcfind("watchdog/entry.c:3", "--no-history", directory=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert "exact match" in done.out


def test_a_place_without_a_message_names_the_one_that_was_meant(ask):
    def said(place):
        done = ask("at", place)
        assert (done.status, done.err) == (1, "")
        return done.out.partition("No match: ")[2].strip()

    nearest = "The nearest is at line 6 in dump_header()."
    assert said("mm/oom_kill.c:3") == f"There is no log call at mm/oom_kill.c:3. {nearest}"
    assert said("mm/oom_kill.c:99").startswith(
        "mm/oom_kill.c has only 30 lines; there is no line 99. The nearest is at line 18"
    )
    assert said("mm/oom_kil.c:14") == "There is no source file mm/oom_kil.c in this tree. Did you mean mm/oom_kill.c?"
    assert said("oom_kill.c:14").endswith("Did you mean mm/oom_kill.c?")
    assert said("mm:1") == "mm is a directory. Name a file in it."
    assert said("zzzzzzzz.c:1").endswith("Paths are relative to the root of the tree.")
    assert said("Makefile:1") == "There is no log call at Makefile:1. This file has no log calls."
    assert "Did you mean mm/oom_kill.c" in ask("life", "mm/oom_kil.c:14").err
    assert "Did you mean mm/oom_kill.c" in ask("messages", "mm/oom_kil.c").err


def test_a_place_is_told_the_same_way_with_an_index(ask):
    before = [ask("at", place).out for place in ("mm/oom_kill.c:3", "mm/oom_kill.c:99", "mm/oom_kil.c:14")]
    assert ask("index").status == 0
    assert [ask("at", place).out for place in ("mm/oom_kill.c:3", "mm/oom_kill.c:99", "mm/oom_kil.c:14")] == before


@pytest.mark.parametrize("name", ["warn", "warning", "WARNING", "KERN_WARNING", "4"])
def test_levels_have_their_customary_names(ask, log, name):
    done = ask("batch", "--no-history", "--min-level", name, log)
    assert done.out == ask("batch", "--no-history", "--min-level", "warn", log).out
    assert done.err == ""


@pytest.mark.parametrize("name", ["8", "loud", "-1", "warn,err"])
def test_a_level_that_does_not_exist_is_an_error(ask, log, name):
    done = ask("batch", "--min-level", name, log)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"error: no such level: {name}\n  Levels are emerg, alert, crit, ")


def test_new_since_takes_a_release_that_exists(ask, log):
    def asked(release):
        return ask("batch", "--new-since", release, log)

    assert asked("5.8").out == asked("v5.8").out
    assert asked("v5.8").status == 0
    assert asked("v99").err == "error: no such release: v99\n  The last release here is v6.2-rc1.\n"
    assert "The nearest are v5.8 and v5.8.1. The last release here is v6.2-rc1." in asked("v5.8.0.1").err
    assert "A release is named by its tag, such as v6.1. The last" in asked("latest").err
    for release in ("v99", "v5.8.0.1", "latest"):
        assert (asked(release).status, asked(release).out) == (2, "")


def test_new_since_needs_history(tmp_path, log):
    for path, text in KERNEL.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    done = ksrcfind("batch", "--new-since", "v6.1", log, directory=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "--new-since needs history, which this tree does not have" in done.err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_lists_and_takes_its_own_formats(ask, name):
    shown = " ".join(ask(name, "--help").out.split())
    own = OWN_FORMATS[name]
    [option] = [parameter for parameter in COMMANDS[name].params if parameter.name == "format"]
    assert option.metavar == "|".join(own)
    assert ("--format" in shown) == (len(own) > 1)
    for other in [*(set(FORMATS) - set(own)), "xml"]:
        done = ask(
            name,
            *["x.c:1"] * (name in {"find", "at", "life", "explain", "show"}),
            *["a", "b"] * (name == "diff"),
            *["list"] * (name == "tree"),
            "--format",
            other,
        )
        assert (done.status, done.out) == (2, "")
        known = f"{', '.join(own[:-1])} and {own[-1]}" if len(own) > 1 else "text only"
        assert done.err == f"error: {name} has no format {other}\n  It has {known}.\n"


def test_the_help_of_the_program_lists_what_every_command_takes(ask):
    shown = " ".join(ask("--help").out.split())
    for part in ("--repo", "-C", "--rev", "--index", "--color", "ksrcfind COMMAND --help", "docs/"):
        assert part in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("x", "-n", "0"), "'--limit' / '-n': it must be 1 or more"),
        (("x", "-n", "-1"), "'--limit' / '-n': it must be 1 or more"),
        (("x", "-n", "1001"), "'--limit' / '-n': it must be 1000 or less"),
        (("x", "-n", "many"), "'--limit' / '-n': it must be a whole number"),
        (("x", "-n"), "ksrcfind find --help shows its options"),
        (("batch", "--group-by"), "ksrcfind batch --help shows its options"),
        (("batch", "--group-by", "colour", "x"), "'colour' is not one of 'message', 'file', 'subsystem', 'release'"),
        (("x", "--rev="), "error: --rev has an empty value"),
        (("x", "-C", ""), "error: -C has an empty value"),
        (("x", "--rev", "v2.6.11"), "error: v2.6.11 names a tree, not a commit\n  Nearest names: v2.6.1"),
        (("x", "-C", "Makefile"), "error: not a directory: Makefile"),
        (("--",), "Missing argument 'LINE'"),
        (("batch",), "error: no log given"),
        (("batch", ""), "error: the name of a log is empty"),
        (("messages", ""), "error: a path is empty"),
        (("diff", "v5.8", "v5.9", ""), "error: a path is empty"),
        (("batch", "--since", "yesterday", "Makefile"), "Add --journal."),
        (("batch", "--follow", "mm"), "error: cannot follow mm: it is a directory"),
        (("x", "--rev", "auto"), "error: --rev auto works only with batch"),
        (("batch", "--rev", "auto", "-"), "error: --rev auto needs a file, not standard input"),
        (("batch", "--each", "--group-by", "file", "Makefile"), "Remove --each."),
        (("batch", "--each", "--history-limit", "3", "Makefile"), "Remove --each."),
        (("batch", "Makefil"), "  The closest name there is Makefile."),
    ],
)
def test_a_value_that_makes_no_sense_is_an_error_with_advice(ask, arguments, said):
    done = ask(*arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert "\n  " in done.err
    assert said in done.err


def test_every_error_says_what_to_do():
    raised = ("KsrcfindError", "LogUnreadableError", "NoTreeError")
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in raised:
                assert len(node.args) == 2, f"{file}:{node.lineno}: {ast.unparse(node)}"


def test_a_value_that_is_missing_is_no_text_with_a_dash(ask):
    assert "dashes" not in ask("x", "-n").err
    assert "ksrcfind -- -EIO" in ask("-EIO").err


def test_of_several_values_the_last_counts(ask):
    assert ask("-n", "1", "-n", "2", "no PHY found").out == ask("-n", "2", "no PHY found").out


def test_a_missing_log_is_told_before_any_is_explained(ask, log):
    done = ask("batch", "--each", log, log.with_name("kern.lgo"))
    assert (done.status, done.out) == (2, "")
    assert done.err.endswith(f"No such file or directory\n  The closest name there is {log}.\n")


def test_a_directory_without_logs_is_an_error(ask, tmp_path):
    done = ask("batch", tmp_path)
    assert (done.status, done.out) == (2, "")
    assert f"there are no logs in {tmp_path}" in done.err


def test_a_log_that_the_system_refuses_says_how_to_read_it(ask, log, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    done = ask("batch", log)
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        f"error: cannot read {log}: Permission denied\n  Ask for it as root: sudo cat {log} | ksrcfind batch -\n"
    )


@pytest.mark.parametrize("name", ["empty.log", "/dev/null"])
def test_an_empty_log_says_so(ask, tmp_path, name):
    (tmp_path / "empty.log").touch()
    done = ask("batch", tmp_path / name)
    assert (done.status, done.err) == (1, "note: the log is empty\n")


@pytest.mark.parametrize("command", ["find", "at"])
def test_an_empty_input_says_so(ask, command):
    done = ask(command, "-", stdin=b"")
    assert (done.status, done.out, done.err) == (1, "", "note: standard input is empty\n")


@pytest.mark.parametrize("command", ["find", "at", "batch"])
def test_a_terminal_is_told_that_lines_are_expected(ask, command):
    done = ask(command, "-", stdin=b"", typed=True)
    assert done.err.count("note: reading lines from the terminal; end with Ctrl-D\n") == 1


def test_bytes_that_are_no_log_are_no_error_of_the_program(ask, tmp_path):
    log = tmp_path / "binary.log"
    log.write_bytes(bytes(range(256)) * 100)
    done = ask("batch", "--no-history", log)
    assert done.status in (0, 1)
    assert "Traceback" not in done.err


def test_advice_shows_controls_by_number(ask):
    done = ask("bacth", "\x1b]0;x\x07")
    assert "\x1b" not in done.err
    assert "Did you mean the command batch?" in done.err
