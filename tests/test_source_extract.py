"""What is read of a file without a parser, and what is skipped, on generated files."""

import random

import pytest

from ksrcfind.source import parse, scan
from ksrcfind.source.extract import extract
from ksrcfind.source.parse import Parser

_VALUES = (
    "x",
    "dev->name",
    "*p",
    "&list[i]",
    "(u8)x",
    "sizeof(*x)",
    "get(x)",
    "get(get(get(x)))",
    "x ? 1 : 2",
    "'\"'",
    "'\\''",
    '"a"',
    '"b" NAME',
    'NAME "c"',
    'name("d")',
    'x ? "e" : "f"',
    '"(" /* ) */',
    '"\\")"',
    "({ int y = x; y; })",
    "BANNER",
    "offsetof(struct s, m[i])",
    "(struct s) { 1 }",
    'L"wide"',
    'a /* " */',
)
_NAMES = ("printk", "pr_err", "dev_err", "strcmp", "WARN", "ASSERT", "snprintf")
_OUTSIDE = (
    "",
    '/* a comment with "quotes", { braces } and isn\'t closed early */',
    "// don't",
    "#define N 12",
    'MODULE_LICENSE("GPL");',
    'static const char banner[] = "hello";',
    "struct s {\n\tint a;\n};",
    'static struct s s = {\n\t.name = "s",\n};',
    "int declared(void);",
    "static inline void stub(void) { }",
    "#ifdef CONFIG_A\n#endif",
    "enum { A = '{', B = '\"' };",
    '/*\n}\n"\n*/',
    "void wraps(const char *f, ...)\n{\n\tva_list l;\n\tva_start(l, f);\n\tvprintk(f, l);\n}",
)
_TEXT = 'void last(void)\n{\n\tprintk("last");\n}\n'


def _call(rng):
    values = ", ".join(rng.choice(_VALUES) for _ in range(rng.randint(0, 4)))
    return f"{rng.choice(_NAMES)}({values})"


def _function(rng, number):
    statements = []
    for _ in range(rng.randint(0, 4)):
        call = _call(rng)
        statement = rng.choice(
            ("%s;", "if (%s)\n\t\treturn;", "x = %s;", "/* %s */", "y = '{'; %s; %s;", "return\n%s;")
        )
        statements.append("\t" + statement.replace("%s", call) + "\n")
    return f"static int f{number}(int x)\n{{\n{''.join(statements)}}}"


def _file(seed):
    rng = random.Random(seed)
    parts = [rng.choice((_function(rng, number), rng.choice(_OUTSIDE))) for number in range(rng.randint(0, 6))]
    return "".join(f"{part}\n" for part in parts)


@pytest.mark.parametrize("start", range(0, 800, 100))
def test_no_function_with_text_is_skipped(start):
    """Other text in a file makes the scan look at all of it; the functions that it finds stay the same."""
    for seed in range(start, start + 100):
        text = _file(seed).encode()
        found = list(scan.bodies(text))
        with_text = list(scan.bodies(text + _TEXT.encode()))
        assert found == with_text[:-1], text.decode()
        for body in found:
            assert body.wraps or b'"' in b"".join(snippet.text for snippet in body.snippets)


@pytest.mark.parametrize("start", range(0, 800, 100))
def test_calls_read_without_a_parser_are_those_of_the_parser(start, monkeypatch):
    """Only `recovered` differs: it counts calls that tree-sitter rejects."""
    files = [_file(seed).replace("offsetof(struct s, m[i])", "x").encode() for seed in range(start, start + 100)]
    found = [extract(data, Parser()) for data in files]
    monkeypatch.setattr(parse, "_plain_calls", lambda snippets, _constants: ([], snippets))
    for data, facts in zip(files, found, strict=True):
        parsed = extract(data, Parser())
        assert facts.recovered <= parsed.recovered
        assert (facts.calls, facts.functions, facts.wrappers) == (parsed.calls, parsed.functions, parsed.wrappers), data


def test_a_call_is_read_whole_where_the_parser_reads_a_part():
    """tree-sitter ends the call at `m[i])`, because it reads `offsetof` as an expression with a plain field."""
    call = 'printk(KERN_INFO "0x%02X mailbox[%d]\\n", (u8)offsetof(struct s, m[i]), i)'
    facts = extract(f"void f(int i)\n{{\n\t{call};\n}}\n".encode(), Parser())
    assert [each.text for each in facts.calls] == [call]


def test_functions_of_a_macro_are_read_in_a_file_without_other_braces():
    source = '#define LOGGER(name) \\\nvoid name(int x) \\\n{ \\\n\tprintk("text %d\\n", x); \\\n}\nLOGGER(log_it)\n'
    facts = extract(source.encode(), Parser())
    assert facts.functions == ("log_it",)
    assert [call.name for call in facts.calls] == ["printk"]


def test_a_header_without_code_calls_nothing():
    assert extract(b"int declared(int x);\nextern void other(void);\n#define N(x) 0x12\n", Parser()).called == b""
