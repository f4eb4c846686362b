"""The commands as they are typed, on the bundled repository."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from commandline import DEMO, ksrcfind
from ksrcfind import __version__
from ksrcfind.cli.examples import EXAMPLES
from ksrcfind.output.json import schema

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema()))
FRAGMENT = "is already exiting. Skip killing the task"


@pytest.fixture
def records(ask):
    """Run a command with --format ndjson; returns the records of each type."""

    def run(*arguments, status=0, **options):
        done = ask(*arguments, "--format", "ndjson", **options)
        assert done.status == status, done.err
        found = {"line": [], "place": [], "commit": [], "summary": []}
        for line in done.out.splitlines():
            record = json.loads(line)
            VALIDATOR.validate(record)
            found[record["type"]].append(record)
        return found

    return run


def test_a_whole_line_is_exact(records, mini_commits):
    found = records(DEMO)
    (line,) = found["line"]
    (commit,) = found["commit"]
    match = line["matches"][0]
    assert line["verdict"] == match["tier"] == "exact"
    assert (match["path"], match["function"], match["call"]) == ("mm/oom_kill.c", "__oom_kill_process", "pr_info")
    assert {argument["expression"]: argument["value"] for argument in match["arguments"]}["victim->comm"] == "nginx"
    assert match["last_changed"]["commit"] == commit["commit"] == mini_commits[23]
    assert (commit["first_tag"], commit["first_release"]) == ("v5.9-rc1", "v5.9")
    assert line["input"] == {"source": None, "line": None, "text": DEMO, "truncated": False}


@pytest.mark.parametrize("options", [["--source"], ["--source=5"], ["--source=function"], []])
def test_the_first_match_has_conditions_and_its_code_if_asked_for(records, options):
    (line,) = records(*options, DEMO)["line"]
    match = line["matches"][0]
    assert [(each["kind"], each["line"]) for each in match["conditions"]] == [("if", 13)]
    assert match["conditions_complete"]
    assert (match["code"] is not None) == bool(options)
    if options:
        assert match["code"]["marked"] == [13, 14, 15]
        assert "pr_info(" in match["code"]["lines"][14 - match["code"]["line_start"]]


@pytest.mark.parametrize("value", ["all", "-1", "1.5"])
def test_a_wrong_amount_of_source_is_refused(ask, value):
    done = ask(f"--source={value}", DEMO)
    assert done.status == 2
    assert "--source=" in done.err


def test_a_part_of_a_line_is_partial(records):
    (line,) = records(FRAGMENT)["line"]
    assert line["verdict"] == "partial"
    assert line["matches"][0]["path"] == "mm/oom_kill.c"


def test_text_tells_the_story(ask):
    done = ask(DEMO)
    assert done.status == 0
    for part in (
        "mm/oom_kill.c:",
        "__oom_kill_process()",
        "victim->comm",
        "nginx",
        "First tag      v5.9-rc1",
        "First release  v5.9",
    ):
        assert part in done.out
    assert "mm, oom: say so when the victim is already exiting" in done.out
    assert "Print which task was chosen and why it is left alone." in done.out


def test_each_argument_is_a_line(records):
    assert [line["verdict"] for line in records(DEMO, "no such text at all", FRAGMENT)["line"]] == [
        "exact",
        "none",
        "partial",
    ]


def test_a_pasted_piece_of_a_log_is_several_lines(records):
    assert len(records(f"{DEMO}\n{DEMO}\n")["line"]) == 2


def test_unquoted_words_are_one_line(records):
    (line,) = records(*FRAGMENT.split())["line"]
    assert line["input"]["text"] == FRAGMENT
    assert line["verdict"] == "partial"


def test_find_reads_standard_input(records):
    lines = records("find", "-", stdin=f"\n{DEMO}\n".encode())["line"]
    assert [(line["input"]["source"], line["input"]["line"]) for line in lines] == [("-", 1), ("-", 2)]
    assert [line["verdict"] for line in lines] == ["none", "exact"]
    assert lines[0]["reason"]["code"] == "empty"


def test_bytes_that_are_no_text_survive(records):
    (line,) = records("find", "-", stdin=b"\xff\x00\xfeis already exiting. Skip killing the task\n")["line"]
    assert line["input"]["text"].startswith("\ufffd")
    assert line["matches"][0]["path"] == "mm/oom_kill.c"
    (line,) = records(os.fsdecode(b"\xffis already exiting. Skip killing the task"))["line"]
    assert line["input"]["text"].startswith("\ufffd")


def test_a_line_of_one_megabyte_survives(records):
    (line,) = records("find", "-", stdin=b"x" * 2**20 + b"\n", status=1)["line"]
    assert line["input"]["truncated"]
    assert len(line["input"]["text"]) == 64 * 1024


def test_an_empty_line_says_so(records):
    (line,) = records("", status=1)["line"]
    assert line["reason"]["code"] == "empty"


def test_nothing_found_is_status_1(ask):
    done = ask("no such text at all")
    assert done.status == 1
    assert "No match: " in done.out


def test_one_line_found_is_status_0(ask):
    assert ask("no such text at all", DEMO).status == 0


def test_rev_asks_another_revision(records):
    assert records(DEMO, "--rev", "v5.9")["line"][0]["tree"]["rev"] == "v5.9"
    assert records(DEMO, "--rev", "v5.8", status=1)["line"][0]["matches"] == []


def test_no_history(records):
    found = records(DEMO, "--no-history")
    assert found["commit"] == []
    assert found["line"][0]["matches"][0]["history"] == "off"


def test_history_of_all_matches(records):
    text = "no PHY found"
    first = records(text)["line"][0]["matches"]
    all_ = records(text, "--history", "all")["line"][0]["matches"]
    assert [match["history"] != "off" for match in first] == [True, *[False] * (len(first) - 1)]
    assert [match["last_changed"] is not None for match in first] == [True, *[False] * (len(first) - 1)]
    assert len(all_) > 1
    assert all(match["last_changed"] for match in all_)


def test_limit(records):
    (line,) = records("no PHY found", "-n", "1")["line"]
    assert len(line["matches"]) == 1
    assert line["rivals"] >= 1


def test_json_document(ask, mini_commits):
    done = ask(DEMO, "--format", "json")
    document = json.loads(done.out)
    VALIDATOR.validate(document)
    assert document["records"][0]["matches"][0]["last_changed"]["commit"] == mini_commits[23]
    assert list(document["commits"]) == [mini_commits[23]]
    assert document["summary"] is None


def test_at_answers_in_order(records, linux_mini):
    source = (linux_mini / "mm/oom_kill.c").read_text().splitlines()
    (number,) = (number for number, line in enumerate(source, 1) if "is already exiting" in line)
    places = records("at", f"mm/oom_kill.c:{number}", "mm/oom_kill.c:1", f"mm/oom_kill.c:{number}")["place"]
    assert [place["input"]["text"] for place in places] == [
        f"mm/oom_kill.c:{number}",
        "mm/oom_kill.c:1",
        f"mm/oom_kill.c:{number}",
    ]
    assert [len(place["matches"]) for place in places] == [1, 0, 1]
    assert places[0]["log"] is None
    assert places[0]["verdict"] == "place"
    assert (places[0]["matches"][0]["score"], places[0]["matches"][0]["confidence"]) == (1, 1)
    assert places[0]["matches"][0]["line_start"] <= number <= places[0]["matches"][0]["line_end"]
    assert places[1]["reason"]["code"] == "no_message_here"


def test_at_reads_what_grep_prints(records, linux_mini):
    grep = subprocess.run(["git", "grep", "-n", "already exiting"], cwd=linux_mini, capture_output=True, check=True)
    (place,) = records("at", "-", stdin=grep.stdout)["place"]
    assert place["matches"][0]["function"] == "__oom_kill_process"


def test_at_with_nothing_there_is_status_1(ask):
    assert ask("at", "mm/oom_kill.c:1").status == 1


LOG = f"""\
[    0.000000] Linux version 6.1.0
{DEMO}

