"""Read the alerts of Prometheus and Loki: groups of rules in YAML, whose queries in LogQL have line filters."""

from collections.abc import Iterator
from typing import Any

from ksrcfind.regex import regex
from ksrcfind.rules.record import Filter, Rule, RuleError, Syntax

IGNORED = "a filter that excludes lines (!= or !~) was not compared"
NEEDS_YAML = "reading YAML needs the extra rules: docs/quick-start.md says how to install it"
MOST_NODES = 200_000
"""Nodes of a YAML document, at most."""

_STRING = r'"(?:[^"\\]|\\.){0,2000}+"|`[^`]{0,2000}+`'
_TOKEN = regex(
    rf"(?P<selector>\{{(?:[^{{}}\"`]|{_STRING})*+\}})|(?P<filter>\|=|\|~|!=|!~)\s*+(?={_STRING})|(?P<string>{_STRING})"
)
_MORE = regex(rf"\s*+(?P<first>{_STRING})(?P<rest>(?:\s++or\s++(?:{_STRING}))*+)")
_EACH = regex(_STRING)
_ESCAPE = regex(r"\\(.)")
_CONTROL = {"n": "\n", "t": "\t", "r": "\r"}
_OPERATOR = regex(r"[.^$*+?{}\[\]\\|()]")


def rules_of_groups(text: str) -> Iterator[Rule]:
    """Yield a rule for each log query of a file. Raises `RuleError` for invalid YAML, and without PyYAML."""
    for line, name, query in _queries(text):
        for filters, excludes in filters_of(query):
            if filters:
                yield Rule(line, filters, name, IGNORED if excludes else None)


def filters_of(query: str) -> list[tuple[tuple[Filter, ...], bool]]:
    """Return (filters that a line must match, whether lines are excluded) for each log query of an expression."""
    found: list[tuple[list[Filter], bool]] = []
    at = 0
    while (match := _TOKEN.search(query, at)) is not None:
        at = match.end()
        if match["selector"] is not None:
            found.append(([], False))
        elif match["filter"] is not None and (texts := _MORE.match(query, at)) is not None:
            at = texts.end()
            filters, excludes = found.pop() if found else ([], False)
            if match["filter"].startswith("!"):
                found.append((filters, True))
                continue
            values = [_value(one) for one in _EACH.findall(texts[0])]
            found.append(([*filters, _filter(match["filter"], values)], excludes))
    return [(tuple(filters), excludes) for filters, excludes in found]


def _filter(operator: str, values: list[str]) -> Filter:
    if operator == "|=" and len(values) == 1:
        return Filter(values[0], Syntax.FIXED)
    if operator == "|=":
        values = [_OPERATOR.sub(r"\\\g<0>", value) for value in values]
    return Filter("|".join(values), Syntax.EXPRESSION)


def _value(string: str) -> str:
    """Return the text of a string: raw in backquotes, with escapes of Go in quotes."""
    inside = string[1:-1]
    return inside if string[0] == "`" else _ESCAPE.sub(lambda match: _CONTROL.get(match[1], match[1]), inside)


def _queries(text: str) -> Iterator[tuple[int, str | None, str]]:
    """Yield (line, name, query) for each `expr` of a YAML document.

    The nodes of the document are walked, each once: an alias that is used again and again costs nothing.
    """
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError as error:
        raise RuleError(None, NEEDS_YAML) from error
    try:
        documents = list(yaml.compose_all(text, yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise RuleError(mark.line + 1 if mark else None, f"not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RuleError(None, f"not valid YAML: {str(error)[:200]}") from error
    waiting: list[Any] = documents[::-1]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if len(seen) > MOST_NODES:
            raise RuleError(None, f"more than {MOST_NODES:,} nodes of YAML")
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value[::-1]
        elif isinstance(node, yaml.MappingNode):
            scalars = {
                key.value: value
                for key, value in node.value
                if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode)
            }
            waiting += [value for _, value in node.value][::-1]
            if "expr" in scalars:
                name = scalars.get("alert") or scalars.get("record")
                query = scalars["expr"]
                yield query.start_mark.line + 1, name.value if name else None, query.value
