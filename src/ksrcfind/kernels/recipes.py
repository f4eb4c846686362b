"""The commands that bring the source of a kernel, by the distribution that its banner shows.

Nothing here runs them. Names of repositories, tags and packages are those of the distributions' own documentation;
each recipe cites it.
"""

import re
import shlex
from collections.abc import Callable

from msgspec import Struct

from ksrcfind.kernels.banner import Banner, spelled_version
from ksrcfind.regex import regex

STABLE = "https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git"
"""The repository with the tags of every stable release and of every mainline release and candidate."""

TARBALLS = "https://cdn.kernel.org/pub/linux/kernel"


class Way(Struct, frozen=True):
    """One way to get a source: commands to type one after another, in an empty directory."""

    title: str
    """When to choose it: `with git, so with history`."""
    commands: tuple[str, ...]
    directory: str
    """Where the tree is then, relative to the current directory."""


class Recipe(Struct, frozen=True):
    """How to get the source of one kernel."""

    distribution: str
    """Name of the distribution: `Debian`."""
    kernel: str
    """The kernel as the distribution names it: `linux 6.1.55-1`."""
    ways: tuple[Way, ...]
    """The preferred way first."""
    is_exact: bool = True
    """False if the source is only the nearest that is public: the kernel has changes of its own."""
    note: str | None = None
    """What to know before running the commands."""


def recipe_for(banner: Banner) -> Recipe:
    """Return how to get the source of the kernel that printed a banner."""
    for distribution in _DISTRIBUTIONS:
        recipe = distribution(banner)
        if recipe is not None:
            return recipe
    return _upstream(banner)


def _clone(repository: str, tag: str, directory: str) -> Way:
    command = shlex.join(["git", "clone", "--branch", tag, repository, directory])
    return Way("with git, so with history", (command,), directory)


def _commit(repository: str, commit: str, directory: str) -> Way:
    commands = (
        shlex.join(["git", "clone", repository, directory]),
        shlex.join(["git", "-C", directory, "checkout", commit]),
    )
    return Way("with git, so with history", commands, directory)


def _tarball(version: str) -> Way:
    major = version.split(".", maxsplit=1)[0]
    name = f"linux-{version}"
    folder = "v2.6" if major == "2" else f"v{major}.x"
    commands = (f"wget {TARBALLS}/{folder}/{name}.tar.xz", f"tar xf {name}.tar.xz")
    return Way("without history, 140 MB", commands, name)


# Debian and what is made from it

_DEBIAN = regex(r"Debian (?P<version>(?:\d:)?[0-9][0-9a-z.+~-]*)")


def _debian(banner: Banner) -> Recipe | None:
    """https://www.debian.org/doc/manuals/debian-kernel-handbook and https://snapshot.debian.org."""
    found = _DEBIAN.search(banner.build)
    if found is None or "rpt" in found["version"]:
        return None
    version = found["version"]
    upstream = version.rpartition("-")[0]
    series = ".".join(upstream.split(".")[:2])
    package = Way(
        "on Debian, while the archive has this version",
        (
            f"apt-get download linux-source-{series}={version}",
            f"dpkg -x linux-source-{series}_{version}_all.deb .",
            f"tar xf usr/src/linux-source-{series}.tar.xz",
        ),
        f"linux-source-{series}",
    )
    snapshot = Way(
        "any version that Debian ever had (packages devscripts and dpkg-dev)",
        (f"debsnap --first {version} --last {version} --destdir . linux", f"dpkg-source -x linux_{version}.dsc"),
        f"linux-{upstream}",
    )
    return Recipe("Debian", f"linux {version}", (package, snapshot))


_RASPBERRY = regex(r"Debian (?:\d:)?(?P<version>(?P<upstream>[0-9.]+)-[0-9a-z.+~]*rpt[0-9a-z.+~]*)")


def _raspberry_package(banner: Banner) -> Recipe | None:
    """https://www.raspberrypi.com/documentation/computers/linux_kernel.html: kernels since Raspberry Pi OS 12."""
    found = _RASPBERRY.search(banner.build)
    if found is None:
        return None
    version = found["version"]
    way = Way(
        "on Raspberry Pi OS, with a deb-src line for archive.raspberrypi.com",
        (f"apt-get source linux=1:{version}",),
        f"linux-{found['upstream']}",
    )
    return Recipe("Raspberry Pi OS", f"linux 1:{version}", (way,))


