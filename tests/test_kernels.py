"""The kernel that a log names, and the commands that bring its source."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandline import ksrcfind
from ksrcfind.kernels.banner import read_banner, read_report_line, spelled_version
from ksrcfind.kernels.in_log import kernels_named
from ksrcfind.kernels.recipes import recipe_for

GCC = "(gcc (GCC) 12.2.0, GNU ld (GNU Binutils) 2.39)"

KERNELS = [
    (
        "6.1.0-13-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC "
        "Debian 6.1.55-1 (2023-09-29)",
        "Debian",
        "linux 6.1.55-1",
        "apt-get download linux-source-6.1=6.1.55-1",
    ),
    (
        "5.15.0-91-generic (buildd@a) (gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0) #101-Ubuntu SMP Tue Nov 14 2023",
        "Ubuntu",
        "linux 5.15.0-91.101",
        "git clone --branch Ubuntu-5.15.0-91.101 "
        "'https://git.launchpad.net/~ubuntu-kernel/ubuntu/+source/linux/+git/jammy' linux-jammy",
    ),
    (
        "5.15.0-91-generic (buildd@a) (gcc (Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0) #101~20.04.1-Ubuntu SMP Thu Nov 16",
        "Ubuntu",
        "linux-hwe-5.15 5.15.0-91.101~20.04.1",
        "pull-lp-source linux-hwe-5.15 5.15.0-91.101~20.04.1",
    ),
    (
        "5.15.0-1051-aws (buildd@a) (gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0) #56-Ubuntu SMP Tue Nov 28 2023",
        "Ubuntu",
        "linux-aws 5.15.0-1051.56",
        "pull-lp-source linux-aws 5.15.0-1051.56",
    ),
    (
        f"6.5.6-300.fc39.x86_64 (mockbuild@b) {GCC} #1 SMP PREEMPT_DYNAMIC Fri Oct  6 19:57:21 UTC 2023",
        "Fedora",
        "kernel-6.5.6-300.fc39",
        "wget https://kojipkgs.fedoraproject.org/packages/kernel/6.5.6/300.fc39/src/kernel-6.5.6-300.fc39.src.rpm",
    ),
    (
        f"4.18.0-477.10.1.el8_8.x86_64 (mockbuild@b.redhat.com) {GCC} #1 SMP Wed Apr 5 13:35:01 EDT 2023",
        "Red Hat Enterprise Linux",
        "kernel-4.18.0-477.10.1.el8_8",
        "dnf download --source kernel-4.18.0-477.10.1.el8_8",
    ),
    (
        f"5.14.0-391.el9.x86_64 (mockbuild@x.stream.rdu2.redhat.com) {GCC} #1 SMP PREEMPT_DYNAMIC Tue Nov 28 2023",
        "CentOS Stream",
        "kernel-5.14.0-391.el9",
        "git clone --branch kernel-5.14.0-391.el9 "
        "https://gitlab.com/redhat/centos-stream/src/kernel/centos-stream-9.git centos-stream-9",
    ),
    (
        f"3.10.0-1160.el7.x86_64 (mockbuild@kbuilder.bsys.centos.org) {GCC} #1 SMP Mon Oct 19 16:18:59 UTC 2020",
        "CentOS",
        "kernel-3.10.0-1160.el7",
        "wget https://vault.centos.org/7.9.2009/os/Source/SPackages/kernel-3.10.0-1160.el7.src.rpm",
    ),
    (
        f"5.14.21-150500.55.36-default (geeko@buildhost) {GCC} #1 SMP PREEMPT_DYNAMIC Tue Oct 31 2023 (e7a2e23)",
        "SUSE",
        "kernel-source 5.14.21-150500.55.36",
        "git -C kernel-source checkout e7a2e23",
    ),
    (
        f"6.0.12-arch1-1 (linux@archlinux) {GCC} #1 SMP PREEMPT_DYNAMIC Thu, 08 Dec 2022 11:03:38 +0000",
        "Arch Linux",
        "v6.0.12-arch1",
        "git clone --branch v6.0.12-arch1 https://github.com/archlinux/linux linux-arch",
    ),
    (
        "6.1.21-v8+ (dom@buildbot) (aarch64-linux-gnu-gcc-8 (Ubuntu/Linaro 8.4.0) 8.4.0) #1642 SMP PREEMPT Mon Apr 3",
        "Raspberry Pi OS",
        "6.1.21-v8+ #1642",
        "build=$(git -C firmware log -1 --format=%H -S'#1642 ' -- extra/uname_string8)",
    ),
    (
        "6.6.20+rpt-rpi-v8 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT Debian "
        "1:6.6.20-1+rpt1 (2024-03-07)",
        "Raspberry Pi OS",
        "linux 1:6.6.20-1+rpt1",
        "apt-get source linux=1:6.6.20-1+rpt1",
    ),
    (
        "5.10.66-android12-9-00041-gfa9c9074531e-ab7914766 (build-user@build-host) (clang version 12) #1 SMP",
        "Android common kernel",
        "android12-5.10 fa9c9074531e",
        "git -C linux-android12-5.10 checkout fa9c9074531e",
    ),
    (
        f"5.15.90.1-microsoft-standard-WSL2 (oe-user@oe-host) {GCC} #1 SMP Fri Jan 27 02:56:13 UTC 2023",
        "WSL2",
        "linux-msft-wsl-5.15.90.1",
        "git clone --branch linux-msft-wsl-5.15.90.1 https://github.com/microsoft/WSL2-Linux-Kernel.git "
        "wsl2-linux-kernel",
    ),
    (
        f"6.5.0-rc3 (me@box) {GCC} #1 SMP PREEMPT_DYNAMIC Mon Jul 24 10:00:00 UTC 2023",
        "kernel.org",
        "Linux 6.5-rc3",
        "git clone --branch v6.5-rc3 https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git linux",
    ),
    (
        f"6.1.55 (me@box) {GCC} #1 SMP PREEMPT_DYNAMIC Mon Jul 24 10:00:00 UTC 2023",
        "kernel.org",
        "Linux 6.1.55",
        "wget https://cdn.kernel.org/pub/linux/kernel/v6.x/linux-6.1.55.tar.xz",
    ),
    (
        f"6.5.0-rc3-00123-gabcdef123456 (me@box) {GCC} #1 SMP PREEMPT_DYNAMIC Mon Jul 24 10:00:00 UTC 2023",
        "kernel.org",
        "6.5-rc3, 00123 commits later",
        "git -C linux checkout abcdef123456",
    ),
]


@pytest.mark.parametrize(("banner", "distribution", "kernel", "command"), KERNELS)
def test_each_distribution_has_its_own_commands(banner, distribution, kernel, command):
    recipe = recipe_for(read_banner(f"Linux version {banner}"))
    assert (recipe.distribution, recipe.kernel) == (distribution, kernel)
    assert recipe.is_exact
    assert command in [one for way in recipe.ways for one in way.commands]


@pytest.mark.parametrize(("release", "kernel"), [("6.6.63-ky", "Linux 6.6.63"), ("6.1.1-arch1-4-own", "v6.1.1-arch1")])
def test_a_kernel_with_changes_of_its_own_gets_the_nearest_source_and_is_told_so(release, kernel):
    recipe = recipe_for(read_banner(f"Linux version {release} (me@box) {GCC} #5 SMP"))
    assert recipe.kernel == kernel
    assert not recipe.is_exact
    assert recipe.note


def test_the_banner_spells_the_release_that_a_distribution_is_based_on():
    banner = read_banner(f"[    0.000000] Linux version {KERNELS[0][0]}")
    assert banner.release == "6.1.0-13-amd64"
    assert spelled_version(banner.version) == "6.1.55"


@pytest.mark.parametrize("text", ["", "Linux version", "Linux version x.y", "version 6.1 of something", "Linux"])
def test_other_lines_name_no_kernel(text):
    assert read_banner(text) is None
    assert read_report_line(text) is None


def test_a_crash_report_names_its_kernel():
    line = "CPU: 3 PID: 812 Comm: kworker/3:1 Tainted: G        W  OE      6.1.0-13-amd64 #1  Debian 6.1.55-1"
    assert recipe_for(read_report_line(line)).kernel == "linux 6.1.55-1"


def test_a_kernel_is_listed_once_with_its_boots():
    banner, report = f"Linux version {KERNELS[0][0]}", "CPU: 1 PID: 2 Comm: a Not tainted 6.1.0-13-amd64 #1"
    found = kernels_named([("a", 1, report), ("a", 7, banner), ("b", 1, banner), ("b", 9, "Not tainted 5.4.0 #1 x")])
    assert [(one.banner.release, one.boots, one.source, one.line) for one in found] == [
        ("6.1.0-13-amd64", 2, "a", 7),
        ("5.4.0", 0, "b", 9),
    ]


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=60),
    st.sampled_from(
        ["", "6.1.0-13-amd64", "5.15.0-91-generic", "6.5.6-300.fc39.x86_64", "5.10.66-android12-9-1-gabcdef0"]
    ),
    st.sampled_from([" #1 SMP Debian 6.1.55-1", " #101-Ubuntu", " #1 ($(reboot))", ";reboot #1", " #1 (abcdef0)"]),
)
def test_no_banner_puts_a_command_of_its_own_into_the_commands(text, release, build):
    banner = read_banner(f"Linux version {release}{text}{build}")
    if banner is None:
        return
    for way in recipe_for(banner).ways:
        for command in way.commands:
            known = (
                command.replace("build=$(git ", "git ")
                .replace("$(git ", "git ")
                .replace("$PWD", "")
                .replace("$build", "")
            )
            assert not set(known) & set("`$;&|<>\n") or "&& ./scripts/sequence-patch" in known
            assert shlex.split(command)


@pytest.mark.parametrize(("banner", "distribution", "kernel", "command"), KERNELS)
def test_a_shell_can_read_every_command(banner, distribution, kernel, command):
    for way in recipe_for(read_banner(f"Linux version {banner}")).ways:
        script = "\n".join(way.commands)
        assert subprocess.run(["sh", "-n"], input=script.encode(), check=False).returncode == 0


def test_the_command_shows_how_to_get_the_source(tmp_path):
    log = tmp_path / "kern.log"
    log.write_text(f"May 23 02:06:26 host kernel: [    0.000000] Linux version {KERNELS[0][0]}\n")
    done = ksrcfind("tree", "for", log)
    assert done.status == 0
    assert "Debian: linux 6.1.55-1" in done.out
    assert f"{log}:1" in done.out
    assert "  apt-get download linux-source-6.1=6.1.55-1\n" in done.out
    assert f"  ksrcfind batch -C 6.1.0-13-amd64 {log}\n" in done.out


def test_a_banner_itself_will_do():
    assert "Linux 6.1.55" in ksrcfind("tree", "for", "Linux version 6.1.55 (a@b) #1").out


def test_a_log_that_names_no_kernel_is_a_miss(tmp_path):
    log = tmp_path / "kern.log"
    log.write_text("nothing of the kind\n")
    done = ksrcfind("tree", "for", log)
    assert (done.status, done.out) == (1, "")
    assert "no kernel is named" in done.err


def test_a_log_that_cannot_be_read_is_an_error(tmp_path):
    done = ksrcfind("tree", "for", tmp_path / "missing.log")
    assert done.status == 2
    assert "missing.log" in done.err
