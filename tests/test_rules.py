"""Rules of monitoring systems: their files, and the common texts of rules and messages, judged by trying all texts."""

import itertools
import random
import re

import pytest

from ksrcfind.match.conversions import shape_of
from ksrcfind.rules.expression import ExpressionError, parsed
from ksrcfind.rules.files import RulesFormat, detected, read_rules
from ksrcfind.rules.language import Line
from ksrcfind.rules.logql import filters_of
from ksrcfind.rules.meeting import BudgetSpentError, Search
from ksrcfind.rules.prefilter import Wordings
from ksrcfind.rules.program import Program, example
from ksrcfind.rules.record import RuleError, Syntax
from ksrcfind.source.template import conversion_of, pieces

VALUES = [sign + "1" * count for sign in ("", "-") for count in (1, 2, 3, 5, 9)]


def meeting(rule, printed):
    return Search(Program(parsed(rule).node)).meeting(Line(printed))


def renderings(printed):
    parts = [[piece] if isinstance(piece, str) else VALUES for piece in pieces(printed)]
    return ["".join(chosen) for chosen in itertools.product(*parts)]


def random_rule(numbers, depth=0):
    atoms = ["a", "b", "1", ".", "[ab]", "[^a]", r"\d", r"\w", r"\b", r"\B", "^", "$"]

    def atom():
        if depth < 1 and numbers.random() < 0.25:
            return f"({random_rule(numbers, depth + 1)})"
        return numbers.choice(atoms[:8] * 3 + atoms)

    def repeated(text):
        return text + numbers.choice(["", "", "", "*", "+", "?", "{2}", "{1,2}"]) if text not in atoms[8:] else text

    branches = [
        "".join(repeated(atom()) for _ in range(numbers.randint(1, 4))) for _ in range(numbers.choice([1, 1, 2]))
    ]
    return "|".join(branches)


@pytest.mark.parametrize("seed", range(8))
def test_the_search_finds_a_text_exactly_if_there_is_one(seed, monkeypatch):
    monkeypatch.setattr(Search, "_enter", lambda _: [])  # What a log puts in front has texts of its own.
    numbers = random.Random(seed)
    for _ in range(100):
        rule = random_rule(numbers)
        printed = "".join(numbers.choice(["a", "b", "ab", "%d", " ", "ba"]) for _ in range(numbers.randint(1, 4)))
        if printed.count("%") > 2:
            continue
        compiled = re.compile(rule)
        expected = any(compiled.search(text) for text in renderings(printed))
        found = meeting(rule, printed)
        assert (found is not None) == expected, (rule, printed, found)


@pytest.mark.parametrize("seed", range(4))
def test_an_example_matches_its_expression(seed):
    numbers = random.Random(seed)
    for _ in range(200):
        rule = random_rule(numbers)
        text = example(parsed(rule).node)
        assert not text or re.search(rule, text), (rule, text)


@pytest.mark.parametrize("seed", range(4))
def test_the_prefilter_drops_no_line_with_enough_text_of_its_own(seed):
    numbers = random.Random(seed)
    words = ["disk", "link", "error", "not", "ready", "%d", "%s", "(ed)?", ".*", "[23]", "(up|down)", r"\d+"]
    lines = [" ".join(numbers.choice(words[:7]) for _ in range(4)) for _ in range(60)]
    wordings = Wordings(sorted(set(lines)))
    for _ in range(60):
        rule = " ".join(numbers.choice(words[:5] + words[7:]) for _ in range(3))
        node = parsed(rule).node
        kept = {wordings.lines[number] for number in itertools.chain(*wordings.candidates(node))}
        search = Search(Program(node))
        missed = [line for line in wordings.lines if line not in kept and search.meeting(Line(line)) is not None]
        assert not missed, (rule, missed)


