"""The index: the same messages however it came to be."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from ksrcfind.index.build import BuildOptions, build
from ksrcfind.progress import SILENT
from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.search.unindexed import UnindexedSearch
from ksrcfind.source.sinks import BUILT_IN
from ksrcfind.storage.cache import DerivedCache
from ksrcfind.storage.store import Store
from ksrcfind.tree.open import open_snapshot


def index(root, path, rev=None):
    """Build and return what every message of the revision says, and the report."""
    snapshot = open_snapshot(root, rev, named=True)
    store = Store.open(path)
    report = build(snapshot, store, BuildOptions(BUILT_IN, jobs=1), SILENT)
    found = RevisionIndex(store.view(snapshot.key))
    messages = [message for p in snapshot.files((".c", ".h")) for message in found.messages_of(p)]
    store.close()
    return messages, report


def test_a_second_run_has_nothing_to_do(linux_mini, tmp_path):
    first, report = index(linux_mini, tmp_path / "i.sqlite")
    again, second = index(linux_mini, tmp_path / "i.sqlite")
    assert first == again
    assert len(first) == report.messages == second.messages > 20
    assert (second.parsed, second.linked) == (0, 0)


@pytest.mark.parametrize("rev", ["v5.8", "v5.9", "linux-5.8.y"])
def test_a_revision_after_another_is_as_if_alone(linux_mini, tmp_path, rev):
    alone, whole = index(linux_mini, tmp_path / "alone.sqlite", rev)
    index(linux_mini, tmp_path / "both.sqlite", "v6.1")
    after, part = index(linux_mini, tmp_path / "both.sqlite", rev)
    assert after == alone
    assert part.parsed < whole.parsed


def test_a_file_whose_name_is_no_text_is_passed_over(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("plain.c", "\udcff.c"):
        (tree / name).write_text('void f(void)\n{\n\tprintk("striped %d\\n", n);\n}\n')
    messages, _ = index(tree, tmp_path / "i.sqlite")
    assert [message.path for message in messages] == ["plain.c"]


def test_a_changed_header_relinks_who_uses_it(linux_mini, tmp_path):
    tree = tmp_path / "tree"
    subprocess.run(["git", "clone", "-q", linux_mini, tree], check=True)
    index(tree, tmp_path / "i.sqlite")
    header = tree / "include/linux/printk.h"
    header.write_text(header.read_text().replace("#define pr_info(", "#define pr_info_gone("))
    changed, report = index(tree, tmp_path / "i.sqlite")
    fresh, _ = index(tree, tmp_path / "fresh.sqlite")
    assert changed == fresh
    # What is left is what every kernel's header says, whatever this one did: no call goes through it any more.
    assert report.parsed == 1
    assert report.linked > 1


# What each file of a tree can say; None if it is not there. Together they change macros, the includes of headers,
# which header a name means, wrapper functions, constants and texts of other files, files that others include, and
# modules.
VARIANTS = {
    "include/linux/printk.h": (
        '#define pr_fmt(fmt) fmt\n#define pr_info(fmt, ...) printk("6" pr_fmt(fmt), ##__VA_ARGS__)\n',
        '#define pr_info(fmt, ...) printk("core: " fmt, ##__VA_ARGS__)\n',
        "#define pr_info(fmt, ...) no_printk(fmt, ##__VA_ARGS__)\n",
    ),
    "include/linux/all.h": (
        "#include <linux/printk.h>\n#include <linux/names.h>\n",
        "#include <linux/printk.h>\n",
        "#include <linux/names.h>\n",
    ),
    "include/linux/names.h": ('#define NAME "names"\n', '\n#define NAME "names"\n', '#define NAME "other"\n', None),
    "drivers/x/names.h": (None, '#define NAME "near"\n', "\n"),
    "drivers/x/say.h": (
        '#define say(fmt, ...) pr_info("say " fmt, ##__VA_ARGS__)\n#define hello() pr_info("hello there\\n")\n',
        "#define say(fmt, ...) wrapped(fmt, ##__VA_ARGS__)\n#define hello() do { } while (0)\n",
        '#include "names.h"\n#define say(fmt, ...) pr_info(NAME fmt, ##__VA_ARGS__)\n',
    ),
    "drivers/x/first.c": (
        '#include <linux/all.h>\n#include "say.h"\n#include "names.h"\n'
        'void f(void)\n{\n\tsay("first %d\\n", 1);\n\thello();\n\tpr_info(NAME " is %s\\n", banner);\n}\n',
        '#include <linux/all.h>\n#define say(fmt, ...) pr_info("mine " fmt, ##__VA_ARGS__)\n'
        'void f(void)\n{\n\tsay("first\\n");\n}\n',
    ),
    "drivers/x/quiet.c": ('#include <linux/all.h>\n#include "say.h"\nvoid q(void)\n{\n\thello();\n}\n',),
    "drivers/y/main.c": (
        '#include <linux/all.h>\n#define LOCAL(fmt) pr_info("local " fmt)\n#include "part.c"\n'
        'const char banner[] = "banner";\n',
        '#include <linux/all.h>\n#define LOCAL(fmt) pr_info("here " fmt)\n#include "part.c"\n',
        '#include <linux/all.h>\n#define LOCAL(fmt) pr_info("not read " fmt)\nconst char banner[] = "flag";\n',
        None,
    ),
    "drivers/y/part.c": ('void p(void)\n{\n\tLOCAL("part\\n");\n\tpr_info(KBUILD_MODNAME ": on\\n");\n}\n',),
    "lib/wrapped.c": (
        "#include <linux/all.h>\nvoid wrapped(const char *fmt, ...)\n{\n\tva_list args;\n\tva_start(args, fmt);\n"
        "\tvprintk(fmt, args);\n\tva_end(args);\n}\n",
        "#include <linux/all.h>\nvoid wrapped(const char *fmt, ...)\n{\n\tstruct va_format vaf;\n\tva_list args;\n"
        "\tva_start(args, fmt);\n"
        '\tvaf.fmt = fmt;\n\tvaf.va = &args;\n\tpr_info(KBUILD_MODNAME " lib %pV", &vaf);\n\tva_end(args);\n}\n',
        None,
    ),
    "lib/Makefile": ("obj-y += wrapped.o\n", "obj-y += wrap.o\nwrap-y := wrapped.o\n", None),
    "drivers/y/Makefile": ("obj-m += main.o\n", "obj-m += why.o\nwhy-y := main.o\n"),
    "init/main.c": ("\n",),
    # An include directory that a Makefile names: the nearest file of that name is meant.
    "drivers/z/inner/told.c": (
        '#include <linux/all.h>\n#include <own/told.h>\nvoid t(void)\n{\n\tTOLD("t %d\\n", 1);\n}\n',
    ),
    "drivers/w/include/own/told.h": ('#define TOLD(fmt, ...) pr_info("far " fmt, ##__VA_ARGS__)\n', None),
    "drivers/z/include/own/told.h": (
        None,
        '#include "more.h"\n',
        '#define TOLD(fmt, ...) printk("near " fmt, ##__VA_ARGS__)\n',
    ),
    "drivers/z/include/own/more.h": ('#define TOLD(fmt, ...) pr_info("more " fmt, ##__VA_ARGS__)\n', None),
    "arch/x86/include/asm/told.h": (None, '#define ASM "x86 "\n', '#define ASM "i386 "\n'),
    "arch/arm/include/asm/told.h": ('#define ASM "arm "\n', None),
    "drivers/z/asm.c": ('#include <linux/all.h>\n#include <asm/told.h>\nvoid a(void)\n{\n\tpr_info(ASM "a\\n");\n}\n',),
    # Ways to a root, over several files: which names lead to one.
    "include/linux/way.h": (
        "#define way_one(fmt, ...) way_two(fmt, ##__VA_ARGS__)\n#define way_many(l, fmt) way_##l(fmt)\n",
        "#define way_one(fmt, ...) way_two(fmt, ##__VA_ARGS__)\n#define way_end(x) do { } while (0)\n",
        "#define way_three(fmt, ...) way_one(fmt, ##__VA_ARGS__)\n",
        None,
    ),
    "include/linux/ways.h": (
        "#include <linux/way.h>\n#define way_two(fmt, ...) way_three(fmt, ##__VA_ARGS__)\n",
        '#include <linux/way.h>\n#define way_two(fmt, ...) pr_info("two " fmt, ##__VA_ARGS__)\n',
        '#include <linux/way.h>\n#define way_two(fmt, ...) pr_info("two " fmt, ##__VA_ARGS__)\n'
        "#define way_all(f, x) f(x)\n",
    ),
    "drivers/z/way.c": (
        "#include <linux/all.h>\n#include <linux/ways.h>\nvoid w(void)\n{\n"
        '\tway_one("w %d\\n", 1);\n\tway_many(two, "m\\n");\n\tway_end("e\\n");\n\tway_all(pr_info, "all\\n");\n}\n',
    ),
    # Functions whose texts other files print.
    "kernel/state.c": (
        'const char *state(void)\n{\n\treturn "is off";\n}\n',
        'static const char *text = "is on";\nconst char *state(void)\n{\n\treturn text;\n}\n',
        None,
    ),
    "kernel/copy.c": (None, 'const char *state(void)\n{\n\treturn "is elsewhere";\n}\n'),
    "drivers/z/state.c": ('#include <linux/all.h>\nvoid s(void)\n{\n\tpr_info("s: %s\\n", state());\n}\n',),
    # Names that drivers register, and the core prints.
    "include/linux/host.h": (
        "#define HOST(n) .probe = probe, .name = n\n",
        '#define HOST(n) .probe = probe, .name = n " host"\n',
        None,
    ),
    "drivers/v/core.c": (
        '#include <linux/all.h>\nvoid h(struct host_template *t)\n{\n\tpr_info("%s\\n", t->name);\n}\n',
    ),
    "drivers/v/one.c": (
        '#include <linux/host.h>\nstruct host_template one = {\n\tHOST("first"),\n};\n',
        '#include <linux/host.h>\n#define NAME "second"\nstruct host_template one = {\n\tHOST(NAME),\n};\n',
        '#define NAME "third"\nstruct host_template one = {\n\t.probe = probe,\n\t.name = NAME,\n};\n',
        None,
    ),
    "drivers/v/two.c": ("struct host_template two = {\n\t.probe = probe,\n\t.name = KBUILD_MODNAME,\n};\n",),
    "drivers/v/Makefile": ("obj-m += two.o\n", "obj-m += twice.o\ntwice-y := two.o\n"),
    # In a tree that is not tiny, only what changed is looked at in some places.
    **{f"drivers/none/{number}.h": ("#define NONE 1\n",) for number in range(40)},
}


@pytest.mark.parametrize("seed", [*range(8), 69])
def test_after_any_change_as_if_built_alone(tmp_path, seed):
    draw = random.Random(seed)
    tree = tmp_path / "tree"
    spared = messages = 0
    for step in range(12):
        several = sorted(path for path, texts in VARIANTS.items() if len(texts) > 1)
        some = list(VARIANTS) if step == 0 else draw.sample(several, draw.randint(1, 4))
        for path in some:
            text = draw.choice(VARIANTS[path])
            file = tree / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            if text is not None:
                file.write_text(text)
        after, report = index(tree, tmp_path / "i.sqlite")
        alone, whole = index(tree, tmp_path / f"{step}.sqlite")
        assert after == alone, (step, some)
        spared += whole.linked - report.linked
        messages += len(alone)
    assert spared > 0
    assert messages > 0


def test_reading_piece_by_piece_gives_the_same_messages(linux_mini, tmp_path):
    whole, _ = index(linux_mini, tmp_path / "i.sqlite")
    snapshot = open_snapshot(linux_mini, named=True)
    unindexed = UnindexedSearch(snapshot, DerivedCache(tmp_path / "n.sqlite"), BUILT_IN)
    for path in ("mm/oom_kill.c", "fs/minifs/super.c"):
        expected = [message for message in whole if message.path == path]
        assert expected
        assert unindexed.messages_of([path]) == expected
    snapshot.close()


def test_a_killed_run_loses_nothing(linux_mini, tmp_path):
    undisturbed, _ = index(linux_mini, tmp_path / "whole.sqlite")
    program = [sys.executable, "-m", "ksrcfind", "--repo", str(linux_mini), "index"]
    environment = {**os.environ, "KSRCFIND_CACHE_DIR": str(tmp_path / "cache")}
    for delay in (0.3, 0.6, 0.9):
        running = subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(delay)
        running.send_signal(signal.SIGKILL)
        running.wait()
    subprocess.run(program, env=environment, check=True, stdout=subprocess.DEVNULL)
    (path,) = (tmp_path / "cache").iterdir()
    assert index(linux_mini, path)[0] == undisturbed
