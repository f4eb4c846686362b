"""`diff`: what became of messages and rules, in the bundled repository and in made-up trees."""

import csv
import io
import json
import subprocess
import tarfile
from collections import Counter

import jsonschema
import pytest

from commandline import ksrcfind
from golden import check
from ksrcfind.evolution import rules as evolution_rules
from ksrcfind.evolution.differences import Selection, differences
from ksrcfind.evolution.rules import Evidence, outcomes
from ksrcfind.output.changes import changes
from ksrcfind.output.json import schema
from ksrcfind.output.style import Painter
from ksrcfind.rules import meeting
from ksrcfind.rules.record import Filter, Rule
from ksrcfind.source.message import Form, Message
from ksrcfind.tree.snapshot import TreeInfo

VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema()))


def message(text, path="a.c", line=1, function="f", level="err"):
    return Message(path, line, line, function, "printk", level, None, text + "\n", (Form(text, ()),), ())


def kinds(old, new):
    files = sorted({m.path for m in old + new})
    pairs = [([m for m in old if m.path == path], [m for m in new if m.path == path]) for path in files]
    return [(d.kind, d.old and d.old.forms[0].printed, d.new and d.new.forms[0].printed) for d in differences(pairs)]


def test_lines_that_shift_are_no_difference():
    assert kinds([message("one thing", line=1)], [message("one thing", line=99)]) == []


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        (message("disk %d failed", level="warn"), "level_changed"),
        (message("disk %d failed", function="g"), "moved"),
        (message("disk %d failed", path="b/a.c"), "moved"),
        (message("disk %d has failed"), "reworded"),
        (message("disk %d has failed", path="b/a.c"), "reworded"),
    ],
)
def test_one_message_that_changed(new, kind):
    assert kinds([message("disk %d failed")], [new]) == [(kind, "disk %d failed", new.forms[0].printed)]


def test_a_reworded_message_follows_its_function_to_another_file():
    old = message("%s %s: pipe %c: enable_mask=0x%x, status_mask=0x%x", path="irq.c")
    new = message("%s %s: [drm] pipe %c: enable_mask=0x%x, status_mask=0x%x", path="display/irq2.c")
    assert [kind for kind, _, _ in kinds([old], [new])] == ["reworded"]
    apart = message(new.forms[0].printed, path="display/irq2.c", function="g")
    assert {kind for kind, _, _ in kinds([old], [apart])} == {"added", "removed"}


def test_what_has_no_word_in_common_came_and_went():
    found = kinds([message("%s: no memory")], [message("%s: bad disk")])
    assert found == [("added", None, "%s: bad disk"), ("removed", "%s: no memory", None)]


def test_the_most_alike_are_paired_first_and_each_once():
    old = [message("cannot read block", line=1), message("cannot read the block", line=2)]
    new = [message("cannot read the block %d", line=1), message("cannot read block %d", line=2)]
    assert kinds(old, new) == [
        ("reworded", "cannot read the block", "cannot read the block %d"),
        ("reworded", "cannot read block", "cannot read block %d"),
    ]


def test_a_message_that_hardly_changed_did_not_go_to_its_copy():
    old, new = message("Flushing %d pages: 0x%llx"), message("Flushing %d pages: 0x%lx")
    copy = message("Flushing %d pages: 0x%llx", path="b.c")
    found = differences([([old], [new]), ([], [copy])])
    assert [(d.kind, d.old, d.new) for d in found] == [("reworded", old, new), ("added", None, copy)]
    assert [d.kind for d in differences([([old], []), ([], [copy])])] == ["moved"]


def test_one_of_two_equal_messages_went():
    old = [message("same words here", line=1), message("same words here", line=5)]
    assert kinds(old, old[:1]) == [("removed", "same words here", None)]


NOTHING_ELSE = (Evidence(), Evidence())


def checked(rule, old, new, evidence=NOTHING_ELSE):
    files = sorted({m.path for m in old + new})
    found = differences([([m for m in old if m.path == path], [m for m in new if m.path == path]) for path in files])
    filters = (rule,) if isinstance(rule, Filter) else (Filter(rule),)
    [outcome] = outcomes([Rule(1, filters)], old, new, lambda: found, evidence)
    return outcome


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ("disk failed", "lost"),
        (r"^disk \w+$", "lost"),
        (r"kernel: \[ *[\d.]+\] disk failed", "lost"),
        ("net up", "matches"),
        ("no such text", "never"),
        ("(a{900}){900}", "unknown"),
        ("(a|b)" * 9000, "unknown"),
    ],
)
def test_states_of_rules(rule, state):
    old, new = [message("disk failed"), message("net up", path="b.c")], [message("net up", path="b.c")]
    outcome = checked(rule, old, new)
    assert outcome.state == state
    assert [d.kind for d in outcome.became] == (["removed"] if state == "lost" else [])


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        ([message("disk failed")], [message("disk failed", level="debug")], "debug_only"),
        ([message("disk failed", level="debug")], [message("disk failed", level="debug")], "matches"),
        ([message("disk failed")], [message("disk has failed")], "reworded"),
        ([message("disk failed")], [], "gone"),
        ([message("disk failed")], [message("%s failed", path="b.c")], "gone"),
        ([message("disk failed")], [message("%s failed")], "matches"),
        ([], [message("%s failed")], "matches"),
        ([], [message("%s: %s")], "never"),
    ],
)
def test_answers_about_a_rule(old, new, answer):
    assert checked("disk failed", old, new).answer == answer


