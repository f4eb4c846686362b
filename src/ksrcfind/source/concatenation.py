r"""What a wrapper function prints right before and behind the format that it is given, into the same line.

`acpi_error()` of drivers/acpi/acpica/utxferror.c prints `"ACPI Error: "` with one call, the caller's text with the next
and `" (%8.8X/%s-%u)\n"` with a third.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from ksrcfind.source.literal import decode
from ksrcfind.source.log_path import LogPath
from ksrcfind.source.tokens import ForwardedFormat, Tokens, is_string
from ksrcfind.source.wrapper_scope import WrapperScope

_LEVEL = re.compile(r"\x01[0-7]|<[0-7]>")
_CONTINUED = ("\x01c", "<c>")


@dataclass(frozen=True, slots=True)
class Printed:
    """What one call of a wrapper function prints."""

    log_paths: Sequence[LogPath]
    """At least one."""
    guard: str = ""
    """Condition under which the call is made, as `Wrapper.guards` has it; empty if it always is."""


def concatenated(printed: Sequence[Printed], inside: WrapperScope) -> Iterator[LogPath]:
    """Yield, settled, the emissions that hand a format on, with what the same function prints right before and behind.

    Of calls under conditions it is not known which go together, so there an emission also comes without the others.
    """
    before: list[tuple[LogPath, str]] = []
    for one, following in zip_longest(printed, printed[1:]):
        handing = [inside.settled(log_path) for log_path in one.log_paths if inside.hands_on(log_path)]
        if not handing:
            before = [*before[-1:], (inside.settled(one.log_paths[0]), one.guard)]
            continue
        for second in handing:
            last = _with_next(second, following, inside) if not one.guard and following is not None else second
            joined = [(text, guard) for first, guard in reversed(before) if (text := _behind(first, last)) is not None]
            if joined and not (joined[0][1] or one.guard):
                joined = joined[:1]
            yield from (text for text, _guard in joined)
            if one.guard or not _is_certain([guard for _text, guard in joined]):
                yield last
        before = []


def _is_certain(guards: Sequence[str]) -> bool:
    """True if one of several calls is made in any case: without condition, or as the `if` or the `else` of one."""
    return "" in guards or any(f"!{guard}" in guards for guard in guards)


def _with_next(log_path: LogPath, following: Printed, inside: WrapperScope) -> LogPath:
    """The emission with what the next call prints into the same line, if that is certain."""
    if following.guard or any(map(inside.hands_on, following.log_paths)):
        return log_path
    after = inside.settled(following.log_paths[0])
    is_plain = not (after.root.prefix or after.level or after.root.level)
    if not is_plain or _LEVEL.match(_beginning(after.format)):
        return log_path
    return replace(log_path, behind=_without_continuation(after.format), behind_arguments=after.arguments)


def _behind(first: LogPath, second: LogPath) -> LogPath | None:
    """One emission for both if the second goes on in the line of the first."""
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
    """Literal text that a format begins with, its level included."""
    text = ""
    for token in tokens:
        if not is_string(token):
            break
        text += decode(token)
    return text


def _without_continuation(tokens: Tokens) -> Tokens:
    """Take `KERN_CONT` off the beginning of a format."""
    if tokens[:1] == ("KERN_CONT",):
        return tokens[1:]
    for count in (1, 2):
        if _beginning(tokens[:count]) in _CONTINUED:
            return tokens[count:]
    return tokens


def _end(tokens: Tokens, values: Sequence[Tokens]) -> str | None:
    """Literal text that a format ends with; None if it cannot be told."""
    if not tokens or not is_string(last := tokens[-1]):
        return None
    text = decode(last)
    if text == "%s" and values and values[-1] and isinstance(forwarded_formats := values[-1][-1], ForwardedFormat):
        return _end(forwarded_formats.format, forwarded_formats.values)
    return text
