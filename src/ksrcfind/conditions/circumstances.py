"""The circumstances of a call: `circumstances` returns the conditions, assignments and switches from a file's bytes."""

from collections.abc import Iterable, Sequence

from ksrcfind.conditions.assignments import of_conditions
from ksrcfind.conditions.configuration import runtime_switches, symbols
from ksrcfind.conditions.function_tokens import Code, code_around
from ksrcfind.conditions.held import held_at_call
from ksrcfind.conditions.macros import MacroBody, in_macros
from ksrcfind.conditions.record import CONTEXT, Assignment, Circumstances, Excerpt


def circumstances(
    data: bytes,
    line_start: int,
    line_end: int,
    call: str,
    function: str | None,
    *,
    built_by: Iterable[str] = (),
    macro: MacroBody | None = None,
) -> Circumstances | None:
    """Return the circumstances of a call in a file's bytes; None if it is not in a function.

    `line_start` and `line_end` are the 1-based lines of the call, `call` the name as written, `built_by` the
    configuration symbols that build the file. The conditions in `macro` are added. This takes about 1 ms for 1,000
    tokens of the function.
    """
    code = code_around(data, line_start, call)
    if code is None:
        return None
    held, complete, assignments = held_at_call(code)
    if not complete and code.uncertain:
        # With an early exit in the first branch of an `#if`, the call is out of reach: skip such branches.
        bare = code_around(data, line_start, call, whole=False)
        if bare is not None:
            others, _, other_assignments = held_at_call(bare)
            if len(others) > len(held) and not _has_braces(code):
                code, held, assignments = bare, others, other_assignments
    conditions = [each.condition for each in held]
    if macro is not None:
        guessed = any(each.kind == "macro" for each in conditions)
        if not guessed or code.tokens[code.target].text == macro.name:
            added, decided = in_macros(macro, code, data)
            if added:
                conditions = [each for each in conditions if each.kind != "macro"] + added
            complete = complete and (decided or guessed)
    inner = next((each for each in reversed(held) if each.condition.kind != "loop"), None)
    last = of_conditions(assignments, code, inner.spans) if inner is not None else []
    return Circumstances(
        function,
        tuple(conditions),
        complete,
        tuple(Assignment(each.name, each.expression(code), code.line(each.at)) for each in last),
        symbols(code.switches, conditions, built_by),
        runtime_switches(code, call, conditions),
        (code.first_line, code.last_line),
        (line_start, line_end),
    )


def _has_braces(code: Code) -> bool:
    """Return whether code of other configurations has braces, without which blocks would not fit."""
    return any(code.is_uncertain(at) for at, token in enumerate(code.tokens) if token.text in "{}")


def excerpt(lines: Sequence[str], found: Circumstances, around: int | None = CONTEXT) -> Excerpt:
    """Return the lines around a call, `around` before and after it; None: the whole function."""
    first, last = found.function_lines
    start, end = found.call_lines
    if around is not None:
        first, last = max(start - around, 1), end + around
    last = min(last, len(lines) - (not lines[-1]) if lines else 0)
    marked = {*range(start, end + 1), *(condition.line for condition in found.conditions)}
    marked |= {assignment.line for assignment in found.assignments}
    return Excerpt(
        first, tuple(lines[first - 1 : last]), tuple(sorted(each for each in marked if first <= each <= last))
    )
