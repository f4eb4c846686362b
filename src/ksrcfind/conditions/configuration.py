"""What a call depends on besides its function: configuration symbols, and switches at run time."""

from collections.abc import Iterable, Iterator, Sequence

from ksrcfind.conditions.expression import arguments
from ksrcfind.conditions.function_tokens import Code, Switch
from ksrcfind.conditions.record import Condition, Symbol
from ksrcfind.regex import regex

_SYMBOL = regex(
    r"(!?)\s*+(?:(?:defined\s*+\(?+|IS_(?:ENABLED|BUILTIN|MODULE|REACHABLE)\s*+\()\s*+)?((?:CONFIG_)?\w+)\s*+\)?"
)
_ENABLED = regex(r"(?:(!)\s*+)?IS_(?:ENABLED|BUILTIN|MODULE|REACHABLE)\((CONFIG_\w++)\)")
_DYNAMIC_DEBUG = regex(
    r"(?:pr_debug|(?:dev|netdev|netif|wiphy|hid|pci|ibdev|net)_dbg)(?:_ratelimited|_once)?|print_hex_dump_debug|"
    r"drm_dbg\w*|DRM_DEBUG\w*|DRM_DEV_DEBUG\w*"
)
_DRM = regex(r"drm_dbg\w*|DRM_DEBUG\w*|DRM_DEV_DEBUG\w*")
_ONCE = regex(r"_(?:once|ONCE)(?:_\w|\Z)")
_NETIF = regex(r"netif_(?:emerg|alert|crit|err|warn|notice|info|dbg|vdbg|printk|level)|netif_cond_dbg")
_RATE_LIMIT_IN_CONDITION = regex(r"\b(?:net_ratelimit|printk_ratelimit|__ratelimit|___ratelimit)\b")
_NETIF_IN_CONDITION = regex(r"\bnetif_msg_\w+")


def symbols(switches: Iterable[Switch], conditions: Iterable[Condition], built_by: Iterable[str]) -> tuple[Symbol, ...]:
    """Return the configuration symbols of a call: of its file, of the `#if` around it, of its conditions."""
    found = [Symbol(symbol, False, None) for symbol in built_by]
    for switch in switches:
        found += _of_switch(switch)
    for condition in conditions:
        alone = (
            condition.kind != "label"
            and "||" not in condition.expression
            and not (condition.negated and "&&" in condition.expression)
        )
        for match in _ENABLED.finditer(condition.expression) if alone else ():
            found.append(Symbol(match[2], bool(match[1]) != condition.negated, condition.line))
    return tuple(dict.fromkeys(found))


def _of_switch(switch: Switch) -> Iterator[Symbol]:
    """Yield the symbols of an `#if` that must be set or must not be; the whole expression if it is not that simple."""
    separator = "||" if switch.negated else "&&"
    parts = [part.strip() for part in switch.expression.split(separator)]
    matches = [_SYMBOL.fullmatch(part) for part in parts]
    if not all(matches):
        yield Symbol(switch.expression, switch.negated, switch.line)
        return
    for match in matches:
        if match is not None and match[2] not in ("0", "1"):
            yield Symbol(match[2], bool(match[1]) != switch.negated, switch.line)


def runtime_switches(code: Code, call: str, conditions: Sequence[Condition]) -> tuple[str, ...]:
    """Return what can silence the call at run time, although its conditions hold."""
    found: list[str] = []
    limits_rate = "ratelimit" in call or "RATELIMIT" in call
    if limits_rate or any(_RATE_LIMIT_IN_CONDITION.search(each.expression) for each in conditions):
        found.append("ratelimited")
    if _ONCE.search(call):
        found.append("once")
    if _DYNAMIC_DEBUG.fullmatch(call):
        found.append("drm.debug" if _DRM.fullmatch(call) else "dynamic_debug")
    if _NETIF.fullmatch(call) and code.tokens[code.target + 1].text == "(":
        given = arguments(code.tokens, code.target + 1)
        kinds = [code.source(*span) for span in given[1:3] if span[1] - span[0] == 1]
        kind = next((each for each in kinds[call in ("netif_printk", "netif_level") :] if each.isidentifier()), None)
        found += [f"netif_msg_{kind}"] if kind else []
    for condition in conditions:
        found += _NETIF_IN_CONDITION.findall(condition.expression) if not condition.negated else []
    return tuple(dict.fromkeys(found))
