"""Messages of small trees, written out here, as the compiler would print them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ksrcfind.index.symbol_table import symbol_table
from ksrcfind.source.extract import extract
from ksrcfind.source.kbuild import module_names
from ksrcfind.source.link import Linker
from ksrcfind.source.parse import Parser
from ksrcfind.source.program import Program
from ksrcfind.source.sinks import BUILT_IN
from ksrcfind.source.summary import summary
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


def link(files, read=None):
    """Path → messages of a tree. The paths of files whose bytes the linker reads are added to the list `read`."""
    paths = sorted(path for path in files if path.endswith((".c", ".h")))
    parser = Parser()
    facts = [extract(files[path].encode(), parser) for path in paths]
    found = symbol_table(list(map(summary, facts)), BUILT_IN)
    modules = module_names({p: t for p, t in files.items() if p.endswith("Makefile")})
    program = Program(
        paths,
        facts.__getitem__,
        found.macros,
        found.wrappers,
        BUILT_IN,
        found.may_log,
        found.includers,
        modules,
        found.constants,
        text_functions=found.text_functions,
        registered=found.registered,
    )

    def data(number):
        if read is not None:
            read.append(paths[number])
        return files[paths[number]].encode()

    linker = Linker(program, data)
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


ACPI = {
    "acpi/log.h": """
#define AE_INFO _acpi_module_name, __LINE__
#define ACPI_ERROR(plist) acpi_error plist
""",
    "acpi/log.c": """
void XFACE
acpi_error(const char *module_name, u32 line_number, const char *format, ...)
{
	va_list arg_list;

	va_start(arg_list, format);
	acpi_vprintf(format, arg_list);
	va_end(arg_list);
}

EXPORT_SYMBOL(acpi_error)

void XFACE
acpi_vprintf(const char *fmt, va_list args)
{
	static char buffer[512];

	vsprintf(buffer, fmt, args);
	printk("%s", buffer);
}
""",
}


def test_arguments_in_parentheses_of_their_own():
    (message,) = one(
        '#include "acpi/log.h"\nvoid f(int op)\n{\n\tACPI_ERROR((AE_INFO, "Unknown opcode 0x%X\\n", op));\n}\n', **ACPI
    )
    assert texts([message]) == ["Unknown opcode 0x%X"]
    assert [(a.conversion, a.expression) for a in message.forms[0].arguments] == [("%X", "op")]


ACPI_WITH_PLACE = {
    "acpi/log.h": ACPI["acpi/log.h"]
    + """
#define MSG_END \\
	acpi_printf(" (%8.8X/%s-%u)\\n", VERSION, module_name, line_number)
""",
    "acpi/log.c": """
#include "log.h"
void
acpi_error(const char *module_name, u32 line_number, const char *format, ...)
{
	va_list arg_list;

	MSG_BEGIN;
	acpi_printf("Error: ");
	va_start(arg_list, format);
	acpi_vprintf(format, arg_list);
	MSG_END;
	va_end(arg_list);
}

