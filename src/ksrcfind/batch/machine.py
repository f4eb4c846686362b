"""What the lines of one boot tell about the machine: code of arch/ runs on its architecture only."""

from dataclasses import dataclass, field

from ksrcfind.batch.answer_cache import CachedAnswer

ENOUGH = 3
"""Calls of one architecture, and none of another, that tell which it is."""


@dataclass(slots=True)
class Machine:
    """The machine of one boot, as far as its log was read."""

    architecture: str | None = None
    """Its directory of arch/: `x86`; None if the lines so far do not tell."""
    _keys: dict[str, set[object]] = field(default_factory=dict)
    """Messages that surely were printed, by the architecture whose code they are of."""

    def see(self, known: CachedAnswer) -> None:
        """Take in what is known of the next line."""
        if known.architecture is None:
            return
        keys = self._keys.setdefault(known.architecture, set())
        if len(keys) < ENOUGH:
            keys.add(known.key)
            self.architecture = known.architecture if len(self._keys) == 1 and len(keys) == ENOUGH else None
