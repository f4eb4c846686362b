"""What `ksrcfind batch` is asked for, on the log that comes with the bundled repository."""

import csv
import gzip
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import jsonschema
import pytest

from commandline import ksrcfind
from conftest import LINUX_MINI
from ksrcfind.cli.logs import _sigterm_interrupts
from ksrcfind.history import git_history
from ksrcfind.history.whole_history import WholeHistory
from ksrcfind.output.json import schema

LOG = LINUX_MINI / "kern.log"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema()))


@pytest.fixture(scope="module")
def cache(linux_mini, tmp_path_factory):
    """A cache in which the histories of the log are kept."""
    directory = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KSRCFIND_CACHE_DIR", str(directory))
        ksrcfind("batch", "--all", LOG, directory=linux_mini)
    return directory


@pytest.fixture
def batch(linux_mini, cache, monkeypatch):
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(cache))

    def run(*arguments, stdin=None):
        logs = [LOG] if stdin is None else ["-"]
        return ksrcfind("batch", *arguments, *logs, stdin=stdin or b"", directory=linux_mini)

    return run


@pytest.fixture
def records(batch):
    """The records of lines, and the summary."""

    def run(*arguments, stdin=None):
        done = batch(*arguments, "--format", "ndjson", stdin=stdin)
        found = [json.loads(line) for line in done.out.splitlines()]
        for record in found:
            VALIDATOR.validate(record)
        return [record for record in found if record["type"] == "line"], found[-1]

    return run


def levels(lines):
    return [(line["log"]["level"] or line["matches"][0]["level"]) if line["matches"] else None for line in lines]


ORDER = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", None]


def test_the_most_severe_come_first_and_of_equals_the_rarest(records):
    lines, _ = records()
    told = [(ORDER.index(level), line["repeats"]) for level, line in zip(levels(lines), lines, strict=True)]
    reports = {line["id"] for line in lines if line["occurrences"]["report"]}
    ranks = [(rank, line["id"] not in reports, count) for (rank, count), line in zip(told, lines, strict=True)]
    known = [rank for rank in ranks if rank[0] < ORDER.index(None)]
    assert known == sorted(known)
    assert known[0][0] == 0


def test_min_level(records):
    lines, summary = records("--min-level", "warn")
    assert {"emerg", "err", "warn"} == set(levels(lines))
    everything, _ = records()
    assert len(lines) == sum(level in ("emerg", "alert", "crit", "err", "warn") for level in levels(everything))
    assert summary["lines"] == 41  # All lines are counted.


def test_only(records):
    matched, _ = records("--only", "matched")
    unmatched, _ = records("--only", "unmatched")
    everything, _ = records()
    assert all(line["matches"] for line in matched)
    assert not any(line["matches"] for line in unmatched)
    assert {line["id"] for line in matched} | {line["id"] for line in unmatched} == {line["id"] for line in everything}


def test_new_since(records, git, linux_mini):
    """Git itself says what a later release brought: the commit, or a wording that v5.9 had taken back."""
    everything, _ = records("--only", "matched")
    lines, _ = records("--new-since", "v5.9")
    new = {line["id"] for line in lines}
    assert new
    for line in everything:
        match = line["matches"][0]
        commit = (match["introduced"] or match["last_changed"])["commit"]
        contained = "v5.9" in git(linux_mini, "tag", "--contains", commit).split()
        if match["introduced"] and contained:
            # Two words, because a literal may have been in pieces then.
            words = " ".join(max(re.split(r"%[\w.]*|\n", match["introduced"]["format"]), key=len).split()[-2:])
            search = ["git", "-C", str(linux_mini), "grep", "-qF", "-e", words, "v5.9"]
            contained = subprocess.run(search, check=False).returncode == 0
        assert (line["id"] in new) != contained, line["input"]["text"]


def test_new_since_wants_history(batch):
    done = batch("--new-since", "v5.9", "--no-history")
    assert (done.status, done.out) == (2, "")
    assert "--new-since needs the history" in done.err


@pytest.mark.parametrize("by", ["message", "file", "subsystem", "release"])
def test_group_by_changes_the_order_only(records, by):
    plain, _ = records()
    lines, _ = records("--group-by", by)
    assert sorted(map(json.dumps, lines)) == sorted(map(json.dumps, plain))


