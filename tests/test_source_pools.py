"""Texts that are put together at run time: what one file tells of the values of its calls."""

import pytest

from ksrcfind.source.code import Code
from ksrcfind.source.text_pools import MOST_TEXTS, PoolText, TextPools
from test_source_link import link, one, texts

WRAPPED = "int f(int mode)\n{{\n{}\n}}\n"


def pool(source, expression, function="f"):
    return [text.source for text in TextPools(source.encode()).texts(expression, function)]


def printed(messages):
    return [form.printed for message in messages for form in message.forms]


def test_a_table_gives_its_texts():
    source = 'static const char * const modes[] = { [NONE] = "Vulnerable", [SOME] = "Mitigation: " WAY };\n'
    assert pool(source + WRAPPED.format(""), "modes[mode]") == ['"Vulnerable"', '"Mitigation: " WAY']


def test_what_is_assigned_in_the_function_counts_and_what_another_one_assigns_to_its_own_does_not():
    source = WRAPPED.format('\tconst char *s = "first";\n\tif (mode)\n\t\ts = mode > 1 ? "second" : "third";')
    source += 'int g(void)\n{\n\tconst char *s = "of another";\n}\n'
    assert pool(source, "s") == ['"first"', 'mode > 1 ? "second" : "third"']


def test_a_function_gives_what_it_returns_also_from_others():
    source = 'static char *inner(void)\n{\n\treturn "inside";\n}\n'
    source += 'static char *outer(int n)\n{\n\tif (n)\n\t\treturn inner();\n\treturn "outside";\n}\n'
    assert pool(source, "outer(1)") == ['"inside"', '"outside"']


def test_pieces_of_a_buffer_count_also_those_that_a_function_of_the_file_writes():
    source = 'static int head(char *to, int n)\n{\n\treturn scnprintf(to, n, "Sense Key : %d", n);\n}\n'
    source += WRAPPED.format('\toff = scnprintf(buf, 9, "[%s] ", s);\n\thead(buf + off, 9);\n\tstrcat(buf, "the end");')
    assert TextPools(source.encode()).texts("buf", "f") == [
        PoolText('"[%s] "', is_piece=True, before="", behind="%s"),
        PoolText('"Sense Key : %d"', is_piece=True, before="%s ", behind="%s"),
        PoolText('"the end"', is_piece=True, before="%s", behind=""),
    ]


def test_a_buffer_that_is_only_read_gives_nothing():
    source = WRAPPED.format(
        '\tif (strncmp(buf, "disabled", 8))\n\t\tsscanf(buf, "size %d", &n);\n\tpr_err("%s", buf, "other");'
    )
    assert pool(source, "buf") == []


def test_a_field_has_the_texts_that_the_file_puts_into_it_anywhere():
    source = 'int g(struct con *con)\n{\n\tcon->error_msg = "socket closed";\n}\n'
    source += 'static struct op op = { .error_msg = "no answer", .help = "other" };\n'
    assert pool(source + WRAPPED.format(""), "con->error_msg") == ['"socket closed"', '"no answer"']


def test_a_name_of_some_structure_is_not_that_of_another_one():
    source = (
        'static struct driver driver = { .name = "ahci" };\nstatic struct kind kinds[] = { { "first kind", 1 } };\n'
    )
    source += WRAPPED.format("\tstruct kind *kind = &kinds[mode];")
    assert pool(source, "dev->name") == []
    assert pool(source, "kind->name") == ['"first kind"']


def test_a_table_with_names_of_fields_gives_the_texts_of_one_field():
    source = 'static struct attr attrs[] = {\n\t{ .name = SOME_NAME, .on = 1 },\n\t{ .name = "b" "c", .help = "no" },\n'
    source += "\t{ .name = NULL }\n};\n"
    assert pool(source + WRAPPED.format(""), "attrs[i].name") == ["SOME_NAME", '"b" "c"']


def test_a_table_without_names_of_fields_gives_the_column_of_the_field():
    kind = "struct action {\n\tint id;\n\tconst char *name, *help;\n};\n"
    rows = '{\n\t{ 1, "dump", "a core dump" },\n\t{ 2, "halt", HELP },\n};\n'
    assert pool(kind + "static struct action all[] = " + rows + WRAPPED.format(""), "all[i].help") == [
        '"a core dump"',
        "HELP",
    ]
    alone = "static const struct {\n\tint id;\n\tconst char *name, *help;\n} all[] = " + rows
    assert pool(alone + WRAPPED.format(""), "all[i].name") == ['"dump"', '"halt"']
    assert (
        pool("static struct elsewhere all[] = " + rows.replace("HELP", '"h"') + WRAPPED.format(""), "all[i].name") == []
    )


