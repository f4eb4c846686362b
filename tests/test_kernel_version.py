"""Which release a log is of."""

import pytest

from commandline import ksrcfind
from ksrcfind.evolution.log_release import banner_release, narrowed, nearest_tag, oldest_possible, tag_of
from ksrcfind.history.provenance import Change, Release
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.tree.versions import parse_tag, release_versions

TAGS = [
    ReleaseTag(name, name, parse_tag(name))
    for name in ("v2.6.32", "v2.6.32.9", "v5.15", "v6.1-rc1", "v6.1", "v6.1.30", "v6.1.55", "v6.5-rc3", "v6.5")
]


@pytest.mark.parametrize(
    ("banner", "tag"),
    [
        (
            "Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld "
            "(GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)",
            "v6.1.55",
        ),
        (
            "Linux version 5.15.0-91-generic (buildd@host) (gcc (Ubuntu 11.4.0) 11.4.0) #101-Ubuntu SMP Tue Nov 14 "
            "13:30:08 UTC 2023 (Ubuntu 5.15.0-91.101-generic 5.15.131)",
            "v5.15",
        ),
        ("Linux version 6.1.31 (a@b) (gcc 6.1.90) #1 SMP", "v6.1.30"),
        ("Linux version 6.5.0-rc3+ (a@b) (gcc) #7", "v6.5-rc3"),
        ("Linux version 6.5.0-rc4 (a@b) (gcc) #7", "v6.5-rc3"),
        ("Linux version 6.5.0 (a@b) (gcc) #7", "v6.5"),
        ("Linux version 2.6.32-431.el6.x86_64 (mockbuild@host) (gcc 4.4.7) #1 SMP", "v2.6.32"),
        ("Linux version 2.6.31 (a@b) #1", None),
    ],
)
def test_nearest_tag_of_a_banner(banner, tag):
    wanted = banner_release(banner)
    assert wanted is not None
    found = nearest_tag(wanted, TAGS)
    assert (found and found.name) == tag


DEBIAN = "Linux version 6.1.0-13-amd64 (a@b) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP Debian 6.1.55-1 (2023-09-29)"
UBUNTU = "Linux version 6.2.0-39-generic (a@b) (gcc) #40~22.04.1-Ubuntu SMP (Ubuntu 6.2.0-39.40~22.04.1-generic 6.2.16)"


@pytest.mark.parametrize(
    ("banner", "names", "tag"),
    [
        (DEBIAN, "debian/6.1.52-1 debian/6.1.55-1 debian/6.1.55-11 debian/6.1.64-1", "debian/6.1.55-1"),
        (DEBIAN, "debian/6.1.52-1 debian/6.1.64-1", "debian/6.1.52-1"),
        (UBUNTU, "Ubuntu-6.2.0-38.39 Ubuntu-6.2.0-39.40 Ubuntu-6.2.0-40.41 Ubuntu-6.5.0-9.9", "Ubuntu-6.2.0-39.40"),
        (UBUNTU, "v6.2 v6.2.16 v6.3", "v6.2.16"),
        ("Linux version 5.14.0-9.el9 (a@b) #1", "kernel-5.13.0-1.el9 kernel-5.14.0-362.el9", "kernel-5.14.0-362.el9"),
        (DEBIAN, "android14-5.15-2023-10_r1 android14-6.1-2023-10_r1", "android14-6.1-2023-10_r1"),
        (DEBIAN, "v6.5", None),
    ],
)
def test_tags_of_distributions(banner, names, tag):
    versions = release_versions(names.split())
    tags = [ReleaseTag(name, name, versions[name]) for name in sorted(versions, key=versions.__getitem__)]
    found = tag_of(banner, tags)
    assert (found and found.name) == tag


def test_what_is_no_banner_names_no_release():
    assert banner_release("usb 1-1: new device") is None
    assert banner_release("Linux version unknown") is None


@pytest.fixture
def log(tmp_path):
    """A log of 5.8.2, which HEAD of the bundled repository is not."""
    path = tmp_path / "kern.log"
    path.write_text(
        "[    0.000000] Linux version 5.8.2-1-generic (a@b) (gcc 10) #1 SMP\n"
        "[    1.000000] MINIFS-fs (sda1): unable to read superblock\n"
    )
    return path


def test_a_log_of_another_release_is_told_with_the_command(linux_mini, log):
    done = ksrcfind("batch", "--no-history", log, directory=linux_mini)
    assert "the log is from Linux version 5.8.2-1-generic" in done.err
    assert f"ksrcfind batch --rev v5.8.2 {log}" in done.err


def test_rev_auto_takes_the_release_of_the_log(linux_mini, log):
    done = ksrcfind("batch", "--rev", "auto", "--no-history", "--format", "ndjson", log, directory=linux_mini)
    assert '"rev":"v5.8.2"' in done.out
    assert "answers are for v5.8.2" in done.err