_RASPBERRY_RELEASE = regex(r"[0-9.]+(?:-v7l?|-v8(?:-16k)?|-v6)?\+")
_RASPBERRY_HOST = regex(r"\((?:dom|popcornmix|dc4)@[^)]{0,100}\)")
_RASPBERRY_NAMES = (("_2712", "-16k"), ("8", "-v8"), ("7l", "-v7l"), ("7", "-v7"))


def _raspberry_firmware(banner: Banner) -> Recipe | None:
    """The files `extra/uname_string*` and `extra/git_hash` of github.com/raspberrypi/firmware name the commit."""
    is_theirs = "-v" in banner.release or _RASPBERRY_HOST.search(banner.builder) is not None
    if _RASPBERRY_RELEASE.fullmatch(banner.release) is None or not is_theirs:
        return None
    name = next((name for name, suffix in _RASPBERRY_NAMES if suffix in banner.release), "")
    number = banner.build.split()[0] if banner.build else "#1"
    file = f"extra/uname_string{name}"
    commands = (
        "git clone --filter=blob:none --no-checkout https://github.com/raspberrypi/firmware firmware",
        f"build=$(git -C firmware log -1 --format=%H -S{shlex.quote(number + ' ')} -- {file})",
        "git clone https://github.com/raspberrypi/linux linux-raspberrypi",
        "git -C linux-raspberrypi checkout $(git -C firmware show $build:extra/git_hash)",
    )
    way = Way("with git: the firmware's repository names the commit of each build", commands, "linux-raspberrypi")
    return Recipe("Raspberry Pi OS", f"{banner.release} {number}", (way,))


_UBUNTU_NUMBER = regex(r"#(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<backport>~[0-9.]+)?-Ubuntu")
_UBUNTU_RELEASE = regex(r"(?P<upstream>[0-9.]+)-(?P<abi>[0-9]+)-(?P<flavour>[a-z0-9-]+)")
_UBUNTU_COMPILER = regex(r"[uU]buntu[0-9.]*~(?P<release>[0-9]{2}\.[0-9]{2})")
_UBUNTU_NAMES = {
    "14.04": "trusty", "16.04": "xenial", "18.04": "bionic", "20.04": "focal", "22.04": "jammy", "24.04": "noble"
}  # fmt: skip
_UBUNTU_SERIES = {
    "3.13": "trusty", "4.4": "xenial", "4.15": "bionic", "5.4": "focal", "5.8": "groovy", "5.11": "hirsute",
    "5.13": "impish", "5.15": "jammy", "5.19": "kinetic", "6.2": "lunar", "6.5": "mantic", "6.8": "noble",
    "6.11": "oracular", "6.14": "plucky", "6.17": "questing",
}  # fmt: skip
_UBUNTU_MAIN = {"generic", "lowlatency", "generic-64k", "generic-lpae", "virtual", "server", "pae", "generic-pae"}


def _ubuntu(banner: Banner) -> Recipe | None:
    """https://wiki.ubuntu.com/Kernel/SourceCode and https://canonical-kernel-docs.readthedocs-hosted.com."""
    release = _UBUNTU_RELEASE.fullmatch(banner.release)
    number = _UBUNTU_NUMBER.search(banner.build)
    if release is None or number is None:
        return None
    series = ".".join(release["upstream"].split(".")[:2])
    version = f"{release['upstream']}-{release['abi']}.{number['number']}"
    own = "" if release["flavour"] in _UBUNTU_MAIN else f"-{release['flavour']}"
    compiler = _UBUNTU_COMPILER.search(banner.builder)
    home = _UBUNTU_SERIES.get(series)
    codename = _UBUNTU_NAMES.get((number["backport"] or "")[1:6]) or (
        _UBUNTU_NAMES.get(compiler["release"]) if compiler is not None and own else home
    )
    backport = number["backport"] is not None
    package = f"linux{own or ('-hwe' if backport else '')}{f'-{series}' if backport else ''}"
    full = f"{version}{number['backport'] or ''}"
    source = Way(
        "without history (package ubuntu-dev-tools)",
        (f"pull-lp-source {package} {full}",),
        f"{package}-{release['upstream']}",
    )
    ways: tuple[Way, ...] = (source,)
    if codename is not None:
        tag = f"Ubuntu{package.removeprefix('linux')}-{full.replace('~', '_')}"
        ways = (
            _clone(
                f"https://git.launchpad.net/~ubuntu-kernel/ubuntu/+source/linux/+git/{codename}",
                tag,
                f"linux-{codename}",
            ),
            source,
        )
        if own:
            repository = f"https://git.launchpad.net/~canonical-kernel/ubuntu/+source/linux{own}/+git/{codename}"
            ways = (source, _clone(repository, tag, f"linux{own}-{codename}"))
    return Recipe("Ubuntu", f"{package} {full}", ways)


