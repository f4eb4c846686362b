"""Find a machine's architecture from the lines of one boot: code of arch/ runs only on its own architecture."""

from dataclasses import dataclass, field

from ksrcfind.batch.answer_cache import CachedAnswer

ENOUGH = 3
"""Number of different calls of one architecture, and none of another, that decide."""


@dataclass(slots=True)
class Machine:
    """Finds the architecture of the machine of one boot from the lines so far."""

    architecture: str | None = None
    """The machine's directory below arch/, such as `x86`; None if unknown."""
    _keys: dict[str, set[object]] = field(default_factory=dict)
    """Architecture → keys of messages of its code that were certainly printed."""

    def observe(self, answer: CachedAnswer) -> None:
        """Use the answer to the next line as evidence for an architecture."""
        if answer.architecture is None:
            return
        keys = self._keys.setdefault(answer.architecture, set())
        if len(keys) < ENOUGH:
            keys.add(answer.key)
            self.architecture = answer.architecture if len(self._keys) == 1 and len(keys) == ENOUGH else None
