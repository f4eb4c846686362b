"""Answers without an index: what of a line is looked for, and which files are read."""

import pytest

from ksrcfind.config import Settings
from ksrcfind.library import Finder
from ksrcfind.match.answer import Tier
from ksrcfind.search.query_terms import phrases_of, words_of
from ksrcfind.search.unindexed import UnindexedSearch
from ksrcfind.source.sinks import BUILT_IN
from ksrcfind.source.template import template
from ksrcfind.storage.cache import DerivedCache
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.open import open_snapshot


@pytest.mark.parametrize(
    ("line", "phrase"),
    [
        ("CPU: 1 PID: 5931 Comm: cat Not tainted", "PID: %d Comm"),
        ("rtc_cmos rtc_cmos: registered as rtc0", '"registered'),
        ("  Normal   empty", 'empty\\n"'),
        ("ITS [mem 0x06020000-0x0603ffff]", '"ITS'),
        ("USB HID v1.11 Mouse [Logitech] on usb-0000:00:14.0-2", "HID v%d"),
        ("SSDT 0x00000000BFEE 000317 (v02 PmRef  ApHwp    00003000)", "(v%d"),
        ("host kernel: Skip killing the task", "Skip killing"),
    ],
)
def test_phrases_read_like_a_format(line, phrase):
    assert phrase in phrases_of(line)


def test_places_and_symbols_are_no_words_of_a_message():
    assert words_of("WARNING: at mm/slub.c:12 kfree+0x10/0x20") == ["WARNING", "at"]
    assert not any("slub" in phrase or "kfree" in phrase for phrase in phrases_of("at mm/slub.c:12 kfree+0x10/0x20"))


TREE = {
    "Makefile": "VERSION = 6\n",
    "include/linux/kernel.h": "int printk(const char *fmt, ...);\n",
    "include/net/say.h": (
        "void say_err(const char *fmt, ...);\n"
        '#define SAY(fmt, ...) say_err(fmt "\\n", ##__VA_ARGS__)\n'
        '#define say_dev(dev, fmt, ...) SAY("%s: " fmt, name_of(dev), ##__VA_ARGS__)\n'
    ),
    "net/say/lib.c": (
        "#include <linux/kernel.h>\n"
        "void say_err(const char *fmt, ...)\n{\n"
        "\tstruct va_format vaf;\n\tva_list args;\n\n"
        "\tva_start(args, fmt);\n\tvaf.fmt = fmt;\n\tvaf.va = &args;\n"
        '\tprintk("Say: %pV", &vaf);\n\tva_end(args);\n}\n'
    ),
    "drivers/far/away.c": (
        "#include <net/say.h>\n"
        "static int enter(struct dev *dev)\n{\n"
        '\tsay_dev(dev, "Entering quiet mode failed (%ld)", err);\n}\n'
    ),
}


@pytest.fixture
def linux(tmp_path):
    for path, text in TREE.items():
        file = tmp_path / "linux" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "linux"


def reading(linux):
    """Answers for a tree, without an index."""
    return UnindexedSearch(open_snapshot(linux, named=True), DerivedCache(linux.parent / "n.sqlite"), BUILT_IN)


def test_functions_with_variable_arguments_are_found_wherever_they_stand(linux):
    (message,) = reading(linux).messages_of(["drivers/far/away.c"])
    assert template(message.forms[0].printed) == "Say: %s: Entering quiet mode failed (%ld)"


@pytest.mark.parametrize("path", ["drivers/far/away.c", "net/say/lib.c", "include/net/say.h"])
def test_a_file_that_goes_while_the_tree_is_read_is_left_out(linux, path):
    unindexed = reading(linux)
    (linux / path).unlink()
    assert unindexed.messages_of(["drivers/far/away.c"]) == []
    assert not any(index.size for index in unindexed.likely("Entering quiet mode failed (-110)"))


def test_headers_are_searched_only_if_no_c_file_answers(linux, tmp_path, monkeypatch):
    (linux / "include/net/inline.h").write_text(
        "#include <linux/kernel.h>\n"
        'static inline int odd(void)\n{\n\tprintk("a porcupine sleeps in this header\\n");\n\treturn 0;\n}\n'
    )
    searched = []
    grep = DirectorySnapshot.grep

    def noting(snapshot, words, suffixes):
        searched.append(suffixes)
        return grep(snapshot, words, suffixes)

    monkeypatch.setattr(DirectorySnapshot, "grep", noting)
    settings = Settings(cache_dir=tmp_path / "cache")
    with Finder.open(linux, settings=settings) as finder:
        assert finder.find("Say: eth0: Entering quiet mode failed (-5)").answer.verdict == Tier.EXACT
        assert searched == [(".c",)]
        found = finder.find("a porcupine sleeps in this header").answer
        assert (found.verdict, found.matches[0].message.path) == (Tier.EXACT, "include/net/inline.h")
    assert searched[1:] == [(".c",), (".h",)]