# Distributions with RPM packages

_FEDORA = regex(r"(?P<version>[0-9.]+)-(?P<build>[0-9a-z._]+?\.fc[0-9]+)\.(?P<machine>[a-z0-9_]+)(?:\+[a-z0-9]+)?")


def _source_package(name: str) -> tuple[str, ...]:
    """Return the commands that unpack a source package with its patches applied."""
    return (
        f'rpm -i --define "_topdir $PWD/rpm" {name}.src.rpm',
        'rpmbuild -bp --nodeps --define "_topdir $PWD/rpm" rpm/SPECS/kernel.spec',
    )


def _fedora(banner: Banner) -> Recipe | None:
    """https://docs.fedoraproject.org/en-US/quick-docs/kernel-build-custom; koji keeps the source of every build."""
    found = _FEDORA.fullmatch(banner.release)
    if found is None:
        return None
    name = f"kernel-{found['version']}-{found['build']}"
    address = (
        f"https://kojipkgs.fedoraproject.org/packages/kernel/{found['version']}/{found['build']}/src/{name}.src.rpm"
    )
    way = Way("the source package (needs rpm-build)", (f"wget {address}", *_source_package(name)), "rpm/BUILD")
    return Recipe("Fedora", name, (way,), note="The tree is the directory with a Makefile below rpm/BUILD.")


_ENTERPRISE = regex(
    r"(?P<version>[0-9.]{1,20})-(?P<build>[0-9.]{1,40}(?:\.el(?P<major>[0-9]{1,3})(?P<minor>_[0-9]{1,3})?[a-z0-9_.]{0,40}?))"
    r"(?:\.(?P<machine>x86_64|aarch64|ppc64le|ppc64|s390x|i686))?(?:\+[a-z0-9]{1,20})?"
)
_REBUILDERS = (("rockylinux", "Rocky Linux"), ("almalinux", "AlmaLinux"), ("oracle", "Oracle Linux"))


def _enterprise(banner: Banner) -> Recipe | None:
    """https://gitlab.com/redhat/centos-stream/src/kernel; `dnf download` of package dnf-plugins-core."""
    found = _ENTERPRISE.fullmatch(banner.release)
    if found is None:
        return None
    name = f"kernel-{found['version']}-{found['build']}"
    builder = banner.builder.lower()
    note = "The tree is the directory with a Makefile below rpm/BUILD."
    if "uek" in found["build"]:
        tag = f"v{found['version']}-{found['build'].split('.el')[0]}"
        return Recipe("Oracle Linux UEK", name, (_clone("https://github.com/oracle/linux-uek", tag, "linux-uek"),))
    major = int(found["major"])
    if (major >= 8 and found["minor"] is None and "redhat.com" in builder) or "stream" in builder:
        repository = f"https://gitlab.com/redhat/centos-stream/src/kernel/centos-stream-{major}.git"
        return Recipe("CentOS Stream", name, (_clone(repository, name, f"centos-stream-{major}"),))
    distribution = next((title for part, title in _REBUILDERS if part in builder), None)
    if distribution is None:
        distribution = "CentOS" if "centos" in builder else "Red Hat Enterprise Linux"
    commands = (f"dnf download --source {name}", *_source_package(name))
    subscription = "on a machine with this distribution" + (
        " and its subscription" if distribution.startswith("Red Hat") else ""
    )
    ways = [Way(subscription, commands, "rpm/BUILD")]
    if distribution == "CentOS" and major == 7:
        folder = "os" if found["build"] == "1160.el7" else "updates"
        address = f"https://vault.centos.org/7.9.2009/{folder}/Source/SPackages/{name}.src.rpm"
        ways.append(
            Way(
                "the source package of CentOS 7.9 (needs rpm-build)",
                (f"wget {address}", *_source_package(name)),
                "rpm/BUILD",
            )
        )
    return Recipe(distribution, name, tuple(ways), note=note)


