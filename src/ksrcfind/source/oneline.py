"""What a wrapper function prints right before the format that it is given, into the same line.

`acpi_info()` of drivers/acpi/acpica/utxferror.c prints `"ACPI: "` with one call and the caller's text with the next.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ksrcfind.source.emission import Emission, Handed
from ksrcfind.source.inside import Inside
from ksrcfind.source.substitute import Tokens
from ksrcfind.source.tokens import decode, is_string

_LEVEL = re.compile(r"\x01[0-7]|<[0-7]>")
_CONTINUED = ("\x01c", "<c>")


def in_one_line(printed: Sequence[Sequence[Emission]], inside: Inside) -> Iterator[Emission]:
    """Yield, settled, the emissions that hand a format on, with what the same function prints right before.

    `printed` has a group of emissions for each call of the function. Which of its branches go together is not known,
    so each emission also comes alone.
    """
    before: list[Emission] = []
    for group in printed:
        handing = [inside.settled(emission) for emission in group if inside.hands_on(emission)]
        if not handing:
            before = [*before[-1:], inside.settled(group[0])]
            continue
        for second in handing:
            yield from (joined for first in reversed(before) if (joined := _behind(first, second)) is not None)
        yield from handing
        before = []


def _behind(first: Emission, second: Emission) -> Emission | None:
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
        text += decode(str(token))
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
    last = tokens[-1] if tokens else None
    if not is_string(last):
        return None
    text = decode(str(last))
    if text == "%s" and values and values[-1] and isinstance(handed := values[-1][-1], Handed):
        return _end(handed.format, handed.values)
    return text
