"""Read the rules of a file: of Loki, rsyslog, logcheck, fail2ban, node-problem-detector, or one rule on each line.

Each reader returns the conditions on the text of a line. What a file says about hosts, programs, labels and actions is
skipped.
"""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum

import msgspec

from ksrcfind.regex import regex
from ksrcfind.rules.expression import LONGEST
from ksrcfind.rules.logql import rules_of_groups
from ksrcfind.rules.record import Filter, Rule, RuleError, Syntax, checked

MOST_RULES = 10_000
"""Rules of a file, at most."""


class RulesFormat(StrEnum):
    """Formats of files of rules."""

    PLAIN = "plain"
    LOKI = "loki"
    RSYSLOG = "rsyslog"
    LOGCHECK = "logcheck"
    FAIL2BAN = "fail2ban"
    NODE_PROBLEM_DETECTOR = "node-problem-detector"


_FAIL2BAN = regex(r"^failregex\s*+=", re.MULTILINE)
_RSYSLOG = regex(r"^:(?:raw)?msg\s*+,|\$(?:raw)?msg\b|^\$template\b|^module\(", re.MULTILINE)
_LOGCHECK = regex(r"^\^\(?(?:\\w\{3\}|\[\[:alpha:\]\]\{3\}|\[\[:alpha:\]\]\{4\}|\[A-Z\]\[a-z\]\{2\})", re.MULTILINE)
_GROUPS = regex(r"^\s*+-?\s*+(?:groups|expr)\s*+:", re.MULTILINE)


def detected(name: str, text: str) -> RulesFormat:
    """Return the format of a file by the ending of its name and by its content."""
    ending = name.lower().rpartition(".")[2]
    if ending == "json" or text.lstrip().startswith("{"):
        return RulesFormat.NODE_PROBLEM_DETECTOR
    if ending in ("yaml", "yml") or _GROUPS.search(text):
        return RulesFormat.LOKI
    if _FAIL2BAN.search(text):
        return RulesFormat.FAIL2BAN
    if _RSYSLOG.search(text):
        return RulesFormat.RSYSLOG
    return RulesFormat.LOGCHECK if _LOGCHECK.search(text) else RulesFormat.PLAIN


def read_rules(text: str, chosen: RulesFormat) -> list[Rule]:
    """Return the rules of a file. Raises `RuleError` for an invalid file and an invalid expression."""
    rules: list[Rule] = []
    for rule in _READERS[chosen](text):
        if len(rules) == MOST_RULES:
            raise RuleError(rule.line, f"more than {MOST_RULES:,} rules")
        rules.append(checked(rule))
    return rules


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number, line) for the lines that are neither empty nor comments."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line.rstrip("\r")


def _plain(text: str) -> Iterator[Rule]:
    yield from (Rule(number, (Filter(line),)) for number, line in _lines(text))


def _logcheck(text: str) -> Iterator[Rule]:
    yield from (Rule(number, (Filter(line, Syntax.EXPRESSION),)) for number, line in _lines(text))


_PROPERTY = regex(r':(?P<of>raw)?msg\s*+,\s*+(?P<not>!?)(?P<how>\w++)\s*+,\s*+"(?P<text>(?:[^"\\]|\\.)*+)"')
_SCRIPT = regex(
    r"\$(?:raw)?msg\s++(?P<not>!?)(?P<how>contains|startswith|==)(?:_i)?\s*+(?P<quote>[\"'])(?P<text>(?:[^\"'\\]|\\.)*+)[\"']"
    r"|re_match(?:_i)?\(\s*+\$(?:raw)?msg\s*+,\s*+[\"'](?P<expression>(?:[^\"'\\]|\\.)*+)[\"']"
)
_ESCAPE = regex(r"\\([\\\"'])")
_HOW = {
    "contains": Syntax.FIXED,
    "startswith": Syntax.START,
    "isequal": Syntax.FIXED,
    "==": Syntax.FIXED,
    "regex": Syntax.EXPRESSION,
    "ereregex": Syntax.EXPRESSION,
}
_SWAPPED = regex(r"\\([(){}+?|])|([(){}+?|])|(\\.)")


def _extended(basic: str) -> str:
    """Return a basic regular expression of POSIX as an extended one: what a backslash makes special is swapped."""
    return _SWAPPED.sub(lambda m: m[1] or (f"\\{m[2]}" if m[2] else m[3]), basic)


