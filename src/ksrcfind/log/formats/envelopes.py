"""Prefixes around log lines of any format: quotes, container runtimes, CI systems, terminal programs.

Sources: docker `logs --timestamps` and `compose logs`, the CRI log format (kubernetes/design-proposals,
kubelet-cri-logging.md), `kubectl logs --prefix`, GitHub's raw job logs and `gh run view --log`, GitLab Runner's
FF_TIMESTAMPS, Jenkins' Timestamper, Zuul's console log, the time stamps of minicom, tio and moreutils' `ts`.

Several may be nested. The ambiguous ones are tentative: they are removed only if a log format follows, so that no
message loses its beginning. `FALLBACKS` are tried when no log format matches.
"""

import re

from ksrcfind.log.formats.grammar import DIGITS, ISO, Fields, Grammar, Layer, instant, nothing
from ksrcfind.regex import regex


def _time(match: re.Match[str]) -> Fields:
    return {"time": instant(match[1]), "wallclock": match[1]}


_NAME_STARTS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + DIGITS

_CLOSING = {"`": "`", '"': '"', "'": "'", "“": "”", "‘": "’", "**": "**", "```": "```"}
_QUOTED = regex(r"(?:(?:[-*+>]|\d{1,2}[.)]) {1,3})*+(```|`|\*\*(?=\S)|[\"'“‘])")


_OPENERS = frozenset(" -*+>`\"'“‘" + DIGITS)  # characters with which `_QUOTED` can begin


def unquoted(text: str) -> str:
    """Return a line without the quotation marks or the Markdown around the whole of it."""
    if text[:1] not in _OPENERS:
        return text
    for _ in range(MOST_QUOTES):
        opening = _QUOTED.match(text)
        if opening is None:
            break
        closing = _CLOSING[opening[1]]
        inside = text[opening.end() :].rstrip().removesuffix(".")
        if not inside.endswith(closing) or opening[1] in inside[: -len(closing)] or closing in inside[: -len(closing)]:
            break
        text = inside.removesuffix(closing)
    return text


MOST_QUOTES = 3
"""Nested quotation marks that are removed from one line."""

GRAMMARS = (
    # No message begins with `> `; some begin with `>>>`. A quoted row of a stack keeps its blank.
    Grammar("quote", Layer.WRAPPER, "> \t", regex(r"[ \t]{0,8}(?:> )++"), nothing, "RFC 3676, section 4.5"),
    Grammar(
        "quote",
        Layer.WRAPPER,
        ">| \t",
        regex(r"(?:[ \t]*+[>|])*+[ \t]*+(?=\S)"),
        nothing,
        "RFC 3676, section 4.5; Markdown code blocks; tables",
        tentative=True,
    ),
    Grammar(
        "gitlab",
        Layer.WRAPPER,
        DIGITS,
        # Time, number of the stream, O or E, and `+` if the line continues the one before.
        regex(rf"({ISO}) [0-9a-f]{{2}}[OE](?: |\+|$)"),
        _time,
        "GitLab Runner, FF_TIMESTAMPS",
    ),
    Grammar(
        "cri",
        Layer.WRAPPER,
        DIGITS,
        regex(rf"({ISO}) std(?:out|err) [FP](?: |$)"),
        _time,
        "kubelet-cri-logging.md",
    ),
    Grammar(
        "github",
        Layer.WRAPPER,
        DIGITS,
        regex(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z)(?: |$)"),
        _time,
        "GitHub Actions and Azure Pipelines, raw job log",
    ),
    Grammar(
        "docker",
        Layer.WRAPPER,
        DIGITS,
        regex(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d))(?: |$)"),
        _time,
        "docker logs --timestamps; kubectl logs --timestamps",
    ),
    Grammar(
        "kubectl",
        Layer.WRAPPER,
        "[",
        regex(r"\[pod/[^\]\s]{1,260}\] ?"),
        nothing,
        "kubectl logs --prefix",
    ),
)

FALLBACKS = (
    Grammar(
        "github",
        Layer.WRAPPER,
        _NAME_STARTS,
        regex(r"[^\t\n]{1,200}\t[^\t\n]{1,200}\t\ufeff?(?=\d{4}-\d\d-\d\dT)"),
        nothing,
        "gh run view --log",
    ),
    # A container's name ends in a number.
    Grammar(
        "docker",
        Layer.WRAPPER,
        _NAME_STARTS,
        regex(r"[A-Za-z0-9][\w.-]{0,80}[_-]\d{1,4} {1,40}\| "),
        nothing,
        "docker compose logs",
    ),
    Grammar(
        "docker",
        Layer.WRAPPER,
        _NAME_STARTS,
        regex(r"[A-Za-z0-9][\w.-]{0,80}+ {1,40}\| "),
        nothing,
        "docker compose logs",
        tentative=True,
    ),
    Grammar(
        "timestamped",
        Layer.WRAPPER,
        "[",
        regex(r"\[((?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)\] "),
        _time,
        "Jenkins Timestamper, minicom, tio",
        tentative=True,
    ),
    Grammar(
        "timestamped",
        Layer.WRAPPER,
        DIGITS,
        regex(r"((?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?) {1,4}(?:\| (?:\S{1,80} \| )?)?"),
        _time,
        "Jenkins Timestamper, Zuul, ts",
        tentative=True,
    ),
    Grammar(
        "quote",
        Layer.WRAPPER,
        "-*+" + DIGITS,
        regex(r"(?:[-*+]|\d{1,2}[.)]) {1,3}(?=\S)"),
        nothing,
        "CommonMark, section 5.2, list items",
        tentative=True,
    ),
    # Any other time before a text.
    Grammar(
        "timestamped",
        Layer.WRAPPER,
        DIGITS,
        # Without a zone.
        regex(r"((?:\d{4}[-/]\d\d[-/]\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?) (?=[A-Za-z])"),
        _time,
        "Common templates of loggers",
    ),
    Grammar("timestamped", Layer.WRAPPER, DIGITS, regex(rf"({ISO})(?: |$)"), _time, "RFC 3339"),
)