void acpi_printf(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	acpi_vprintf(fmt, args);
	va_end(args);
}
"""
    + ACPI["acpi/log.c"].partition("EXPORT_SYMBOL(acpi_error)")[2],
}


def test_an_empty_text_in_place_of_one_that_is_not_known_tells_nothing():
    (message,) = one('#define module_name ""\nvoid f(void)\n{\n\tpr_err("(%s-%u)\\n", module_name, 3);\n}\n')
    assert texts_of(message) == ["(%s-%u)"]


def test_what_a_function_always_prints_around_its_text_belongs_to_it():
    source = '#include "acpi/log.h"\nvoid f(int op)\n{\n\tACPI_ERROR((AE_INFO, "Unknown opcode 0x%X", op));\n}\n'
    (message,) = one(source, **ACPI_WITH_PLACE)
    assert texts_of(message) == ["Error: Unknown opcode 0x%X (%8.8X/%s-%u)"]
    told = [(argument.conversion, argument.expression) for argument in message.forms[0].arguments]
    assert told == [("%X", "op"), ("%8.8X", "VERSION"), ("%s", "_acpi_module_name"), ("%u", "__LINE__")]
    (ended,) = one(source.replace('0x%X"', '0x%X\\n"'), **ACPI_WITH_PLACE)
    assert texts_of(ended) == ["Error: Unknown opcode 0x%X"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # The level that printk takes off the text at run time is not printed.
        ('void f(const char *lvl)\n{\n\tprintk("%sCall Trace:\\n", lvl);\n}\n', ["Call Trace:"]),
        ('void f(const char *level)\n{\n\tprintk("%s: up\\n", level);\n}\n', ["%s: up"]),
        ('void f(int n)\n{\n\tprintk("%c%cfs %d\\n", KERN_SOH_ASCII, n, n);\n}\n', ["fs %d"]),
        # A macro defined anew holds from there on.
        (
            '#undef pr_fmt\n#define pr_fmt(fmt) "A: " fmt\nvoid f(void)\n{\n\tpr_err("x\\n");\n}\n'
            '#undef pr_fmt\n#define pr_fmt(fmt) "B: " fmt\nvoid g(void)\n{\n\tpr_err("y\\n");\n}\n',
            ["A: x", "B: y"],
        ),
        ('#define P "p: "\n#define pr_fmt(fmt) P fmt\nvoid f(void)\n{\n\tpr_err("x\\n");\n}\n', ["p: x"]),
        ('#define pr_fmt(fmt) KBUILD_BASENAME ": " fmt\nvoid f(void)\n{\n\tpr_err("x\\n");\n}\n', ["a: x"]),
        # An alternative whose names nobody defines is not taken.
        (
            '#ifdef S\n#define pr_fmt(fmt) "a: " S fmt\n#else\n#define pr_fmt(fmt) "a: " fmt\n#endif\n'
            'void f(void)\n{\n\tpr_err("x\\n");\n}\n',
            ["a: x"],
        ),
        # A name for another macro, in the place of a format and in the place of a call.
        ('#define fmt_of pr_fmt\nvoid f(void)\n{\n\tprintk(fmt_of("x\\n"));\n}\n', ["x"]),
        ('#define dprintk if (debug) printk\nvoid f(void)\n{\n\tdprintk("x %d\\n", n);\n}\n', ["x %d"]),
        # A buffer with room is not what it starts with.
        ('void f(void)\n{\n\tchar buf[64] = "";\n\n\tpr_err("at %s\\n", buf);\n}\n', ["at %s"]),
        # A macro that brings its whole text, with the words of its argument.
        (
            '#define CHECK(x) do { if (!(x)) pr_err("no " #x "\\n"); } while (0)\n'
            "void f(int a)\n{\n\tCHECK(!a && b->c);\n}\n",
            ["no !a && b->c"],
        ),
        ('#define HERE() pr_err("here %s\\n", name)\nvoid f(void)\n{\n\tHERE();\n}\n', ["here %s"]),
    ],
)
def test_what_is_printed(source, expected):
    assert texts(one(source)) == expected


def test_choices_beyond_the_limit_stay_conversions():
    choices = ", ".join(f'a > {n} ? "b{n}" : "c{n}"' for n in range(5))
    (message,) = one(f'void f(int a)\n{{\n\tpr_info("%s %s %s %s %s\\n", {choices});\n}}\n')
    assert "c0 b1 c2 b3 %s" in [template(form.printed) for form in message.forms]
    assert len(message.forms) == 16


def test_a_file_that_is_included_sees_what_its_user_sees():
    files = {
        "include/linux/printk.h": PRINTK,
        "d/m.c": '#include <linux/printk.h>\n#define log(fmt, ...) pr_err("m: " fmt, ##__VA_ARGS__)\n'
        '#include "part.c"\n',
        "d/part.c": 'void f(void)\n{\n\tlog("x\\n");\n}\n',
        "d/Makefile": "obj-m += m.o\n",
    }
    (message,) = link(files)["d/part.c"]
    assert (texts([message]), message.module) == (["m: x"], "m")


def test_functions_that_a_macro_writes():
    text = (
        "#define __log(name) void __log_ ##name(const char *fmt, ...) \\\n"
        "{ struct va_format vaf = { \\\n\t\t.fmt = fmt, \\\n\t}; \\\n"
        'va_list args; va_start(args, fmt); vaf.va = &args; printk("drv: %pV", &vaf); va_end(args); }\n__log(warn)\n'
        'void f(void)\n{\n\t__log_warn("hot %d\\n", n);\n}\n'
    )
    assert "drv: hot %d" in texts(one(text))


def test_messages_are_in_source_order_also_those_of_functions_that_a_macro_writes():
    text = (
        '#define STORE(name) static void store_##name(void) { printk("storing " #name); }\n'
        'STORE(limit)\nvoid f(void)\n{\n\tprintk("last");\n}\n'
    )
    assert texts(one(text)) == ["storing limit", "last"]


def test_an_expansion_is_shared_only_where_a_name_has_the_same_definitions():
    include = '#include <linux/printk.h>\n#include "own.h"\n'
    code = 'void f(void)\n{\n\tDBG("x\\n");\n}\n'
    files = {"include/linux/printk.h": PRINTK}
    for name in "abc":
        files[f"{name}/own.h"] = f'#define DBG(fmt) SAY("{name}: " fmt)\n#define SAY(fmt) pr_err(fmt)\n'
        files |= {f"{name}/one.c": include + code, f"{name}/two.c": include + code}
        # The same definition of the called name, and another one of the name in its body.
        files[f"{name}/three.c"] = '#define SAY(fmt) pr_info("quiet " fmt)\n' + include + code
    found = link(files)
    for name in "abc":
        assert texts(found[f"{name}/one.c"]) == texts(found[f"{name}/two.c"]) == [f"{name}: x"]
        assert texts(found[f"{name}/three.c"]) == [f"quiet {name}: x"]


def test_a_file_is_read_again_only_for_calls_that_may_print():
    other = '#define readl(port) pr_err("reading\\n")\n#include <linux/printk.h>\n'
    plain = 'const char *name = "x";\nint f(void)\n{\n\treturn readl(p);\n}\n'
    printing = other + "int f(void)\n{\n\treturn readl(p);\n}\n"
    read = []
    found = link({"include/linux/printk.h": PRINTK, "a/other.c": other, "b/plain.c": plain, "c/p.c": printing}, read)
    assert (texts(found["b/plain.c"]), texts(found["c/p.c"])) == ([], ["reading"])
    assert read == ["c/p.c"]


@pytest.mark.parametrize(
    ("beginning", "ending", "expected"),
    [
        ("dev_", "_once", True),
        ("dev_", "_twice", False),
        ("", "_once", True),
        ("dev_", "", True),
        ("pr_err_o", "rr_once", True),
        ("q", "_once", False),
        ("", "x", False),
        ("", "", True),
    ],
)
def test_names_with_a_beginning_and_an_ending(beginning, ending, expected):
    names = {"dev_err", "dev_err_once", "pr_err_once", "pr_info", "zz_once"}
    program = Program([], [].__getitem__, {}, {}, BUILT_IN, names)
    assert program.may_log_like(beginning, ending) is expected


def test_a_prefix_with_values_and_one_without():
    text = (
        '#ifdef DEBUG\n#define pr_fmt(fmt) "drv: %s:%d: " fmt, __func__, __LINE__\n#else\n'
        '#define pr_fmt(fmt) "drv: " fmt\n#endif\nvoid f(void)\n{\n\tpr_info("hot %d\\n", n);\n}\n'
    )
    assert [form.printed for form in one(text)[0].forms] == ["drv: hot %d", "drv: f:%d: hot %d"]


def test_an_initializer_that_ends_in_the_first_column_ends_no_function():
    text = (
        "void f(void)\n{\n\tstatic const int table[] = {\n\t\t1, 2\n};\n\tint n = table[1];\n\n"
        '\tpr_info("cold %d\\n", n);\n}\n\nstatic struct ops ops = {\n\t.f = f,\n};\n\n'
        'void g(void)\n{\n\tpr_info("hot\\n");\n};\n\nvoid h(void)\n{\n\tpr_info("mild\\n");\n}\n'
    )
    found = one(text)
    assert [(message.function, message.format) for message in found] == [
        ("f", "cold %d\n"),
        ("g", "hot\n"),
        ("h", "mild\n"),
    ]


def test_makefiles_that_include_others():
    names = module_names(
        {
            "d/Kbuild": "include $(src)/nvif/Kbuild\nnouveau-y := $(nvif-y)\nobj-$(CONFIG_X) += nouveau.o\n",
            "d/nvif/Kbuild": "nvif-y := nvif/object.o\n",
        }
    )
    assert names["d/nvif/object"] == "nouveau"
    assert module_names({"n/Makefile": "obj-$(subst y,$(CONFIG_A),$(CONFIG_B)) += l2tp.o\n"}) == {"n/l2tp": "l2tp"}


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


LIBRARY = r"""
#define pr_fmt(fmt) KBUILD_MODNAME ": %s: " fmt, __func__
#include <linux/printk.h>
void lib_err(const char *format, ...)
{
	struct va_format vaf;
	va_list args;

	va_start(args, format);
	vaf.fmt = format;
	vaf.va = &args;
	pr_err("%pV", &vaf);
	va_end(args);
}
"""


def test_the_names_in_a_wrapper_mean_what_they_mean_in_its_own_file():
    files = {
        "include/linux/printk.h": PRINTK,
        "lib/lib.c": LIBRARY,
        "lib/Makefile": "obj-y += blue.o\nblue-y := lib.o\n",
        "drv/a.c": '#define pr_fmt(fmt) "not this: " fmt\n#include <linux/printk.h>\n'
        'void f(void)\n{\n\tlib_err("lost %d\\n", n);\n}\n',
    }
    (message,) = link(files)["drv/a.c"]
    assert texts([message]) == ["blue: lib_err: lost %d"]
    assert message.format == "lost %d\n"


def test_a_wrapper_may_print_the_beginning_of_the_line_by_itself():
    source = (
        "void say(const char *format, ...)\n{\n\tva_list args;\n\n\tva_start(args, format);\n"
        '\tprintk(KERN_ERR "Say: ");\n\tvprintk(format, args);\n\tva_end(args);\n}\n'
        'void f(void)\n{\n\tsay("gone %d\\n", 3);\n}\n'
    )
    message = next(message for message in one(source) if message.call == "say")
    assert [form.printed for form in message.forms] == ["Say: gone %d"]
    assert message.level == "err"


def test_a_function_that_prints_a_whole_text_is_a_log_call():
    source = (
        'void note(const char *text)\n{\n\tif (on)\n\t\tpr_info("Note: %s\\n", text);\n}\n'
        'void f(void)\n{\n\tnote("100% done");\n}\n'
    )
    printing, told = one(source)
    assert texts([printing]) == ["Note: %s"]
    assert (told.line_start, told.call, told.level, told.format) == (9, "note", "info", "100% done")
    assert [form.printed for form in told.forms] == ["Note: 100%% done"]


def test_texts_that_callers_give_a_static_function_are_forms_of_what_it_prints():
    source = (
        'static void show(char *name, char *value)\n{\n\tpr_info("%s: %s\\n", name, value);\n}\n'
        'void f(void)\n{\n\tshow("Product", p->product);\n\tshow("Serial", p->serial);\n}\n'
    )
    (message,) = one(source)
    assert [form.printed for form in message.forms] == ["Product: %s", "Serial: %s", "%s: %s"]
    assert message.format == "%s: %s\n"


def test_a_constant_of_another_file():
    banner = 'const char banner[] =\n\t"Version " RELEASE " (" BY ")\\n";\nstatic const char other[] = "other\\n";\n'
    messages = one('void f(void)\n{\n\tpr_info("%s", banner);\n\tpr_info("%s", other);\n}\n', **{"v.c": banner})
    assert [form.printed for message in messages for form in message.forms] == ["Version %s (%s)", "%s"]


def test_names_pasted_and_text_made_of_arguments():
    messages = one(
        "#define log(level, fmt, ...) pr_##level(fmt, ##__VA_ARGS__)\n"
        '#define check(what) do { if (!(what)) pr_err("failed: " #what); } while (0)\n'
        '#define at(reg) log(info, "reg " #reg " is %d", read_##reg())\n'
        'void f(void)\n{\n\tlog(err, "no %s", name);\n\tcheck(n > 1);\n\tat(ctl);\n}\n'
    )
    assert texts(messages) == ["no %s", "failed: n > 1", "reg ctl is %d"]
    assert [message.level for message in messages] == ["err", "err", "info"]


def test_many_arguments_that_are_pasted_without_being_printed():
    messages = one(
        "#define five(a, b, c, d, e, fmt) do { a##_x = b##_x + c##_x + d##_x + e##_x; pr_info(fmt); } while (0)\n"
        'void f(void)\n{\n\tfive(p, q, r, s, t, "all five");\n}\n'
    )
    assert texts(messages) == ["all five"]


def test_a_call_among_the_arguments_of_a_macro_that_prints_nothing():
    messages = one(
        "#define quiet(x) likely(x)\n#define likely(x) __builtin_expect(!!(x), 1)\n"
        'void f(void)\n{\n\tif (quiet(pr_err("said in passing")))\n\t\tquiet(1);\n}\n'
        '#define outer(x) quiet(x)\n#define say outer(pr_info("from inside"))\n'
        "void g(void)\n{\n\tsay();\n}\n"
    )
    assert "said in passing" in texts(messages)


def test_a_wrapper_function_prints_the_prefix_of_its_own_file():
    debug = """
