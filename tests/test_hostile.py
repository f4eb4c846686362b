"""Source trees, logs and configurations that were written to hurt: every answer comes, and no file is waited for."""

import os
import resource
import signal
import subprocess
import sys

import pytest

from commandline import DEMO, ksrcfind
from ksrcfind.cli.logs import _sigterm_interrupts
from ksrcfind.config import Settings, resolve, with_tree_file
from ksrcfind.errors import KsrcfindError
from ksrcfind.source.kbuild import module_names
from ksrcfind.tree import disk
from ksrcfind.tree.discover import is_kernel
from repositories import KERNEL

CPU_S = 120
"""Seconds of processor time after which a program is ended; none of these takes more than two."""

LINE = "[    1.000000] Kernel panic already exiting\n"
FUNCTION = 'void f(void)\n{{\n\tpr_err("text {} %d\\n", 1);\n{}\n}}\n'
VARIADIC = "void f(const char *fmt, ...)\n{\n\tva_list args;\n\tva_start(args, fmt);\n\tvprintk(fmt, args);\n"
SOURCES = {
    "continued lines in a text that never ends": 'void f(void)\n{\n\tpr_err("' + "\\\n" * 40 + ");\n}\n",
    "escaped quotation marks after one": 'void f(void)\n{\n\tpr_err("' + '\\"(' * 100_000 + "\n}\n",
    "blanks behind a name": "#define A" + " " * 60_000,
    "blanks in a number": "#define A 0" + "\t" * 60_000,
    "zeros behind a per cent sign": FUNCTION.format("%" + "0" * 200_000, ""),
    "blanks before a text": "char a[] =" + "\n" * 100_000,
    "names like attributes": "const char a " + "_" * 140 + '! = "text";\n' + FUNCTION.format("", ""),
    "open parentheses": VARIADIC + "(" * 300_000 + "\n}\n",
    "open braces": VARIADIC + "{" * 300_000 + "\n}\n",
    "nested loops": VARIADIC + "do " * 100_000 + "\n}\n",
    "initializers in the first column": FUNCTION.format("", "\n{\n};" * 60_000),
    "comments that never begin": FUNCTION.format("", "*/" * 100_000),
    "ends of comments on lines": FUNCTION.format("", 'pr_err("a",' + "\n*/" * 30_000 + ");"),
    "comments that never end": FUNCTION.format("", "/*" * 100_000),
    "conditions": "#if 0\n" * 50_000 + "#ifdef A\n#else\n" * 50_000,
    "functions made by macros": "#define M(a) int a(char *f, ...) { va_start(x, f); vprintk(f, x); \\\n"
    + "\tb(a); \\\n" * 2_000
    + "\t}\n"
    + "M(a)\n" * 20_000,
}


def limited(*arguments, **options):
    """Run the program; what never ends is ended."""
    return subprocess.run(
        [sys.executable, "-m", "ksrcfind", *map(str, arguments)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S)),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def plain_tree(root, files):
    for path, text in (KERNEL | files).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KSRCFIND_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("")


@pytest.mark.parametrize("name", SOURCES)
def test_no_source_takes_more_than_linear_time(tmp_path, cache, name):
    tree = plain_tree(tmp_path / "linux", {"kernel/hostile.c": SOURCES[name]})
    done = limited("-C", tree, "--jobs", "1", "messages", "kernel")
    assert done.returncode == 0, done.stderr
    assert "Kernel panic already exiting" in done.stdout


@pytest.mark.parametrize("command", [("at", "kernel/hostile.c:3"), ("find", LINE)], ids=lambda command: command[0])
def test_no_source_holds_up_a_question_without_an_index(tmp_path, cache, command):
    source = SOURCES["continued lines in a text that never ends"] + "/* already exiting */\n"
    tree = plain_tree(tmp_path / "linux", {"kernel/hostile.c": source})
    done = limited("-C", tree, *command)
    assert done.returncode >= 0, "it was ended"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "pattern",
    ["F:\tkernel/*" + "a*" * 30 + "b", "N:\t(a+)+b", "N:\t" + "(|a|aa)" * 20 + "b", "X:\t*" + "a*" * 30 + "b", "N:\t("],
)
def test_patterns_of_maintainers_take_linear_time(tmp_path, cache, pattern):
    long = "kernel/" + "a" * 120 + ".c"
    files = {long: KERNEL["kernel/panic.c"], "MAINTAINERS": f"\nOTHER\n{pattern}\nF:\tdrivers/\n\nCORE\nF:\tkernel/\n"}
    tree = plain_tree(tmp_path / "linux", files)
    log = tmp_path / "log"
    log.write_text(LINE)
    done = limited("-C", tree, "batch", "--no-history", "--format", "json", log)
    assert done.returncode == 0, done.stderr
    assert '"CORE"' in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        "a = $(b) $(b) $(b)\nb = $(a) $(a)\nobj-y += $(a).o\n",
        "b := " + "x" * 90_000 + "\nobj-y += " + "$(b).o " * 20_000 + "\n",
        "obj-y += $(addprefix " + "x" * 50_000 + "," + "a.o " * 50_000 + ")\n",
        "".join(f"obj-y += a{number}.o\n" for number in range(60_000)),
    ],
    ids=["each other", "long and often", "prefix", "lines"],
)
def test_makefiles_that_grow_come_to_an_end(tmp_path, cache, text):
    tree = plain_tree(tmp_path / "linux", {"kernel/Makefile": text})
    done = limited("-C", tree, "--jobs", "1", "index", "--quiet")
    assert done.returncode == 0, done.stderr