def test_a_table_of_a_structure_of_a_header_gives_the_only_text_of_a_row():
    source = 'static struct error errors[] = {\n\t{ 0x1, LOG_LEVEL, "first" },\n\t[FEW] = { -EIO, "second" },\n'
    assert pool(source + '\t{ 2, "two", "texts" },\n};\n' + WRAPPED.format(""), "errors[i].error") == [
        '"first"',
        '"second"',
    ]


def test_a_row_that_a_macro_makes_gives_its_only_text():
    source = "#define Q(n, t) { #n, t }\nstatic const struct { char *name, *help; } all[] = {\n"
    source += '\tQ(A, "one text"),\n\tQ("b", "of two"),\n};\n'
    assert pool(source + WRAPPED.format(""), "all[i].help") == ['"one text"']


def test_the_table_that_a_variable_points_at_counts_and_other_tables_with_the_field_do_not():
    source = 'static struct e bits[] = { { .msg = "one bit" } };\nstatic struct e axi[] = { { .msg = "axi" } };\n'
    assert pool(source + WRAPPED.format("\tconst struct e *e = &axi[mode];"), "e->msg") == ['"axi"']
    assert pool(source + WRAPPED.format("\tconst struct e *e = get();"), "e->msg") == ['"one bit"', '"axi"']


def test_a_function_that_is_told_which_text_to_give_has_none_of_the_others():
    source = 'static const char *what(int n)\n{\n\treturn n ? "first" : "second";\n}\n' + WRAPPED.format("")
    assert pool(source, "what(mode)") == ['n ? "first" : "second"']
    assert pool(source, "what(THE_SECOND)") == []


def test_a_variable_holds_what_was_assigned_last():
    lines = [
        '\ts = "first";',
        "\tuse(s);",
        "\tif (mode)",
        '\t\ts = "second";',
        "\tuse(s);",
        '\ts = "third";',
        "\tuse(s);",
    ]
    source = WRAPPED.format("\n".join(lines))

    def at(line, source=source):
        return [text.source for text in TextPools(source.encode()).texts("s", "f", line)]

    assert [at(4), at(7), at(9)] == [['"first"'], ['"first"', '"second"'], ['"third"']]
    assert at(4, source.replace("if (", "while (")) == ['"first"', '"second"', '"third"']
    assert at(9, source.replace("\tuse(s);", "\tgoto end;")) == ['"first"', '"second"', '"third"']


def test_what_callers_give_for_a_parameter_counts():
    source = 'static void say(const char *what)\n{\n}\nstatic const char *names[] = { "one thing" };\n'
    source += WRAPPED.format('\tsay(names[0]);\n\tsay("another");')
    assert pool(source, "what", "say") == ['"one thing"', '"another"']


@pytest.mark.parametrize("source", ["", "}", '"', "int f(", "\0", "a = " * 50, "f(" * 5000, 's = "\\'])
@pytest.mark.parametrize("expression", ["", "s", "s->t", "f()", "((", "a[b[c", "?:"])
def test_broken_source_gives_something_or_nothing(source, expression):
    assert len(pool(source, expression)) <= MOST_TEXTS


def test_a_large_table_is_cut():
    source = "static const char *names[] = {" + ", ".join(f'"name {n}"' for n in range(999)) + "};\n"
    assert len(pool(source, "names[0]")) == MOST_TEXTS


def test_variables_that_lead_to_each_other_end():
    source = WRAPPED.format("\n".join(f"\tv{n} = v{n + 1};\n\tv{n} = v{n + 2};" for n in range(300)) + '\n\tv3 = "x";')
    assert pool(source, "v0") == ['"x"']
    assert pool(source, "v200") == []


def test_a_weak_format_has_a_form_for_each_text_besides_the_open_one():
    source = 'static const char *modes[] = { "Vulnerable", "100% safe now" };\n'
    (message,) = one(source + WRAPPED.format('\tpr_info("Mode: %s\\n", modes[mode]);'))
    assert printed([message]) == ["Mode: %s", "Mode: Vulnerable", "Mode: 100%% safe now"]
    assert [len(form.arguments) for form in message.forms] == [1, 0, 0]


