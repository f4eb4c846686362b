"""The documentation of a message: what is named, and what is too general to be named."""

import json
import os

import jsonschema
import pytest

from commandline import ksrcfind
from ksrcfind import Finder
from ksrcfind.config import resolve
from ksrcfind.documents.beside_code import kernel_doc, symbol_help
from ksrcfind.documents.search import documents_about
from ksrcfind.documents.title import title_of
from ksrcfind.documents.word_list import WordList, is_document
from ksrcfind.lsp.markdown import hover
from ksrcfind.mcp.compact import finding_record
from ksrcfind.output.json import schema
from repositories import VirtualDocuments, kernel

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema()))

GUIDE = """.. SPDX-License-Identifier: GPL-2.0

=================
The tiny pump
=================

If the log says::

	tiny_pump 0: valve 7 refuses to
	close after the last stroke

then read on. The work is done by tiny_pump_close_valve().
"""
DOCUMENTS = {
    "Documentation/tiny/guide.rst": GUIDE,
    "Documentation/tiny/trace.txt": "A trace\n\n  tiny_pump_open+0x1/0x2\n  <idle>-0 | tiny_pump_open();\n",
    "Documentation/tiny/example.txt": "An example\n\n  int my_probe(void);\n  foo_init_pump();\n",
    "Documentation/translations/it/guide.rst": GUIDE,
}
PUMP = """#include <linux/printk.h>

/**
 * tiny_pump_close_valve - Close a valve after the last stroke
 * @valve: its number
 *
 * Return: 0
 */
static int tiny_pump_close_valve(int valve)
{
	if (valve > 3)
		pr_info("tiny_pump %d: valve %d refuses to close after the last stroke\\n", 0, valve);
	return 0;
}

/* probe: no kernel-doc */
static int my_probe(void)
{
	pr_info("no pump\\n");
	return 0;
}
"""
FILES = {
    **DOCUMENTS,
    "drivers/Makefile": "obj-y += tiny/\n",
    "drivers/tiny/Makefile": "obj-$(CONFIG_TINY_PUMP) += pump.o\n",
    "drivers/tiny/pump.c": PUMP,
    "drivers/Kconfig": (
        'config TINY_PUMPS\n\tbool\n\nconfig TINY_PUMP\n\ttristate "A tiny pump"\n\thelp\n\t  Pumps.\n\nconfig OTHER\n'
        '\tbool "Other"\n\thelp\n\t  Other.\n'
    ),
}
LINE = "tiny_pump 0: valve 7 refuses to close after the last stroke"
QUOTED = ("Documentation/tiny/guide.rst", 9, "The tiny pump", "message")
COMMENT = (*("drivers/tiny/pump.c", 4, "tiny_pump_close_valve() - Close a valve after the last stroke", "kernel-doc"),)
HELP = ("drivers/Kconfig", 4, "CONFIG_TINY_PUMP: A tiny pump", "configuration")


def about(function, printed, documents=DOCUMENTS, path="drivers/tiny/pump.c"):
    listed = {path: text.encode() for path, text in documents.items() if is_document(path)}
    return [
        (one.path, one.line, one.about)
        for one in documents_about(WordList.of(listed.items()), listed.__getitem__, path, function, printed)
    ]


@pytest.fixture(params=["git", "plain"])
def tree(request, tmp_path):
    """A tree with documents, as a repository and as a plain directory."""
    scratch = kernel(tmp_path / "linux", FILES)
    if request.param == "git":
        return scratch.root
    plain = tmp_path / "plain"
    scratch.git("checkout-index", "-a", f"--prefix={plain}/")
    return plain


def documented(root, *arguments):
    done = ksrcfind("find", LINE, "--no-history", "--format", "json", *arguments, directory=root)
    assert done.status == 0, done.err
    document = json.loads(done.out)
    VALIDATOR.validate(document)
    found = document["records"][0]["matches"][0]["documented_in"]
    return [(one["path"], one["line"], one["title"], one["about"]) for one in found]


def test_what_is_next_to_the_code_needs_no_index(tree):
    assert documented(tree) == [COMMENT, HELP]


def test_documents_are_named_if_the_tree_is_indexed(tree):
    assert ksrcfind("index", directory=tree).status == 0
    assert documented(tree) == [QUOTED, COMMENT, HELP]
    shown = ksrcfind("find", LINE, "--no-history", directory=tree).out
    assert "  Documented in  Documentation/tiny/guide.rst:9  The tiny pump (quotes the message)\n" in shown
    assert "                 drivers/Kconfig:4  CONFIG_TINY_PUMP: A tiny pump\n" in shown


def test_a_document_that_was_changed_since_is_read_again(tree):
    assert ksrcfind("index", directory=tree).status == 0
    guide = tree / "Documentation/tiny/guide.rst"
    guide.write_text("\n" + GUIDE)
    assert documented(tree)[0] == (QUOTED[0], 10, *QUOTED[2:])
    guide.write_text(GUIDE.replace("refuses", "hesitates").replace("last", "next").replace("pump_close", "pump_shut"))
    assert documented(tree) == [COMMENT, HELP]
    guide.unlink()
    assert documented(tree) == [COMMENT, HELP]
    assert ksrcfind("index", directory=tree).status == 0
    assert documented(tree) == [COMMENT, HELP]