#include <linux/printk.h>
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#define TAG "[core] "
void say(struct dev *dev, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;
	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_info(TAG "%s: %pV (%s)\\n", __func__, &vaf, KBUILD_MODNAME);
	va_end(args);
}
"""
    (message,) = link(
        {
            "include/linux/printk.h": PRINTK,
            "drv/core.c": debug,
            "drv/one.c": '#include <linux/printk.h>\n#define pr_fmt(fmt) "one: " fmt\n'
            'void f(void)\n{\n\tsay(dev, "%s: bad %d", __func__, n);\n}\n',
            "drv/Makefile": "obj-m += core.o one.o\n",
        }
    )["drv/one.c"]
    assert texts([message]) == ["core: [core] say: f: bad %d (core)"]
    assert message.function == "f"


def test_text_of_the_caller_keeps_its_meaning_in_a_wrapper_function():
    wrapper = """
#include <linux/printk.h>
void log_at(const char *level, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;
	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	printk("%sdrv: %pV", level, &vaf);
	va_end(args);
}
"""
    messages = one(
        '#define PFX "mine: "\n#define log(fmt, ...) log_at(KERN_ERR, PFX "%s: " fmt, __func__, ##__VA_ARGS__)\n'
        'void f(void)\n{\n\tlog("no %s", name);\n}\n',
        **{"core.c": wrapper, "Makefile": "obj-y += core.o\n"},
    )
    assert texts(messages) == ["drv: mine: f: no %s"]
    assert messages[0].level == "err"


@pytest.mark.parametrize(
    ("conversion", "argument", "printed"),
    [
        ("%s", '"ok"', "[ok]"),
        ("%s", '""', "[]"),
        ("%5s", '"ok"', "[   ok]"),
        ("%-5s", '"ok"', "[ok   ]"),
        ("%.1s", '"ok"', "[o]"),
        ("%.*s", 'n, "ok"', "[%.*s]"),
        ("%*s", 'n, "ok"', "[%*s]"),
        ("%99999s", '"ok"', "[%99999s]"),
    ],
)
def test_a_literal_argument_is_printed_as_wide_as_its_conversion_says(conversion, argument, printed):
    (message,) = one(f'void f(void)\n{{\n\tpr_info("[{conversion}] done", {argument});\n}}\n')
    assert texts([message]) == [printed + " done"]


@pytest.mark.parametrize(
    ("name", "level"), [("LOGLEVEL_INFO", "info"), ("KERN_Warning", "warn"), ("LOG_\u0131NFO", None)]
)
def test_the_level_of_a_constant_without_definition(name, level):
    (message,) = one(f'void f(struct device *dev)\n{{\n\t_dev_printk({name}, dev, "up after %d", n);\n}}\n')
    assert message.level == level


def test_the_level_is_unknown_where_run_time_decides():
    (message,) = one(
        "#define report(bad, fmt, ...) do { if (bad) pr_err(fmt, ##__VA_ARGS__); else pr_info(fmt, ##__VA_ARGS__); } "
        'while (0)\nvoid f(void)\n{\n\treport(n, "so many: %d", n);\n}\n'
    )
    assert message.level is None
    assert texts([message]) == ["so many: %d"]


def test_the_text_of_a_macro_that_goes_through_a_wrapper_function_stands_in_the_macro():
    wrapper = """
