"""Commits as git itself reads them."""

from datetime import UTC, datetime, timedelta

import pytest

from ksrcfind.history.commits import describe, links, parse_commit, parse_trailers, read_commits
from ksrcfind.history.provenance import Release
from ksrcfind.tree.git import Git
from ksrcfind.tree.objects import ObjectReader
from repositories import kernel, seal

MESSAGE = """mm, oom: show process exiting information

A body that says: nothing.

Link: https://lore.kernel.org/r/1@example.org
Fixes: 1da177e4c3f4 ("Linux-2.6.12-rc2")
Cc: <stable@vger.kernel.org> # v5.4+
[akpm@linux-foundation.org: fix typo]
Signed-off-by: A. Author <author@example.org>
Reviewed-by: R. Viewer <r@example.org>
Signed-off-by: C. Committer <c@example.org>
"""


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    return kernel(tmp_path / "linux")


def read(scratch, commit="HEAD"):
    reader = ObjectReader(Git(scratch.root))
    (found,) = read_commits(reader, [scratch.git("rev-parse", commit)])
    reader.close()
    return found


def test_a_commit_is_what_git_shows(scratch):
    scratch.commit(MESSAGE, GIT_AUTHOR_DATE="1600000000 -0730", GIT_AUTHOR_NAME="Jörg Müller")
    commit = read(scratch)
    shown = scratch.git("log", "-1", "--format=%H%n%P%n%s%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B").split("\n", 9)
    assert [
        *(commit.id, *commit.parents, commit.subject, commit.author.name, commit.author.email),
        *(commit.author.date.isoformat(), commit.committer.name, commit.committer.email),
    ] == shown[:8]
    assert commit.committer.date == datetime.fromisoformat(shown[8])
    assert commit.message.strip() == shown[9].strip()
    assert commit.author.date.utcoffset() == -timedelta(hours=7, minutes=30)


def test_trailers_are_those_of_git(scratch):
    said = scratch.git("interpret-trailers", "--parse", stdin=MESSAGE.encode())
    trailers = parse_trailers(MESSAGE)
    assert {(key, value) for key, values in trailers.items() for value in values} == {
        tuple(line.split(": ", 1)) for line in said.splitlines()
    }
    assert trailers["Signed-off-by"] == ["A. Author <author@example.org>", "C. Committer <c@example.org>"]
    assert list(trailers)[:3] == ["Link", "Fixes", "Cc"]
    assert links(trailers) == ("https://lore.kernel.org/r/1@example.org",)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("subject: only\n", {}),
        ("subject\n\nProse: with a colon\nand a second line\nand a third one\n", {}),
        ("s\n\nbody\n\nFixes: 1\n\nSigned-off-by: A\n", {"Fixes": ["1"], "Signed-off-by": ["A"]}),
        ("s\n\nFixes: long\n  folded\nCC: a\ncc: b\n", {"Fixes": ["long folded"], "CC": ["a", "b"]}),
        ("s\n\nFixes: 1\n\n(cherry picked from commit 1234567)\n\nAcked-by: B\n", {"Fixes": ["1"], "Acked-by": ["B"]}),
        ("s\n\nSigned-off-by: A\n--\nsignature\n", {"Signed-off-by": ["A"]}),
        ("", {}),
        ("\n\n\n", {}),
        (":\n\n:\n: :\n", {}),
    ],
)
def test_trailers(message, expected):
    assert parse_trailers(message) == expected


def test_links_come_from_trailers_alone_and_once():
    trailers = parse_trailers(
        "s\n\nsee https://example.org/prose\n\nCloses: https://example.org/1.\nLink: (https://example.org/2)\n"
        "Link: https://example.org/1\nReported-by: https://example.org/3\nBuglink: none\n"
    )
    assert links(trailers) == ("https://example.org/1", "https://example.org/2")


@pytest.mark.parametrize(
    ("encoding", "name"), [("ISO-8859-1", "Jörg Müller"), ("koi8-r", "Иван"), ("UTF-8", "Jörg"), ("SHIFT_JIS", "日本")]
)
def test_encodings(scratch, encoding, name):
    message = f"by {name}\n".encode(encoding)
    person = f"{name} <a@b> 1600000000 +0000".encode(encoding)
    tree = scratch.git("rev-parse", "HEAD^{tree}")
    data = b"tree %s\nauthor %s\ncommitter %s\nencoding %s\n\n%s" % (
        *(tree.encode(), person, person, encoding.encode(), message),
    )
    commit_id = scratch.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=data)
    commit = read(scratch, commit_id)
    assert commit.author.name == name
    assert commit.subject == f"by {name}"
    assert scratch.git("log", "-1", "--encoding=UTF-8", "--format=%an", commit_id) == name


@pytest.mark.parametrize("encoding", [b"idna", b"unicode_escape", b"zip", b"nothing", b"utf-8\0", b"\xff", b""])
def test_encodings_that_are_none(encoding):
    commit = parse_commit("0" * 40, b"author \xe9 <a@b> 1 +0000\nencoding " + encoding + b"\n\n\\x41 \xe9\n")
    assert commit.author.name == "\ufffd"
    assert commit.subject == "\\x41 \ufffd"


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (b"1600000000 +0530", "2020-09-13T17:56:40+05:30"),
        (b"1600000000 +051800", "2020-09-14T02:26:40+14:00"),
        (b"99999999999999999 +0000", "9999-12-31T23:59:59+00:00"),
        (b"-1 +0000", "1969-12-31T23:59:59+00:00"),
        (b"1600000000", "1970-01-01T00:00:00+00:00"),
        (b"", "1970-01-01T00:00:00+00:00"),
        (b"yesterday", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_dates(when, expected):
    commit = parse_commit("0" * 40, b"author A <a@b> " + when + b"\n\n")
    assert commit.author.date.isoformat() == expected


def test_broken_commits_are_read_as_far_as_they_go():
    for data in (b"", b"\n\n", b"author\n", b"author nobody\n\nx", b"parent\n\n", b"gpgsig a\n parent no\n\nsubject"):
        commit = parse_commit("0" * 40, data)
        assert commit.committer.date == datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_commit("0" * 40, b"gpgsig a\n parent no\n\nsubject").parents == ()
    assert parse_commit("0" * 40, b"author nobody\n\nx").author.name == "nobody"


def test_subjects_of_several_lines(scratch):
    scratch.commit("a subject\nin two  lines\n\nbody")
    assert read(scratch).subject == scratch.git("log", "-1", "--format=%s")


def test_what_is_not_a_commit_is_left_out(scratch):
    reader = ObjectReader(Git(scratch.root))
    ids = [scratch.git("rev-parse", name) for name in ("HEAD", "HEAD:Makefile")]
    assert [commit.id for commit in read_commits(reader, [*ids, "0" * 40])] == ids[:1]
    reader.close()


def test_the_record_of_a_commit(scratch):
    scratch.commit(MESSAGE)
    described = describe(read(scratch), Release("v5.9-rc1", "v5.9"))
    assert described.release.first_release == "v5.9"
    assert described.links == ("https://lore.kernel.org/r/1@example.org",)
    assert described.trailers["Fixes"] == ['1da177e4c3f4 ("Linux-2.6.12-rc2")']
