"""Lines whose text stands elsewhere, or names the directory in which the kernel was built."""

import pytest

from ksrcfind import Finder

RECORD = 'type=1400 audit(1744389291.666:1107365): avc:  denied  { read } for  comm="a"'


@pytest.fixture
def find(tmp_path):
    (tmp_path / "kernel").mkdir()
    (tmp_path / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 1\n")
    (tmp_path / "Kconfig").write_text("")
    (tmp_path / "kernel" / "audit.c").write_text(
        '#define pr_fmt(fmt) "audit: " fmt\n'
        "static void kauditd_printk_skb(struct sk_buff *skb)\n"
        "{\n"
        '\tpr_notice("type=%d %s\\n", nlh->nlmsg_type, data);\n'
        "}\n"
        "void gasket(void)\n"
        "{\n"
        '\tprintk("gasket of %s leaks oil\\n", __FILE__);\n'
        "}\n"
    )
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