#include <linux/printk.h>
void say(struct dev *dev, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;
	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_info("%s: %pV", dev->name, &vaf);
	va_end(args);
}
"""
    messages = one(
        '#define ring() do { say(dev, "the ring turns"); } while (0)\n#define named(fmt) say(dev, "ring " fmt)\n'
        'void f(void)\n{\n\tring();\n\tnamed("stops");\n}\n',
        **{"core.c": wrapper},
    )
    assert texts(messages) == ["%s: the ring turns", "%s: ring stops"]
    assert [message.defined_at and message.defined_at.macro for message in messages] == ["ring", None]


def test_texts_by_their_names():
    source = (
        '#define WARNED "first " "words\\n"\n#define PREFIX "drv: "\n'
        'static const char banner[] = "Driver 1.0\\n";\n'
        "void f(void)\n{\n\tpr_info(WARNED);\n\tprintk(KERN_ERR banner);\n\tregister_it(PREFIX);\n}\n"
    )
    messages = one(source)
    assert texts(messages) == ["first words", "Driver 1.0"]
    assert [message.line_start for message in messages] == [7, 8]


def test_texts_that_change_are_not_known():
    source = (
        'static const char options[] = ""\n#ifdef A\n\t", a=on"\n#endif\n\t;\n'
        'void f(void)\n{\n\tconst char *how = "";\n\n\tif (x)\n\t\thow = " fast";\n'
        '\tpr_info("drv loaded%s%s\\n", how, options);\n}\n'
    )
    assert texts(one(source)) == ["drv loaded%s%s"]


def test_a_buffer_that_is_only_looked_at_is_not_printed():
    wrapper = """
