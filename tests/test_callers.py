"""The callers of a function, from the text of a few files."""

import json
import re

import pytest

from ksrcfind.callers import uses as module
from ksrcfind.callers.record import MOST
from ksrcfind.callers.resolve import Target, callers_of
from ksrcfind.source.source_file import SourceFile

DEMO = "Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task"


class Files(dict):
    """A tree of a few files."""

    def with_words(self, words):
        found = {
            path: {word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)}
            for path, text in self.items()
        }
        return {path: held for path, held in found.items() if held}

    def read_many(self, paths):
        return [(path, self[path].encode()) for path in paths if path in self]


def callers(files, name="target", path="a.c", depth=1, **texts):
    return callers_of(Files(files), Target(name, path, texts), depth)


def uses(files, **options):
    return [(each.function, each.via, each.role) for each in callers(files, **options).found]


TARGET = "static int target(int a)\n{\n\treturn a;\n}\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("int f(void)\n{\n\treturn target(1);\n}\n", ("f", "call", None)),
        ("int f(void)\n{\n\tif (x)\n\t\ty();\n\telse\n\t\ttarget(1);\n}\n", ("f", "call", None)),
        ("static struct ops o = {\n\t.probe = target,\n};\n", (None, "pointer", ".probe of o")),
        ("static struct ops o = {\n\t.pm = {\n\t\t.go = target,\n\t},\n};\n", (None, "pointer", ".pm.go of o")),
        ("static struct ops o[] = {\n\t{ 1, target },\n\t{ 2, other },\n};\n", (None, "pointer", "element of o")),
        (
            "static struct ops o[] = {\n{\n\t.go = other,\n},\n{\n\t.go = target,\n}\n};\n",
            (None, "pointer", ".go of o"),
        ),
        ("static int (*o[N])(int) __initdata = { [2] = target };\n", (None, "pointer", "element of o")),
        ("module_init(target);\n", (None, "registration", "module_init")),
        ("module_init(target)\nmodule_exit(other)\n", (None, "registration", "module_init")),
        ('early_param("x", target);\n', (None, "registration", 'early_param("x")')),
        (
            "static DEVICE_ATTR(power, 0644, other, target);\n",
            (None, "registration", ".store of DEVICE_ATTR(power)"),
        ),
        (
            "int f(void)\n{\n\treturn request_irq(irq, target, 0);\n}\n",
            ("f", "registration", "argument 2 of request_irq()"),
        ),
        ("void f(void)\n{\n\tINIT_WORK(&x->w, target);\n}\n", ("f", "registration", "argument 2 of INIT_WORK()")),
        ("void f(void)\n{\n\tscan(g, target, 0);\n}\n", ("f", "pointer", "argument 2 of scan()")),
        ("void f(void)\n{\n\tx->ops.go = target;\n}\n", ("f", "pointer", ".go of x->ops")),
        ("void f(void)\n{\n\tstruct ops o = { .go = target };\n}\n", ("f", "pointer", ".go of o")),
        ("void f(void)\n{\n\trun(&(struct ops){ .go = target });\n}\n", ("f", "pointer", ".go of struct ops")),
        ("fn f(void)\n{\n\treturn target;\n}\n", ("f", "pointer", "returned")),
        ("#define f(x) do { target(x); } while (0)\n", ("f", "call", "macro")),
    ],
)
def test_what_uses_a_function(code, expected):
    assert uses({"a.c": TARGET + code}) == [expected]