@pytest.mark.parametrize(
    ("rule", "printed", "values"),
    [
        (r"Out of memory: Kill(ed)? process", "%s: Killed process %d (%s)", ("Out of memory",)),
        ("I/O error, dev", "%s error, dev %s, sector %llu", ("I/O",)),
        (r"mpt[23]sas.*: log_info", "%s: log_info(0x%08x)", ("mpt2sas",)),
        (r"task \S+:\w+ blocked for more than \w+ sec", "INFO: task %s:%d blocked for more than %ld seconds.", ("1",)),
        (r"\bdisk\b", "my disk%s", ()),
        (r"(?i)DISK failed", "disk failed", ()),
        (r"[[:alpha:]]{4} failed", "disk failed", ()),
        (r"kernel: \[ *[\d.]+\] disk", "disk failed", ()),
        (r"^disk \w+$", "disk failed", ()),
        (r"^\w{3} [ :0-9]{11} [._[:alnum:]-]+ kernel: (\[ *[0-9.]+\] )?disk failed$", "disk failed", ()),
        (r"at 0x[0-9a-f]{8} in [\da-f]+", "at 0x%08x in %lx", ()),
        (r"addr 10\.0\.\d+\.1$", "addr %pI4", ()),
    ],
)  # fmt: skip
def test_rules_meet_what_calls_print(rule, printed, values):
    found = meeting(rule, printed)
    assert found is not None
    assert found.values == values


@pytest.mark.parametrize(
    ("rule", "printed"),
    [
        ("nothing says this", "%s: error %s"),
        ("nothing says this", "%s"),
        (r"\bdisk\b", "mydisk %d"),
        (r"^failed", "disk failed"),
        (r"failed$", "disk failed %d"),
        ("number x", "number %d"),
        (r"disk (?=works)failed twice", "disk failed"),
        ("cafebabe", "%x"),
    ],
)
def test_rules_do_not_meet_texts_that_only_values_could_have(rule, printed):
    assert meeting(rule, printed) is None


@pytest.mark.parametrize("rule", [".*", r"\d*", "kernel:", ""])
def test_some_rules_match_every_line(rule):
    assert meeting(rule, "anything") is not None


@pytest.mark.parametrize(
    ("rule", "loose"),
    [("a(?=b)", "a look-around"), (r"(a)\1", "a back-reference"), ("a++", "a possessive repetition"), ("a", None)],
)
def test_what_is_not_regular_is_replaced_by_more(rule, loose):
    assert parsed(rule).loose == loose


@pytest.mark.parametrize(
    "rule", ["(", ")", "[a", "*a", "a{2,1}", "[z-a]", "a\\", r"\y", "(?<", "[[:nothing:]]", "a" + "*" * 500]
)
def test_invalid_expressions(rule):
    with pytest.raises(ExpressionError) as raised:
        parsed(rule)
    assert not raised.value.too_large


@pytest.mark.parametrize("rule", ["(" * 5000, "a" * 20_000, "a{9999}", "((a{99}){99}){99}"])
def test_what_is_too_large_says_so(rule):
    with pytest.raises(ExpressionError) as raised:
        Program(parsed(rule).node)
    assert raised.value.too_large


@pytest.mark.parametrize("rule", ["(a*)*b", "(a|aa)+$", r"(\w+\s?)*!", "(.*a){20}b", ".{900}.{900}", "(a?){300}a{300}"])
def test_hostile_rules_take_a_bounded_number_of_steps(rule):
    search = Search(Program(parsed(rule).node), steps=100_000)
    try:
        for _ in range(20):
            search.meeting(Line("a" * 300 + " %s %s %s %pV"))
    except BudgetSpentError:
        assert search._steps > -50_000


def test_values_are_programs_that_accept_their_examples():
    for text in ("%d", "%5u", "%#x", "%02x", "%pI4", "%pM", "%pS", "%pUb", "%*ph", "%-10d"):
        conversion = conversion_of(text)
        assert shape_of(conversion)
        assert Line(text).pieces[0].reachable