#include <linux/printk.h>
#define CHECK(x) do { if (!(x)) pr_err("check %s", #x); } while (0)
void fill(struct buf *b, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, 10, fmt, args);
	CHECK(fits(text));
	pr_err("%s", place(text));
	va_end(args);
}
"""
    assert one('void f(void)\n{\n\tfill(b, "not for the log");\n}\n', **{"core.c": wrapper}) == []


def test_a_driver_that_comes_without_the_headers_of_the_kernel():
    messages = link(
        {
            "drv.c": '#include <linux/module.h>\n#define pr_fmt(fmt) "drv: " fmt\n'
            "#define log_it(fmt, ...) pr_info_once(fmt, ##__VA_ARGS__)\n"
            'void f(struct device *dev)\n{\n\tpr_err("no %d\\n", n);\n\tlog_it("here");\n'
            '\tdev_warn(dev, "slow\\n");\n\tprintk(KERN_NOTICE "old %s\\n", name);\n'
            '\tnetdev_dbg(net, "up");\n\treturn dev_err_probe(dev, ret, "no clock\\n");\n}\n'
        }
    )["drv.c"]
    assert [(text, message.level) for text, message in zip(texts(messages), messages, strict=True)] == [
        ("drv: no %d", "err"),
        ("drv: here", "info"),
        ("%s %s: slow", "warn"),
        ("old %s", "notice"),
        ("%s %s %s%s: up", "debug"),
        ("%s %s: error %pe: no clock", None),
    ]


def test_what_is_stringified():
    source = (
        "#define __stringify_1(x...) #x\n#define __stringify(x...) __stringify_1(x)\n#define SIZE 42\n"
        'void f(void)\n{\n\tpr_info("%" __stringify(SIZE) "ph of " __stringify(ELSEWHERE)\n'
        '\t\t" at " __stringify(here) "\\n", p);\n}\n'
    )
    assert texts(one(source)) == ["%42ph of %s at here"]


def test_a_directive_inside_a_comment_is_none():
    source = (
        "/*\n#define pr_info(fmt) nothing\n#if 0\n*/\n"
        'static const char glob[] = "drivers/*";\n#define NAME "drv"\n/* one line */\n#define OTHER " up"\n'
        'void f(void)\n{\n\tpr_info(NAME OTHER "\\n");\n}\n'
    )
    assert texts(one(source)) == ["drv up"]


def test_escapes_that_are_no_c_do_not_stop_anything():
    assert texts(one('void f(void)\n{\n\tpr_err("bad \\xq\\n");\n}\n')) == ["bad xq"]


def test_what_no_argument_decides_is_left_out():
    source = (
        "#define STR(x) #x\nvoid lg(const char *fmt, ...)\n{\n\tstruct va_format vaf;\n\tva_list args;\n"
        "\tva_start(args, fmt);\n\tvaf.fmt = fmt;\n\tvaf.va = &args;\n"
        '\tprintk(STR(&vaf) "one %pV\\n", &vaf);\n\tprintk("two %s\\n", STR(vaf));\n}\n'
        'void f(void)\n{\n\tlg("hello %d\\n", 1);\n}\n'
    )
    assert any("hello %d" in text for text in texts(one(source)))


def test_macros_that_double_what_they_hold_come_to_an_end():
    def chain(name, body, end):
        return (
            "".join(f"#define {name}{n}(f) {body.format(n + 1)}\n" for n in range(22)) + f"#define {name}22(f) {end}\n"
        )

    source = (
        chain("CALL", "CALL{0}(f); CALL{0}(f)", "printk(f)")
        + chain("NONE", "NONE{0}(f); NONE{0}(f); NONE{0}(f); NONE{0}(f)", "printk()")
        + chain("GROW", "GROW{0}(f f f f)", "printk(f)")
        + chain("TEXT", "TEXT{0}(f) TEXT{0}(f) TEXT{0}(f) TEXT{0}(f) TEXT{0}(f)", '"more " f')
        + "".join(f'static const char D{n}[] = "x" {f"D{n + 1} " * 9};\n' for n in range(20))
        + 'void f(void)\n{\n\tCALL0("call");\n\tNONE0("none");\n\tGROW0("grow");\n\tpr_err(TEXT0("text"));\n'
        + '\tpr_err("%s", D0);\n\tpr_err("and on\\n");\n}\n'
    )
    assert "and on" in texts(one(source))


def test_a_buffer_printed_into_itself_comes_to_an_end():
    source = (
        "void lg(const char *fmt, ...)\n{\n\tchar buf[9];\n\tva_list ap;\n\tva_start(ap, fmt);\n"
        + '\tsnprintf(buf, 9, "%s %s", buf, buf);\n' * 40
        + '\tprintk("%s", buf);\n\tvprintk(fmt, ap);\n}\nvoid f(void)\n{\n\tlg("hello %d\\n", 1);\n}\n'
    )
    assert any(text.endswith("hello %d") for text in texts(one(source)))


MAKES_FUNCTION = r"""
#define G(n) void n(const char *fmt, ...) { \
    va_list a; \
    va_start(a, fmt); \
    vprintk(fmt, a); \
    va_end(a); \
}
"""


@pytest.mark.parametrize("times", [40, 1000])
def test_a_wrappers_own_text_comes_to_an_end(times):
    source = (
        f"#define D(x) {'x ' * times}\nvoid lg(const char *fmt, ...)\n{{\n\tva_list ap;\n\tva_start(ap, fmt);\n"
        '\tstruct va_format vaf = { .fmt = fmt, .va = &ap };\n\tprintk(D(D(D(D("a")))) " %pV", &vaf);\n}\n'
        'void f(void)\n{\n\tlg("hello %d\\n", 1);\n}\n'
    )
    longest = max(len(form.printed) for message in one(source) for form in message.forms)
    assert longest <= 1 << 15


@pytest.mark.parametrize(
    "hostile",
    [
        f"#define A if (x){' ' * 200_000}1\n",
        f"#define A(x) do {{{' ' * 200_000}1\n",
        f'static void g(const char *t, {"a" * 200_000} (*x)(int))\n{{\n\tpr_err("x %s %s", "b", t);\n}}\n',
        f"{'a' * 200_000}\n",
        "".join(f"__stringify(N{n})\n" for n in range(20_000)),
        f'#define A(...) {"__VA_OPT__(" * 2000}x{")" * 2000}\nvoid g(void)\n{{\n\tA("x y");\n}}\n',
        f'void g(void)\n{{\n\tpr_err({"(" * 50_000}"x y"{")" * 50_000});\n}}\n',
        f'void g(void)\n{{\n\tpr_err({"g(" * 20_000}"x y"{")" * 20_000});\n}}\n',
        "void g(void)\n{\n" + '\tpr_err("x y", g(\n' * 20_000 + "}\n",
        MAKES_FUNCTION + "G(g)\n" * 5000,
        "void g(void)\n{\n\tint n = " + 'strcmp("x", y) + ' * 40_000 + "1;\n}\n",
        "void g(void)\n{\n\tint n = " + "if (" * 20_000 + 'strcmp("x", y) + ' * 20_000 + ")" * 20_000 + ";\n}\n",
        "void g(void)\n{\n\tint t[] = {" + 'X("x"), ' * 40_000 + "};\n}\n",
        'int g(void) { X("x"); }\n' * 40_000,
        MAKES_FUNCTION + "".join(f"G(g{n})\n" for n in range(3000)),
        "void g(const char *fmt, ...)\n{\n\tva_list a;\n\tva_start(a, fmt);\n"
        + "\tif (x) {\n\tprintk(fmt);\n" * 3000
        + "\t}\n" * 3000
        + "}\n",
    ],
    ids=[
        "if",
        "do",
        "parameter",
        "name",
        "stringify",
        "va_opt",
        "parentheses",
        "calls",
        "unclosed",
        "functions of one name",
        "texts that are compared",
        "texts in conditions",
        "table of calls",
        "functions in a line",
        "functions made",
        "conditions around",
    ],
)
def test_long_hostile_source_takes_no_time(hostile):
    assert "in time" in texts(one(hostile + 'void f(void)\n{\n\tpr_err("in time\\n");\n}\n'))


FLAGS = r"""
#define FYI 0x01
#define VFS (1 << 1)
#ifdef DEBUG2
#define NOISY 4
#else
#define NOISY 0
#endif
#define ONCE 8
#define fs_dbg_how(how, type, fmt, ...) do { \
	if ((type) & FYI && chatty) { \
		pr_info("fyi: " fmt, ##__VA_ARGS__); \
	} else if ((type) & VFS) { \
		pr_err("vfs: " fmt, ##__VA_ARGS__); \
	} else if ((type) & NOISY && (NOISY != 0)) \
		printk(fmt, ##__VA_ARGS__); \
} while (0)
#define fs_dbg(type, fmt, ...) do { if ((type) & ONCE) fs_dbg_how(once, type, fmt, ##__VA_ARGS__); \
	else fs_dbg_how(always, type, fmt, ##__VA_ARGS__); } while (0)
#define leave(id) fs_dbg(FYI, "leaving %d\n", id)
"""


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ('fs_dbg(FYI, "mounted\\n")', ["fyi: mounted"]),
        ('fs_dbg(VFS | ONCE, "mounted\\n")', ["vfs: mounted"]),
        ('fs_dbg(NOISY, "mounted\\n")', ["mounted"]),
        ('fs_dbg(type, "mounted\\n")', ["fyi: mounted", "vfs: mounted", "mounted"]),
        ('fs_dbg(type | FYI, "mounted\\n")', ["fyi: mounted", "vfs: mounted", "mounted"]),
        ("leave(7)", ["fyi: leaving %d"]),
    ],
)
def test_constants_at_the_call_rule_branches_of_a_macro_out(call, expected):
    found = one(f"{FLAGS}\nvoid f(int type)\n{{\n\t{call};\n}}\n")
    assert [text for message in found for text in texts_of(message)] == expected


def texts_of(message):
    return [template(form.printed) for form in message.forms]


def test_code_as_text_has_holes_where_the_compiler_puts_numbers():
    source = (
        "#define __stringify_1(x...) #x\n#define __stringify(x...) __stringify_1(x)\n"
        '#define my_WARN_ON(dev, x) pr_err("my_WARN_ON(" __stringify(x) ") of %s\\n", name(dev))\n'
        '#define MY_BUG_ON(x) pr_err("%s:%d MY_BUG_ON(%s)\\n", __func__, __LINE__, __stringify(x))\n'
        "void f(void)\n{\n\tmy_WARN_ON(dev, read(dev, CONTROL) & READY_BIT);\n\tmy_WARN_ON(dev, !dev->on);\n"
        "\tMY_BUG_ON(n > SIZE);\n}\n"
    )
    found = one(source)
    assert texts(found) == [
        "my_WARN_ON(read(dev, %s) & %s) of %s",
        "my_WARN_ON(!dev->on) of %s",
        "f:%d MY_BUG_ON(n > %s)",
    ]
    told = [argument.expression for argument in found[0].forms[0].arguments]
    assert told == ["CONTROL", "READY_BIT", "name(dev)"]


WRAPPED = """
void say(struct device *dev, const char *name, int level, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	if (level == LEVEL_MAIN)
		printk("main: %pV", &vaf);
	else if (dev)
		printk("device: %pV", &vaf);
	else {
		if (unlikely(!name))
			printk("anonymous: %pV", &vaf);
		else
			printk("named: %pV", &vaf);
	}
	va_end(args);
}
"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("dev, name, LEVEL_MAIN", ["main: up"]),
        ("NULL, NULL, 0", ["main: up", "anonymous: up"]),
        ("NULL, disk, LEVEL_OTHER", ["anonymous: up", "named: up"]),
        ("dev, NULL, level", ["main: up", "device: up", "anonymous: up"]),
        ("dev, NULL, LEVEL_MAIN", ["main: up"]),
    ],
)
def test_constants_at_the_call_rule_branches_of_a_function_out(given, expected):
    found = one(f'{WRAPPED}\nvoid f(void)\n{{\n\tsay({given}, "up\\n");\n}}\n')
    assert [text for message in found if message.function == "f" for text in texts_of(message)] == expected


def test_a_parameter_that_the_function_changes_rules_nothing_out():
    changed = WRAPPED.replace("\tva_start", "\tdev = dev_of(name);\n\tva_start")
    found = one(f'{changed}\nvoid f(void)\n{{\n\tsay(NULL, NULL, LEVEL_MAIN + 1, "up\\n");\n}}\n')
    assert "device: up" in [text for message in found for text in texts_of(message)]


def test_what_a_number_in_the_source_switches_off_stays_a_message():
    dbg = "#define dbg(level, ...) do { if (level <= DEBUG_LEVEL) printk(__VA_ARGS__); } while (0)\n"
    source = f"#define DEBUG_LEVEL 0\n{dbg}"
    (message,) = one(f'{source}void f(void)\n{{\n\tdbg(3, "deep\\n");\n}}\n')
    assert texts([message]) == ["deep"]


def test_a_macro_that_prints_nothing_in_one_build_has_the_text_of_the_other():
    source = (
        '#ifdef DEBUG\n#define dbg(fmt, ...) printk("drv: " fmt, ##__VA_ARGS__)\n'
        "#else\n#define dbg(fmt, ...) do { if (0) printk(fmt, ##__VA_ARGS__); } while (0)\n#endif\n"
    )
    (message,) = one(f'{source}void f(void)\n{{\n\tdbg("deep\\n");\n}}\n')
    assert texts_of(message) == ["drv: deep"]


def test_a_file_that_one_other_includes_prints_with_its_prefix():
    source = '#define pr_fmt(fmt) "rcu: " fmt\n#include <linux/printk.h>\n#include "plugin.h"\n'
    plugin = '#include <linux/printk.h>\nstatic void f(void)\n{\n\tpr_info("ready\\n");\n}\n'
    assert texts(link({"include/linux/printk.h": PRINTK, "k/a.c": source, "k/plugin.h": plugin})["k/plugin.h"]) == [
        "rcu: ready"
    ]
    shared_by_two = {"include/linux/printk.h": PRINTK, "k/a.c": source, "k/b.c": source, "k/plugin.h": plugin}
    assert texts(link(shared_by_two)["k/plugin.h"]) == ["ready"]


def test_of_headers_that_define_a_macro_anew_the_last_one_counts():
    anew = '#undef pr_fmt\n#define pr_fmt(fmt) "{}: " fmt\n'
    use = 'void f(void)\n{\n\tpr_info("up\\n");\n}\n'
    for first, last in (("near", "far"), ("far", "near")):
        files = {
            "include/linux/printk.h": PRINTK,
            "include/far.h": anew.format("far"),
            "d/near.h": anew.format("near"),
            "d/a.c": f'#include <linux/printk.h>\n#include "{first}.h"\n#include "{last}.h"\n{use}',
        }
        assert texts(link(files)["d/a.c"]) == [f"{last}: up"]


def test_a_beginning_that_either_branch_prints_always_belongs_to_the_text():
    source = (
        "void say(int status, const char *format, ...)\n{\n\tva_list args;\n\n\tif (FAILED(status))\n"
        '\t\tprintk("Error %d: ", status);\n\telse\n\t\tprintk("Error: ");\n'
        "\tva_start(args, format);\n\tvprintk(format, args);\n\tva_end(args);\n}\n"
        'void f(int n)\n{\n\tsay(n, "gone\\n");\n}\n'
    )
    message = next(message for message in one(source) if message.call == "say")
    assert sorted(texts_of(message)) == ["Error %d: gone", "Error: gone"]


@pytest.mark.parametrize(
    "body",
    [
        "if (c) " * 3000 + "printk(__VA_ARGS__)",
        "if (1) " * 3000 + "printk(__VA_ARGS__); else ;",
        "if (c) x(); else " * 3000 + "printk(__VA_ARGS__)",
        "do " * 3000 + "printk(__VA_ARGS__); while (0)",
    ],
)
def test_conditions_within_conditions_without_end(body):
    found = one(f'#define dbg(c, ...) {body}\nvoid f(void)\n{{\n\tdbg(1, "deep\\n");\n}}\n')
    assert texts(found) in ([], ["deep"])


def test_constants_that_are_told_by_many_others_have_an_end():
    constants = "".join(
        f'#define LEVEL{number} {" | ".join([f"LEVEL{number + 1}"] * 30)} | sizeof("")\n' for number in range(12)
    )
    dbg = "#define dbg(c, ...) do { if (c) printk(__VA_ARGS__); } while (0)\n"
    (message,) = one(f'{constants}{dbg}void f(void)\n{{\n\tdbg(LEVEL0, "deep\\n");\n}}\n')
    assert texts([message]) == ["deep"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('if (c) if (x) pr_err("a " f); else pr_err("b " f); else pr_err("c " f);', ["c up"]),
        ('if (!(c)) while (y) if (x) { pr_err("a " f); } else pr_err("b " f); else pr_err("c " f);', ["a up", "b up"]),
        ('if (c) do pr_err("a " f); while (x); pr_err("b " f);', ["b up"]),
        ('if (c) do { pr_err("a " f); } while (x); else pr_err("b " f);', ["b up"]),
        ('if (c) for (i = 0; i < 3; i++) pr_err("a " f); else pr_err("b " f);', ["b up"]),
    ],
)
def test_a_condition_rules_out_the_whole_statement_behind_it(body, expected):
    found = one(f'#define dbg(c, f) {body}\nvoid f(void)\n{{\n\tdbg(0, "up\\n");\n}}\n')
    assert [text for message in found for text in texts_of(message)] == expected


