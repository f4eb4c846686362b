"""What commit messages name: the texts that are names, and where the tree and its history have them."""

import json

import pytest

from commandline import ksrcfind
from ksrcfind.history.mentions import MOST, named_in
from ksrcfind.source.definitions import definitions
from repositories import kernel

MESSAGE = """oom: say why a victim is left alone

Since dump_header() moved to mm/oom.c, `free_victim()` and MAX_VICTIMS mean
nothing without CONFIG_OOM; missing_function() and kernel/gone.c are gone.
Nobody saw "victim %d is left alone" before commit {first} either, and
deadbeefdead is no commit. See include/linux/oom.h and sys_kill().

Fixes: {first} ("oom: first of all things")
Reported-by: Someone_With_Underscores <some_one@example.org>
Link: https://example.org/not_a_name()
"""
OOM = """#include <linux/oom.h>

int dump_header(int a);

static
int dump_header(int a)
{
	printk(KERN_ERR "victim %d is left alone\\n", a);
	return free_victim(a) ? MAX_VICTIMS : 0;
}

SYSCALL_DEFINE2(kill, int, pid, int, sig)
{
	return 0;
}
"""


def test_names_are_marked_or_look_like_code():
    found = named_in(MESSAGE.format(first="0123456789ab"))
    assert found.identifiers == (
        *("free_victim", "dump_header", "missing_function", "sys_kill"),
        *("CONFIG_OOM", "MAX_VICTIMS"),
    )
    assert found.files == ("mm/oom.c", "kernel/gone.c", "include/linux/oom.h")
    assert found.commits == ("0123456789ab", "deadbeefdead")
    assert found.messages == ("victim %d is left alone",)


@pytest.mark.parametrize(
    ("text", "identifiers"),
    [
        ("the do_exit path", ("do_exit",)),
        ("if (x) while(1) sizeof(y)", ()),
        ("mm/oom_kill.c only", ()),
        ("a pointer p->some_member", ()),
        ("mail some_one@example.org", ()),
        ("Reviewed-by: do_exit() <x@example.org>", ()),
        ("plain words, NUMA and SMP", ()),
    ],
)
def test_what_is_no_identifier(text, identifiers):
    assert named_in(f"subject\n\n{text}\n").identifiers == identifiers


def test_a_stack_trace_is_not_looked_up_in_full():
    trace = "\n".join(f" [<ffffffff8100{number:04x}>] function_{number}+0x1/0x2" for number in range(500))
    found = named_in(f"subject\n\nreal_name() crashed:\n{trace}\n")
    assert len(found.identifiers) == MOST
    assert found.identifiers[0] == "real_name"
    assert found.commits == ()


def test_subjects_of_cited_commits_are_no_log_texts():
    cited = 'Fixes: 0123456789ab ("one subject of many")\nsee 0123456789ac\n("another subject\nof many")'
    text = f'{cited} and "the text %d that counts"\n'
    assert named_in(f"subject\n\n{text}").messages == ("the text %d that counts",)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("int f_1(int a);\n", []),
        ("extern int f_1(int a)\n\t__attribute__((pure));\n", []),
        ("int f_1(int a)\n{\n}\n", [("f_1", "function", 1)]),
        ("static void *\nf_1(int (*a)(int),\n    int b)\n\t__acquires(x)\n{\n}\n", [("f_1", "function", 2)]),
        ("static inline int f_1(void) { return 0; }\n", [("f_1", "function", 1)]),
        ("int g(void)\n{\n\tf_1(3);\n\tif (f_1(2)) {\n\t}\n}\n", []),
        ("return f_1(3) {\n", []),
        ("\n# define f_1(x) (x)\n", [("f_1", "macro", 2)]),
        ("#define f_12 1\n", []),
        ("COMPAT_SYSCALL_DEFINE1(kill, int, a)\n{\n}\n", [("compat_sys_kill", "function", 1)]),
        ("config OOM\n\tbool\nconfig OOM_2\n", [("CONFIG_OOM", "macro", 1)]),
    ],
)
def test_a_definition_has_a_body(source, expected):
    found = definitions(source.encode(), {"f_1", "CONFIG_OOM", "sys_kill", "compat_sys_kill"})
    assert [(each.name, each.kind, each.line) for each in found] == expected