def test_a_new_document_is_found_after_the_next_index(tree):
    assert ksrcfind("index", directory=tree).status == 0
    added = tree / "Documentation/tiny/added.rst"
    added.write_text("Added\n=====\n\nvalve 1 refuses to close after the last stroke\n")
    if (tree / ".git").exists():
        VirtualDocuments(tree).git("add", str(added))  # a checkout has only tracked files
    assert ksrcfind("index", directory=tree).status == 0
    assert {one[0] for one in documented(tree) if one[3] == "message"} == {QUOTED[0], "Documentation/tiny/added.rst"}


def test_a_function_is_found_where_a_document_names_it():
    assert about("tiny_pump_close_valve", "%d") == [("Documentation/tiny/guide.rst", 12, "function")]


@pytest.mark.parametrize("function", ["tiny_pump_open", "my_probe", "foo_init_pump", "probe", "log", "missing_one"])
def test_traces_examples_and_general_names_are_not_named(function):
    assert about(function, "%d") == []


def test_a_common_name_is_not_named():
    documents = {f"Documentation/{number}.txt": "Use spin_lock_pump() here.\n" for number in range(7)}
    assert about("spin_lock_pump", "%d", documents) == []
    documents.popitem()
    assert len(about("spin_lock_pump", "%d", documents)) == 3


def test_a_general_name_is_named_by_documents_of_its_own_subsystem():
    documents = {"Documentation/pcmcia/locking.rst": "Locking\n=======\n\nsocket_setup() takes it. See set_type.c\n"}
    assert about("socket_setup", "%d", documents, "drivers/pcmcia/cs.c") != []
    assert about("socket_setup", "%d", documents, "drivers/net/cs.c") == []
    assert about("set_type", "%d", documents, "drivers/pcmcia/cs.c") == []


def test_common_words_are_no_quotation():
    text = "the file could not be read from the disk"
    documents = {f"Documentation/{number}.txt": f"Title\n\n{text} and {number}\n" for number in range(70)}
    assert about(None, text, documents) == []
    assert about(None, text, dict(list(documents.items())[:2])) != []


def test_a_part_of_a_longer_text_is_no_quotation():
    text = "valve refuses close stroke " + " ".join(f"unheard_of_{number}" for number in range(20))
    assert about(None, text) == []


def test_another_message_of_the_function_is_no_quotation():
    documents = {"Documentation/pump.txt": "Pump\n\npumps: pump_attach_cached_one() could not find a valve\n"}
    [found] = about("pump_attach_cached_one", "pumps: pump_attach_cached_one() could not open", documents)
    assert found == ("Documentation/pump.txt", 3, "function")


def test_code_of_an_architecture_is_not_explained_by_another_one():
    documents = {"Documentation/arm/pump.rst": "Pump\n====\n\nsetup_arch()\n"}
    assert about("setup_arch", "%d", documents, "arch/m68k/pump.c") == []
    assert about("setup_arch", "%d", documents, "arch/arm/pump.c") != []
    assert about("setup_arch", "%d", documents, "lib/pump.c") != []


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (GUIDE, "The tiny pump"),
        ("Plain first line\n\nText\n", "Plain first line"),
        (".. _label:\n\n:Author: Me\n\nTitle\n~~~~~\n", "Title"),
        ("", "a.txt"),
        ("=" * 50 + "\n" + "-" * 50 + "\n", "a.txt"),
    ],
)
def test_titles(text, title):
    assert title_of("Documentation/a.txt", text.encode()) == title


def test_only_the_comment_of_the_function_is_kernel_doc():
    source = PUMP.encode()
    assert kernel_doc("a.c", source, "tiny_pump_close_valve", 9).line == 4
    assert kernel_doc("a.c", source, "my_probe", 17) is None
    other = b"/**\n * other_name - x\n */\nvoid name(void)\n{\n}\n"
    assert kernel_doc("a.c", other, "name", 4) is None
    apart = b"/**\n * name - x\n */\nint other(void)\n{\n}\n\nvoid name(void)\n{\n}\n"
    assert kernel_doc("a.c", apart, "name", 8) is None


def test_a_symbol_without_help_has_no_documentation():
    kconfig = FILES["drivers/Kconfig"].encode()
    assert symbol_help("Kconfig", kconfig, "CONFIG_TINY_PUMPS") is None
    assert symbol_help("Kconfig", kconfig, "CONFIG_TINY_PUMP").line == 4


def test_hover_assistant_and_report_name_documentation(tree):
    assert ksrcfind("index", directory=tree).status == 0
    with Finder.open(tree, settings=resolve(os.environ)) as finder:
        finding = finder.find(LINE)
        shown = hover(finding, finder.commit, "file:///linux")
    assert (
        "- [Documentation/tiny/guide\\.rst\\:9](file:///linux/Documentation/tiny/guide.rst#L9) The tiny pump" in shown
    )
    assert finding_record(finding)["documented_in"][0] == {"path": QUOTED[0], "line": 9, "title": "The tiny pump"}
    page = ksrcfind("batch", "--no-history", "--format", "html", "-", stdin=LINE.encode(), directory=tree).out
    assert "Documentation/tiny/guide.rst:9  The tiny pump (quotes the message)" in page


def test_huge_and_repetitive_files_are_bounded():
    huge = b"valve refuses to close after the last stroke\n" * 30_000
    assert WordList.of([("Documentation/huge.txt", huge)]).paths == ()
    words = WordList.of([("Documentation/a.txt", huge[:45])])
    printed = "valve refuses to close after the last stroke"
    assert documents_about(words, lambda _: huge, "a.c", None, printed) == []
    assert len(documents_about(words, lambda _: huge[:45], "a.c", None, printed)) == 1
    assert symbol_help("Kconfig", b"config A\n" * 100_000, "CONFIG_A") is None