def test_the_prefix_of_a_dump_is_text_of_the_call():
    dump = """#include <linux/printk.h>
void print_hex_dump(const char *level, const char *prefix_str, int prefix_type, const void *buf, size_t len)
{
	for (i = 0; i < len; i += 16) {
		if (prefix_type)
			printk("%s%s%.8x: %s\\n", level, prefix_str, i, linebuf);
		else
			printk("%s%s%s\\n", level, prefix_str, linebuf);
	}
}
"""
    found = one('void f(void)\n{\n\tprint_hex_dump(KERN_ERR, "ll header: ", 1, b, 6);\n}\n', **{"lib/hexdump.c": dump})
    assert texts(found) == ["ll header: %s"]
    assert {(message.line_start, message.level) for message in found} == {(4, "err")}


def test_a_format_with_words_of_its_own_is_no_text_of_the_callers():
    source = 'static void g(const char *name, int n)\n{\n\tpr_info("%s has %d\\n", name, n);\n}\n'
    (message,) = one(source + 'void f(void)\n{\n\tg("queue", 3);\n}\n')
    assert message.function == "g"


def test_each_branch_of_a_condition_within_the_arguments_counts():
    source = "void f(void)\n{\n#ifdef CONFIG_X86\n"
    source += '\tpr_info("passed for %s platform %s CX8 and " /* ( */\n'
    source += '#ifdef CONFIG_LONG\n\t\t"long"\n#else\n\t\t"short"\n#endif\n\t\t" words\\n",\n'
    source += (
        '#ifdef CONFIG_X86_64\n\t\t"x86-64",\n#elif defined(CONFIG_CX8)\n\t\t"i586+",\n#else\n\t\t"i386+",\n#endif\n'
    )
    source += '\t\thas(CX8) ? "with" : "without");\n#else\n\tpr_info("passed\\n");\n#endif\n\tpr_err("behind\\n");\n}\n'
    first, second, *others = one(source)
    assert printed_of(first) == [
        "passed for x86-64 platform with CX8 and long words",
        "passed for x86-64 platform without CX8 and long words",
    ]
    assert printed_of(second) == [
        "passed for i586+ platform with CX8 and short words",
        "passed for i586+ platform without CX8 and short words",
        "passed for i386+ platform with CX8 and short words",
        "passed for i386+ platform without CX8 and short words",
    ]
    assert first.line_start == second.line_start
    assert texts(others) == ["passed", "behind"]
    assert [message.line_start for message in others] == [21, 23]