@pytest.mark.parametrize(
    "code",
    [
        "int target(int a);\n",
        "EXPORT_SYMBOL_GPL(target);\n",
        "static inline int f(int a)\n{ return 1; }\n\nstatic inline struct x *\ntarget(int a)\n{ return 2; }\n",
        "/* target(1) */\n",
        'void f(void)\n{\n\tprint("target(1)");\n}\n',
        "void f(void)\n{\n\tx->target(1);\n\ty.target = 1;\n}\n",
        "void f(int (*target)(int))\n{\n\ttarget(1);\n}\n",
        "void f(void)\n{\n\tint target = 1;\n\tg(target);\n}\n",
        "void f(void)\n{\n\tgoto target;\ntarget:\n\treturn;\n}\n",
        "void f(void)\n{\n\tif (x->go == target)\n\t\ty();\n}\n",
        "struct ops {\n\tint (*target)(int);\n};\n",
        "void f(int target);\n",
        "void f(void)\n{\n\tint target(int);\n}\n",
        "void f(void)\n{\n\tstruct target *x;\n}\n",
        "#if 0\nvoid f(void)\n{\n\ttarget(1);\n}\n#endif\n",
    ],
)
def test_what_is_no_use(code):
    found = callers({"a.c": TARGET + code})
    assert found.found == ()
    assert found.complete


def test_the_functions_of_an_attribute_are_named_by_its_macro():
    show = "static int power_show(int a)\n{\n}\nstatic DEVICE_ATTR_RO(power);\n"
    assert uses({"a.c": show}, name="power_show") == [(None, "registration", ".show of DEVICE_ATTR_RO(power)")]
    assert uses({"a.c": show}, name="power_store") == []


def test_a_system_call_is_registered_by_its_definition():
    code = "SYSCALL_DEFINE1(sync, int, x)\n{\n\treturn 0;\n}\n"
    assert uses({"a.c": code}, name="__do_sys_sync") == [(None, "registration", "SYSCALL_DEFINE1(sync)")]


@pytest.mark.parametrize("macro", ["COMPAT_SYSCALL_DEFINE1", "SYSCALL32_DEFINE1", "PPC32_SYSCALL_DEFINE1"])
def test_a_compat_system_call_is_another_function(macro):
    code = "\n\n".join(
        f"{define}(sync, int, x)\n{{\n\treturn {helper}(x);\n}}"
        for define, helper in (("SYSCALL_DEFINE1", "plain"), (macro, "compat"))
    )
    assert uses({"a.c": code}, name="__do_sys_sync") == [(None, "registration", "SYSCALL_DEFINE1(sync)")]
    assert uses({"a.c": code}, name="__do_compat_sys_sync") == [(None, "registration", f"{macro}(sync)")]
    assert uses({"a.c": code}, name="plain") == [("__do_sys_sync", "call", None)]
    assert uses({"a.c": code}, name="compat") == [("__do_compat_sys_sync", "call", None)]


CALL = "void f(void)\n{\n\ttarget(1);\n}\n"


def test_only_its_own_file_calls_a_static_function():
    assert uses({"a.c": TARGET, "b.c": CALL}) == []
    assert uses({"a.c": TARGET, "b.c": '#include "a.c"\n' + CALL}) == [("f", "call", None)]


def test_a_static_function_elsewhere_hides_the_name():
    public = TARGET.removeprefix("static ")
    assert uses({"a.c": public, "b.c": TARGET + CALL, "c.c": CALL}) == [("f", "call", None)]


def test_of_two_functions_of_one_name_the_nearer_is_called():
    public = TARGET.removeprefix("static ")
    files = {"arch/x/a.c": public, "arch/y/a.c": public, "arch/x/b.c": CALL, "arch/y/b.c": CALL, "mm/c.c": CALL}
    found = callers(files, path="arch/x/a.c").found
    assert [each.path for each in found] == ["arch/x/b.c", "mm/c.c"]


def test_levels_of_callers():
    code = TARGET + "void f(void)\n{\n\ttarget(1);\n}\nvoid g(void)\n{\n\tf();\n}\nvoid h(void)\n{\n\tg();\n}\n"
    (first,) = callers({"a.c": code}, depth=2).found
    (second,) = first.callers.found
    assert (first.function, second.function, second.callers) == ("f", "g", None)


def test_a_function_that_calls_itself_ends_the_levels():
    found = callers({"a.c": "static void target(int a)\n{\n\ttarget(1);\n}\n"}, depth=5).found
    assert [(each.function, each.callers, each.listed_elsewhere) for each in found] == [("target", None, True)]


