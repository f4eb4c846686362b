"""The kernel's log levels: their numbers, and their names in code, in logs and in what people type."""

LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
"""Names of the priorities 0–7, the most severe first, as the record has them."""

UNKNOWN_RANK = len(LEVELS)
"""Rank of a level that is unknown, or of a continuation: behind all others."""

CONTINUATION = "cont"
"""The level of a text that continues a line (`KERN_CONT`, `pr_cont`). It has no number."""

LEVEL_OF_CODE = {str(number): level for number, level in enumerate(LEVELS)} | {"c": CONTINUATION}
"""Level by its character in the text of a message: `4` in `\\x014` and `<4>`."""

KERN_MACROS = {f"KERN_{'WARNING' if level == 'warn' else level.upper()}": code for code, level in LEVEL_OF_CODE.items()}
"""Key of `LEVEL_OF_CODE` by the macro of include/linux/kern_levels.h."""

CODE_NAMES = {level: level for level in LEVEL_OF_CODE.values()} | {"error": "err", "warning": "warn"}
"""Level by each name that it has in kernel code: in constants (`LOGLEVEL_ERR`) and functions (`pr_warning`)."""

SYSLOG_NAMES = {level: level for level in LEVELS} | {"warning": "warn", "error": "err", "panic": "emerg"}
"""Level by each name that syslog.h has for its priority."""

_TYPED_NAMES = (
    SYSLOG_NAMES
    | {str(number): level for number, level in enumerate(LEVELS)}
    | {"emergency": "emerg", "critical": "crit", "informational": "info", "dbg": "debug"}
)


def level_named(text: str) -> str | None:
    """Return the level that a person means by a customary name (`warning`, `KERN_ERR`) or a number from 0 to 7.

    Returns None for any other text. Upper and lower case are the same.
    """
    return _TYPED_NAMES.get(text.strip().lower().removeprefix("kern_"))


def rank(level: str | None) -> int:
    """Return the number of a level, 0 for the most severe one; `UNKNOWN_RANK` for a level that is none of `LEVELS`."""
    return _RANKS.get(level, UNKNOWN_RANK) if level is not None else UNKNOWN_RANK


_RANKS = {level: number for number, level in enumerate(LEVELS)}