_AMAZON = regex(r"(?P<full>[0-9.]+-[0-9.]+\.amzn[0-9]+)\.[a-z0-9_]+")


def _amazon(banner: Banner) -> Recipe | None:
    """https://docs.aws.amazon.com/linux: `dnf download --source`, `yumdownloader --source` before Amazon Linux 2023."""
    found = _AMAZON.fullmatch(banner.release)
    if found is None:
        return None
    name = f"kernel-{found['full']}"
    fetch = "yumdownloader" if "amzn2." in banner.release or "amzn1." in banner.release else "dnf download"
    way = Way("on Amazon Linux", (f"{fetch} --source {name}", *_source_package(name)), "rpm/BUILD")
    return Recipe("Amazon Linux", name, (way,), note="The tree is the directory with a Makefile below rpm/BUILD.")


_SUSE = regex(r"(?P<version>[0-9.]+)-(?P<build>(?:lp|slfo|bp)?[0-9][0-9a-z.]*)-(?P<flavour>[a-z][a-z0-9_]*)")
_SUSE_FLAVOURS = {"default", "rt", "azure", "preempt", "64kb", "kvmsmall", "pae", "desktop", "longterm"}
_SUSE_COMMIT = regex(r"\((?P<commit>[0-9a-f]{7,40})\)\s*\Z")


def _suse(banner: Banner) -> Recipe | None:
    """https://github.com/openSUSE/kernel-source and its README; the banner ends in the commit of that repository."""
    found = _SUSE.fullmatch(banner.release)
    if found is None or not (
        found["flavour"] in _SUSE_FLAVOURS or "geeko@" in banner.builder or "SUSE" in banner.builder
    ):
        return None
    version, build = found["version"], found["build"]
    first = ".".join(version.split(".")[:2])  # The patches start from the first release of the series.
    number = re.sub(r"\.g[0-9a-f]{7,40}\Z", "", build)
    ways = [
        Way(
            "on openSUSE or SUSE Linux Enterprise: the expanded source",
            (f"zypper install --oldpackage 'kernel-source = {version}-{number}'",),
            f"/usr/src/linux-{version}-{number}",
        )
    ]
    commit = _SUSE_COMMIT.search(banner.build)
    if commit is not None:
        ways.append(
            Way(
                "from the repository of patches (needs git and quilt)",
                (
                    "git clone https://github.com/openSUSE/kernel-source",
                    f"git -C kernel-source checkout {commit['commit']}",
                    f"wget -P kernel-source {TARBALLS}/v{version.split('.')[0]}.x/linux-{first}.tar.xz",
                    "cd kernel-source && ./scripts/sequence-patch --rapid",
                ),
                f"kernel-source/tmp/linux-{first}-HEAD",
            )
        )
    note = "zypper may want the number of the rebuild after the version: zypper search -s kernel-source lists them."
    return Recipe("SUSE", f"kernel-source {version}-{number}", tuple(ways), note=note)


# Distributions with their own git trees

_ARCH = regex(
    r"(?P<base>[0-9.]+)-(?P<branch>arch|zen|hardened)(?P<number>[0-9]+)-(?P<build>[0-9.]+)(?P<own>-[a-z0-9_-]+)?"
)
_ARCH_REPOSITORIES = {
    "arch": "https://github.com/archlinux/linux",
    "zen": "https://github.com/zen-kernel/zen-kernel",
    "hardened": "https://github.com/anthraxx/linux-hardened",
}


def _arch(banner: Banner) -> Recipe | None:
    """https://gitlab.archlinux.org/archlinux/packaging/packages/linux: the package builds a tag of this repository."""
    found = _ARCH.fullmatch(banner.release)
    if found is None:
        return None
    tag = f"v{found['base']}-{found['branch']}{found['number']}"
    own = found["own"] is not None and found["own"] != f"-{found['branch']}"
    way = _clone(_ARCH_REPOSITORIES[found["branch"]], tag, f"linux-{found['branch']}")
    return Recipe(
        "Arch Linux", tag, (way,), is_exact=not own, note="It was built with changes of its own." if own else None
    )