{DEMO.replace("46452", "46453").replace("02:06:26", "02:06:27")}
sshd[1]: session opened
""".encode()


def test_batch_folds_repeats(records):
    found = records("batch", "-", stdin=LOG)
    (oom,) = (line for line in found["line"] if line["verdict"] == "exact" and line["repeats"] == 2)
    assert (oom["occurrences"]["first"]["line"], oom["occurrences"]["last"]["line"]) == (2, 4)
    pid = [argument["expression"] for argument in oom["matches"][0]["arguments"]].index("task_pid_nr(victim)")
    assert [value["value"] for value in oom["occurrences"]["arguments"][pid]["values"]] == ["46452", "46453"]
    assert oom["matches"][0]["last_changed"]["first_release"] == "v5.9"
    (summary,) = found["summary"]
    assert summary["lines"] == 5
    assert sum(summary["verdicts"].values()) == 5


def test_batch_of_each_line(records, tmp_path):
    log = tmp_path / "kern.log"
    log.write_bytes(LOG)
    lines = records("batch", "--each", "--no-history", log)["line"]
    assert [line["input"]["line"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["id"] for line in lines] == [1, 2, 3, 4, 5]
    assert {line["input"]["source"] for line in lines} == {str(log)}
    assert lines[2]["reason"]["code"] == "empty"


def test_batch_reads_several_logs(records, tmp_path):
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(LOG)
    found = records("batch", tmp_path / "b.log", tmp_path / "a.log")
    assert found["summary"][0]["lines"] == 10
    assert max(line["repeats"] for line in found["line"]) == 4


def test_batch_in_text_ends_with_the_count(ask):
    done = ask("batch", "--all", "-", stdin=LOG)
    assert "2x " in done.out
    assert "5 lines, " in done.out


def test_batch_without_any_match_is_status_1(ask):
    assert ask("batch", "-", stdin=b"sshd[1]: nothing\n").status == 1
    assert ask("batch", "-", stdin=b"").status == 1


def test_quickfix_names_paths_of_the_tree(ask, linux_mini, tmp_path):
    done = ask("--format", "quickfix", DEMO)
    assert done.out.startswith("mm/oom_kill.c:")
    elsewhere = ksrcfind("-C", linux_mini, "--format", "quickfix", DEMO, directory=tmp_path)
    assert elsewhere.out == f"ksrcfind: Entering directory '{linux_mini}'\n{done.out}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "json", "find", DEMO),
        ("find", "--format", "json", DEMO),
        ("find", DEMO, "--format", "json"),
        (DEMO, "--format=json"),
        ("--format=json", DEMO),
        ("--format=json", "--", DEMO),
    ],
)
def test_options_work_before_and_after_the_command(ask, arguments):
    assert ask(*arguments).out == ask("--format", "json", "find", DEMO).out


def test_the_tree_is_named_by_option_environment_directory_or_file(linux_mini, tmp_path, monkeypatch):
    def works(*arguments, directory=tmp_path):
        return ksrcfind(*arguments, DEMO, directory=directory).status == 0

    assert not works()
    assert works("-C", linux_mini)
    assert works(directory=linux_mini / "mm")
    config = tmp_path / "config.toml"
    config.write_text(f'repo = "{linux_mini}"')
    monkeypatch.setenv("KSRCFIND_CONFIG", str(config))
    assert works()
    monkeypatch.delenv("KSRCFIND_CONFIG")
    monkeypatch.setenv("KSRCFIND_REPO", str(linux_mini))
    assert works()
    assert not works("-C", tmp_path)


def test_color(ask, monkeypatch):
    assert "\x1b[" in ask("--color", "always", DEMO).out
    assert "\x1b[" not in ask(DEMO).out
    assert "\x1b[" in ask(DEMO, terminal=True).out
    assert "\x1b[" not in ask("--color", "never", DEMO, terminal=True).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in ask(DEMO, terminal=True).out
    assert "\x1b[" in ask("--color", "always", DEMO).out


def test_index_changes_no_answer(ask, records):
    texts = (DEMO, FRAGMENT, "no PHY found", "invoked oom-killer: gfp_mask=0x0, order=0")
    before = records(*texts)
    done = ask("index")
    assert done.status == 0, done.err
    after = records(*texts)

    def first(found):
        return [(line["matches"][0]["path"], line["matches"][0]["line_start"]) for line in found["line"]]

    assert first(after) == first(before)
    assert ask("index", "--format", "json").status == 0


def test_doctor(ask):
    done = ask("doctor", "--format", "json")
    VALIDATOR.validate(json.loads(done.out))
    checks = {check["name"]: check for check in json.loads(done.out)["checks"]}
    assert checks["release tags"]["value"].startswith("17, v2.6.12-rc2 to v6.2-rc1; ignored: ")
    assert "(v2.6.11)" in checks["release tags"]["value"]
    assert checks["commit graph"]["state"] == "warn"
    assert "commit-graph write --reachable --changed-paths" in checks["commit graph"]["advice"]
    assert done.status == 0
    assert "release tags" in ask("doctor").out


def test_version(ask):
    assert ask("--version").out == f"ksrcfind {__version__}\n"


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_help_teaches_by_example(ask, name):
    done = ask(*filter(None, [name]), "--help")
    assert done.status == 0
    shown = " ".join(done.out.split())
    for purpose, example in EXAMPLES[name]:
        assert purpose in shown
        assert " ".join(example.split()) in shown


@pytest.mark.parametrize("arguments", [(), ("--help",), *((name, "--help") for name in EXAMPLES if name)])
def test_help_names_no_types_as_if_they_were_values(ask, arguments):
    shown = ask(*arguments).out
    assert "<bool>" not in shown
    assert "<list[" not in shown
    assert "<str>" not in shown


def test_without_arguments_help_is_shown(ask):
    done = ask()
    assert done.status == 2
    assert "Usage: ksrcfind" in done.out


@pytest.mark.parametrize(("name", "package"), [("lsp", "pygls"), ("mcp", "mcp")])
def test_a_command_without_its_extra_says_what_to_install(ask, name, package, monkeypatch, tmp_path):
    for module in [*sys.modules]:
        if module.startswith(f"ksrcfind.{name}."):
            monkeypatch.delitem(sys.modules, module)
        if module.split(".")[0] == package:
            monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, package, None)
    done = ask(name)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"error: ksrcfind {name} needs a package that is not installed: {package}")
    assert re.search(rf"Add it with: {re.escape(sys.executable)} -m pip install '{package}[<>=,.\d]+'\n$", done.err)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "pipx_metadata.json").touch()
    assert re.search(rf"Add it with: pipx inject ksrcfind '{package}[<>=,.\d]+'\n$", ask(name).err)


def program(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "ksrcfind", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


def test_a_reader_that_goes_away_ends_the_program_quietly(linux_mini):
    process = program("batch", "--each", "-", cwd=linux_mini, stdin=subprocess.PIPE)
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(LOG * 2000)
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141


def shell(command, directory):
    done = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "ksrcfind"], cwd=directory, capture_output=True, check=False
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_streams_that_the_caller_closed_are_empty(linux_mini):
    known = '"already exiting. Skip killing the task" --no-history'
    assert shell(f'"$@" {known} >&-', linux_mini) == (0, "", "")
    status, out, _ = shell(f'"$@" {known} 2>&-', linux_mini)
    assert (status, "mm/oom_kill.c" in out) == (0, True)
    for command in ("find -", "at -", "batch --each -", "batch --follow -"):
        status, out, err = shell(f'"$@" {command} --format ndjson <&-', linux_mini)
        assert (status, '"type":"line"' in out) == (1, False), command
        assert err in ("note: standard input is empty\n", "note: the log is empty\n"), command
    assert shell('"$@" --format frobnicate x 2>&-', linux_mini) == (2, "", "")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs a device that is always full")
def test_an_output_that_has_no_place_is_an_error(linux_mini):
    for command in ('"already exiting. Skip killing the task"', "messages", "batch --no-history /dev/null"):
        status, _, err = shell(f'"$@" {command} >/dev/full', linux_mini)
        assert status == 2, command
        assert "error: cannot write the output: No space left on device\n" in err, command


def test_an_interrupt_ends_a_batch_with_what_is_done(linux_mini):
    process = program("batch", "--no-history", "--format", "ndjson", "-", cwd=linux_mini, stdin=subprocess.PIPE)
    process.stdin.write(LOG)
    process.stdin.flush()
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert err == b""
    summary = json.loads(out.splitlines()[-1])
    assert summary["type"] == "summary"
    assert summary["interrupted"]
    assert process.returncode == 130


def test_an_interrupt_of_a_query_is_quiet(linux_mini):
    process = program("find", "-", cwd=linux_mini, stdin=subprocess.PIPE)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_completion(linux_mini):
    process = program(cwd=linux_mini, env=os.environ | {"_KSRCFIND_LINE": "ksrcfind do"})
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out.partition(b"\t")[0], err) == (0, b"doctor", b"")
    process = program(cwd=linux_mini, env=os.environ | {"_KSRCFIND_LINE": "ksrcfind find --no-h"})
    out, _ = process.communicate(timeout=60)
    assert out.partition(b"\t")[0] == b"--no-history"
    process = program(cwd=linux_mini, env=os.environ | {"_KSRCFIND_LINE": "ksrcfind find --nothing"})
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 1