def test_what_is_said_about_a_rule():
    old = [message("disk %d failed (%s)")]
    reworded = checked(r"disk \d+ failed", old, [message("disk %d has failed (%s)")])
    assert reworded.proposal == r"disk -?\d+ has failed \(.*\)"
    live = checked(r"sda: disk \d+ fail(?!x)", old, [message("%s: disk %d failed (%s)", level="warn")])
    assert (live.worst_level, live.new[0].tier, live.new[0].values) == ("warn", "partial", ("sda",))
    assert live.note == "a look-around was not compared: the rule may match less"


def test_all_filters_of_a_rule_must_match():
    old = [message("disk failed twice"), message("disk failed", line=2)]
    [outcome] = outcomes([Rule(1, (Filter("disk"), Filter("twice")))], old, old, list, NOTHING_ELSE)
    assert [one.message.line_start for one in outcome.new] == [1]


def test_a_search_that_ends_early_is_never_called_never(monkeypatch):
    monkeypatch.setattr(meeting, "STEPS_FOR_LINE", 3)
    outcome = checked("di[a-z]k f.*d", [message("disk %s failed")], [message("disk %s failed")])
    assert (outcome.answer, outcome.note) == ("cannot_tell", "the search for a common text took too many steps")


def test_rules_are_found_in_single_lines_and_all_of_them():
    old = [message("one\ntwo", line=1), message("two", line=2), message("three two two", line=4)]

    def count(rule):
        return len(checked(rule, old, []).old)

    # A blank of the prefix of a log is before the text, too.
    assert [count(rule) for rule in ("two", "^two$", r"e\s+t", "x*", "[^a]two", "two$")] == [3, 2, 1, 3, 3, 3]


def test_a_rule_that_names_values_is_looked_up_like_a_line():
    old = [message("disk %s failed")]
    asked = []
    evidence = (Evidence(explained=lambda text: asked.append(text) or [(old[0], 0.9)]), Evidence())
    outcome = checked(r"big old disk sda1 is (broken)", old, [], evidence)
    assert asked == ["big old disk sda1 is (broken)", "big old disk sda1 is broken"]
    assert (outcome.state, outcome.old[0].tier, outcome.old[0].confidence) == ("lost", "looked up", 0.9)


@pytest.mark.parametrize("revs", [("v5.8", "v5.9"), ("v3.3", "v5.8")])
def test_releases_of_the_fixture(linux_mini, revs):
    check(f"cli/diff-{'-'.join(revs)}.txt", ksrcfind("diff", *revs, directory=linux_mini).out)


def test_every_format_tells_the_same(linux_mini):
    text, ndjson, document, table = (
        ksrcfind("diff", "v5.8", "v5.9", "--format", chosen, directory=linux_mini)
        for chosen in ("text", "ndjson", "json", "csv")
    )
    records = [json.loads(line) for line in ndjson.out.splitlines()]
    for record in records:
        VALIDATOR.validate(record)
    VALIDATOR.validate(json.loads(document.out))
    assert json.loads(document.out)["records"] == records
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert [row["kind"] for row in rows] == [record["kind"] for record in records]
    summed = Counter(record["kind"] for record in records)
    assert f"{summed['reworded']} reworded, {summed['level_changed']} level changed" in text.out
    assert {done.status for done in (text, ndjson, document, table)} == {0}


def test_paths_of_either_release_limit_it(linux_mini):
    found = ksrcfind("diff", "v3.3", "v5.8", "kernel", "--format", "ndjson", directory=linux_mini)
    records = [json.loads(line) for line in found.out.splitlines()]
    assert all((record["new"] or record["old"])["path"].startswith("kernel/") for record in records)
    wrong = ksrcfind("diff", "v3.3", "v5.8", "nowhere", directory=linux_mini)
    assert (wrong.status, "no C files at nowhere" in wrong.err) == (2, True)


