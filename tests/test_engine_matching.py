"""Lines whose text stands elsewhere, or names the directory in which the kernel was built."""

import pytest

from commandline import ksrcfind
from ksrcfind import Finder
from ksrcfind.log.line import read_line
from ksrcfind.match.matcher import Matcher
from ksrcfind.search.memory_index import MemoryIndex
from test_match import message

RECORD = 'type=1400 audit(1744389291.666:1107365): avc:  denied  { read } for  comm="a"'
SOURCE = (
    '#define pr_fmt(fmt) "audit: " fmt\n'
    "static void kauditd_printk_skb(struct sk_buff *skb)\n"
    "{\n"
    '\tpr_notice("type=%d %s\\n", nlh->nlmsg_type, data);\n'
    "}\n"
    "void gasket(void)\n"
    "{\n"
    '\tprintk("gasket of %s leaks oil\\n", __FILE__);\n'
    '\tprintk("oil pools at " __FILE__ "\\n");\n'
    "}\n"
)


@pytest.fixture
def find(tmp_path):
    (tmp_path / "kernel").mkdir()
    (tmp_path / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 1\n")
    (tmp_path / "Kconfig").write_text("")
    (tmp_path / "kernel" / "audit.c").write_text(SOURCE)
    with Finder.open(tmp_path) as finder:
        yield finder.find


@pytest.mark.parametrize("line", [RECORD, f"audit: {RECORD}"], ids=["before pr_fmt", "with prefix"])
def test_an_audit_record_is_printed_by_one_call_and_comes_from_elsewhere(find, line):
    answer = find(line).answer
    assert answer.matches[0].message.function == "kauditd_printk_skb"
    assert "comes from elsewhere" in answer.note


def test_other_answers_have_no_note(find):
    assert find("gasket of kernel/audit.c leaks oil").answer.note is None


@pytest.mark.parametrize("directory", ["", "../", "../../", "/build/linux-6.1/", "./"])
def test_the_directory_of_the_build_is_no_part_of_the_message(find, directory):
    answer = find(f"gasket of {directory}kernel/audit.c leaks oil").answer
    assert (answer.verdict, answer.matches[0].message.function) == ("exact", "gasket")


@pytest.mark.parametrize("line", [RECORD, "oil pools at /build/linux/kernel/audit.c"], ids=["record", "path"])
def test_such_lines_are_found_in_other_indexed_releases_too(tmp_path, git, line):
    tree = tmp_path / "linux"
    (tree / "kernel").mkdir(parents=True)
    (tree / "kernel" / "printk.c").write_text("int printk(const char *fmt, ...)\n{\n\treturn 0;\n}\n")
    (tree / "kernel" / "audit.c").write_text(SOURCE)
    git(tree, "init", "-q", "-b", "master")
    for tag, source in (("v1.0", SOURCE), ("v2.0", 'void f(void)\n{\n\tprintk("nothing of it\\n");\n}\n')):
        (tree / "kernel" / "audit.c").write_text(source)
        git(tree, "add", ".")
        git(tree, "commit", "-q", "-m", tag)
        git(tree, "tag", tag)
    ksrcfind("index", "--releases", directory=tree)
    with Finder.open(tree) as finder:
        found = finder.find(line)
    assert (found.answer.verdict, found.tree.rev) == ("exact", "v1.0")


def test_a_path_of_the_build_and_an_old_record_are_printed_by_their_messages():
    record, path = message("audit: type=%d %s", "kernel/audit.c"), message("oil leaks at kernel/audit.c line %d")
    matcher = Matcher(MemoryIndex([record, path]))
    assert matcher.printing(read_line(RECORD)) == {0}
    assert matcher.printing(read_line("oil leaks at /build/linux-6.1/kernel/audit.c line 7")) == {1}
    assert "comes from elsewhere" in matcher.answer(read_line(RECORD)).note