def printed_of(message):
    return [form.printed for form in message.forms]


def test_what_a_check_says_about_its_place_is_no_text_of_every_use():
    files = {
        "include/linux/check.h": '#define check(p) do { suspicious(__FILE__, __LINE__, "no lock"); } while (0)\n',
        "lib/check.c": "#include <linux/printk.h>\nvoid suspicious(const char *file, int line, const char *s)\n{\n"
        '\tpr_err("%s:%d %s!\\n", file, line, s);\n}\n',
    }
    assert one("#include <linux/check.h>\nvoid f(void)\n{\n\tcheck(p);\n}\n", **files) == []


def test_a_function_of_two_files_that_adds_values_to_a_text_is_no_log_call_elsewhere():
    die = '#include <linux/printk.h>\nvoid die(const char *str, long err)\n{\n\tpr_err("%s: %ld\\n", str, err);\n}\n'
    source = 'void f(void)\n{\n\tdie("Bad page", 3);\n}\n'
    assert texts(one(source, **{"arch/arm/traps.c": die})) == ["Bad page: %ld"]
    assert one(source, **{"arch/arm/traps.c": die, "arch/mips/traps.c": die}) == []


@pytest.mark.parametrize(
    ("caller", "holder", "calls"),
    [
        ("arch/arm/kernel/traps.c", "arch/arm64/kernel/traps.c", False),
        ("arch/arm/kernel/traps.c", "arch/arm/kernel/die.c", True),
        ("arch/um/kernel/trap.c", "arch/x86/um/die.c", True),
        ("drivers/a/a.c", "arch/arm/kernel/die.c", True),
        ("drivers/a/a.c", "tools/lib/die.c", False),
        ("tools/lib/a.c", "tools/lib/die.c", True),
        ("tools/lib/a.c", "kernel/die.c", False),
    ],
)
def test_a_function_of_another_architecture_or_of_a_host_program_is_not_called(caller, holder, calls):
    files = {
        "include/linux/printk.h": PRINTK,
        holder: '#include <linux/printk.h>\nvoid die(const char *str)\n{\n\tpanic("%s: fatal", str);\n}\n',
        caller: '#include <linux/printk.h>\nvoid f(void)\n{\n\tdie("bad mode");\n}\n',
    }
    assert texts(link(files)[caller]) == (["Kernel panic - not syncing: bad mode: fatal"] if calls else [])


def test_a_condition_around_one_value_gives_one_message():
    source = 'void f(void)\n{\n\tpr_info("%s stack, %d\\n",\n#ifdef CONFIG_A\n\t\t"red",\n#else\n\t\t"blue",\n#endif\n'
    [message] = one(source + '\t\tn);\n\tpr_debug("other %d\\n", n);\n}\n')[:-1]
    assert printed_of(message) == ["red stack, %d", "blue stack, %d"]


BUFFER = """void log_add(struct log_buf *m, const char *f, ...)
{
	va_list args;

	va_start(args, f);
	m->count += vsnprintf(m->buf + m->count, SIZE - m->count, f, args);
	va_end(args);
}

void log_close(struct log_buf *m)
{
	%s
}
"""
PACKET = 'void f(struct log_buf *m)\n{\n\tlog_add(m, "SRC=%pI4 DST=%pI4 ", a, b);\n}\n'