def test_a_release_does_not_differ_from_itself(linux_mini):
    done = ksrcfind("diff", "v5.9", "v5.9", directory=linux_mini)
    assert (done.status, done.out) == (
        1,
        "v5.9 → v5.9: 0 reworded, 0 level changed, 0 moved, 0 removed, 0 added\n",
    )


def test_a_directory_a_bundle_and_a_revision_compare_alike(linux_mini, tmp_path, monkeypatch):
    plain = tmp_path / "linux-5.9"
    plain.mkdir()
    archive = subprocess.run(["git", "-C", linux_mini, "archive", "v5.9"], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(plain, filter="data")
    bundle = tmp_path / "v5.9"
    assert ksrcfind("index", "--rev", "v5.9", "--output", bundle, directory=linux_mini).status == 0
    wanted = ksrcfind("diff", "v5.8", "v5.9", "--format", "csv", directory=linux_mini)
    for name in (plain, bundle):
        done = ksrcfind("diff", "v5.8", name, "--format", "csv", directory=linux_mini)
        assert (done.status, done.out) == (0, wanted.out)
    assert ksrcfind("diff", plain, bundle, directory=tmp_path).status == 1
    # In the directory with the bundle, its name goes before the tag.
    options = ("--repo", linux_mini, "--format", "ndjson")
    record = json.loads(ksrcfind("diff", "v5.8", "v5.9", *options, directory=tmp_path).out.splitlines()[0])
    assert (record["new_name"], record["new_tree"]["source"]) == ("v5.9", "git")
    assert "made from v5.9" in ksrcfind("diff", "v5.8", "v5.9", *options, directory=tmp_path).err
    assert ksrcfind("diff", "v5.8", "./v5.9", *options, directory=tmp_path).status == 0
    missing = ksrcfind("diff", "v5.8", "./v5.8", *options, directory=tmp_path)
    assert (missing.status, "no such directory" in missing.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (("--only", "level"), ["level_changed"]),
        (("--only", "level,removed"), ["level_changed"]),
        (("--min-level", "err"), ["level_changed", "added"]),
        (("--subsystem", "oom"), []),
    ],
)
def test_differences_are_selected(linux_mini, options, kinds):
    done = ksrcfind("diff", "v5.8", "v5.9", *options, "--format", "ndjson", directory=linux_mini)
    assert [json.loads(line)["kind"] for line in done.out.splitlines()] == kinds
    assert done.status == (0 if kinds else 1)


def test_subsystems_select_by_part_of_their_name():
    found = differences([([], [message("one", path="mm/a.c"), message("two", path="fs/b.c")])])
    names = {"mm/a.c": "MEMORY MANAGEMENT", "fs/b.c": None}
    assert [one.new.path for one in Selection(subsystem="memory").of(found, names.get)] == ["mm/a.c"]


def test_a_terminal_gets_the_most_severe_of_many_differences():
    new = [message(f"text {number} of many", line=number + 1, level="info") for number in range(150)]
    found = differences([([], [*new, message("worst of all", line=900, level="crit")])])
    tree = TreeInfo("v1", None, "git")

    def text(bounded):
        painter, subsystem = Painter(color=False), {one.new.path: "PART" for one in found}.get
        return "".join(
            changes("text", found, (tree, tree), painter, names=("a", "b"), subsystem_of=subsystem, bounded=bounded)
        ).splitlines()

    assert text(False)[1].split() == ["151", "PART"]
    assert len(text(False)) == 2 + 2 * 151
    assert text(True)[2].startswith("The 40 most severe of 151. See more: --all")
    assert text(True)[4] == "  worst of all"
    assert len(text(True)) == 3 + 2 * 40


def test_what_is_inferred_is_said():
    [found] = differences([([message("disk %d failed")], [message("disk %d has failed")])])
    assert (found.tier, found.similarity) == ("partial", 0.88)
    [found] = differences([([message("disk %d failed")], [message("disk %d failed", function="g")])])
    assert (found.tier, found.similarity) == ("exact", None)


def test_an_invalid_rule_names_file_and_line(linux_mini, tmp_path):
    rules = tmp_path / "rules.txt"
    rules.write_text("fine\n\n(unbalanced\n")
    done = ksrcfind("diff", "v5.8", "v5.9", "--rules", rules, directory=linux_mini)
    assert done.status == 2
    assert f"{rules}:3: not a regular expression: an opening parenthesis" in done.err


