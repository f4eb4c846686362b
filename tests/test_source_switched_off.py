"""Calls that comments and dead code switch off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandline import ksrcfind
from ksrcfind.source.switched_off import switched_on
from repositories import KERNEL, VirtualDocuments


@pytest.mark.parametrize(
    ("source", "line", "expected"),
    [
        ('/* pr_info("x\\n"); */\n', 1, '   pr_info("x\\n");   \n'),
        ('a = 1; // pr_info("x");\n', 1, 'a = 1;    pr_info("x");\n'),
        ('// pr_info("x %d",\n\t//   x);\n// y\n', 1, '   pr_info("x %d",\n\t     x);\n   y\n'),
        (
            '/* pr_info("x %d",\n   x); */\n/* pr_err("y"); */\n',
            1,
            '   pr_info("x %d",\n   x);   \n/* pr_err("y"); */\n',
        ),
        ('/* it\'s */ a("b"); /* pr_err("y"); */\n', 1, '/* it\'s */ a("b");    pr_err("y");   \n'),
        ('/* never closed "x"\n', 1, '   never closed "x"\n'),
        ('#if 0\nold\n pr_info("x");\n#else\n#endif\n', 3, '     \nold\n pr_info("x");\n#else\n#endif\n'),
        ('#if 0 \\\n\n/* "x" */\n#endif\n', 3, '        \n\n   "x"   \n#endif\n'),
    ],
)
def test_what_switches_a_text_off_becomes_blank(source, line, expected):
    changed = switched_on(source.encode(), line).decode()
    # How many blanks stand at the end of a line is of no interest.
    assert [row.rstrip() for row in changed.split("\n")] == [row.rstrip() for row in expected.split("\n")]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('pr_info("x");\n', 1),
        ('/* "x" */\n\n/* "y" */\n', 2),
        ('pr_info("http://x");\n', 1),
        ("/* no text */\n", 1),
        ('/* "x" */\npr_info("y");\n', 2),
        ('#if 1\npr_info("x");\n#endif\n', 2),
        ('#if 0\n#else\npr_info("x");\n#endif\n', 3),
        ('/* "x" */', 2),
        ('/* "x" */', 10**9),
    ],
)
def test_nothing_to_switch_on(source, line):
    assert switched_on(source.encode(), line) is None


@given(st.text("/*\"\\\n#if 0(x)'", max_size=60).map(str.encode), st.integers(1, 8))
def test_lines_keep_their_numbers(data, line):
    changed = switched_on(data, line)
    if changed is not None:
        assert changed != data
        assert changed.count(b"\n") == data.count(b"\n")


PRINTK = "#define pr_info(fmt, ...) printk(pr_fmt(fmt), ##__VA_ARGS__)\n"
SOURCE = """\
#include <linux/printk.h>
#define pr_fmt(fmt) "dead: " fmt

int f(int x)
{
	pr_info("on\\n");
	/* Too loud:
	pr_info("off %d\\n",
		x); */
#if 0
	It once said more.
	pr_info("never\\n");
#endif
	return 0;
}
"""


@pytest.mark.parametrize("index", [False, True])
def test_at_tells_what_is_switched_off(index, tmp_path):
    scratch = VirtualDocuments(tmp_path / "linux")
    scratch.commit(files=KERNEL | {"include/linux/printk.h": PRINTK, "drivers/dead.c": SOURCE})
    if index:
        assert ksrcfind("index", directory=scratch.root).status == 0
    done = ksrcfind(
        "at", "drivers/dead.c:8", "drivers/dead.c:9", "drivers/dead.c:12", "drivers/dead.c:6", directory=scratch.root
    )
    assert done.status == 0
    assert done.out.count("This call is switched off, by a comment or by #if 0: nothing prints it.") == 3
    assert done.out.count('prints "dead: off %d"') == 2
    assert done.out.count("drivers/dead.c:8-9  f()") == 2
    assert done.out.count('prints "dead: never"') == 1
    assert done.out.count("Introduced") == 4
    # At no time is it a message.
    assert ksrcfind("at", "drivers/dead.c:7", directory=scratch.root).status == 1
    assert "off" not in ksrcfind("messages", directory=scratch.root).out
    assert ksrcfind("find", "dead: never", directory=scratch.root).status == 1
