"""Who looks after a path: sections of a MAINTAINERS file, the most specific one."""

import pytest

from ksrcfind.tree.maintainers import Maintainers

TEXT = """
List of maintainers
===================

	M: *Mail* patches to: FullName <address@domain>

Maintainers List
----------------

ACME FILE SYSTEM
M:	Ada Example <ada@example.org>
M:	Bo Example <bo@example.org>
L:	acme@example.org (moderated for non-subscribers)
S:	Maintained
F:	fs/acme/
F:	include/linux/acme_*.h
X:	fs/acme/old/

FILE SYSTEMS
M:	Cy Example <cy@example.org>
S:	Odd Fixes
F:	fs/*
F:	fs/acme/inode.c

ZED CHIP
S:	Orphan
N:	[^a-z]zed
N:	(a+)+$

ANYTHING BELOW DRIVERS
F:	drivers/*/

THE REST
M:	Di Example <di@example.org>
F:	*
F:	*/
"""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("fs/acme/super.c", "ACME FILE SYSTEM"),
        ("fs/acme/deep/er/super.c", "ACME FILE SYSTEM"),
        ("fs/acme/inode.c", "FILE SYSTEMS"),
        ("fs/acme/old/x.c", "THE REST"),
        ("fs/open.c", "FILE SYSTEMS"),
        ("fs/other/x.c", "THE REST"),
        ("include/linux/acme_fs.h", "ACME FILE SYSTEM"),
        ("arch/zed/x.c", "ZED CHIP"),
        ("arch/xzed/x.c", "THE REST"),
        ("drivers/net/eth.c", "ANYTHING BELOW DRIVERS"),
        ("kernel/fork.c", "THE REST"),
    ],
)
def test_the_most_specific_section_wins(path, name):
    assert Maintainers(TEXT).subsystem(path).name == name


def test_what_a_section_says():
    found = Maintainers(TEXT).subsystem("fs/acme/super.c")
    assert found.status == "Maintained"
    assert found.maintainers == ("Ada Example <ada@example.org>", "Bo Example <bo@example.org>")
    assert found.lists == ("acme@example.org",)


def test_a_tree_without_the_file():
    assert Maintainers("").subsystem("mm/oom_kill.c") is None


def test_expressions_that_repeat_are_not_run():
    assert Maintainers(TEXT).subsystem("x/" + "a" * 60 + "!").name == "THE REST"


def test_the_bundled_tree(linux_mini):
    found = Maintainers((linux_mini / "MAINTAINERS").read_text()).subsystem("drivers/net/mini/phy.c")
    assert found.name == "MINI-ETH NETWORK DRIVER"


def test_expressions_may_repeat_and_broken_ones_count_for_nothing():
    text = "\nCHIP\nN:\tbcm[9]?47622\nN:\t(a+)+$\nN:\t(\nN:\t(?=a)\nF:\tx/\ud800*[\n"
    maintainers = Maintainers(text)
    assert maintainers.subsystem("arch/arm/bcm947622.dts").name == "CHIP"
    assert maintainers.subsystem("arch/arm/aaa").name == "CHIP"
    assert maintainers.subsystem("arch/arm/" + "a" * 5000 + "!") is None
