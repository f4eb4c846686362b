"""`life`, and lines that only older releases know: in the bundled repository, and in one where messages go."""

import json
from itertools import pairwise

import jsonschema
import pytest

from commandline import ksrcfind
from golden import check
from ksrcfind.output.json import schema

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema()))

HEAD = "#include <linux/kernel.h>\n"


def source(*texts):
    body = "".join(
        f'void f{number}(void)\n{{\n\tprintk(KERN_ERR "{text}\\n");\n}}\n' for number, text in enumerate(texts)
    )
    return HEAD + body


@pytest.fixture
def gone(tmp_path, git):
    """A repository in which one message is moved, reworded and at last removed, another one reworded only."""
    repository = tmp_path / "linux"
    repository.mkdir()
    git(repository, "init", "-q", "-b", "master")
    # init/main.c and printk.h make it a tree that can log.
    kernel = {"kernel/printk.c": "int printk(const char *fmt, ...)\n{\n\treturn 0;\n}\n"}
    steps = [
        ("v1.0", {**kernel, "a.c": source("disk %d caught fire", "net %d is up")}),
        ("v1.1", {"a.c": source("first of all", "disk %d caught fire", "net %d is up now")}),
        ("v2.0", {"a.c": source("first of all", "net %d is up now"), "b.c": source("disk %d caught fire")}),
        ("v2.1", {"b.c": source("disk %d of %d caught fire")}),
        (None, {"b.c": source("all is well")}),
        ("v3.0", {"a.c": source("first of all", "second", "net %d is up now")}),
    ]
    commits = {}
    for number, (tag, files) in enumerate(steps):
        for path, text in files.items():
            (repository / path).parent.mkdir(exist_ok=True)
            (repository / path).write_text(text)
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "-m", f"step {number}")
        commits[number] = git(repository, "rev-parse", "HEAD")
        if tag:
            git(repository, "tag", tag)
    return repository, commits


def life(directory, *arguments):
    """The life record, checked against the schema."""
    done = ksrcfind("life", *arguments, "--format", "ndjson", directory=directory)
    assert done.status == 0, done.err
    records = [json.loads(line) for line in done.out.splitlines()]
    for record in records:
        VALIDATOR.validate(record)
    named = {record["commit"] for record in records if record["type"] == "commit"}
    assert {event["commit"] for event in records[-1]["events"]} <= named
    return records[-1]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("oom", "nginx invoked oom-killer: gfp_mask=0x201da"),
        ("atomic", "in_atomic(): 1, irqs_disabled(): 0, pid: 1, name: init"),
        ("hwaddr", "net/core/dev.c:8"),
    ],
)
def test_lives_of_the_fixture(linux_mini, name, line):
    ksrcfind("index", directory=linux_mini)
    check(f"cli/life-{name}.txt", ksrcfind("life", line, directory=linux_mini).out)


def test_stages_cover_the_releases_without_gaps(linux_mini):
    told = life(linux_mini, "invoked oom-killer")
    stages = told["stages"]
    assert stages[0]["first_tag"] == "v2.6.12-rc2"
    assert stages[-1]["last_tag"] is None
    tags = ["v2.6.12-rc2", "v2.6.12", "v2.6.13", "v3.3", "v5.8-rc1"]
    for earlier, later in pairwise(stages):
        if later["first_tag"] in tags[1:]:
            assert earlier["last_tag"] == tags[tags.index(later["first_tag"]) - 1]
    assert (told["removed"], told["last_release"]) == (None, None)


def test_a_message_that_is_there_lives_today(gone):
    repository, commits = gone
    told = life(repository, "net 3 is up now")
    assert [(s["first_tag"], s["last_tag"], s["format"]) for s in told["stages"]] == [
        ("v1.0", "v1.0", "net %d is up"),
        ("v1.1", None, "net %d is up now"),
    ]
    assert told["introduced"]["commit"] == commits[1]