def test_makefiles_that_include_each_other_are_read_once():
    includes = "".join(f"include a/m{number}/Makefile\n" for number in range(100))
    makefiles = {f"a/m{number}/Makefile": includes + "obj-y += b.o\n" for number in range(100)}
    makefiles["a/Makefile"] = includes.replace("a/", "")
    assert "a/b" in module_names(makefiles)


@pytest.mark.parametrize("text", ["jobs = " + "9" * 5000, "a = [" + "9" * 5000 + "]", "a=" + "[" * 100_000])
def test_numbers_and_nesting_of_configuration_are_told(tmp_path, text):
    with pytest.raises(
        KsrcfindError, match=r"tree: (?:not valid TOML: a number has too many digits|nested too deeply)"
    ):
        with_tree_file(Settings(cache_dir=tmp_path), text.encode(), "tree")
    config = tmp_path / "config.toml"
    config.write_text(text)
    with pytest.raises(KsrcfindError, match=r"config\.toml: "):
        resolve({"KSRCFIND_CONFIG": str(config)})


def test_an_unknown_key_is_told_whatever_it_is_called(tmp_path):
    with pytest.raises(KsrcfindError, match="unknown key") as caught:
        with_tree_file(Settings(cache_dir=tmp_path), b'"a` - at `$.b" = 1\n', "tree")
    assert caught.value.title.startswith("tree: unknown key a")
    key = "Object contains unknown field ` - at `$.-" * 5_000
    with pytest.raises(KsrcfindError, match="unknown key"):
        with_tree_file(Settings(cache_dir=tmp_path), f'"{key}" = 1\n'.encode(), "tree")


@pytest.mark.parametrize("option", ["config", "rules"])
def test_files_without_end_are_refused(linux_mini, monkeypatch, tmp_path, option):
    if option == "config":
        monkeypatch.setenv("KSRCFIND_CONFIG", "/dev/zero")
    rules = ("--rules", "/dev/zero") if option == "rules" else ()
    done = ksrcfind("-C", linux_mini, "diff", *rules, "v5.9", "v5.10")
    assert done.status == 2
    assert "/dev/zero" in done.err
    assert "longer than" in done.err


ODD_FILES = ["link", "pipe", "directory", "device"]


def make_odd(path, kind, outside):
    path.unlink(missing_ok=True)
    if kind == "link":
        path.symlink_to(outside)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ODD_FILES)
@pytest.mark.parametrize("name", [".ksrcfind.toml", "MAINTAINERS", "kernel/Makefile", "init/main.c"])
def test_odd_files_of_a_tree_are_passed_over(tmp_path, cache, kind, name):
    tree = plain_tree(tmp_path / "linux", {})
    outside = tmp_path / "outside"
    outside.write_text("release_tags = 1\n")
    make_odd(tree / name, kind, outside)
    done = limited("-C", tree, "find", LINE)
    assert done.returncode == 0, done.stderr
    assert "kernel/panic.c:3" in done.stdout


@pytest.mark.parametrize("kind", ["pipe", "directory", "device"])
def test_an_odd_makefile_at_the_top_is_no_kernel(tmp_path, kind):
    tree = plain_tree(tmp_path / "linux", {})
    (tree / "kernel").mkdir(exist_ok=True)
    assert is_kernel(tree)
    make_odd(tree / "Makefile", kind, "")
    assert not is_kernel(tree)


@pytest.mark.parametrize("kind", ODD_FILES)
def test_open_stays_in_the_tree(linux_mini, tmp_path, monkeypatch, kind):
    """The revision has the file; on disk a link leads to the same text elsewhere, or a pipe waits for a writer."""
    copy = tmp_path / "linux"
    subprocess.run(["git", "clone", "-q", str(linux_mini), str(copy)], check=True, capture_output=True)
    outside = tmp_path / "outside.c"
    outside.write_bytes((copy / "mm/oom_kill.c").read_bytes())
    make_odd(copy / "mm/oom_kill.c", kind, outside)
    started = []
    monkeypatch.setattr(os, "execvp", lambda *words: started.append(words))
    done = ksrcfind("-C", copy, "find", "--rev", "HEAD", DEMO, "--open", "--no-history")
    assert done.status == 2
    assert "cannot open" in done.err
    assert started == []


def test_a_huge_file_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "LARGEST", 10)
    (tmp_path / "huge.c").write_text("x" * 11)
    (tmp_path / "small.c").write_text("x" * 10)
    assert list(disk.read_files(tmp_path, ["huge.c", "small.c"])) == [("small.c", b"x" * 10)]


def test_no_file_behind_a_link_to_a_directory_is_read(tmp_path):
    """Each directory is checked, also after others of the same call."""
    (tmp_path / "outside/fs").mkdir(parents=True)
    (tmp_path / "outside/fs/a.c").write_text("secret")
    root = tmp_path / "tree"
    (root / "mm").mkdir(parents=True)
    (root / "mm/a.c").write_text("mm")
    (root / "mm/out").symlink_to(tmp_path / "outside")
    (root / "b.c").write_text("top")
    hostile = ["mm/out/fs/a.c", "mm/../../outside/fs/a.c", str(tmp_path / "outside/fs/a.c"), "mm", "", "mm/", "b.c\0"]
    paths = ["mm/a.c", *hostile, "b.c", "mm/a.c", *hostile]
    assert list(disk.read_files(root, paths)) == [("mm/a.c", b"mm"), ("b.c", b"top"), ("mm/a.c", b"mm")]
    for path in hostile:
        with pytest.raises(FileNotFoundError):
            disk.read_file(root, path)


def test_the_second_signal_ends_at_once():
    """What is done so far is written after the first; should that never end, the next one is not held back."""
    before = signal.getsignal(signal.SIGTERM)
    with _sigterm_interrupts():
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == before