def test_headings(batch):
    def headings(by):
        out = batch("--group-by", by, "--only", "matched").out
        return re.findall(r"^(\S.*?)  \d+ messages?, \d+ lines?$", out, re.MULTILINE)

    assert "mm/oom_kill.c" in headings("file")
    assert "MEMORY MANAGEMENT" in headings("subsystem")
    assert headings("release") == ["v6.1", "v5.15", "v5.10", "v5.9", "v5.8", "v2.6.13", "v2.6.12"]
    assert headings("message") == []


def test_history_limit_tells_that_of_the_most_severe(records):
    lines, _ = records("--history-limit", "2", "--only", "matched")
    assert [line["matches"][0]["history"] for line in lines[:3]] == ["traced", "traced", "off"]


def test_each_line_has_its_record(records):
    lines, summary = records("--each")
    assert [line["input"]["line"] for line in lines] == list(range(1, 42))
    assert summary["lines"] == len(lines)
    folded, _ = records()
    for line in folded:
        if line["matches"]:
            calls = [one for one in lines if one["matches"] and one["matches"][0]["path"] == line["matches"][0]["path"]]
            assert any(one["matches"][0]["introduced"] == line["matches"][0]["introduced"] for one in calls)


def test_a_place_that_a_line_names_has_its_history(records):
    lines, _ = records("--only", "matched")
    pointing = next(line for line in lines if line["matches"][0]["points_to"])
    assert pointing["matches"][0]["points_to"]["path"] == "mm/oom_kill.c"
    assert pointing["matches"][0]["points_to"]["last_changed"] or pointing["matches"][0]["points_to"]["call"] is None


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: data], ids=["gzip", "plain"])
def test_a_pipe_is_as_good_as_a_file(records, pack):
    lines, summary = records(stdin=pack(LOG.read_bytes()))
    from_file, same = records()
    assert [line["matches"] for line in lines] == [line["matches"] for line in from_file]
    assert summary["verdicts"] == same["verdicts"]


@pytest.mark.parametrize("how", [["--each"], []], ids=["each", "folded"])
def test_what_stands_before_the_damage_of_an_archive_is_told(records, batch, tmp_path, how):
    packed = gzip.compress(LOG.read_bytes() + os.urandom(4000).hex().encode())
    lines, summary = records("--no-history", *how, stdin=packed[:-1000])
    assert (summary["verdicts"]["exact"], summary["interrupted"]) == (31, True)
    assert lines
    done = batch("--no-history", "--format", "json", *how, stdin=packed[:-1000])
    VALIDATOR.validate(json.loads(done.out))
    assert done.status == 2
    assert "is damaged" in done.err
    nothing = batch("--no-history", *how, stdin=packed[:12])
    assert (nothing.status, nothing.out) == (2, "")


@pytest.mark.parametrize("how", [["--each"], []], ids=["each", "folded"])
def test_a_damaged_file_is_read_as_far_as_it_goes(linux_mini, cache, tmp_path, monkeypatch, how):
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(cache))
    log = tmp_path / "kern.log.gz"
    log.write_bytes(gzip.compress(LOG.read_bytes())[:-30])
    done = ksrcfind("batch", "--no-history", *how, str(log), directory=linux_mini)
    assert done.status == 2
    assert "oom_kill.c" in done.out
    assert "interrupted" in done.out
    assert "kern.log.gz is damaged" in done.err


def test_answers_line_by_line_share_one_reading_of_the_history(linux_mini, tmp_path, monkeypatch):
    """Lines of a file wait for each other until it is known how many files need a history."""
    readings, read = [], WholeHistory.__init__

    def spy(changes, *arguments):
        readings.append(arguments)
        read(changes, *arguments)

    monkeypatch.setattr(WholeHistory, "__init__", spy)
    outputs = []
    for enough in (git_history.MANY_FILES_WITHOUT_GRAPH, 2):
        monkeypatch.setattr(git_history, "MANY_FILES_WITHOUT_GRAPH", enough)
        monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(tmp_path / str(enough)))
        outputs.append(ksrcfind("batch", "--each", "--format", "ndjson", LOG, directory=linux_mini).out)
    assert len(readings) == 1
    assert outputs[0] == outputs[1]


