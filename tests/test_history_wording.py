"""Texts in C files, found by tokens alone."""

import time

import pytest

from ksrcfind.history.wording import SourceText, contains, decoded, differs_by_prefix, lost_prefix, words

FILE = rb"""
#define PFX "minidisk: "
/* printk("in a comment %d\n", x); */
static int start(struct disk *d)
{
	printk(KERN_ERR PFX "cannot read "
		"sector %lu\n", (unsigned long)d->sector);
	// pr_info("switched "
	//	"off\n");
	if (c == '"' || c == '\'')
		dev_warn(&d->dev, "odd \"%s\"\n", name(d, "inner"));
	ACPI_ERROR((AE_INFO, "broken table [%4.4s]", sig));
}

int
stop(void)
{
	pr_info("stopped: " FMT " of %d\n" /* why */
		"really\n", a, b);
	return x ? pr_debug("yes") : printk("<4>" "no\n");
}
"""


@pytest.fixture
def source():
    return SourceText(FILE)


def find(source, part):
    (found,) = [wording for wording in source.wordings if part in wording.text]
    return found


def test_texts_are_joined_as_the_compiler_does(source):
    assert [wording.text for wording in source.wordings] == [
        "minidisk:",
        "in a comment %d",
        "cannot read sector %lu",
        "switched off",
        'odd \\"%s\\"',
        "inner",
        "broken table [%4.4s]",
        "stopped:  of %d\\nreally",
        "yes",
        "no",
    ]
    text = find(source, "cannot")
    assert (text.line_start, text.line_end, text.literals) == (6, 7, ("cannot read ", "sector %lu\\n"))
    assert source.literal(7) == r"sector %lu\n"
    assert source.at(7) == text
    assert source.at(1) is None
    assert source.literal(1) is None


def test_texts_in_comments_are_marked(source):
    assert {wording.text for wording in source.wordings if wording.commented} == {"in a comment %d", "switched off"}


@pytest.mark.parametrize(
    ("part", "call", "line", "level", "function"),
    [
        ("cannot", "printk", 6, "err", "start"),
        ("in a comment", "printk", 3, None, None),
        ("switched", "pr_info", 8, "info", "start"),
        ("odd", "dev_warn", 11, "warn", "start"),
        ("inner", "name", 11, None, "start"),
        ("broken", "ACPI_ERROR", 12, "err", "start"),
        ("stopped", "pr_info", 18, "info", "stop"),
        ("yes", "pr_debug", 20, "debug", "stop"),
        ("no", "printk", 20, None, "stop"),
    ],
)
def test_the_call_around_a_text(source, part, call, line, level, function):
    wording = next(wording for wording in source.wordings if wording.text.startswith(part))
    found = source.call(wording)
    assert (found.name, found.line) == (call, line)
    assert source.level(wording) == level
    if not wording.commented:
        assert source.function(wording) == function


def test_a_text_outside_of_any_call(source):
    assert source.call(source.wordings[0]) is None


@pytest.mark.parametrize(
    ("old", "new", "part", "prefix"),
    [
        ("ibmvscsi: cannot start the pool", "cannot start the pool", True, True),
        ("%s: cannot start the pool.", "cannot start the pool", True, True),
        ("[drm] foo %d: cannot start", "cannot start", True, True),
        (": %s: no interval given", "%s: no interval given", True, True),
        ("disks: it seems that we cannot start the pool", "cannot start the pool", True, False),
        ("cannot start the pool, resetting", "cannot start the pool", True, False),
        ("cannot start", "cannot start the pool", False, False),
        ("foo: failed", "failed", False, False),
        ("cannot start!", "cannot start.", True, True),
    ],
)
def test_parts_and_prefixes(old, new, part, prefix):
    assert contains(old, new) is part
    assert lost_prefix(old, new) is prefix
    assert differs_by_prefix(new, old) is prefix


def test_words_to_search_for():
    assert words("%s: foo_bar failed%d\\n no 12ab") == ["failed", "bar", "foo"]
    assert words("%d:\\n") == []


def test_escapes():
    assert decoded(r"a\n\t\"\\ \x41\101\q") == 'a\n\t"\\ AAq'
    assert decoded("\udcff") == "\ufffd"
    assert decoded("\\") == "\\"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'"',
        b"/*" * 300_000,
        b"//" + b"\\\n" * 300_000,
        b'"a" ' * 100_000,
        b"(" * 300_000 + b'"a"',
        b'f("a"' + b" b" * 200_000 + b'"c")',
        b"a" * 600_000 + b'("x")',
        b"struct x\n" * 60_000 + b'f("x");',
        b"'" * 300_000,
        bytes(range(256)) * 2000,
    ],
    ids=lambda data: repr(data[:10]),
)
def test_odd_files_are_read_in_no_time(data):
    began = time.monotonic()
    source = SourceText(data)
    for wording in source.wordings[:3]:
        source.call(wording)
        source.level(wording)
        source.function(wording)
    assert time.monotonic() - began < 5


def test_a_file_that_is_too_large_has_no_texts():
    assert SourceText(b'f("x");\n' + b" " * (9 << 20)).wordings == ()