def test_a_release_that_is_indexed_is_used(linux_mini, log):
    ksrcfind("index", "--rev", "v5.8.2", directory=linux_mini)
    done = ksrcfind("batch", "--no-history", "--format", "ndjson", log, directory=linux_mini)
    assert '"rev":"v5.8.2"' in done.out


def test_a_release_that_is_asked_for_is_used_without_a_word(linux_mini, log):
    done = ksrcfind("batch", "--rev", "v5.9", "--no-history", "--format", "ndjson", log, directory=linux_mini)
    assert ('"rev":"v5.9"' in done.out, "note" in done.err) == (True, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [("[    1.0] no banner here\n", "cannot determine"), ("Linux version 0.9.1 (a@b) #1\n", "no release tag")],
)
def test_rev_auto_without_a_release(linux_mini, tmp_path, text, said):
    (tmp_path / "kern.log").write_text(text)
    done = ksrcfind("batch", "--rev", "auto", tmp_path / "kern.log", directory=linux_mini)
    assert (done.status, said in done.err) == (2, True), done.err


def test_rev_auto_of_a_pipe(linux_mini):
    done = ksrcfind("batch", "--rev", "auto", "-", directory=linux_mini)
    assert (done.status, "needs a file, not standard input" in done.err) == (2, True)


@pytest.mark.parametrize(("lines", "told"), [(30, True), (5, False)])
def test_a_log_that_does_not_fit_is_said_so(linux_mini, tmp_path, lines, told):
    path = tmp_path / "kern.log"
    path.write_text("".join(f"[    1.{n:06}] qwzx{n} flurbed the {n}th gronk: zib\n" for n in range(lines)))
    done = ksrcfind("batch", "--no-history", path, directory=linux_mini)
    assert ("may be from another kernel" in done.err) == told, done.err


def change(commit, tag):
    return Change(commit, "subject", Release(tag, None), f"{commit}.c", 1)


def test_the_releases_that_know_most_lines():
    def span(*lines):
        found = narrowed(list(zip(TAGS, lines, strict=False)))
        return found and (found.first.name, found.last.name, found.lines)

    assert span(3, 5, 9, 9, 8) == ("v5.15", "v6.1-rc1", 9)
    assert span(3, 9, 8, 9, 8) == ("v2.6.32.9", "v6.1-rc1", 9)
    assert span(9, 9) is span(2, 1) is span() is None


def test_the_message_that_came_last():
    order = {tag.name: number for number, tag in enumerate(TAGS)}
    backports = {"late": ["v5.15", None], "middle": []}
    changes = [change("early", "v2.6.32"), change("late", "v6.5-rc3"), change("middle", "v6.1"), change("new", None)]
    found = oldest_possible(changes, order, lambda commit: backports.get(commit, []))
    assert found == (changes[2], "v6.1")
    assert oldest_possible(changes[:2], order, lambda commit: backports.get(commit, [])) == (changes[1], "v5.15")
    assert oldest_possible([change("new", None)], order, lambda _: []) is None


LINES_OF_5_9 = (
    "[    1.000000] Dead loop on virtual device eth0, fix it urgently!\n"
    "[    2.000000] MINIFS-fs (sda1): unable to read superblock\n"
    "[    3.000000] Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task\n"
    "[    4.000000] eth0: hw csum failure\n"
)


@pytest.fixture
def no_banner(tmp_path):
    path = tmp_path / "my kern.log"
    path.write_text(LINES_OF_5_9)
    return path


def test_a_log_without_a_banner_is_narrowed_down_by_the_releases_that_are_indexed(linux_mini, no_banner):
    for rev in ("v5.8", "v5.9-rc1", "v5.9", "v6.1"):
        ksrcfind("index", "--rev", rev, directory=linux_mini)
    done = ksrcfind("batch", "--no-history", no_banner, directory=linux_mini)
    assert "v5.9-rc1 to v5.9 can print the most of its messages (4 of 4 lines)" in done.err
    assert f"ksrcfind batch --rev v5.9 '{no_banner}'" in done.err
    done = ksrcfind("batch", "--rev", "auto", "--no-history", "--format", "ndjson", no_banner, directory=linux_mini)
    assert '"rev":"v5.9"' in done.out


def test_a_log_without_a_banner_is_not_older_than_its_messages(linux_mini, no_banner):
    done = ksrcfind("batch", "--all", no_banner, directory=linux_mini)
    assert "note: the log names no release; it is from v5.8.2 or later, which introduced mm/oom_kill.c:" in done.err
    banner = "[    0.000000] Linux version 6.1.0 (a@b) #1\n"
    no_banner.write_text(banner + LINES_OF_5_9)
    assert "names no release" not in ksrcfind("batch", no_banner, directory=linux_mini).err
