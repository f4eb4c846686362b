"""The conditions under which control reaches a call in a function or macro, with the code that they consist of."""

import re
from collections.abc import Iterator, Sequence, Set

from msgspec import Struct

from ksrcfind.conditions.assignments import Assignments, names_in
from ksrcfind.conditions.expression import arguments, decisions, joined, negation
from ksrcfind.conditions.flow import Flow
from ksrcfind.conditions.function_tokens import NAME, Code
from ksrcfind.conditions.graph import DEFAULT, Block, Branch, Outcome, Span, contains
from ksrcfind.conditions.reach import AnyOf, Exit, Formula, Literal, Reach
from ksrcfind.conditions.record import Condition
from ksrcfind.regex import regex

# `QEDF_WARN(context, "…")` is a log level, so macros with a text are listed.
_WARNS = regex(
    r"WARN(?:_ONCE|_RATELIMIT|_TAINT|_TAINT_ONCE)?|VM_WARN(?:_ONCE)?|RCU_LOCKDEP_WARN|I915_STATE_WARN|"
    r"(?:drm|pci)_WARN(?:_ONCE)?|dev_WARN_ONCE"
)
_WARNS_ON = ("WARN_ON", "BUG_ON")
_NESTED = 8  # statement expressions

LONGEST = 2000
"""Characters of an expression; longer ones are left out."""


class Held(Struct, frozen=True):
    """A condition, with the code that it consists of."""

    condition: Condition
    spans: tuple[Span, ...]


def held_at_call(code: Code) -> tuple[list[Held], bool, Assignments]:
    """Return the conditions of a call, whether they are all, and the assignments of its function."""
    held: list[Held] = []
    complete = True
    span = (1, len(code.tokens) - 1)
    outermost: Assignments | None = None
    for _ in range(_NESTED):
        flow = Flow(code, span)
        reach = Reach(flow)
        assignments = Assignments(code, flow, reach.dominators)
        outermost = outermost or assignments
        block = flow.block_of(code.target)
        if block is None:
            complete = False
            break
        formulas = reach.formulas(block)
        complete = complete and reach.complete
        passed = (
            frozenset(reach.dominators.chain(flow.entry, block)) if reach.dominators.reaches(block) else frozenset()
        )
        held += _conditions(code, formulas, assignments, passed)
        whole = next(each for each in block.spans() if each[0] <= code.target < each[1])
        operands, inner, decided = decisions(code.tokens, whole, code.target)
        complete = complete and decided
        held += [_operand(code, operand, value, assignments) for operand, value in operands]
        if inner is None:
            break
        span = inner
    else:
        complete = False
    held += _argument(code, assignments)
    assert outermost is not None  # noqa: S101 - the loop ran
    fitting = [each for each in held if len(each.condition.expression) <= LONGEST]
    return fitting, complete and len(fitting) == len(held), outermost


def _conditions(
    code: Code, formulas: Sequence[Formula], assignments: Assignments, passed: frozenset[Block]
) -> list[Held]:
    """Return formulas as conditions; control passes the blocks `passed` on each way to the call."""
    result: dict[tuple[str, bool, int], Held] = {}
    for each in formulas:
        formula = Exit(each.said, each.said) if isinstance(each, Exit) else each
        expression, negated = _text(code, formula)
        spans = tuple(_spans(formula))
        condition = Condition(
            _kind(code, formula, passed),
            expression,
            negated,
            _line(code, formula),
            _unchanged(code, spans, assignments),
        )
        result.setdefault((expression, negated, condition.line), Held(condition, spans))
    return list(result.values())


def _unchanged(code: Code, spans: Sequence[Span], assignments: Assignments) -> tuple[str, ...]:
    names = {name: span for span in spans for name in names_in(code, span)}
    return tuple(name for name, span in names.items() if assignments.is_unchanged(name, span, code.target))


def _operand(code: Code, span: Span, value: bool, assignments: Assignments) -> Held:
    names = _unchanged(code, [span], assignments)
    line = code.line(span[0])
    return Held(Condition("ternary", code.source(*span), not value, line, names), (span,))


def _takes_condition(macro: str) -> bool:
    """Return whether a macro logs if its argument holds, judged by its name: `WARN` and `KVM_BUG_ON` do."""
    return _WARNS.fullmatch(macro) is not None or (
        NAME.fullmatch(macro) is not None and any(part in macro for part in _WARNS_ON)
    )


def _argument(code: Code, assignments: Assignments) -> list[Held]:
    """Return the condition that a log call has as an argument: `WARN(condition, "…")`."""
    name = code.tokens[code.target].text
    opening = code.target + 1
    if not _takes_condition(name) or code.tokens[opening].text != "(":
        return []
    given = arguments(code.tokens, opening)
    # `WARN(condition, "…")` and `VM_BUG_ON_PAGE(condition, page)`, but `drm_WARN(device, condition, "…")`.
    texts = [at for at, (low, high) in enumerate(given) if any(_is_text(code, each) for each in range(low, high))]
    position = 0 if name.isupper() else texts[0] - 1 if texts else len(given) - 1
    if position < 0 or position >= len(given) or position in texts:
        return []
    span = given[position]
    expression = code.source(*span)
    if expression in ("1", "true"):
        return []
    names = _unchanged(code, [span], assignments)
    return [Held(Condition("macro", expression, False, code.line(span[0]), names), (span,))]


