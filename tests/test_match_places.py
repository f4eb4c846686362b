"""Places that lines name, looked up in a tree: the call there, how far it moved, its history."""

import json

import pytest

from commandline import ksrcfind
from repositories import kernel

TREE = {
    "kernel/panic.c": """\
#include <linux/printk.h>
void __warn(const char *file, int line, void *caller)
{
	printk(KERN_WARNING "WARNING: CPU: %d PID: %d at %s:%d %pS\\n",
		raw_smp_processor_id(), current->pid, file, line, caller);
}
""",
    "lib/bug.c": """\
#include <linux/printk.h>
void report_bug(void)
{
	printk(KERN_CRIT "kernel BUG at %s:%u!\\n", file, line);
}
""",
    "fs/walrus.c": """\
#include <linux/printk.h>
int walrus_feed(struct walrus *w)
{
	int x = 0;

	WARN_ON(w->oysters < 0);
	if (w->angry)
		BUG();
	printk(KERN_ERR "%s:%d: walrus %d refuses oysters\\n", __func__, __LINE__, w->id);
	return x;
}
""",
}


@pytest.fixture
def tree(tmp_path):
    """A repository with the calls that lines below name."""
    return kernel(tmp_path / "linux", TREE)


def ask(tree, line, *options):
    """The first match of a line, as the record has it."""
    done = ksrcfind("-C", tree.root, "find", "--format", "json", *options, line)
    return json.loads(done.out)["records"][0]["matches"][0]


def test_a_warning_is_printed_by_one_call_and_points_to_another(tree):
    found = ask(tree, "WARNING: CPU: 3 PID: 1 at fs/walrus.c:6 walrus_feed+0x1/0x2")
    assert (found["path"], found["function"]) == ("kernel/panic.c", "__warn")
    place = found["points_to"]
    assert (place["path"], place["line"], place["function"]) == ("fs/walrus.c", 6, "walrus_feed")
    assert (place["call"], place["drift"]) == ("WARN_ON", 0)
    assert place["last_changed"]["path"] == "fs/walrus.c"
    assert place["last_changed"]["line"] == 6


def test_a_path_from_another_build_directory(tree):
    place = ask(tree, "kernel BUG at /build/linux-6.1/fs/walrus.c:8!", "--no-history")["points_to"]
    assert (place["path"], place["line"], place["call"]) == ("fs/walrus.c", 8, "BUG")
    assert place["history"] == "off"


def test_the_log_of_another_version(tree):
    place = ask(tree, "WARNING: CPU: 3 PID: 1 at fs/walrus.c:2 walrus_feed+0x1/0x2", "--no-history")["points_to"]
    assert (place["call"], place["drift"]) == ("WARN_ON", 4)


def test_a_line_with_its_own_function_and_line(tree):
    found = ask(tree, "walrus_feed:12: walrus 7 refuses oysters", "--no-history")
    assert found["path"] == "fs/walrus.c"
    assert (found["points_to"]["line"], found["points_to"]["drift"]) == (12, -3)


def test_a_file_that_is_not_in_the_tree_points_nowhere(tree):
    assert ask(tree, "kernel BUG at fs/seal.c:8!", "--no-history")["points_to"] is None
    assert ask(tree, "kernel BUG at ../../../etc/seal.c:8!", "--no-history")["points_to"] is None


def test_equal_warnings_at_other_places_are_told_apart_in_a_log(tree):
    lines = [f"WARNING: CPU: 3 PID: 1 at fs/walrus.c:{line} walrus_feed+0x1/0x2" for line in (6, 8)]
    log = "\n".join(lines).encode()
    done = ksrcfind("-C", tree.root, "batch", "--each", "--no-history", "--format", "ndjson", "-", stdin=log)
    records = [json.loads(line) for line in done.out.splitlines()]
    calls = [record["matches"][0]["points_to"]["call"] for record in records if record["type"] == "line"]
    assert calls == ["WARN_ON", "BUG"]