def as_journal():
    """Yield the log as `journalctl -k -o json` prints it."""
    for number, line in enumerate(LOG.read_text().splitlines()):
        stamp, _, text = line[1:].partition("] ")
        name, bracket, _ = text.partition("[")
        own = {"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel", "SYSLOG_FACILITY": "0"}
        if bracket and name == "systemd":
            own = {"_TRANSPORT": "syslog", "SYSLOG_IDENTIFIER": "systemd", "SYSLOG_FACILITY": "3", "_PID": "1"}
        yield own | {
            "MESSAGE": text,
            "PRIORITY": "6",
            "_BOOT_ID": "0" * 32,
            "__REALTIME_TIMESTAMP": str(1_670_000_000_000_000 + number),
            "_SOURCE_MONOTONIC_TIMESTAMP": str(int(float(stamp) * 1_000_000)),
        }


def test_the_journal_as_json(records):
    stdin = "".join(json.dumps(record) + "\n" for record in as_journal()).encode()
    lines, summary = records("--no-history", stdin=stdin)
    plain, same = records("--no-history")
    assert summary["verdicts"] == same["verdicts"]
    assert {line["matches"][0]["path"] for line in lines if line["matches"]} == {
        line["matches"][0]["path"] for line in plain if line["matches"]
    }
    assert lines[0]["log"]["format"] == "journal-json"


def test_dmesg_as_json(records):
    entries = [
        {"pri": 6, "time": float(line[1:].partition("]")[0]), "msg": line.partition("] ")[2]}
        for line in LOG.read_text().splitlines()
    ]
    shown = ",".join(json.dumps(entry, indent=3).replace("\n", "\n      ") for entry in entries)
    text = f'{{\n   "dmesg": [\n      {shown}\n   ]\n}}\n'
    _, summary = records("--no-history", stdin=text.encode())
    _, same = records("--no-history")
    assert {name: summary["verdicts"][name] for name in ("exact", "partial", "fuzzy")} == {
        name: same["verdicts"][name] for name in ("exact", "partial", "fuzzy")
    }


JOURNALCTL = """#!/bin/sh
printf '%s\\n' "$@" > "$CALLED"
cat "$JOURNAL"
"""


def test_the_journal_is_asked_with_the_users_filters(records, linux_mini, cache, tmp_path, monkeypatch):
    (tmp_path / "journalctl").write_text(JOURNALCTL)
    (tmp_path / "journalctl").chmod(0o755)
    (tmp_path / "journal").write_text("".join(json.dumps(record) + "\n" for record in as_journal()))
    for name, value in {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "CALLED": str(tmp_path / "called"),
        "JOURNAL": str(tmp_path / "journal"),
        "KSRCFIND_CACHE_DIR": str(cache),
    }.items():
        monkeypatch.setenv(name, value)
    done = ksrcfind(
        "batch", "--journal", "--boot", "-1", "--since", "yesterday", "--no-history", "--format", "ndjson",
        directory=linux_mini,
    )  # fmt: skip
    assert done.status == 0
    assert json.loads(done.out.splitlines()[-1])["verdicts"]["exact"] == 31
    asked = (tmp_path / "called").read_text().split("\n")
    assert "json" in " ".join(asked)
    assert any("-1" in word for word in asked)
    assert any("yesterday" in word for word in asked)


def test_a_journal_with_much_to_complain_of_is_read(linux_mini, cache, tmp_path, monkeypatch):
    record = json.dumps(next(iter(as_journal())))
    complaints = "yes 'Journal file is truncated, ignoring file.' | head -n 20000 >&2"
    (tmp_path / "journalctl").write_text(f"#!/bin/sh\n{complaints}\ncat <<'END'\n{record}\nEND\n")
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(cache))
    done = ksrcfind("batch", "--journal", "--no-history", "--format", "ndjson", directory=linux_mini)
    assert json.loads(done.out.splitlines()[-1])["lines"] == 1


def test_an_empty_journal_says_what_to_look_for(linux_mini, cache, tmp_path, monkeypatch):
    (tmp_path / "journalctl").write_text("#!/bin/sh\n")
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(cache))
    done = ksrcfind("batch", "--journal", directory=linux_mini)
    assert done.status == 1
    assert "journalctl --list-boots" in done.err


def test_a_journal_that_refuses_says_how_to_choose(linux_mini, cache, tmp_path, monkeypatch):
    (tmp_path / "journalctl").write_text("#!/bin/sh\necho 'No such boot ID in journal' >&2\nexit 1\n")
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(cache))
    done = ksrcfind("batch", "--journal", "--boot", "999", directory=linux_mini)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: journalctl: No such boot ID in journal\n  `journalctl --list-boots` lists")


REMOTE = shutil.which("systemd-journal-remote", path="/lib/systemd:/usr/lib/systemd")