TWICE = (
    "static void target(void)\n{\n}\n"
    "void f(void)\n{\n\ttarget();\n\tg();\n}\n"
    "void g(void)\n{\n\ttarget();\n}\n"
    "void h(void)\n{\n\tf();\n\tg();\n}\n"
)


@pytest.mark.parametrize(("depth", "marked"), [(1, []), (2, [("g", "f")]), (3, [("g", "f"), ("g", "h")])])
def test_a_second_occurrence_refers_to_the_first(depth, marked):
    def elsewhere(level, above=None):
        for each in level.found:
            if each.listed_elsewhere:
                assert each.callers is None
                yield above, each.function
            if each.callers is not None:
                yield from elsewhere(each.callers, each.function)

    assert list(elsewhere(callers({"a.c": TWICE}, depth=depth))) == marked


def test_many_callers_are_cut():
    code = TARGET + "".join(f"void f{n}(void)\n{{\n\ttarget(1);\n}}\n" for n in range(MOST + 1))
    found = callers({"a.c": code})
    assert len(found.found) == MOST
    assert not found.complete


def test_callers_that_hand_the_text_come_first():
    code = (
        "static void target(struct x *x, const char *why)\n{\n}\n"
        'void f(void)\n{\n\ttarget(y, "one");\n}\n'
        "void g(const char *text)\n{\n\ttarget(z(1, 2), text);\n}\n"
        'void h(void)\n{\n\ttarget(y, "two");\n}\n'
        'void i(void)\n{\n\tg("two");\n}\n'
    )
    found = callers({"a.c": code}, depth=2, why="two").found
    assert [each.function for each in found] == ["h", "f", "g"]
    assert [each.handed[0].expression for each in found] == ['"two"', '"one"', "text"]
    (deeper,) = found[2].callers.found
    assert [(each.name, each.expression) for each in deeper.handed] == [("text", '"two"')]


def test_the_callers_of_a_line(ask):
    done = ask("--callers", DEMO)
    assert done.status == 0
    assert 'out_of_memory()  mm/oom_kill.c:27, message = "Memory cgroup out of memory"' in done.out
    assert ask("--callers", DEMO).out == done.out
    record = json.loads(ask("--callers=1", "--format", "json", DEMO).out)
    first, *_ = record["records"][0]["matches"][0]["callers"]
    assert (first["function"], first["via"], first["as"], first["callers"]) == ("out_of_memory", "call", None, None)
    without = json.loads(ask("--format", "json", DEMO).out)["records"][0]["matches"][0]
    assert without["callers"] is without["callers_complete"] is None


def test_a_line_without_a_match_has_no_callers(ask):
    done = ask("--callers", "nothing prints these words")
    assert done.status == 1
    assert "Callers" not in done.out


@pytest.mark.parametrize("value", ["0", "6", "x", ""])
def test_a_wrong_depth_is_refused(ask, value):
    done = ask(f"--callers={value}", DEMO)
    assert done.status == 2
    assert "--callers" in done.err


def test_a_function_is_read_once_for_the_variables_that_hide_a_name(monkeypatch):
    read = []
    is_local = module._is_local
    monkeypatch.setattr(module, "_is_local", lambda *given: read.append(given) or is_local(*given))
    source = b"int one(void)\n{\n" + b"\ttarget(1);\n" * 50 + b"}\nint two(void)\n{\n\ttarget(2);\n}\n"
    assert len(list(module.uses_of(SourceFile(source, "b.c"), "target"))) == 51
    assert len(read) == 2


def test_calls_in_calls_do_not_repeat_all_of_the_text():
    source = b"int one(void)\n{\n\t" + b"target(" * 3000 + b")" * 3000 + b";\n}\n"
    found = list(module.uses_of(SourceFile(source, "b.c"), "target"))
    assert len(found) == 3000
    assert max(len(text) for use in found for text in use.arguments) <= 2000
