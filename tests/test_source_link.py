"""Messages of small trees, written out here, as the compiler would print them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ksrcfind.source.facts import extract
from ksrcfind.source.kbuild import module_names
from ksrcfind.source.link import Linker
from ksrcfind.source.parse import Parser
from ksrcfind.source.program import Program, reaching
from ksrcfind.source.roots import BUILT_IN
from ksrcfind.source.template import template

PRINTK = r"""
#define KERN_SOH "\001"
#define KERN_ERR KERN_SOH "3"
#define KERN_INFO KERN_SOH "6"
#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define pr_err(fmt, ...) printk(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...) printk(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
#define dev_printk_wrap(_p_func, level, dev, fmt, ...) ({ _p_func(dev, fmt, ##__VA_ARGS__); })
#define dev_err(dev, fmt, ...) dev_printk_wrap(_dev_err, KERN_ERR, dev, fmt, ##__VA_ARGS__)
"""


def link(files):
    """Path → messages of a tree."""
    paths = sorted(path for path in files if path.endswith((".c", ".h")))
    parser = Parser()
    facts = [extract(files[path].encode(), parser) for path in paths]
    macros, wrappers = {}, {}
    for number, one in enumerate(facts):
        for macro in one.macros:
            macros.setdefault(macro.name, []).append(number)
        for wrapper in one.wrappers:
            wrappers.setdefault(wrapper.name, []).append(number)
    program = Program(paths, facts.__getitem__, macros, wrappers, BUILT_IN, reaching(facts, BUILT_IN))
    linker = Linker(
        program,
        module_names({p: t for p, t in files.items() if p.endswith("Makefile")}),
        lambda n: files[paths[n]].encode(),
    )
    return {path: linker.messages(number)[0] for number, path in enumerate(paths)}


def one(source, **more):
    """The messages of `a.c` beside a minimal printk.h."""
    files = {"include/linux/printk.h": PRINTK, "a.c": "#include <linux/printk.h>\n" + source, **more}
    return link(files)["a.c"]


def texts(messages):
    return [template(message.forms[0].printed) for message in messages]


def test_a_plain_call():
    (message,) = one('int f(void)\n{\n\tpr_err("bad %d of %s\\n",\n\t       n, p->name);\n}\n')
    assert (message.path, message.line_start, message.line_end, message.function) == ("a.c", 4, 5, "f")
    assert (message.call, message.level, message.format) == ("pr_err", "err", "bad %d of %s\n")
    assert texts([message]) == ["bad %d of %s"]
    assert [(a.conversion, a.expression) for a in message.forms[0].arguments] == [("%d", "n"), ("%s", "p->name")]
    assert [(t.path, t.line, t.length) for t in message.text_lines] == [("a.c", 4, len("bad %d of %s\n"))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('void f(void)\n{\n\tprintk(KERN_INFO "a" " b\\n");\n}\n', ["a b"]),
        ('#define PFX "drv: "\nvoid f(void)\n{\n\tpr_info(PFX "up\\n");\n}\n', ["drv: up"]),
        ('void f(void)\n{\n\tpr_info("%s: up\\n", __func__);\n}\n', ["f: up"]),
        ('void f(int on)\n{\n\tpr_info(on ? "on\\n" : "off\\n");\n}\n', ["on", "off"]),
        ('static const char version[] = "drv 1.0\\n";\nvoid f(void)\n{\n\tpr_info("%s", version);\n}\n', ["drv 1.0"]),
        ('void f(void)\n{\n\tif (x)\n\t\tpr_info("100%% %d\\n", n);\n}\n', ["100% %d"]),
        ('void f(void)\n{\n\tdev_err(&p->dev, "gone\\n");\n}\n', ["%s %s: gone"]),
        ('#define dbg(l, ...) pr_##l("drv: " __VA_ARGS__)\n'
         'void f(void)\n{\n\tdbg(err, "x %d\\n", n);\n}\n', ["drv: x %d"]),
        ('#define say pr_info\nvoid f(void)\n{\n\tsay("aliased\\n");\n}\n', ["aliased"]),
        ('#define say(fmt, a...) do { if (d) pr_info("<%s> " fmt, n, ## a); } while (0)\n'
         'void f(void)\n{\n\tsay("x\\n");\n}\n', ["<%s> x"]),
        ('void f(void)\n{\n\tseq_printf(m, "no %d\\n", 1);\n\tsnprintf(b, 3, "no\\n");\n}\n', []),
        ('#if 0\nvoid f(void)\n{\n\tpr_info("dead\\n");\n}\n#endif\n', []),
        ('void f(void)\n{\n\t/* pr_info("comment\\n"); */\n}\n', []),
        ('int f(a)\n\tint a;\n{\n\tpr_info("old style\\n");\n}\n', ["old style"]),
        ('void f(void)\n{\n\tpr_info("one "\n#ifdef X\n\t\t"two\\n"\n#endif\n\t\t);\n}\n', ["one two"]),
    ],
)  # fmt: skip
def test_text_is_put_together(source, expected):
    assert sorted(text for message in one(source) for text in texts([message])) == sorted(expected)


def test_pr_fmt_and_the_module_name():
    source = '#define pr_fmt(fmt) KBUILD_MODNAME ": %s: " fmt, __func__\nvoid f(void)\n{\n\tpr_info("x %d\\n", n);\n}\n'
    (message,) = one(source, Makefile="obj-m += my-drv.o\nmy-drv-objs := a.o b.o\n")
    assert message.module == "my_drv"
    assert texts([message]) == ["my_drv: f: x %d"]


def test_a_wrapper_function_of_another_file():
    wrapper = """