def test_a_format_of_many_words_stays_as_it_is():
    source = 'static const char *modes[] = { "Vulnerable" };\n'
    assert printed(one(source + WRAPPED.format('\tpr_info("The mode is %s\\n", modes[mode]);'))) == ["The mode is %s"]


def test_a_piece_keeps_room_for_what_stands_around_it():
    source = WRAPPED.format(
        '\tn = snprintf(b, 9, "%d: ", mode);\n\tsnprintf(b + n, 9, "Sense Key %x", n);\n\tpr_info("%s", b);'
    )
    (message,) = one(source)
    assert printed([message]) == ["%s", "%s Sense Key %x%s"]
    assert [argument.conversion for argument in message.forms[1].arguments] == ["%s", "%x", "%s"]


def test_names_of_a_wrapper_in_another_file_are_not_looked_for_in_this_one():
    header = '#define log_mode(x) printk("%s %s\\n", modes, x)\n'
    source = '#include "log.h"\nstatic const char *modes[] = { "of the caller" };\n'
    assert printed(one(source + WRAPPED.format('\tlog_mode("a");'), **{"log.h": header})) == ["%s a"]


def test_a_value_beside_a_macro_for_several_is_looked_up():
    source = "#define ENTITY(n) type_name(n), num(n)\n"
    source += 'int g(struct con *con)\n{\n\tcon->error_msg = "socket closed";\n}\n'
    source += WRAPPED.format('\tpr_info("%s%d %s\\n", ENTITY(n), con->error_msg);')
    assert printed(one(source)) == ["%s%d %s", "%s%d socket closed"]


def test_a_banner_whose_initializer_goes_on_behind_a_backslash():
    source = 'static const char banner[] __initconst = KERN_INFO \\\n\t"AX.25: driver of hams\\n";\n'
    (message,) = one(source + WRAPPED.format("\tprintk(banner);"))
    assert (texts([message]), message.level) == (["AX.25: driver of hams"], "info")


def test_a_macro_for_a_text_may_have_a_name_of_both_cases():
    source = '#define my_NAME "Host driver"\n#define show(s, v) printk(KERN_INFO "%s %d\\n", s, v);\n'
    assert texts(one(source + WRAPPED.format("\tshow(my_NAME, 3)"))) == ["Host driver %d"]


def test_a_width_that_no_file_tells_leaves_the_conversion_whole():
    source = WRAPPED.format('\tpr_info("  Vendor: %-" __stringify(VENDOR_LENGTH) "s\\n", vendor);')
    assert texts(one(source)) == ["  Vendor: %-s"]


def test_functions_that_a_macro_defines_print():
    source = "#define __stringify(x...) #x\n"
    source += "#define SETUP(_name, _ops) \\\nstatic void setup_##_name##_cit(struct target *tb) \\\n{ \\\n"
    source += '\tpr_info("Setup generic %s " #_name "\\n", __stringify(_name)); \\\n}\n\nSETUP(dev_attrib, NULL);\n'
    (message,) = one(source)
    assert (texts([message]), message.function, message.line_start) == (
        ["Setup generic dev_attrib dev_attrib"],
        "setup_dev_attrib_cit",
        9,
    )


def test_printf_of_a_file_is_what_the_file_defines():
    files = {
        "a.h": '#define printf(format, args...) printk(KERN_ERR "BFS-fs: " format, ## args)\n',
        "include/linux/printk.h": '#define KERN_ERR "\\0013"\n',
        "a.c": '#include <linux/printk.h>\n#include "a.h"\n' + WRAPPED.format('\tprintf("Bad inode %d\\n", mode);'),
        "tool.c": WRAPPED.format('\tprintf("Bad inode %d\\n", mode);'),
    }
    found = link(files)
    assert (texts(found["a.c"]), found["tool.c"]) == (["BFS-fs: Bad inode %d"], [])


def test_a_format_that_is_a_macro_of_a_header_is_extracted():
    header = '#define CUT_HERE "------------[ cut here ]------------\\n"\n'
    source = '#include "bug.h"\n' + WRAPPED.format('\tpr_warn(CUT_HERE);\n\tprintk(KERN_ERR CUT_HERE);\n\tf("");')
    found = one(source, **{"bug.h": header})
    assert (texts(found), [message.level for message in found]) == (
        ["------------[ cut here ]------------"] * 2,
        ["warn", "err"],
    )


def test_a_macro_of_a_header_without_text_is_no_message():
    header = "#define LIMIT 7\n"
    assert one('#include "bug.h"\n' + WRAPPED.format('\tpr_warn(LIMIT);\n\tf("");'), **{"bug.h": header}) == []


