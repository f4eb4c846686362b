"""Conditions, assignments and switches of single calls."""

import sys

import pytest

from ksrcfind.conditions.circumstances import circumstances, excerpt
from ksrcfind.conditions.expression import negation
from ksrcfind.conditions.macros import MacroBody
from ksrcfind.conditions.record import Assignment, Symbol
from ksrcfind.conditions.sentence import sentence
from ksrcfind.source.kbuild import BuildSymbols


def of(body, call="pr_info", before="", after="", header="static int f(struct device *dev, int n)"):
    """Return the circumstances of the first call of a name in a function with a body."""
    text = f"{before}{header}\n{{\n{body}\n}}\n{after}"
    line = text[: text.index(f"{call}(", len(before))].count("\n") + 1
    return circumstances(text.encode(), line, line, call, "f")


def conditions(body, **more):
    """Return the conditions of a call as kind and what held."""
    return [(each.kind, each.text) for each in of(body, **more).conditions]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if (!p) { pr_info(); }", [("if", "!p")]),
        ("if (a)\n\tb();\nelse\n\tpr_info();", [("if", "!a")]),
        ("if (a) b(); else if (c == 1) pr_info();", [("if", "!a"), ("if", "c == 1")]),
        ("if (unlikely(a && b)) pr_info();", [("if", "unlikely(a && b)")]),
        ("if (err) return err; pr_info();", [("guard", "!err")]),
        ("if (!p || n < 0) { x(); return -EINVAL; } pr_info();", [("guard", "!(!p || n < 0)")]),
        ("if (a) { if (b) return 0; x(); } pr_info();", [("guard", "!(a && b)")]),
        ("if (a) x(); else return 0; pr_info();", [("guard", "a")]),
        ("if (a) x(); pr_info();", []),
        ("while (n--) { if (a) continue; pr_info(); }", [("loop", "n--"), ("guard", "!a")]),
        ("for (i = 0; i < n; i++) pr_info();", [("loop", "i < n")]),
        ("for (i = 0; i < n; i++) x(); pr_info();", []),
        ("while (n--) { if (ok()) return 0; } pr_info();", [("loop", "!(n--)"), ("guard", "!ok()")]),
        ("for (;;) { if (a) break; x(); } pr_info();", [("label", "a")]),
        ("do { pr_info(); } while (a);", []),
        ("list_for_each_entry(p, &head, list) pr_info();", [("loop", "list_for_each_entry(p, &head, list)")]),
        ("list_for_each_entry(p, &head, list) {\n if (p->x) pr_info(); }",
         [("loop", "list_for_each_entry(p, &head, list)"), ("if", "p->x")]),
        ("switch (n) { case A: pr_info(); break; case B: x(); }", [("case", "n == A")]),
        ("switch (n) { case A: x(); case B: case 3: pr_info(); break; default: y(); }",
         [("case", "n == A || n == B || n == 3")]),
        ("switch (n) { case A: x(); break; default: pr_info(); }", [("case", "!(n == A)")]),
        ("switch (n) { case A: if (a) break; fallthrough; case B: pr_info(); }",
         [("case", "(n == A && !a) || n == B")]),
        ("switch (n) { " + "".join(f"case {n}: " for n in range(20)) + "pr_info(); }",
         [("case", " || ".join(f"n == {n}" for n in range(20)))]),
        ("while (n--) { if (a) break; x(); } pr_info();", []),
        ("switch (n) { case A | B: pr_info(); }", [("case", "n == (A | B)")]),
        ("while (n--) { if (a) goto out; if (b) return 0; }\nout:\n pr_info();",
         [("label", "(n-- && a) || (!(n--) && !(n-- && !a && b))")]),
        ("if (ret) { ret = x(); if (ret) return 0; } pr_info();", [("guard", "!ret")]),
        ("switch (n) { case 1 ... 5: pr_info(); }", [("case", "(n >= 1 && n <= 5)")]),
        ("switch (n) { case A: return 1; case B: break; } pr_info();", [("guard", "!(n == A)")]),
        ("err = x(); if (err) goto fail; return 0;\nfail: pr_info();", [("label", "err")]),
        ("if (a) goto fail; if (z) return 1; if (b) goto fail; return 0;\nfail:\n pr_info();",
         [("label", "a || (!z && b)")]),
        ("if (a) goto out; x();\nout:\n pr_info();", []),
        ("a && pr_info();", [("ternary", "a")]),
        ("x = a || (b && pr_info());", [("ternary", "!a"), ("ternary", "b")]),
        ("int x = a ? 0 : pr_info();", [("ternary", "!a")]),
        ("if (a && pr_info()) x();", [("ternary", "a")]),
        ("x = ({ if (a) pr_info(); 1; });", [("if", "a")]),
        ("BUG_ON(!p); pr_info();", [("guard", "p")]),
        ("if (a) panic(\"no\"); pr_info();", [("guard", "!a")]),
        ("retry: x(); if (a) goto retry; pr_info();", [("guard", "!a")]),
    ],
)  # fmt: skip
def test_conditions_of_a_call(body, expected):
    assert conditions(body) == expected
    assert of(body).complete