_MICROSOFT = regex(r"(?P<version>[0-9.]+)-microsoft-standard(?:-WSL2)?\+?")


def _wsl(banner: Banner) -> Recipe | None:
    """https://github.com/microsoft/WSL2-Linux-Kernel: every release has a tag."""
    found = _MICROSOFT.fullmatch(banner.release)
    if found is None:
        return None
    tag = f"linux-msft-wsl-{found['version']}"
    way = _clone("https://github.com/microsoft/WSL2-Linux-Kernel.git", tag, "wsl2-linux-kernel")
    return Recipe("WSL2", tag, (way,))


_ANDROID = regex(
    r"(?P<version>\d+\.\d+)\.\d+-(?P<android>android\d+)-[0-9-]+(?:-\d+)?-g(?P<commit>[0-9a-f]{7,40})(?P<rest>[!-~]*)"
)


def _android(banner: Banner) -> Recipe | None:
    """https://source.android.com/docs/core/architecture/kernel/android-common: the release names branch and commit."""
    found = _ANDROID.match(banner.release)
    if found is None:
        return None
    branch = f"{found['android']}-{found['version']}"
    directory = f"linux-{branch}"
    repository = "https://android.googlesource.com/kernel/common"
    commands = (
        shlex.join(["git", "clone", "--branch", branch, repository, directory]),
        shlex.join(["git", "-C", directory, "checkout", found["commit"]]),
    )
    way = Way("with git, so with history", commands, directory)
    note = "If the commit is not on this branch, the kernel is the vendor's: its source comes from the vendor."
    return Recipe("Android common kernel", f"{branch} {found['commit']}", (way,), note=note)


_PROXMOX = regex(r"(?P<version>[0-9.]+-[0-9]+)-pve")


def _proxmox(banner: Banner) -> Recipe | None:
    """https://git.proxmox.com: the packaging repository has Ubuntu's tree as a submodule."""
    found = _PROXMOX.fullmatch(banner.release)
    if found is None:
        return None
    commands = (
        "git clone --recurse-submodules git://git.proxmox.com/git/pve-kernel.git",
        "git -C pve-kernel log --oneline --grep='bump version'",
    )
    way = Way(
        "with git: check out the commit that the second command lists for this version",
        commands,
        "pve-kernel/submodules/ubuntu-kernel",
    )
    return Recipe("Proxmox VE", found["version"], (way,))


# kernel.org

_DESCRIBED = regex(r"-(?P<count>\d{1,9})-g(?P<commit>[0-9a-f]{7,40})(?:-dirty|\+)?\Z")
_PLAIN = regex(r"[0-9.]+(?:-rc\d{1,3})?")


def _upstream(banner: Banner) -> Recipe:
    """https://www.kernel.org/category/faq.html and Documentation/process/stable-kernel-rules.rst."""
    version = spelled_version(banner.version)
    described = _DESCRIBED.search(banner.release)
    if described is not None:
        note = "If the repository does not have this commit, it is from a tree of its own; take the tag before it."
        return Recipe(
            "kernel.org",
            f"{version}, {described['count']} commits later",
            (_commit(STABLE, described["commit"], "linux"),),
            note=note,
        )
    is_final = banner.version == banner.version.final
    ways = (_clone(STABLE, f"v{version}", "linux"), *((_tarball(version),) if is_final else ()))
    if _PLAIN.fullmatch(banner.release) is not None:
        return Recipe("kernel.org", f"Linux {version}", ways)
    note = f"{banner.release} has changes or a configuration of its own; Linux {version} is the nearest public source."
    return Recipe("kernel.org", f"Linux {version}", ways, is_exact=False, note=note)


_DISTRIBUTIONS: tuple[Callable[[Banner], Recipe | None], ...] = (
    _raspberry_package,
    _debian,
    _raspberry_firmware,
    _ubuntu,
    _fedora,
    _enterprise,
    _amazon,
    _suse,
    _arch,
    _wsl,
    _android,
    _proxmox,
)
"""Each recognises the kernels of one distribution; the first one that does answers."""
