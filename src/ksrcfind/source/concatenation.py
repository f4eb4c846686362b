r"""Text that a wrapper function prints directly before and after its caller's format, on the same line.

`acpi_error()` of drivers/acpi/acpica/utxferror.c prints `"ACPI Error: "` with one call, the caller's text with the next
and `" (%8.8X/%s-%u)\n"` with a third.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.regex import regex
from ksrcfind.source.literal import decode
from ksrcfind.source.log_path import LogPath
from ksrcfind.source.tokens import ForwardedFormat, Tokens, is_string
from ksrcfind.source.wrapper_scope import WrapperScope

_LEVEL = regex(r"\x01[0-7]|<[0-7]>")
_CONTINUED = ("\x01c", "<c>")


class Printed(Struct, frozen=True):
    """The log paths of one call in a wrapper function."""

    log_paths: Sequence[LogPath]
    """At least one."""
    guard: str = ""
    """Condition of the call, as in `Wrapper.guards`; empty for an unconditional call."""


def concatenated(printed: Sequence[Printed], wrapper: WrapperScope) -> Iterator[LogPath]:
    """Yield the resolved log paths that print the caller's format, each with the adjacent text of the same function.

    Conditional calls may or may not print together: such a log path is also yielded without the adjacent text.
    """
    before: list[tuple[LogPath, str]] = []
    for one, following in zip_longest(printed, printed[1:]):
        forwarding = [wrapper.resolved(log_path) for log_path in one.log_paths if wrapper.prints_argument(log_path)]
        if not forwarding:
            before = [*before[-1:], (wrapper.resolved(one.log_paths[0]), one.guard)]
            continue
        for second in forwarding:
            last = _with_next(second, following, wrapper) if not one.guard and following is not None else second
            joined = [(text, guard) for first, guard in reversed(before) if (text := _joined(first, last)) is not None]
            if joined and not (joined[0][1] or one.guard):
                joined = joined[:1]
            yield from (text for text, _guard in joined)
            if one.guard or not _is_certain([guard for _text, guard in joined]):
                yield last
        before = []


def _is_certain(guards: Sequence[str]) -> bool:
    """Return whether at least one of several calls happens: one is unconditional, or two are branches of one `if`."""
    return "" in guards or any(f"!{guard}" in guards for guard in guards)


def _with_next(log_path: LogPath, following: Printed, wrapper: WrapperScope) -> LogPath:
    """Return a log path with the text that the next call prints on the same line, if that call is unconditional."""
    if following.guard or any(map(wrapper.prints_argument, following.log_paths)):
        return log_path
    after = wrapper.resolved(following.log_paths[0])
    is_plain = not (after.root.prefix or after.level or after.root.level)
    if not is_plain or _LEVEL.match(_beginning(after.format)):
        return log_path
    return replace(log_path, behind=_without_continuation(after.format), behind_arguments=after.arguments)


def _joined(first: LogPath, second: LogPath) -> LogPath | None:
    """Return one log path for two calls that print on the same line; None if they print on two lines."""
    is_plain = not (first.root.prefix or second.root.prefix or second.level or second.root.level)
    end = _end(first.format, first.arguments)
    if not is_plain or end is None or end.endswith("\n") or _LEVEL.match(_beginning(second.format)):
        return None
    return replace(
        second,
        root=first.root,
        level=first.level,
        format=first.format + _without_continuation(second.format),
        arguments=first.arguments + second.arguments,
        prefix_arguments=(),
    )


def _beginning(tokens: Tokens) -> str:
    """Return the literal text at the beginning of a format, with its level."""
    text = ""
    for token in tokens:
        if not is_string(token):
            break
        text += decode(token)
    return text


def _without_continuation(tokens: Tokens) -> Tokens:
    """Return a format without the `KERN_CONT` at its beginning."""
    if tokens[:1] == ("KERN_CONT",):
        return tokens[1:]
    for count in (1, 2):
        if _beginning(tokens[:count]) in _CONTINUED:
            return tokens[count:]
    return tokens


def _end(tokens: Tokens, values: Sequence[Tokens]) -> str | None:
    """Return the literal text at the end of a format; None if it is unknown."""
    if not tokens or not is_string(last := tokens[-1]):
        return None
    text = decode(last)
    if text == "%s" and values and values[-1] and isinstance(forwarded := values[-1][-1], ForwardedFormat):
        return _end(forwarded.format, forwarded.values)
    return text
