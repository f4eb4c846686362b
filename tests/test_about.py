"""What a line is about: the place that it names, the code on the stack of its report, or the call that printed it."""

import json

import pytest
from msgspec.structs import replace

from commandline import ksrcfind
from example_findings import EXACT, MESSAGE
from ksrcfind.engine.about import AboutService, is_generic
from ksrcfind.engine.source_view import MOST_FILES_TOGETHER, TreeSource
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import About
from ksrcfind.log.report import Frame, frame_of
from ksrcfind.match.answer import Place
from ksrcfind.source.definitions import Definition
from ksrcfind.source.message_id import message_id

DEFINED = {
    "schedule": [("kernel/sched/core.c", 6000)],
    "vfs_read": [("fs/read_write.c", 450)],
    "acme_read": [("fs/acme/file.c", 70)],
    "probe": [("drivers/net/a/main.c", 10), ("drivers/net/b_dev/main.c", 20)],
}


class Source:
    """A tree of which only the definitions are known."""

    def __init__(self):
        self.asked = []

    def all_definitions(self, names):
        self.asked.append(names)
        return [(path, Definition(name, "function", line)) for name in names for path, line in DEFINED.get(name, ())]


class Bundle:
    def all_definitions(self, _names):
        raise KsrcfindError("no source", "")


def printed_by(path, points_to=None):
    match = EXACT.answer.matches[0]
    match = replace(match, message=replace(MESSAGE, path=path, line_start=5, function="report"))
    return replace(EXACT, answer=replace(EXACT.answer, matches=(match,), points_to=points_to))


def about(finding, *functions, source=None, module=None):
    service = AboutService(source or Source())
    frames = [Frame(name, module) for name in functions]
    service.prepare([(finding, frames)])
    return service.of(finding, frames)


def test_the_place_that_the_line_names_comes_first():
    finding = printed_by("lib/bug.c", Place("fs/acme/tree.h", 3719, None, None))
    assert about(finding, "acme_read") == About("fs/acme/tree.h", 3719, None)


def test_else_the_first_function_of_the_stack_that_is_not_generic():
    finding = printed_by("kernel/hung_task.c")
    assert about(finding, "schedule", "vfs_read", "acme_read") == About("fs/acme/file.c", 70, "acme_read")


@pytest.mark.parametrize("functions", [(), ("schedule", "vfs_read"), ("unknown_function",)])
def test_else_the_call_that_printed_the_line(functions):
    assert about(printed_by("kernel/hung_task.c"), *functions) == About("kernel/hung_task.c", 5, "report")


@pytest.mark.parametrize("path", ["drivers/tty/sysrq.c", "mm/oom_kill.c"])
def test_code_that_reports_about_itself_is_what_its_report_is_about(path):
    source = Source()
    assert about(printed_by(path), "acme_read", source=source).path == path
    assert source.asked == []


def test_a_name_of_several_functions_counts_only_with_its_module():
    finding = printed_by("kernel/hung_task.c")
    assert about(finding, "probe").path == "kernel/hung_task.c"
    assert about(finding, "probe", module="b-dev") == About("drivers/net/b_dev/main.c", 20, "probe")


def test_without_source_the_stack_decides_nothing():
    assert about(printed_by("kernel/hung_task.c"), "acme_read", source=Bundle()).path == "kernel/hung_task.c"


def test_functions_are_looked_up_once():
    source = Source()
    service = AboutService(source)
    for _ in range(2):
        service.prepare([(printed_by("kernel/hung_task.c"), [Frame("acme_read", None)])])
    assert source.asked == [["acme_read"]]


def test_beyond_the_limit_the_names_of_the_first_stacks_are_looked_up(monkeypatch):
    monkeypatch.setattr("ksrcfind.engine.about.MOST_NAMES", 2)
    source = Source()
    finding = printed_by("kernel/hung_task.c")
    stacks = [["vfs_read", "acme_read"], ["acme_read", "aaa"], ["aaa"]]
    AboutService(source).prepare([(finding, [Frame(name, None) for name in names]) for names in stacks])
    assert source.asked == [["vfs_read", "acme_read"]]


def test_names_that_every_file_calls_make_it_read_few_files():
    class Snapshot:
        def __init__(self):
            self.read = 0

        def files_with(self, _pattern, _paths):
            return [f"drivers/{number}.c" for number in range(MOST_FILES_TOGETHER * 10)]

        def read_many(self, paths):
            for path in paths:
                self.read += 1
                yield path, b"int f(void) { return printk(0); }"

    snapshot = Snapshot()
    assert list(TreeSource(snapshot, None).all_definitions([f"name{number}" for number in range(400)])) == []
    assert snapshot.read <= MOST_FILES_TOGETHER


def test_a_line_without_a_match_is_about_nothing():
    assert about(replace(EXACT, answer=replace(EXACT.answer, matches=()))) is None


@pytest.mark.parametrize(
    ("path", "generic"),
    [
        ("fs/namei.c", True),
        ("fs/acme/file.c", False),
        ("net/socket.c", True),
        ("net/core/dev.c", True),
        ("net/ipv4/tcp.c", False),
        ("drivers/base/dd.c", True),
        ("drivers/net/a/main.c", False),
        ("mm/slub.c", True),
    ],
)
def test_generic_code(path, generic):
    assert is_generic(path) is generic


@pytest.mark.parametrize(
    ("row", "frame"),
    [
        (" acme_read+0x1/0x20 [acme]", Frame("acme_read", "acme")),
        (" acme_read.isra.0+0x1/0x20", Frame("acme_read", None)),
        ("RIP: 0010:acme_read+0x1/0x20 [acme]", Frame("acme_read", "acme")),
        ("pc : acme_read+0x1/0x20", Frame("acme_read", None)),
        ("[<c0010>] (acme_read) from [<c0010abc>] (acme_open+0x1/0x2)", None),
        ("[<c0010abc>] (acme_read) from [<c0010abc>] (acme_open+0x1/0x2)", Frame("acme_read", None)),
        ("BUG: KASAN: slab-out-of-bounds in acme_read+0x1/0x20 [acme]", Frame("acme_read", "acme")),
        (" ? acme_read+0x1/0x20", None),
        ("Call Trace:", None),
    ],
)
def test_rows_of_a_stack(row, frame):
    assert frame_of(row) == frame


def test_the_id_of_a_message_is_the_same_everywhere():
    assert message_id(MESSAGE, MESSAGE.forms[0]) == "6cd3c0733d0bf45b"
    moved = replace(MESSAGE, line_start=1, line_end=1, level=None, module="other")
    assert message_id(moved, MESSAGE.forms[0]) == message_id(MESSAGE, MESSAGE.forms[0])
    for other in (replace(MESSAGE, path="mm/x.c"), replace(MESSAGE, function="f")):
        assert message_id(other, MESSAGE.forms[0]) != message_id(MESSAGE, MESSAGE.forms[0])


def test_a_bug_is_filed_under_the_file_that_it_names(linux_mini):
    line = "[ 1.0] MINIFS-fs (md1): mounting a file system with 3 errors, a check is recommended"
    done = ksrcfind("find", "--format", "json", "--no-history", line, directory=linux_mini)
    record = json.loads(done.out)["records"][0]
    match = record["matches"][0]
    assert match["about"]["path"] == match["path"]
    assert match["about"]["line"] == match["line_start"]
    assert match["about"]["subsystem"] == record["subsystem"]["name"]
    assert len(match["message_id"]) == 16