@pytest.mark.parametrize(
    ("body", "call", "expected"),
    [
        ('WARN(n > 3, "too many %d", n);', "WARN", "n > 3"),
        ('drm_WARN(&i915->drm, !p, "no %s", p);', "drm_WARN", "!p"),
        ("WARN_ON_ONCE(irqs_disabled());", "WARN_ON_ONCE", "irqs_disabled()"),
        ("BUG_ON(!n);", "BUG_ON", "!n"),
        ("VM_BUG_ON_PAGE(n, page);", "VM_BUG_ON_PAGE", "n"),
        ("drm_WARN_ON(drm, n);", "drm_WARN_ON", "n"),
        ('WARN_TAINT(n, TAINT_CRAP, "x");', "WARN_TAINT", "n"),
        ('if (WARN_ONCE(n, "x")) y();', "WARN_ONCE", "n"),
    ],
)
def test_condition_that_is_an_argument(body, call, expected):
    assert conditions(body, call=call) == [("macro", expected)]


@pytest.mark.parametrize("body", ['QEDF_WARN(&q->ctx, "text");', 'dev_WARN(dev, "text %d", n);', 'WARN(1, "text");'])
def test_warnings_without_a_condition(body):
    assert conditions(body, call=body[: body.index("(")]) == []


@pytest.mark.parametrize(
    ("macro", "expected"),
    [
        ('#define CHECK(c, x) do { \\\n\tif (!(c)) \\\n\t\tpr_err("bad " #c); \\\n} while (0)\n', ["b", "!(n > 3)"]),
        ('#define CHECK(c, x) \\\n\tWARN_ONCE(c, "bad")\n', ["b", "n > 3"]),
        ('#define CHECK(c, x) \\\n\tWARN_ONCE(c, \\\n\t\t"bad")\n', ["b", "n > 3"]),
        ('#define CHECK(c, x) pr_err("bad")\n', ["b"]),
        ('#define CHECK(c, x) \\\n\tif (!(c)) { \\\n\t\tpr_err("bad"); \\\n\t}\n', ["b", "!(n > 3)"]),
        ('#define CHECK(c, x) \\\n\tif (x) y(); else { \\\n\t\tpr_err("bad"); \\\n\t}\n', ["b", "!1"]),
    ],
)
def test_conditions_in_the_macro_that_holds_the_text(macro, expected):
    line = macro[: macro.index('"')].count("\n") + 1
    body = MacroBody(macro.encode(), line, "CHECK")
    text = b"int f()\n{\n\tif (b)\n\t\tCHECK(n > 3, 1);\n}\n"
    found = circumstances(text, 4, 4, "CHECK", "f", macro=body)
    assert [each.text for each in found.conditions] == expected
    assert found.complete
    elsewhere = circumstances(text, 4, 4, "CHECK", "f", macro=MacroBody(macro.encode(), line, "OTHER"))
    assert not elsewhere.complete


OUTER = """#define INNER(fmt, ...) do { \\
	if (level) \\
		printk("%s: " fmt, NAME, ##__VA_ARGS__); \\
} while (0)
#define info(fmt, ...) INNER(fmt, ##__VA_ARGS__)
#define TEST(x, y) do { \\
	bool __bad = check(x); \\
	if (__bad != (y)) \\
		info("bad %d\\n", x); \\
	else if (!__bad) \\
		info("good %d\\n", y); \\
} while (0)
"""