def test_a_function_of_another_file_gives_what_it_returns():
    other = "const char *print_tainted(void)\n{\n\tstatic char buf[9];\n"
    other += '\tif (mask)\n\t\ts = buf + sprintf(buf, "Tainted: ");\n'
    other += '\telse\n\t\tsnprintf(buf, sizeof(buf), "Not tainted");\n\treturn buf;\n}\n'
    found = one(WRAPPED.format('\tpr_err("      %s %s\\n", print_tainted(), release);'), **{"panic.c": other})
    assert printed(found) == ["      %s %s", "      Tainted: %s %s", "      Not tainted %s"]


def test_a_function_that_two_files_define_gives_nothing():
    other = 'const char *name_of(int n)\n{\n\treturn "first";\n}\n'
    source = WRAPPED.format('\tpr_err("%s\\n", name_of(2));\n\tf("");')
    assert printed(one(source, **{"b.c": other})) == ["%s", "first"]
    assert printed(one(source, **{"b.c": other, "c.c": other})) == ["%s"]


OPCODES = """static const char *names[] = { "Test Unit Ready", "Read(10)" };
bool opcode_name(int opcode, const char **name)
{
	*name = names[opcode];
	return true;
}
"""


def test_a_function_of_another_file_stores_texts_through_a_pointer():
    source = WRAPPED.format('\tconst char *name = NULL;\n\topcode_name(mode, &name);\n\tpr_err("%s\\n", name);')
    assert printed(one(source + 'int g(void)\n{\n\tf("");\n}\n', **{"names.c": OPCODES})) == [
        "%s",
        "Test Unit Ready",
        "Read(10)",
    ]


def test_pieces_keep_the_labels_in_front_of_them_and_the_values_of_their_own():
    source = WRAPPED.format(
        '\tconst char *name;\n\topcode_name(mode, &name);\n\toff = scnprintf(b, 9, "tag#%d ", mode);\n'
        '\toff += scnprintf(b + off, 9, "CDB: ");\n\tscnprintf(b + off, 9, "%s", name);\n\tpr_err("%s\\n", b);'
    )
    assert printed(one(source, **{"names.c": OPCODES})) == [
        "%s",
        "tag#%d %s",
        "%s CDB: %s",
        "%s CDB: Test Unit Ready%s",
        "%s CDB: Read(10)%s",
    ]


def test_a_long_table_of_another_file_gives_nothing():
    def names(count):
        cases = "".join(f'\tcase {number}:\n\t\treturn "name{number} of it";\n' for number in range(count))
        return f"const char *name_of(int n)\n{{\n\tswitch (n) {{\n{cases}\t}}\n\treturn NULL;\n}}\n"

    source = WRAPPED.format('\tpr_err("%s\\n", name_of(2));\n\tf("");')
    assert len(printed(one(source, **{"b.c": names(MOST_TEXTS - 1)}))) == MOST_TEXTS
    assert printed(one(source, **{"b.c": names(MOST_TEXTS + 1)})) == ["%s"]


def test_a_text_that_is_padded_is_looked_up():
    source = 'static void range(char *name, long b)\n{\n\tpr_info("%8s : 0x%lx\\n", name, b);\n}\n'
    source += "static void both(char *name, long b)\n{\n\trange(name, b);\n}\n"
    source += WRAPPED.format('\tboth("fixmap", 1);\n\tboth("pci io", 2);')
    assert printed(one(source)) == ["%8s : 0x%lx", "  fixmap : 0x%lx", "  pci io : 0x%lx"]


def test_a_pointer_that_moved_is_no_beginning_of_the_buffer():
    source = 'static void show(char *buf)\n{\n\tbuf += sprintf(buf, "%d bytes", n);\n'
    source += '\tsprintf(buf, ", code %d", n);\n}\n'
    source += WRAPPED.format('\tchar b[9];\n\tshow(b);\n\tpr_info("detected %s\\n", b);')
    assert printed(one(source)) == ["detected %s", "detected %d bytes%s", "detected %s, code %d%s"]


def test_the_second_function_of_a_name_counts_as_outside_of_functions():
    code = Code(b"DEFINE(one)\n{\n\ta();\n}\n\nDEFINE(two)\n{\n\tb();\n}\n")
    first, second = (code.masked.index(name) for name in ("a()", "b()"))
    assert code.around(first) == code.functions["DEFINE"]
    assert code.around(second) is None
