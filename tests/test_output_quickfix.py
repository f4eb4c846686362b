"""quickfix: lines that editors jump to, judged by vim itself where it is installed."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from example_findings import EXACT, FILES_ONLY, HOSTILE, PLACE, POINTING, RIVALS, STRANGE, UNEXPLAINED, fold
from ksrcfind.output.quickfix import QuickfixWriter


def quickfix(*findings, directory=None):
    out = io.StringIO()
    writer = QuickfixWriter(out.write, directory)
    for finding in findings:
        writer.finding(finding)
    writer.end(None)
    return out.getvalue().splitlines()


def test_one_line_for_each_match():
    assert quickfix(EXACT) == [
        "mm/oom_kill.c:868:1: Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing "
        "the task [exact, __oom_kill_process(), v5.9]"
    ]
    assert [line.split(" ")[0] for line in quickfix(RIVALS)] == [
        "fs/x/super.c:10:1:",
        "mm/oom_kill.c:868:1:",
        "mm/oom_kill.c:868:1:",
    ]


def test_without_history_no_release():
    assert quickfix(FILES_ONLY)[0].endswith("[exact, __oom_kill_process()]")


def test_a_place_shows_its_template():
    assert quickfix(PLACE) == [
        "mm/oom_kill.c:868:1: %s: OOM victim %d (%s) is already exiting. Skip killing the task "
        "[__oom_kill_process(), v5.9]"
    ]


def test_where_the_line_points_comes_first():
    assert quickfix(POINTING)[0].startswith("kernel/fork.c:99:1: Memory cgroup")


def test_unexplained_lines_are_left_out():
    assert quickfix(UNEXPLAINED) == []


def test_repeats_are_counted():
    out = io.StringIO()
    writer = QuickfixWriter(out.write)
    for item in fold(EXACT, EXACT, RIVALS):
        writer.folded(item)
    first, second, *_ = out.getvalue().splitlines()
    assert first.startswith("mm/oom_kill.c:868:1: 2x Memory")
    assert second.startswith("fs/x/super.c:10:1: X-fs")


def test_another_directory_is_entered_once():
    lines = quickfix(EXACT, EXACT, directory=Path("/src/linux"))
    assert lines[0] == "ksrcfind: Entering directory '/src/linux'"
    assert len(lines) == 3


def test_controls_are_shown_by_number():
    (line,) = quickfix(STRANGE)
    assert not set(line) & (set(HOSTILE) - set("]0;owned2Jtxt.exe"))
    assert r"\x1b]0;owned" in line


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not installed")
def test_vim_jumps_there(tmp_path):
    tree = tmp_path / "linux"
    for name in ("mm/oom_kill.c", "fs/x/super.c", "kernel/fork.c"):
        path = tree / name
        path.parent.mkdir(parents=True)
        path.write_text("\n" * 1000)
    (tmp_path / "errors").write_text("\n".join(quickfix(EXACT, RIVALS, POINTING, directory=tree)) + "\n")
    script = "call writefile([json_encode(map(filter(getqflist(), 'v:val.valid'), "
    script += "{_, e -> [fnamemodify(bufname(e.bufnr), ':p'), e.lnum, e.text]}))], 'out') | qall!"
    subprocess.run(
        ["vim", "-u", "NONE", "-N", "-es", "-q", "errors", "-c", script], cwd=tmp_path, timeout=60, check=False
    )
    entries = json.loads((tmp_path / "out").read_text())
    assert [(path, line) for path, line, _ in entries] == [
        (str(tree / "mm/oom_kill.c"), 868),
        (str(tree / "fs/x/super.c"), 10),
        (str(tree / "mm/oom_kill.c"), 868),
        (str(tree / "mm/oom_kill.c"), 868),
        (str(tree / "kernel/fork.c"), 99),
        (str(tree / "mm/oom_kill.c"), 868),
    ]
    assert entries[0][2].strip().startswith("Memory cgroup out of memory")


def test_no_text_is_taken_for_a_place():
    """Vim looks for `"file" … 12: ` first, whatever stands before it."""
    (line,) = quickfix(
        replace(EXACT, log=msgspec.structs.replace(EXACT.log, body='disk "sda" has errors in sector 12: gone'))
    )
    assert line.startswith("mm/oom_kill.c:868:1: disk 'sda' has errors in sector 12: gone ")
    (line,) = quickfix(replace(EXACT, log=msgspec.structs.replace(EXACT.log, body='disk "sda" is gone')))
    assert line.startswith('mm/oom_kill.c:868:1: disk "sda" is gone ')