@pytest.mark.skipif(
    not REMOTE or not shutil.which("journalctl"), reason="needs systemd-journal-remote, which makes journals"
)
def test_a_journal_of_two_boots_is_asked_for_each_and_for_both(linux_mini, cache, tmp_path, monkeypatch):
    entries = ""
    for boot, day in ((1, 1_670_000_000), (2, 1_670_090_000)):
        for number, fields in enumerate(as_journal()):
            own = {"_BOOT_ID": f"{boot:032x}", "__REALTIME_TIMESTAMP": f"{day}{number:06}", "_MACHINE_ID": "c" * 32}
            shown = fields | own | {"__MONOTONIC_TIMESTAMP": fields["_SOURCE_MONOTONIC_TIMESTAMP"]}
            entries += "".join(f"{name}={value}\n" for name, value in shown.items()) + "\n"
    (tmp_path / "export").write_text(entries)
    made = tmp_path / "made"
    made.mkdir()
    subprocess.run([REMOTE, "-o", str(made / "two.journal"), str(tmp_path / "export")], check=True, capture_output=True)
    (tmp_path / "journalctl").write_text(f'#!/bin/sh\nexec {shutil.which("journalctl")} -D "{made}" "$@"\n')
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(cache))

    def asked(*filters):
        done = ksrcfind(
            "batch", "--journal", *filters, "--no-history", "--format", "ndjson", directory=linux_mini
        )  # fmt: skip
        return json.loads(done.out.splitlines()[-1])

    # Those of systemd came by another way, which `-k` leaves out.
    kernel = sum(fields["_TRANSPORT"] == "kernel" for fields in as_journal())
    for filters, boots in ((["--boot", "-1"], 1), (["--boot", "all"], 2), (["--since", "2022-12-03 12:00"], 1)):
        summary = asked(*filters)
        assert (summary["lines"], summary["verdicts"]["exact"]) == (boots * kernel, boots * 31), filters
        assert len(summary["boots"]) == boots


def test_the_report_names_the_tree(batch, cache, linux_mini, tmp_path, monkeypatch):
    assert "match Linux v6.1<" in batch("--no-history", "--format", "html", "--rev", "v6.1").out
    plain = tmp_path / "linux-6.1"
    shutil.copytree(linux_mini, plain, ignore=shutil.ignore_patterns(".git"))
    (plain / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 7\nEXTRAVERSION =\n")
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(tmp_path / "cache"))
    done = ksrcfind("batch", "--no-history", "--format", "html", LOG, directory=plain)
    assert "match Linux 6.1.7 (linux-6.1)<" in done.out


def test_the_report_tells_when_a_call_prints_and_marks_its_code(batch):
    page = batch("--format", "html").out
    [data] = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    document = json.loads(data)
    [message] = [each for each in document["messages"] if "is already exiting" in (each["call"] or "")]
    assert "prints this when" in message["why"]
    assert message["when"].startswith(("kern.log:", f"{LOG}:"))  # where the line is in the log
    assert message["callers"] == []
    numbers = dict(message["source"])
    assert numbers[message["marked"][0]].strip().startswith("if (has_given_up_its_memory(")
    assert any(each["mentions"] for each in document["commits"].values())
    assert all(" " in line or "/" in line for each in document["commits"].values() for line in each["mentions"])


def test_the_report_lists_callers_if_asked(batch):
    page = batch("--format", "html", "--callers").out
    [data] = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    messages = json.loads(data)["messages"]
    [message] = [each for each in messages if "is already exiting" in (each["call"] or "")]
    assert message["callers"][:2] == [
        "Callers",
        '  out_of_memory()  mm/oom_kill.c:27, message = "Memory cgroup out of memory"',
    ]
    assert any(each["callers"] == ["Callers: none found"] for each in messages)


def test_callers_are_for_reports(linux_mini):
    done = ksrcfind("batch", "--callers", LOG, directory=linux_mini)
    assert done.status == 2
    assert "--callers is for reports" in done.err


