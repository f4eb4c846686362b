"""Expansions of calls, remembered by shape: a call of `dev_err` with three arguments is followed once for all files.

What was found holds in every file in which the names that were consulted on the way mean the same. Names are consulted
thousands of times for macros such as `min()` or `unlikely()` that log nothing: of these one look is enough too, also
where they stand inside of other macros.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ksrcfind.source.expand import Expander
from ksrcfind.source.log_path import LogPath
from ksrcfind.source.program import DefinitionKey, FileScope
from ksrcfind.source.substitute import ArgumentTokensRequiredError
from ksrcfind.source.tokens import ArgumentPlaceholder, Tokens

_NESTED = 16  # shapes that are found out inside of one another


@dataclass(frozen=True, slots=True)
class Undecided:
    """The outcome of an expansion that stopped where the tokens of an argument decide."""

    argument: int | None
    """Index of the argument to look into; None if no argument's tokens would decide it."""


Outcome = list[LogPath] | Undecided
"""What an expansion found: the emissions, or that it could not go on."""


@dataclass(frozen=True, slots=True)
class CallSignature:
    """How calls of one shape expand, wherever the names consulted mean the same."""

    dependencies: Mapping[str, DefinitionKey]
    cross_file_dependencies: frozenset[str]
    """Names consulted in the files of wrapper functions."""
    outcome: Outcome


_Key = tuple[str, int, tuple[tuple[int, Tokens], ...], tuple[int, ...]]


class SignatureCache:
    """Knows shapes. One for a tree."""

    def __init__(self) -> None:
        """Know none yet."""
        self._found: dict[_Key, list[CallSignature]] = {}
        self._looking: set[_Key] = set()

    def signature(
        self,
        scope: FileScope,
        name: str,
        count: int,
        concrete: Mapping[int, Tokens],
        constants: tuple[int, ...] = (),
    ) -> CallSignature:
        """How a call of `name` with `count` arguments expands.

        `concrete` gives those that must be looked into; `constants` tells which others are made of constants.
        """
        key = (name, count, tuple(sorted(concrete.items())), constants)
        known = scope.signatures.get(key)
        if known is None:
            known = scope.signatures[key] = self._elsewhere(scope, key) or self._expand(scope, key, concrete)
        return known

    def never_logs(self, scope: FileScope, name: str, count: int) -> CallSignature | None:
        """The shape of a call that logs nothing by itself, whatever its arguments are; None for any other call."""
        key = (name, count, (), ())
        if key in self._looking or len(self._looking) > _NESTED:
            return None
        signature = self.signature(scope, name, count, {})
        return signature if signature.outcome == [] else None

    def _elsewhere(self, scope: FileScope, key: _Key) -> CallSignature | None:
        for signature in self._found.get(key, ()):
            if all(
                scope.definition_key(name) == definition_key for name, definition_key in signature.dependencies.items()
            ):
                return signature
        return None

    def _expand(self, scope: FileScope, key: _Key, concrete: Mapping[int, Tokens]) -> CallSignature:
        name, count, _concrete, constants = key
        slots: list[Tokens] = [
            tuple(
                token
                for part in concrete.get(index, (ArgumentPlaceholder(index, index in constants),))
                for token in (concrete.get(part.index, (part,)) if isinstance(part, ArgumentPlaceholder) else (part,))
            )
            for index in range(count)
        ]
        expander = Expander(scope, self)
        outcome: Outcome
        self._looking.add(key)
        try:
            outcome = expander.call(name, slots)
        except ArgumentTokensRequiredError as needed:
            outcome = Undecided(needed.index)
        finally:
            self._looking.discard(key)
        dependencies = {other: scope.definition_key(other) for other in expander.dependencies}
        signature = CallSignature(dependencies, frozenset(expander.cross_file_dependencies), outcome)
        self._found.setdefault(key, []).append(signature)
        return signature