def test_rules_of_the_fixture(linux_mini, tmp_path):
    rules = tmp_path / "rules.txt"
    rules.write_text("# memory\nOut of Memory: Killed process\n^\\w+ invoked oom-killer\nnothing says this\n")
    asked = ("diff", "v3.3", "v5.8", "--rules", rules)
    check("cli/diff-rules.txt", ksrcfind(*asked, directory=linux_mini).out)
    records = [
        json.loads(line)
        for line in ksrcfind(*asked, "--format", "ndjson", directory=linux_mini).out.split("\n")
        if line
    ]
    for record in records:
        VALIDATOR.validate(record)
    assert [record["state"] for record in records] == ["lost", "matches", "never"]
    rows = list(csv.DictReader(io.StringIO(ksrcfind(*asked, "--format", "csv", directory=linux_mini).out)))
    assert [row["state"] for row in rows] == ["lost", "matches", "never"]
    assert rows[0]["kind"] == "reworded"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("diff", "v5.8"), "NEW"),
        (("diff", "--rev", "v5.9", "v5.8", "v5.9"), "instead of --rev"),
        (("diff", "v5.8", "v5.99"), "unknown revision: v5.99"),
        (("diff", "v5.8", "v5.9", "--rules", "/nowhere/rules"), "cannot read"),
        (("diff", "v5.8", "v5.9", "--rules", "/dev/null", "--rules-format", "odd"), "odd"),
        (("diff", "v5.8", "v5.9", "--only", "added,gone"), "no such kind of difference: gone"),
        (("diff", "v5.8", "v5.9", "--min-level", "loud"), "no such level: loud"),
    ],
)
def test_what_cannot_be_meant(linux_mini, arguments, said):
    done = ksrcfind(*arguments, directory=linux_mini)
    assert (done.status, said in done.err) == (2, True), done.err


def test_a_value_of_several_words_must_be_a_string_of_the_file():
    old = [message("%s: Killed process %d (%s)", path="mm/oom_kill.c")]
    rule = "Memory cgroup out of memory: Killed process"
    assert checked(rule, old, old).answer == "never"
    known = Evidence(has_string=lambda path, text: (path, text) == ("mm/oom_kill.c", "Memory cgroup out of memory"))
    live = checked(rule, old, old, (known, known))
    assert (live.answer, live.new[0].tier, live.new[0].values) == (
        "matches",
        "partial",
        ("Memory cgroup out of memory",),
    )


def test_a_string_of_the_source_keeps_a_rule_alive():
    known = Evidence(string=lambda text: ("traps.c", 616) if text == "general protection fault" else None)
    live = checked("general protection fault", [], [], (known, known))
    assert (live.answer, live.new[0].tier, live.new[0].message.line_start) == ("matches", "string", 616)
    assert checked("general protection fault", [], [], (known, Evidence())).answer == "gone"


def test_strings_of_a_tree_are_searched(linux_mini, tmp_path):
    rules = tmp_path / "rules.txt"
    rules.write_text("Memory cgroup out of memory: Killed process\n")
    done = ksrcfind("diff", "v5.8", "v5.9", "--rules", rules, "--format", "ndjson", directory=linux_mini)
    record = json.loads(done.out)
    VALIDATOR.validate(record)
    assert record["state"] in ("matches", "never")


def test_a_rule_whose_text_is_nearly_a_string_is_never_called_never():
    known = Evidence(string=lambda text: ("edac.c", 7) if text == "memory read error" else None)
    outcome = checked("CE memory read error .*", [], [], (known, known))
    assert outcome.answer == "cannot_tell"
    assert outcome.note == "‘memory read error’ is a string at edac.c:7, which a call may print as a value"


def test_a_text_that_find_explains_weakly_is_never_called_never():
    old = [message("the wheel of the cart is off")]
    known = Evidence(explained=lambda _: [(old[0], 0.2)])
    outcome = checked("my wheel came off the cart", old, old, (known, known))
    assert outcome.answer == "cannot_tell"
    assert "perhaps" in outcome.note


def test_a_label_in_front_of_a_value_is_never_called_never():
    known = Evidence(string=lambda text: ("audit.c", 60) if text == "apparmor=" else None)
    assert checked('apparmor="DENIED"', [], [], (known, known)).answer == "cannot_tell"


def test_three_words_of_the_tree_make_no_match():
    old = [message("%s %s: %s failure")]
    known = Evidence(string=lambda text: ("a.c", 1) if text in ("Server", "Power", "Disk") else None)
    assert checked("Server Power: Disk failure", old, old, (known, known)).answer == "never"


def test_equal_rules_are_searched_once(monkeypatch):
    searched = []
    search = evolution_rules._outcome
    monkeypatch.setattr(evolution_rules, "_outcome", lambda *args: searched.append(args[0]) or search(*args))
    rules = [Rule(number, (Filter("hello"),)) for number in range(1, 6)]
    found = outcomes(rules, [], [], list, (Evidence(), Evidence()))
    assert [one.rule.line for one in found] == [1, 2, 3, 4, 5]
    assert len(searched) == 1
