"""Find a machine's architecture from the lines of one boot: code of arch/ runs only on its own architecture."""

from dataclasses import dataclass, field

from ksrcfind.batch.answer_cache import CachedAnswer

ENOUGH = 3
"""This many calls of one architecture, and none of another, decide."""


@dataclass(slots=True)
class Machine:
    """The machine of one boot, as far as the lines so far reveal it."""

    architecture: str | None = None
    """Its directory of arch/: `x86`; None if unknown."""
    _keys: dict[str, set[object]] = field(default_factory=dict)
    """Architecture → messages of its code that were certainly printed."""

    def observe(self, answer: CachedAnswer) -> None:
        """Use the answer to the next line as evidence."""
        if answer.architecture is None:
            return
        keys = self._keys.setdefault(answer.architecture, set())
        if len(keys) < ENOUGH:
            keys.add(answer.key)
            self.architecture = answer.architecture if len(self._keys) == 1 and len(keys) == ENOUGH else None