LOKI = """
groups:
  - name: kernel
    rules:
      - alert: Oom
        expr: |
          sum(rate({job="kernel", x!="|= \\"no\\""} |= "Out of memory: " |~ `Kill(ed)? process` != "test" [5m])) > 0
      - alert: Io
        expr: count_over_time({job="kernel"} |~ "I/O error, dev sd\\\\w+" [5m]) > 0 or rate({a="b"} |= "x" or "y" [1m])
      - alert: Cpu
        expr: node_load1 > 4
"""
OF_LOKI = [(6, "Out of memory:  … Kill(ed)? process"), (9, r"I/O error, dev sd\w+"), (9, "x|y")]
FILES = [
    ("rules.yml", LOKI, RulesFormat.LOKI, OF_LOKI),
    (
        "kernel.conf",
        "# disks\n:msg, contains, \"I/O error\" /var/log/io\n:msg, !contains, \"usb\" stop\n"
        ":msg, regex, \"error \\\\(a\\\\|b\\\\) (x)\" ~\n"
        "if $msg contains 'link' and $msg startswith \"eth\" then stop\n"
        "if re_match($msg, 'md[0-9]+: .*') then stop\n",
        RulesFormat.RSYSLOG,
        [(2, "I/O error"), (4, r"error (a|b) \(x\)"), (5, "link … eth"), (6, "md[0-9]+: .*")],
    ),
    (
        "kernel",
        "# usb\n^\\w{3} [ :0-9]{11} [._[:alnum:]-]+ kernel: usb [0-9-]+: new device$\n",
        RulesFormat.LOGCHECK,
        [(2, r"^\w{3} [ :0-9]{11} [._[:alnum:]-]+ kernel: usb [0-9-]+: new device$")],
    ),
    (
        "kernel.local",
        "[Definition]\n_daemon = kernel\nport = \\d+\nfailregex = ^%(__prefix_line)sDROP .* SRC=<HOST> .*DPT=%(port)s\n"
        "            ^<F-ID>x</F-ID> y$\nignoreregex =\n",
        RulesFormat.FAIL2BAN,
        [(4, r"^DROP .* SRC=(?:\S+) .*DPT=\d+"), (5, "^(?:x) y$")],
    ),
    (
        "kernel-monitor.json",
        '{"plugin": "kmsg",\n "rules": [\n  {"type": "temporary", "reason": "TaskHung",\n'
        '   "pattern": "task \\\\S+:\\\\w+ blocked for more than \\\\w+ seconds\\\\."}]}\n',
        RulesFormat.NODE_PROBLEM_DETECTOR,
        [(4, r"task \S+:\w+ blocked for more than \w+ seconds\.")],
    ),
    ("rules.txt", "# disks\n\nI/O error\r\nEXT4-fs .*\n", RulesFormat.PLAIN, [(3, "I/O error"), (4, "EXT4-fs .*")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "chosen", "rules"), FILES)
def test_files_of_rules(name, text, chosen, rules):
    assert detected(name, text) is chosen
    assert [(rule.line, rule.text) for rule in read_rules(text, chosen)] == rules


def test_names_and_exclusions_of_alerts():
    pytest.importorskip("yaml")
    oom, *_ = read_rules(LOKI, RulesFormat.LOKI)
    assert oom.name == "Oom"
    assert "excludes lines" in oom.ignored
    assert [one.syntax for one in oom.filters] == [Syntax.FIXED, Syntax.EXPRESSION]


def test_filters_of_queries():
    assert filters_of('rate({a="b"}[5m])') == [((), False)]
    [(filters, excludes)] = filters_of('{a="b"} |= "say \\"x\\"" !~ "no"')
    assert ([one.text for one in filters], excludes) == (['say "x"'], True)


@pytest.mark.parametrize(
    ("text", "chosen", "line", "said"),
    [
        ("fine\n(open\n", RulesFormat.PLAIN, 2, "an opening parenthesis without a closing one"),
        ("a: [", RulesFormat.LOKI, 1, "not valid YAML"),
        (':msg, sounds, "x"', RulesFormat.RSYSLOG, 1, "an unknown comparison: sounds"),
        ('{"rules": 5}', RulesFormat.NODE_PROBLEM_DETECTOR, None, "not a configuration"),
        ('{"rules": [{"pattern": "("}]}', RulesFormat.NODE_PROBLEM_DETECTOR, 1, "not a regular expression"),
        ("failregex = (\n", RulesFormat.FAIL2BAN, 1, "not a regular expression"),
    ],
)
def test_an_invalid_rule_names_its_line(text, chosen, line, said):
    with pytest.raises(RuleError, match=re.escape(said)) as raised:
        read_rules(text, chosen)
    assert raised.value.line == line


def test_hostile_files_are_bounded():
    bomb = 'a0: &a0 {expr: \'{a="b"} |= "x"\'}\n'
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
    assert len(read_rules(bomb, RulesFormat.LOKI)) == 1
    with pytest.raises(RuleError):
        read_rules("[" * 50_000, RulesFormat.LOKI)
    with pytest.raises(RuleError):
        read_rules('{"rules": ' + "[" * 50_000, RulesFormat.NODE_PROBLEM_DETECTOR)
    names = "".join(f"n{n} = {f'%(n{n + 1})s' * 9}\n" for n in range(30))
    [rule] = read_rules(f"{names}failregex = %(n0)s\n", RulesFormat.FAIL2BAN)
    assert len(rule.text) < 200_000
    with pytest.raises(RuleError, match="more than 10,000 rules"):
        read_rules("x\n" * 10_001, RulesFormat.PLAIN)