@pytest.mark.parametrize(
    ("form", "expected", "complete"),
    [
        ("%s: bad %d\n", ["b", "__bad != (n + 1)", "level"], True),
        ("%s: good %d\n", ["b", "!(__bad != (n + 1))", "!__bad", "level"], True),
        ("%s: %d\n", ["b"], False),  # of two calls with a text, none fits
    ],
)
@pytest.mark.parametrize("split", [0, 5, 12])
def test_conditions_in_macros_between_the_call_and_the_text(form, expected, complete, split):
    lines = OUTER.splitlines(keepends=True)
    header = "".join(lines[:split] if split else lines) or OUTER
    own = "".join(lines[split:]) if split else ""
    text = own + "int f()\n{\n\tif (b)\n\t\tTEST(m, n + 1);\n}\n"
    line = text[: text.index("TEST(m")].count("\n") + 1
    found = circumstances(text.encode(), line, line, "TEST", "f", macro=MacroBody(header.encode(), 3, "INNER", form))
    assert [each.text for each in found.conditions] == expected
    assert {each.line for each in found.conditions[1:]} <= {line}
    assert found.complete is complete


def test_a_macro_between_that_is_defined_elsewhere_is_marked():
    text = b"int f()\n{\n\tTEST(1, n);\n}\n"
    macro = MacroBody(b'#define INNER(fmt) printk("a " fmt)\n', 1, "INNER", "a bad")
    assert not circumstances(text, 3, 3, "TEST", "f", macro=macro).complete


def test_macros_that_name_each_other_come_to_an_end():
    macros = "".join(f"#define M{n}(x) M{n + 1}(x); M0(x)\n" for n in range(3000))
    text = f"{macros}int f()\n{{\n\tM0(1);\n}}\n".encode()
    macro = MacroBody(b'#define INNER(fmt) printk("a " fmt)\n', 1, "INNER", "a bad")
    assert not circumstances(text, 3003, 3003, "M0", "f", macro=macro).complete


def test_the_macro_says_which_argument_is_the_condition():
    macro = b'#define XA_BUG_ON(xa, x) do { \\\n\tif (x) \\\n\t\tprintk("bug"); \\\n} while (0)\n'
    text = b"int f()\n{\n\tXA_BUG_ON(array, n != 2);\n}\n"
    found = circumstances(text, 3, 3, "XA_BUG_ON", "f", macro=MacroBody(macro, 3, "XA_BUG_ON"))
    assert [(each.kind, each.text) for each in found.conditions] == [("macro", "n != 2")]


def test_what_cannot_be_decided_is_left_out_and_marked():
    found = of("#ifdef CONFIG_A\n\tif (a)\n\t\treturn 0;\n#endif\n\tif (b)\n\t\tpr_info();")
    assert [each.text for each in found.conditions] == ["b"]
    assert not found.complete
    found = of("\tCHECK_OR_JUMP(a, out);\n\tif (b) goto out;\n\treturn 0;\nout:\n\tpr_info();")
    assert found.conditions == ()
    assert not found.complete


def test_braces_that_an_ifdef_splits():
    found = of("#ifdef CONFIG_A\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\t\tif (c)\n\t\t\tpr_info();\n\t}")
    assert [each.text for each in found.conditions] == ["c"]
    assert not found.complete


def test_an_exit_in_one_branch_of_an_ifdef_does_not_hide_the_call():
    found = of("\tif (a)\n\t\treturn 1;\n#ifndef CONFIG_A\n\treturn 0;\n#endif\n\tif (b)\n\t\tpr_info();")
    assert [each.text for each in found.conditions] == ["!a", "b"]
    assert not found.complete


def test_a_macro_of_several_lines_in_the_function():
    body = "#define CHECK(c) do { \\\n\tif (c) \\\n\t\treturn 1; \\\n} while (0)\n\tif (b)\n\t\tpr_info();"
    assert conditions(body) == [("if", "b")]


def test_assignments_to_the_innermost_condition():
    found = of("\tint err = 0;\n\tp = find(n);\n\terr = start(p, &state);\n\tif (err || state == 3)\n\t\tpr_info();")
    assert found.assignments == (
        Assignment("err", "start(p, &state)", 5),
        Assignment("state", "start(p, &state)", 5),
    )