def test_what_a_function_appends_to_a_buffer_that_its_file_prints_is_a_part_of_a_line():
    [message] = one(PACKET, **{"buffer.c": BUFFER % 'printk("%s\\n", m->buf);'})
    assert (texts([message]), message.level, message.call) == (["SRC=%pI4 DST=%pI4 "], "cont", "log_add")


@pytest.mark.parametrize(
    "use",
    [
        'desc = m->log.buf;\n\tif (desc)\n\t\tdev_err(m->dev, "%s\\n", desc);',
        'dev_err(m->dev, "%s", m->log.buf);',
    ],
)
def test_what_a_function_appends_is_no_message_where_a_call_prints_it_behind_a_device(use):
    found = one(PACKET, **{"buffer.c": BUFFER % use})
    assert not any("SRC=" in text for text in texts(found))


def test_the_function_behind_an_empty_one_on_a_line_keeps_its_name_and_its_arguments():
    stubs = "static void resume(struct port *p)\n{ }\n\nstatic void suspend(struct port *p)\n{ return; }\n\n"
    found = one(PACKET, **{"buffer.c": stubs + BUFFER % 'printk("%s", m->buf);'})
    assert texts(found) == ["SRC=%pI4 DST=%pI4 "]
    [message] = one(stubs + 'static int say(void)\n{\n\tprintk("said\\n");\n}\n')
    assert message.function == "say"


@pytest.mark.parametrize("head", ["static __printf(1, 0) void say", "static void\n__printf(1, 0) say"])
def test_an_annotation_in_the_header_of_a_function_hides_no_call(head):
    source = head + "(const char *fmt, va_list args)\n{\n\tvprintk(fmt, args);\n}\n"
    source += "void log_it(const char *fmt, ...)\n{\n\tva_list args;\n\n\tva_start(args, fmt);\n\tsay(fmt, args);\n}\n"
    assert texts(one(source + 'void f(int n)\n{\n\tlog_it("gone %d\\n", n);\n}\n')) == ["gone %d"]


@pytest.mark.parametrize(
    "use", ['seq_printf(s, "%s\\n", m->buf);', 'printk("%s\\n", m->name);', "return write(m->buf);"]
)
def test_what_a_function_appends_to_a_buffer_that_nothing_prints_is_no_message(use):
    assert one(PACKET, **{"buffer.c": BUFFER % use}) == []


TEMPLATES = {
    "include/linux/host.h": (
        "#define BASE(drv_name) .module = THIS_MODULE, .name = drv_name, .proc_name = drv_name\n"
        "#define BMDMA(drv_name) .sg = 1, BASE(drv_name)\n"
    ),
    "drivers/a/ahci.c": (
        '#include <linux/host.h>\n#define DRV_NAME "a" "hci"\n'
        'static struct host_template sht = {\n\tBMDMA(DRV_NAME),\n\t.inner = {\n\t\t.name = "inside",\n\t},\n};\n'
    ),
    "drivers/b/bhba.c": (
        "static const struct host_template sht __initconst = {\n\t.probe = probe,\n\t.name\t= KBUILD_MODNAME,\n};\n"
        'struct other_template other = {\n\t.name = "other",\n};\nstruct host_template none = {\n\t.name = NULL,\n};\n'
    ),
    "drivers/c/c.c": 'struct host_template sht = {\n\t.module = THIS_MODULE,\n\t.name = "Some HBA",\n};\n',
    "Makefile": "obj-m += drivers/b/bhba.o\n",
}


def test_a_name_that_drivers_register_is_a_text_of_the_core_that_prints_it():
    source = 'int add(struct host *host)\n{\n\tstruct host_template *t = host->t;\n\n\tpr_info("%s\\n", t->name);\n}\n'
    [message] = one(source, **TEMPLATES)
    assert sorted(form.printed for form in message.forms) == ["%s", "Some HBA", "ahci", "bhba"]


def test_a_driver_prints_no_names_of_others():
    source = "static struct pci_driver own = {\n\t.probe = add,\n};\n"
    source += 'int add(struct host_template *t)\n{\n\tpr_info("%s\\n", t->name);\n}\n'
    [message] = one(source, **TEMPLATES)
    assert [form.printed for form in message.forms] == ["%s"]


def test_names_of_what_no_subsystem_calls_tell_nothing():
    client = 'struct client template = {\n\t.name = "internal",\n\t.flags = FLAG,\n};\n'
    [message] = one(client + 'int f(struct client *c)\n{\n\tpr_info("%s\\n", c->name);\n}\n')
    assert [form.printed for form in message.forms] == ["%s"]


@pytest.mark.parametrize(("drivers", "names", "forms"), [(20, 2, 41), (20, 9, 1), (200, 1, 201), (300, 1, 1)])
def test_names_of_a_structure_with_very_many_tell_nothing(drivers, names, forms):
    files = {
        f"drivers/d{n}.c": "".join(
            f'struct host_template t{i} = {{\n\t.add = add,\n\t.name = "host {n} {i}",\n}};\n' for i in range(names)
        )
        for n in range(drivers)
    }
    source = 'void f(struct host_template *t)\n{\n\tpr_info("%s\\n", t->name);\n\tmy_log("%s\\n", t->name);\n}\n'
    source += "void my_log(const char *fmt, ...)\n{\n\tstruct va_format vaf = { .fmt = fmt };\n\tva_list args;\n\n"
    source += '\tva_start(args, fmt);\n\tprintk("my: %pV", &vaf);\n}\n'
    assert [len(message.forms) for message in one(source, **files)][:2] == [forms, forms]


def test_early_consoles_are_sinks():
    stub = '#define efi_err(fmt, ...) efi_printk(KERN_ERR "ERROR: " fmt, ##__VA_ARGS__)\n'
    stub += "int efi_printk(const char *fmt, ...)\n{\n\tva_list args;\n\tva_start(args, fmt);\n}\n"
    calls = '\tefi_err("no image at %lx\\n", n);\n\tprom_printf("memory at %x\\n", n);\n\tprom_debug("hold cpus\\n");\n'
    firmware = "#ifdef DEBUG_PROM\n#define prom_debug(x...)\tprom_printf(x)\n"
    firmware += "#else\n#define prom_debug(x...)\tdo { } while (0)\n#endif\n"
    firmware += "static void prom_printf(const char *format, ...)\n{\n\tva_list args;\n\tva_start(args, format);\n}\n"
    found = one(stub + firmware + "void f(int n)\n{\n" + calls + "}\n")
    assert texts(found) == ["EFI stub: ERROR: no image at %lx", "memory at %x", "hold cpus"]
    assert [message.level for message in found] == ["err", None, None]
