"""One sentence about when a call prints."""

from collections.abc import Sequence

from ksrcfind.conditions.record import Assignment, Circumstances, Condition

_LONGEST = 100  # characters of a quoted expression
_EXITS = 2  # earlier exits that a sentence names


def sentence(found: Circumstances, since: str | None = None) -> str:
    """Return when the call prints, in one sentence for a person: the innermost condition and its assignment.

    `since` is the first release that has the message.
    """
    subject = f"`{found.function}()`" if found.function else "This code"
    held = [each for each in found.conditions if each.kind != "loop"]
    inner = next((each for each in reversed(held) if each.kind != "guard"), None)
    if inner is not None:
        when = f"when {_quoted(inner.text)}{_after(inner, found.assignments)}"
    elif held:
        when = _unless(held)
    elif found.conditions:
        when = _looping(found.conditions[-1])
    else:
        when = "each time it runs" if found.complete else ""
    return f"{subject} prints this{' ' * bool(when)}{when}{f'; since {since}' if since else ''}."


def _looping(loop: Condition) -> str:
    if loop.negated:
        return f"after the loop over {_quoted(loop.expression)}"
    return f"for each round of {_quoted(loop.expression)}"


def _unless(guards: Sequence[Condition]) -> str:
    if len(guards) > _EXITS:
        return f"after {len(guards)} checks passed, the last of them {_quoted(guards[-1].text)}"
    if all(each.negated for each in guards):
        return f"unless {' or '.join(_quoted(each.expression) for each in guards)}"
    return f"when {' and '.join(_quoted(each.text) for each in guards)}"


def _after(inner: Condition, assignments: Sequence[Assignment]) -> str:
    if not assignments or assignments[-1].line > inner.line:
        return ""
    return f", after {_quoted(assignments[-1].text)}"


def _quoted(expression: str) -> str:
    return f"`{shortened(expression)}`"


def shortened(expression: str) -> str:
    """Return an expression that is short enough for a line of text."""
    return expression if len(expression) <= _LONGEST else f"{expression[:_LONGEST]}…"