def test_a_pointer_in_the_condition_itself_is_no_assignment():
    assert of("\tif (has(&dev->capa, 3))\n\t\tpr_info();").assignments == ()


def test_no_assignment_where_several_can_be_the_last():
    assert of("\terr = a();\n\tif (n)\n\t\terr = b();\n\tif (err)\n\t\tpr_info();").assignments == ()


def test_configuration_and_runtime():
    found = of(
        '\tif (!IS_ENABLED(CONFIG_B))\n\t\treturn 0;\n\tnetif_err(priv, link, dev, "x");',
        call="netif_err",
        before="#if defined(CONFIG_A) && !defined(MODULE)\n",
        after="#endif\n",
    )
    assert found.configuration == (
        Symbol("CONFIG_A", False, 1),
        Symbol("MODULE", True, 1),
        Symbol("CONFIG_B", False, 4),
    )
    assert found.runtime == ("netif_msg_link",)
    assert of("if (net_ratelimit()) pr_info();").runtime == ("ratelimited",)
    assert of("pr_warn_once();", call="pr_warn_once").runtime == ("once",)
    assert of("dev_dbg();", call="dev_dbg").runtime == ("dynamic_debug",)
    assert of("dev_dbg_dma();", call="dev_dbg_dma").runtime == ()


def test_the_else_of_an_if_directive():
    found = of("#ifdef CONFIG_A\n\tx();\n#else\n\tpr_info();\n#endif")
    assert found.configuration == (Symbol("CONFIG_A", True, 3),)
    assert found.complete


def test_symbols_that_build_a_file():
    makefiles = {
        "Kbuild": "obj-y += drivers/\nobj-$(CONFIG_BLOCK) += block/\n",
        "Makefile": "obj-$(CONFIG_NOT_READ) += drivers/\n",
        "block/Makefile": "obj-y := bio.o\n",
        "drivers/Makefile": "obj-$(CONFIG_NET) += net/\n",
        "drivers/net/Makefile": (
            "parts := $(addprefix part_,a.o b.o)\n"
            "obj-$(CONFIG_FOO) += foo.o\nfoo-y := main.o $(parts)\nfoo-$(CONFIG_FOO_PM) += \\\n\tpm.o\n"
            "obj-$(CONFIG_A) += both.o\nobj-$(CONFIG_B) += both.o\n"
        ),
    }
    read = []

    def text(path):
        read.append(path)
        return makefiles.get(path)

    symbols = BuildSymbols(text)
    assert symbols.of_file("drivers/net/pm.c") == ("CONFIG_NET", "CONFIG_FOO", "CONFIG_FOO_PM")
    assert symbols.of_file("drivers/net/main.c") == ("CONFIG_NET", "CONFIG_FOO")
    assert symbols.of_file("drivers/net/part_b.c") == ("CONFIG_NET", "CONFIG_FOO")
    assert symbols.of_file("drivers/net/both.c") == ("CONFIG_NET",)
    assert symbols.of_file("block/bio.c") == ("CONFIG_BLOCK",)
    assert symbols.of_file("nowhere/x.c") == ()
    assert len(read) == len(set(read))


def test_excerpt_marks_call_and_conditions():
    found = of("\tif (a)\n\t\treturn 0;\n\n\n\n\tif (b)\n\t\tpr_info();")
    lines = [f"line {number}" for number in range(1, 30)]
    near = excerpt(lines, found, 1)
    assert (near.line_start, near.lines, near.marked) == (8, ("line 8", "line 9", "line 10"), (8, 9))
    assert excerpt(lines, found, None).marked == (3, 8, 9)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("p = find(n); if (!p) pr_info();", "`f()` prints this when `!p`, after `p = find(n)`."),
        ("if (err) return err; pr_info();", "`f()` prints this unless `err`."),
        ("pr_info();", "`f()` prints this each time it runs."),
        ("read(dev, &val); if (val & 1) pr_info();", "`f()` prints this when `val & 1`, after `read(dev, &val)`."),
        ("for_each_cpu(i, m) pr_info();", "`f()` prints this for each round of `for_each_cpu(i, m)`."),
    ],
)
def test_one_sentence(body, expected):
    assert sentence(of(body)) == expected


