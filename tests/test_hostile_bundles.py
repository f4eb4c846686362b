"""Whatever stands in a bundle, its reader gets an answer or one clear error, in bounded memory."""

import json
import os
import subprocess
import sys

import pytest

import hostile_bundles
from commandline import ksrcfind
from hostile_bundles import by_bytes, by_column, by_content, by_structure, rewritten, sealed
from repositories import KERNEL

SEED = 20240611
MOST_GROWTH_KB = 300_000
PATIENCE = 300
"""Seconds after which a reader counts as stuck."""

ALWAYS_REFUSED = {"life", "show", "diff"}
"""Commands that a bundle cannot answer."""


@pytest.fixture(scope="module")
def bundle(linux_mini, tmp_path_factory):
    directory = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KSRCFIND_CACHE_DIR", str(directory / "cache"))
        done = ksrcfind("index", "--output", directory / "whole", "--with-history", "--with-code", directory=linux_mini)
    assert done.status == 0
    return directory / "whole"


def asked(bundles):
    """Ask bundles in a process of its own, and say what came of it."""
    done = subprocess.run(
        [sys.executable, hostile_bundles.__file__],
        input=json.dumps([str(bundle) for bundle in bundles]).encode(),
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return json.loads(done.stdout)


def check(made):
    """Assert that bundles, by name, are answered from or refused, and that nothing else happens."""
    told = asked(made.values())
    names = {str(path): name for name, path in made.items()}
    assert [(names[path], *rest) for path, *rest in told["crashes"]] == []
    for path, refusals in told["refused"].items():
        for command, out, err in refusals:
            if command == "doctor":
                assert "is not a usable ksrcfind bundle: " in out
            else:
                title, _, hint = err.partition("error: ")[2].partition("\n")
                unusable = f"{path} is not a usable ksrcfind bundle: " in title
                assert unusable or (command in ALWAYS_REFUSED and "cannot" in title), (names[path], command, err)
                assert "Rebuild it with" in hint or not unusable
                assert len(title) < 1000
    assert told["grown_kb"] < MOST_GROWTH_KB
    return {names[path]: {command for command, *_ in refusals} for path, refusals in told["refused"].items()}


def changed(bundle, directory, changes):
    return {name: rewritten(bundle, directory / f"{number}", change) for number, (name, change) in enumerate(changes)}


def test_a_whole_bundle_answers_all_that_it_can(bundle, tmp_path):
    refused = check(changed(bundle, tmp_path, [("unchanged", lambda _: None)]))
    assert refused == {"unchanged": ALWAYS_REFUSED}


@pytest.mark.parametrize("table", hostile_bundles.COLUMNS)
def test_values_that_no_column_has(bundle, tmp_path, table):
    refused = check(changed(bundle, tmp_path, [one for one in by_column() if one[0].startswith(table)]))
    bombs = {name for name in refused if name.endswith("bomb")}
    assert all({"find", "batch"} & refused[name] for name in bombs if table != "extras")


def test_tables_that_do_not_fit_each_other(bundle, tmp_path):
    refused = check(changed(bundle, tmp_path, by_structure()))
    for name, commands in refused.items():
        if name.startswith(("about", "one unit", "counts agree", "a unit", "a gap", "units")):
            assert {"find", "batch", "at", "messages"} <= commands, name


@pytest.mark.parametrize("part", range(4))
def test_parts_of_rows_that_are_something_odd(bundle, tmp_path, part):
    check(changed(bundle, tmp_path, by_content(SEED + part, 45)))


@pytest.mark.parametrize("part", range(2))
def test_bytes_and_pages_that_lead_astray(bundle, tmp_path, part):
    database = bundle.read_bytes()[:-4]
    changes = by_bytes(SEED + part, 25)
    check({name: sealed(tmp_path / f"{number}", spoil(database)) for number, (name, spoil) in enumerate(changes)})


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = ksrcfind("--index", tmp_path / "pipe", "some text")
    assert done.status == 2
    assert "it is not a regular file" in done.err


def test_what_is_written_can_be_read_however_much_alike_it_is(tmp_path):
    calls = "".join('\tpr_info("the same again\\n");\n' for _ in range(30_000))
    for path, text in (KERNEL | {"init/main.c": f"void start(void)\n{{\n{calls}}}\n"}).items():
        (tmp_path / "linux" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "linux" / path).write_text(text)
    assert ksrcfind("index", "--output", tmp_path / "b", directory=tmp_path / "linux").status == 0
    done = ksrcfind("--index", tmp_path / "b", "--format", "json", "the same again")
    assert json.loads(done.out)["records"][0]["rivals"] == 29_999