void say(struct fs *sb, const char *level, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;
	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	inner(level, sb, &vaf);
	va_end(args);
}
"""
    inner = """
static void inner(const char *level, struct fs *sb, struct va_format *vaf)
{
	printk("%sfs (%s): %pV\\n", level, sb->id, vaf);
}
"""
    messages = one(
        'void f(void)\n{\n\tsay(sb, KERN_ERR, "no %s here", name);\n}\n',
        **{"super.c": "#include <linux/printk.h>\n" + inner + wrapper},
    )
    assert texts(messages) == ["fs (%s): no %s here"]
    assert messages[0].level == "err"
    assert [a.expression for a in messages[0].forms[0].arguments] == ["sb->id", "name"]


def test_names_mean_what_the_file_includes():
    a = '#include <linux/printk.h>\n#include "one.h"\nvoid f(void)\n{\n\tdbg("x\\n");\n}\n'
    found = link(
        {
            "include/linux/printk.h": PRINTK,
            "d/one.h": '#define dbg(f, ...) pr_info("one: " f, ##__VA_ARGS__)\n',
            "e/one.h": '#define dbg(f, ...) pr_err("two: " f, ##__VA_ARGS__)\n',
            "d/a.c": a,
            "e/a.c": a,
        }
    )
    assert texts(found["d/a.c"]) == ["one: x"]
    assert texts(found["e/a.c"]) == ["two: x"]


def test_a_message_out_of_a_macro_says_where_it_is_written():
    (message,) = one(
        '#define CHECK(x) \\\n\tpr_err("check of %s failed\\n", "it" #x)\nvoid f(void)\n{\n\tCHECK("a");\n}\n'
    )
    assert (message.line_start, message.function) == (6, "f")
    assert (message.defined_at.path, message.defined_at.line, message.defined_at.macro) == ("a.c", 3, "CHECK")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400) | st.text("(){}\"'/*\\\n#ifdefinprk_,;% ", max_size=300).map(str.encode))
def test_no_bytes_break_the_reader(data):
    facts = extract(b"int f(void)\n{\n" + data + b'\n\tprintk("x", va_start(a));\n}\n', Parser())
    assert facts.lost >= 0


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300) | st.text("obj-y+=:foo.o $()\\\n\t#", max_size=300))
def test_no_text_breaks_a_makefile(text):
    assert isinstance(module_names({"Makefile": text}), dict)