def _is_text(code: Code, at: int) -> bool:
    return code.tokens[at].text.startswith('"')


def _spans(formula: Formula) -> list[Span]:
    match formula:
        case Literal(branch, _):
            return [branch.span]
        case Exit(literals, _):
            return [literal.branch.span for literal in literals]
        case AnyOf(ways, _):
            return [span for way in ways for each in way for span in _spans(each)]


def _kind(code: Code, formula: Formula, passed: frozenset[Block]) -> str:
    match formula:
        case Literal(branch, _):
            if contains(branch.inside, code.target):
                return "case" if branch.kind == "switch" else branch.kind
            if branch.kind == "loop":
                return "loop"
            return "guard" if branch.kind == "switch" or branch.following in passed else "label"
        case Exit():
            return "guard"
        case AnyOf(_, label):
            return label.label if label.label in ("case", "loop") else "label"


def _line(code: Code, formula: Formula) -> int:
    match formula:
        case Literal(branch, outcome):
            if isinstance(outcome, frozenset) and DEFAULT not in outcome:
                return branch.case_lines[max(outcome)]
            return code.line(branch.span[0])
        case Exit(literals, _):
            return code.line(literals[-1].branch.span[0])
        case AnyOf(ways, label):
            lines = [_line(code, each) for way in ways for each in way]
            return code.line(label.at) if label.at >= 0 else max(lines)


def _text(code: Code, formula: Formula, dated: Set[str] | None = None) -> tuple[str, bool]:
    """Return the expression of a formula, and whether it is negated.

    For the expressions in `dated`, a comment names the line; None for those of the formula itself.
    """
    dated = _dated(code, formula) if dated is None else dated
    match formula:
        case Literal(branch, frozenset() as cases):
            return _case_text(code, branch, cases)
        case Literal(branch, outcome):
            return code.source(*branch.span), not outcome
        case Exit((literal,), _):
            expression, negated = _text(code, literal)
            return expression, not negated
        case Exit(literals, _):
            return _all_of(code, literals, dated), True
        case AnyOf(((only,),), _):
            return _text(code, only)
        case AnyOf(ways, _):
            texts = dict.fromkeys(_all_of(code, way, dated) for way in ways)
            return joined(list(texts), "||"), False


def _all_of(code: Code, formulas: Sequence[Formula], dated: Set[str]) -> str:
    return joined(list(dict.fromkeys(_positive(code, each, dated) for each in formulas)), "&&")


def _positive(code: Code, formula: Formula, dated: Set[str]) -> str:
    expression, negated = _text(code, formula, dated)
    text = negation(expression) if negated else expression
    return f"{text} /* line {_line(code, formula)} */" if expression in dated else text


def _dated(code: Code, formula: Formula) -> Set[str]:
    """Return the expressions that a formula evaluates at several places with different values: `err`, `err` again."""
    branches: dict[str, set[Branch]] = {}
    values: dict[str, set[tuple[Outcome, bool]]] = {}
    for literal, is_exit in _literals(formula):
        if not isinstance(literal.outcome, frozenset):
            expression = code.source(*literal.branch.span)
            branches.setdefault(expression, set()).add(literal.branch)
            values.setdefault(expression, set()).add((literal.outcome, is_exit))
    return {each for each in branches if len(branches[each]) > 1 and len(values[each]) > 1}


def _literals(formula: Formula) -> Iterator[tuple[Literal, bool]]:
    """Yield the literals of a formula, and whether an exit consists of them."""
    match formula:
        case Literal():
            yield formula, False
        case Exit(literals, _):
            yield from ((each, True) for each in literals)
        case AnyOf(ways, _):
            for way in ways:
                for each in way:
                    yield from _literals(each)


def _case_text(code: Code, branch: Branch, cases: frozenset[int]) -> tuple[str, bool]:
    """Return the condition of some labels of a `switch`; with `default`, that no other label matches."""
    negated = DEFAULT in cases
    value = code.source(*branch.span)
    numbers = [number for number in range(len(branch.cases)) if (number in cases) != negated]
    if not numbers:
        return "1", False  # only `default`
    return joined([_comparison(value, branch.cases[number]) for number in numbers], "||"), negated


def _comparison(value: str, case: str) -> str:
    operand = value if re.fullmatch(r"[\w.>()\[\]*-]+(?:\([^()]*\))?", value) else f"({value})"
    low, dots, high = case.partition("...")
    if dots:
        return f"({operand} >= {low.strip()} && {operand} <= {high.strip()})"
    return f"{operand} == {case}" if re.fullmatch(r"-?[\w.]+|'.*'|\w+\([^()]*\)", case) else f"{operand} == ({case})"