def test_workers_that_are_told_to_end_say_nothing():
    with _sigterm_interrupts():
        worker = os.fork()
        if worker == 0:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                signal.pause()
            finally:
                os._exit(1)
        _, status = os.waitpid(worker, 0)
        assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_spreadsheet_takes_nothing_for_a_formula(batch):
    evil = ['=HYPERLINK("http://x")', "+1", "-2+3", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"]
    stdin = "".join(f"[    1.000000] {text} \x1b[0m\n" for text in evil).encode()
    for each in ([], ["--each"]):
        out = batch("--no-history", "--format", "csv", *each, stdin=stdin).out
        rows = list(csv.DictReader(io.StringIO(out)))
        assert len(rows) == len(evil)
        for row in rows:
            for cell in row.values():
                assert not re.match(r"[=+@\t\r]|-[^0-9]|-\d+[^\d.]", cell), cell


def test_a_log_of_another_series_is_told_after_it(linux_mini, tmp_path):
    tree = tmp_path / "linux"
    shutil.copytree(linux_mini, tree, ignore=shutil.ignore_patterns(".git"))
    (tree / "Makefile").write_text("VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 7\nEXTRAVERSION =\n")
    done = ksrcfind("batch", "--all", LOG, directory=tree)
    assert "note: the log is from Linux version 6.1.0-mini, the tree is 5.10.7" in done.err
    assert "it has no history to ask" in done.out
    (tree / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 55\nEXTRAVERSION =\n")
    assert "note: the log is of" not in ksrcfind("batch", LOG, directory=tree).err


EMACS = """
(progn
  (require 'compile)
  (with-current-buffer (get-buffer-create "*errors*")
    (insert-file-contents "errors")
    (compilation-mode)
    (setq buffer-read-only nil)
    (font-lock-ensure)
    (compilation--ensure-parse (point-max))
    (goto-char (point-min))
    (let (found)
      (condition-case nil
          (while t
            (compilation-next-error 1)
            (let* ((loc (compilation--message->loc (get-text-property (point) 'compilation-message)))
                   (file (car (compilation--loc->file-struct loc)))
                   (path (expand-file-name (car file) (or (cadr file) default-directory))))
              (push (vector path (compilation--loc->line loc)) found)))
        (error nil))
      (princ (json-encode (vconcat (nreverse found)))))))
"""


def vim(directory):
    script = "call writefile([json_encode(map(filter(getqflist(), 'v:val.valid'), "
    script += "{_, e -> [fnamemodify(bufname(e.bufnr), ':p'), e.lnum]}))], 'out') | qall!"
    call = ["vim", "-u", "NONE", "-N", "-es", "-q", "errors", "-c", script]
    subprocess.run(call, cwd=directory, timeout=120, check=False)
    return json.loads((directory / "out").read_text())


def emacs(directory):
    call = ["emacs", "--batch", "-Q", "--eval", "(require 'json)", "--eval", EMACS]
    done = subprocess.run(call, cwd=directory, timeout=120, check=False, capture_output=True, text=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("editor", [vim, emacs])
def test_editors_land_on_the_calls_of_a_whole_log(editor, records, batch, linux_mini, cache, tmp_path, monkeypatch):
    if shutil.which(editor.__name__) is None:
        pytest.skip(f"{editor.__name__} is not installed")
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(cache))
    done = ksrcfind("batch", "-C", linux_mini, "--format", "quickfix", LOG, directory=tmp_path)
    (tmp_path / "errors").write_text(done.out)
    expected = []
    for line in records()[0]:
        for match in line["matches"]:
            if match["points_to"]:
                expected.append((match["points_to"]["path"], match["points_to"]["line"]))
            expected.append((match["path"], match["line_start"]))
    assert [(os.path.relpath(path, linux_mini), line) for path, line in editor(tmp_path)] == expected


def test_it_follows_a_log_that_is_cut_in_the_middle_of_a_line(linux_mini, cache, tmp_path):
    """A growing file: what is there is told, and an interrupt ends it in order."""
    growing = tmp_path / "growing.log"
    whole = LOG.read_bytes()
    growing.write_bytes(whole[:1000])
    call = [sys.executable, "-m", "ksrcfind", "batch", "--follow", "--no-history", "--format", "ndjson", str(growing)]
    environment = os.environ | {"KSRCFIND_CACHE_DIR": str(cache)}
    with subprocess.Popen(call, cwd=linux_mini, env=environment, stdout=subprocess.PIPE, text=True) as process:
        first = json.loads(process.stdout.readline())
        assert first["type"] == "line"
        with growing.open("ab") as file:
            file.write(whole[1000:])
        told = {}
        for line in process.stdout:
            record = json.loads(line)
            told[record["id"]] = record
            if "unregister_netdevice" in record["input"]["text"] and record["repeats"] == 3:
                break
        process.send_signal(2)
        rest = [json.loads(line) for line in process.stdout]
    assert rest[-1]["type"] == "summary"
    assert rest[-1]["lines"] == 41
