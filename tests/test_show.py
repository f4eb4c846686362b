"""`show`: functions with their source and messages, commits with what they name, and what it says otherwise."""

import json
from collections import Counter

import jsonschema
import pytest

from commandline import ksrcfind
from ksrcfind.output.json import schema
from ksrcfind.source.definitions import extent
from repositories import kernel

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema()))

ETH = """static int
probe(struct device *dev)
{
	if (!dev)
		pr_info("no device at %d\\n", 3);
	return 0;
}
"""
SCSI = """#define LONG_ONE(x) \\
	do { \\
	} while (0)
static int probe(void) { return 1; }
"""


@pytest.fixture
def repository(tmp_path):
    """A repository with two functions of one name, and many commits."""
    message = "net: probe()\n\nIt is near LONG_ONE() and panic(), not nowhere()."
    scratch = kernel(tmp_path / "linux", {"net/eth.c": ETH, "drivers/scsi.c": SCSI}, message)
    scratch.git("tag", "v5.9-rc1")
    return scratch.root


def records(root, *arguments):
    done = ksrcfind("show", *arguments, "--format", "json", directory=root)
    assert done.status == 0, done.err
    document = json.loads(done.out)
    VALIDATOR.validate(document)
    return document["records"]


def test_functions_of_one_name_are_all_shown(repository):
    first, second = records(repository, "probe()")
    assert (first["path"], first["line_start"], first["line_end"], first["messages"]) == ("drivers/scsi.c", 4, 4, [])
    assert (second["path"], second["line_start"], second["line_end"]) == ("net/eth.c", 1, 7)
    assert second["code"] == {"line_start": 1, "lines": ETH.splitlines(), "marked": [5]}
    assert [(one["template"], one["level"]) for one in second["messages"]] == [("no device at %d", "info")]
    shown = ksrcfind("show", "probe", directory=repository).out
    assert "net/eth.c:1-7  probe()\n\n  1  static int\n" in shown
    assert '> 5                  pr_info("no device at %d\\n", 3);\n' in shown
    assert "  net/eth.c:5  info  no device at %d\n" in shown


def test_a_macro_is_shown_whole(repository):
    [macro] = records(repository, "LONG_ONE")
    assert (macro["kind"], macro["line_start"], macro["line_end"]) == ("macro", 1, 3)


@pytest.mark.parametrize("name", ["HEAD", "v5.9-rc1", "master"])
def test_a_commit_is_shown_with_what_it_names(repository, name):
    [commit] = records(repository, name)
    assert (commit["type"], commit["first_tag"]) == ("commit", "v5.9-rc1")
    names = {each["text"]: (each["kind"], each["path"], each["line"]) for each in commit["mentions"]}
    assert names == {
        "probe": ("function", "drivers/scsi.c", 4),
        "panic": ("function", "kernel/panic.c", 1),
        "LONG_ONE": ("macro", "drivers/scsi.c", 1),
    }
    # The second run reads the cache, and the id names the same commit.
    assert records(repository, commit["commit"][:10]) == [commit]
    shown = ksrcfind("show", name, directory=repository).out
    assert "  First tag      v5.9-rc1\n" in shown
    assert "LONG_ONE  drivers/scsi.c:1\n" in shown


def test_an_unknown_name_is_none_and_the_nearest_is_named(repository):
    done = ksrcfind("show", "prob", directory=repository)
    assert (done.status, done.out) == (1, "")
    assert "no function, macro or commit is named prob\n" in done.err
    assert "Did you mean probe?" in done.err
    done = ksrcfind("show", "0123456789ab", directory=repository)
    assert (done.status, done.out) == (1, "")
    assert "or a commit by its id" in done.err


@pytest.mark.parametrize("name", ["-x", "a b", "", "../x", "v9.9", pytest.param("a" * 100_000, id="longer")])
def test_what_is_no_name_is_not_found(repository, name):
    assert ksrcfind("show", "--", name, directory=repository).status == 1


def test_an_ambiguous_id_is_refused_with_the_longer_ones(repository, git):
    # Commits of a thousand empty trees: their ids are the same in every run, and some begin alike.
    commits = (
        f"commit refs/heads/side\ncommitter A <a@example.org> {1600000000 + number} +0000\ndata 0\n\n"
        for number in range(1000)
    )
    git(repository, "fast-import", "--quiet", stdin="".join(commits).encode())
    beginnings = Counter(one[:4] for one in git(repository, "rev-list", "side").split())
    [(double, _)] = beginnings.most_common(1)
    done = ksrcfind("show", double, directory=repository)
    assert (done.status, done.out) == (2, "")
    assert f"{double} is the beginning of" in done.err
    assert "Write more digits: " in done.err


def test_a_plain_tree_has_functions_but_no_commits(repository, git, tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    git(repository, "checkout-index", "-a", f"--prefix={plain}/")
    assert len(records(plain, "probe")) == 2
    assert ksrcfind("show", "nowhere", directory=plain).status == 1
    done = ksrcfind("show", "0123456789ab", directory=plain)
    assert (done.status, done.out) == (2, "")
    assert "needs a git repository for a commit" in done.err


@pytest.mark.parametrize(
    ("source", "kind", "line", "lines"),
    [
        ("int f(void)\n{\n\tif (x) {\n\t}\n}\nint g(void)\n{\n}\n", "function", 1, (1, 5)),
        ("int f(void) { return 0; }\nint g;\n", "function", 1, (1, 1)),
        ("static void __init\nf(int a,\n  int b)\n{\n\t}\n\n}\n", "function", 2, (1, 7)),
        ("int f(void)\n{\n", "function", 1, (1, 2)),
        ("#define N 8\nint f(void)\n{\n}\n", "function", 2, (2, 4)),
        ("int f(void)\n{\n\tg(1,\n}\nint g(void)\n{\n}\n", "function", 1, (1, 4)),
        ("FUNCS(x)\nstruct a {\n};\nint f(void)\n{\n}\n", "function", 1, (1, 1)),
        ("#define F \\\n\t1\nint a;\n", "macro", 1, (1, 2)),
    ],
)
def test_where_a_function_ends(source, kind, line, lines):
    assert extent(source.encode(), kind, line) == lines