def test_a_message_that_is_gone_is_found_in_the_releases_that_are_indexed(gone):
    repository, commits = gone
    unknown = ksrcfind("life", "disk 1 of 2 caught fire", directory=repository)
    assert unknown.status == 1
    assert "index --releases" in unknown.err

    done = ksrcfind("index", "--releases", "--format", "json", directory=repository)
    report = json.loads(done.out)
    VALIDATOR.validate(report)
    assert (report["releases"], report["known"]) == (5, 0)
    again = json.loads(ksrcfind("index", "--releases", "--format", "json", directory=repository).out)
    assert (again["known"], again["parsed"], again["linked"]) == (5, 0, 0)

    told = life(repository, "disk 1 of 2 caught fire")
    assert told["tree"]["rev"] == "v2.1"
    assert (told["removed"]["commit"], told["removed"]["first_tag"]) == (commits[4], "v3.0")
    assert told["last_release"] == "v2.1"
    assert [event["kind"] for event in told["events"]] == [
        "introduced",
        "moved",
        "moved",
        "reworded",
        "removed",
    ]
    assert told["notes"][0].startswith("not in ")


def test_what_came_later_is_told_of_an_old_revision(gone):
    repository, commits = gone
    told = life(repository, "--rev", "v1.0", "disk 7 caught fire")
    assert [(event["kind"], event["commit"]) for event in told["events"]] == [
        ("introduced", commits[0]),
        ("moved", commits[2]),
        ("reworded", commits[3]),
        ("removed", commits[4]),
    ]
    assert [(s["first_tag"], s["last_tag"], s["path"]) for s in told["stages"]] == [
        ("v1.0", "v1.1", "a.c"),
        ("v2.0", "v2.0", "b.c"),
        ("v2.1", "v2.1", "b.c"),
    ]


def test_find_says_which_release_knew_a_line(gone):
    repository, _ = gone
    ksrcfind("index", "--releases", directory=repository)
    done = ksrcfind("disk 1 of 2 caught fire", "--format", "ndjson", directory=repository)
    record = json.loads(done.out.splitlines()[-1])
    assert (record["verdict"], record["tree"]["rev"], record["matches"][0]["path"]) == ("exact", "v2.1", "b.c")
    assert "v2.1" in record["notes"][0]
    assert (
        "latest indexed release with this message is v2.1"
        in ksrcfind("disk 1 of 2 caught fire", directory=repository).out
    )


def test_an_index_of_releases_reads_each_content_once(gone, git):
    repository, _ = gone
    report = json.loads(ksrcfind("index", "--releases", "--format", "json", directory=repository).out)
    listed = git(repository, "log", "--all", "--format=", "--raw", "--no-abbrev", "--no-renames", "--", "*.c")
    tagged = {tag: git(repository, "ls-tree", "-r", tag) for tag in git(repository, "tag").split()}
    blobs = {line.split()[2] for tree in tagged.values() for line in tree.splitlines() if line.endswith(".c")}
    assert listed
    assert report["parsed"] == len(blobs)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("index", "--candidates"), "--releases"),
        (("index", "--releases", "--rev", "v1.0"), "--rev"),
    ],
)
def test_what_cannot_be_meant(gone, arguments, said):
    done = ksrcfind(*arguments, directory=gone[0])
    assert (done.status, said in done.err) == (2, True)


def test_a_tree_without_git_has_no_lives(tmp_path):
    (tmp_path / "a.c").write_text(source("one thing"))
    done = ksrcfind("life", "-C", tmp_path, "one thing")
    assert (done.status, "release tags" in done.err) == (2, True)


def test_a_doubtful_message_is_marked(linux_mini, monkeypatch):
    monkeypatch.setattr("ksrcfind.output.lifetime.LEAST_CONFIDENCE", 1.1)
    shown = ksrcfind("life", "invoked oom-killer: gfp_mask=0x0", directory=linux_mini).out
    assert "partial match, confidence 0." in shown
    assert "Doubtful: this is the most similar message" in shown
    assert "Doubtful" not in ksrcfind("life", "mm/oom_kill.c:14", directory=linux_mini).out


def test_the_record_has_the_quality_of_the_match(linux_mini):
    done = ksrcfind("life", "--format", "ndjson", "invoked oom-killer: gfp_mask=0x0", directory=linux_mini)
    record = json.loads(done.out.splitlines()[-1])
    assert record["tier"] == "partial"
    assert 0 < record["confidence"] < 1