def test_names_that_keep_their_value_until_the_call():
    assert of('if (err) pr_info("%d", err);').conditions[0].names == ("err",)
    assert of('if (err) { err = 0; pr_info("%d", err); }').conditions[0].names == ()
    assert of('while (err) { pr_info("%d", err); err = x(); }').conditions[0].names == ("err",)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("p", "!p"), ("!p", "p"), ("!(a && b)", "a && b"), ("a && b", "!(a && b)"), ("f(a, b)", "!f(a, b)"),
     ("!a && b", "!(!a && b)"), ("!f(x)->y", "f(x)->y"), ("n--", "!(n--)"), ("a == b", "!(a == b)")],
)  # fmt: skip
def test_negation(expression, expected):
    assert negation(expression) == expected


@pytest.mark.parametrize(
    "text", [b"", b"x", b"}\n}\n{", b"int f()\n{\n\tif (\n", b"int f()\n{\nx(((;\n}\n", b"\xff{\n\xff("]
)
def test_broken_files_give_no_error(text):
    for line in range(6):
        circumstances(text, line, line, "pr_info", None)


def test_a_function_with_a_name_that_is_too_long_is_left_alone():
    assert of('if (n) {\n\tpr_info("x");\n}') is not None
    assert of("if (" + "n" * 300 + ') {\n\tpr_info("x");\n}') is None


def test_an_expression_that_is_evaluated_again_has_its_lines():
    found = conditions(
        """	if (n) {
		err = first();
		if (err)
			return err;
		err = second();
		if (err)
			goto out;
	}
	while (next())
		if (dev)
			goto out;
	return 0;
out:
	pr_info();"""
    )
    expected = "(n && !err /* line 5 */ && err /* line 8 */) || (!(n && err /* line 5 */) && next() && dev)"
    assert found == [("label", expected)]


def test_an_expression_that_is_evaluated_again_with_one_value_is_named_once():
    found = conditions(
        "\tif (err)\n\t\tgoto out;\n\terr = a();\n\tif (err)\n\t\tgoto out;\n\treturn 0;\nout:\n\tpr_info();"
    )
    assert found == [("label", "err")]


def steps(body, **more):
    """Return how many lines of Python the conditions of a call in a body take, each pass of a loop counted."""
    count = 0

    def trace(_frame, event, _argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        of(body, **more)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "body",
    [
        lambda count: "if (a) return 1;\n" * count + "pr_info();",
        lambda count: "if (a) goto out;\n" * count + "return 0;\nout:\n pr_info();",
        lambda count: "#ifdef A\nif (a) x();\n#endif\n" * count + "pr_info();",
        lambda count: "x = " + "a ? b : " * count + "pr_info();",
        lambda count: "(" * count + "a && pr_info()" + ")" * count + ";",
        lambda count: "x(" * count + '"x"' + ")" * count + "; pr_info();",
    ],
)
def test_the_work_grows_no_faster_than_a_function(body):
    small, large = (steps(body(count)) for count in (250, 1000))
    assert large < 6 * small


def test_arguments_that_macros_repeat_do_not_grow_without_end():
    macros = "".join(f"#define M{n}(x) do {{ if (x) M{n + 1}({'x + ' * 40}x); }} while (0)\n" for n in range(5))
    text = f'{macros}#define M5(x) do {{ if (x) pr_info("gone"); }} while (0)\nint f(void)\n{{\n\tM0(y);\n}}\n'
    found = circumstances(text.encode(), 9, 9, "M0", "f", macro=MacroBody(text.encode(), 6, "M5", "gone"))
    assert [each.expression for each in found.conditions][:2] == ["y", "y + " * 40 + "y"]
    assert max(len(each.expression) for each in found.conditions) <= 2000
    assert not found.complete


def test_more_statement_expressions_than_are_read_are_marked():
    assert of("({ if (a) " * 8 + "pr_info();" + " })" * 8 + ";").complete is False
    assert of("({ if (a) " * 3 + "pr_info();" + " })" * 3 + ";").complete is True


def test_an_assignment_of_a_long_call_that_stores_through_a_pointer_is_the_call():
    call = f"read_configuration_word(device, {'some_long_name_of_a_register_' * 4}, &status)"
    assert Assignment("status", call, 3).text == call
    assert Assignment("status", "read_it()", 3).text == "status = read_it()"
