"""What the lines of one boot tell about the machine: code of arch/ runs on its architecture only."""

from dataclasses import dataclass, field

from ksrcfind.batch.answers import Known
from ksrcfind.match.answer import Tier
from ksrcfind.match.evidence import architecture_of

SURE = 0.9
"""Confidence of an answer from which on its call is taken to have run."""

ENOUGH = 3
"""Calls of one architecture, and none of another, that tell which it is."""


@dataclass(slots=True)
class Machine:
    """The machine of one boot, as far as its log was read."""

    _keys: dict[str, set[object]] = field(default_factory=dict)
    """Messages that surely were printed, by the architecture whose code they are of."""
    _told: str | None = None

    @property
    def architecture(self) -> str | None:
        """Its directory of arch/: `x86`; None if the lines so far do not tell."""
        return self._told

    def see(self, known: Known) -> None:
        """Take in the answer to the next line."""
        if known.key is None or known.answer.rivals:
            return
        first = known.answer.matches[0]
        if first.tier is not Tier.EXACT or first.confidence < SURE:
            return
        architecture = architecture_of(first.message)
        if architecture is None:
            return
        keys = self._keys.setdefault(architecture, set())
        if len(keys) < ENOUGH:
            keys.add(known.key)
            self._told = architecture if len(self._keys) == 1 and len(keys) == ENOUGH else None