@pytest.fixture
def repository(tmp_path):
    """A repository whose last commit names much; `far_away()` is defined in another directory."""
    files = {
        "mm/oom.c": OOM.replace("is left alone", "is left"),
        "mm/Kconfig": "config OOM\n\tbool\n",
        "mm/other.c": "void free_victim(int a)\n{\n}\n",
        "include/linux/oom.h": "#define MAX_VICTIMS 3\n",
        "lib/far.c": "void far_away(void)\n{\n}\n",
    }
    scratch = kernel(tmp_path / "linux", files, "first of all things")
    scratch.git("tag", "v1.0")
    first = scratch.git("rev-parse", "HEAD")[:12]
    scratch.commit(MESSAGE.format(first=first) + "\nAlso far_away().\n", {"mm/oom.c": OOM})
    scratch.git("tag", "v1.1")
    return scratch.root, first


def mentions(root, *arguments):
    done = ksrcfind(*arguments, "--format", "json", directory=root)
    assert done.status == 0, done.err
    [commit] = [each for each in json.loads(done.out)["commits"].values() if each["subject"].startswith("oom")]
    return {
        each["text"]: (each["kind"], each["path"], each["line"], each["first_release"]) for each in commit["mentions"]
    }


@pytest.mark.parametrize("rev", [[], ["--rev", "v1.1"]])
def test_names_are_found_in_tree_and_history(repository, rev):
    root, first = repository
    expected = {
        "dump_header": ("function", "mm/oom.c", 6, None),
        "free_victim": ("function", "mm/other.c", 1, None),
        "sys_kill": ("function", "mm/oom.c", 12, None),
        "MAX_VICTIMS": ("macro", "include/linux/oom.h", 1, None),
        "CONFIG_OOM": ("macro", "mm/Kconfig", 1, None),
        "mm/oom.c": ("file", "mm/oom.c", None, None),
        "include/linux/oom.h": ("file", "include/linux/oom.h", None, None),
        "victim %d is left alone": ("message", "mm/oom.c", 8, None),
        first: ("commit", None, None, "v1.0"),
    }
    assert mentions(root, "find", "victim 7 is left alone", *rev) == expected
    # The second run reads the cache.
    assert mentions(root, "find", "victim 7 is left alone", *rev) == expected


def test_a_tag_and_an_edit_are_seen_at_once(repository, git):
    root, first = repository
    assert mentions(root, "find", "victim 7 is left alone")[first][-1] == "v1.0"
    git(root, "tag", "v0.9", first)
    (root / "mm/other.c").write_text("\nvoid free_victim(int a)\n{\n}\n")
    found = mentions(root, "find", "victim 7 is left alone")
    assert found[first][-1] == "v0.9"
    assert found["free_victim"][2] == 2


def test_the_text_lists_places(repository):
    root, first = repository
    shown = ksrcfind("find", "victim 7 is left alone", directory=root).out
    assert "  Mentions       free_victim()  mm/other.c:1\n                 dump_header()  mm/oom.c:6\n" in shown
    assert f"{first}  in v1.0\n" in shown
    assert "missing_function()  " not in shown


def test_a_terminal_links_them(repository, monkeypatch, tmp_path):
    (tmp_path / "ksrcfind").mkdir()
    (tmp_path / "ksrcfind/config.toml").write_text(
        'hyperlinks = "always"\nplace_link = "at:{path}+{line}"\ncommit_link = "id:{commit}"\n'
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    root, first = repository
    shown = ksrcfind("find", "victim 7 is left alone", directory=root).out
    links = {"mm/other.c:1": "at:mm/other.c+1", "include/linux/oom.h": "at:include/linux/oom.h+1", first: f"id:{first}"}
    for text, address in links.items():
        assert f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\" in shown