def _rsyslog(text: str) -> Iterator[Rule]:
    for number, line in _lines(text):
        found = _PROPERTY.match(line.lstrip())
        if found is not None:
            syntax = _HOW.get(found["how"])
            if syntax is None:
                raise RuleError(number, f"an unknown comparison: {found['how']}")
            if not found["not"]:
                value = _ESCAPE.sub(r"\1", found["text"])
                yield Rule(number, (Filter(_extended(value) if found["how"] == "regex" else value, syntax),))
            continue
        together: list[Filter] = []
        for match in _SCRIPT.finditer(line):
            if match["expression"] is not None:
                # A string of RainerScript has its own backslashes.
                together.append(Filter(match["expression"].replace("\\\\", "\\"), Syntax.EXPRESSION))
            elif not match["not"]:
                together.append(Filter(_ESCAPE.sub(r"\1", match["text"]), _HOW[match["how"]]))
        if " or " in line:
            yield from (Rule(number, (one,)) for one in together)
        elif together:
            yield Rule(number, tuple(together))


_ASSIGNED = regex(r"(\w[\w.-]*+)\s*+=\s?+(.*+)")
_NAMED = regex(r"%\((\w++)\)s")
_TAG = regex(r"</?F-[A-Z0-9_]++/?>|<(?:HOST|ADDR|SUBNET|IP4|IP6|DNS|CIDR|SKIPLINES)>")
_LONGEST_VALUE = 1024  # characters of a value that an expression names
_DEEPEST = 10  # values that name values


def _fail2ban(text: str) -> Iterator[Rule]:
    values: dict[str, str] = {}
    expressions: list[tuple[int, str]] = []
    name = ""
    for number, line in _lines(text):
        if line[0] in " \t":
            if name == "failregex" and not line.lstrip().startswith("#"):
                expressions.append((number, line.strip()))
            continue
        found = _ASSIGNED.match(line)
        name = found[1] if found is not None else ""
        if found is None:
            continue
        if name == "failregex":
            expressions += [(number, found[2].strip())] if found[2].strip() else []
        else:
            values[name] = found[2].strip()
    values["__prefix_line"] = ""  # It matches what a log puts in front of a message.
    for number, expression in expressions:
        expanded = _TAG.sub(_of_tag, _expanded(expression, values).replace("%%", "%"))
        yield Rule(number, (Filter(expanded, Syntax.EXPRESSION),))


def _expanded(expression: str, values: dict[str, str]) -> str:
    """Return an expression with the values that it names; values that are unknown or too long can be anything."""

    def value(match: re.Match[str]) -> str:
        known = values.get(match[1], ".*")
        return known if len(known) <= _LONGEST_VALUE else ".*"

    for _ in range(_DEEPEST):
        if len(expression) > LONGEST:
            break
        expression, count = _NAMED.subn(value, expression)
        if not count:
            break
    return expression


def _of_tag(match: re.Match[str]) -> str:
    tag = match[0]
    if tag.startswith("</"):
        return ")"
    return "(?:" if tag.startswith("<F-") and not tag.endswith("/>") else r"(?:\S+)"


class _Pattern(msgspec.Struct):
    pattern: str
    reason: str | None = None


class _Config(msgspec.Struct):
    rules: list[_Pattern]
    source: str | None = None


def _node_problem_detector(text: str) -> Iterator[Rule]:
    try:
        config = msgspec.json.decode(text, type=_Config)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RuleError(None, f"not a configuration of node-problem-detector: {error}") from error
    at = 0
    for rule in config.rules:
        written = msgspec.json.encode(rule.pattern).decode()
        found = text.find(written, at)
        at = found + len(written) if found >= 0 else at
        yield Rule(text.count("\n", 0, at) + 1, (Filter(rule.pattern, Syntax.EXPRESSION),), rule.reason)


_READERS: dict[RulesFormat, Callable[[str], Iterator[Rule]]] = {
    RulesFormat.PLAIN: _plain,
    RulesFormat.LOKI: rules_of_groups,
    RulesFormat.RSYSLOG: _rsyslog,
    RulesFormat.LOGCHECK: _logcheck,
    RulesFormat.FAIL2BAN: _fail2ban,
    RulesFormat.NODE_PROBLEM_DETECTOR: _node_problem_detector,
}
