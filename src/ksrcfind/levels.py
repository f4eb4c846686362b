"""The kernel's log levels and the names that people have for them."""

LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
"""Names of the priorities 0–7, the most severe first, as the record has them."""

_NAMES = (
    {name: name for name in LEVELS}
    | {str(number): name for number, name in enumerate(LEVELS)}
    | {"emergency": "emerg", "panic": "emerg", "critical": "crit", "error": "err", "warning": "warn"}
    | {"informational": "info", "dbg": "debug"}
)


def level_named(text: str) -> str | None:
    """Return the level that a person means by a customary name (`warning`, `KERN_ERR`) or a number from 0 to 7.

    Returns None for any other text. Upper and lower case are the same.
    """
    return _NAMES.get(text.strip().lower().removeprefix("kern_"))
