"""A cache of expansions by call signature: a call of `dev_err` with three arguments is expanded once for all files.

An outcome is valid in every file in which the names that the expansion looked up have the same definitions. The cache
also covers calls inside of other macros: `min()` or `unlikely()`, which log nothing, occur thousands of times.
"""

from collections.abc import Mapping

from msgspec import Struct

from ksrcfind.source.expand import Expander
from ksrcfind.source.log_path import LogPath
from ksrcfind.source.program import DefinitionKey, FileScope
from ksrcfind.source.substitute import ArgumentTokensRequiredError
from ksrcfind.source.tokens import ArgumentPlaceholder, Tokens

_NESTED = 16  # signatures that are expanded inside of one another


class Undecided(Struct, frozen=True):
    """The outcome of an expansion that depends on the tokens of an argument."""

    argument: int | None
    """Index of the argument whose tokens are required; None if the tokens of no argument would help."""


Outcome = list[LogPath] | Undecided
"""The result of an expansion: log paths, or the argument whose tokens it requires."""


class CallSignature(Struct, frozen=True):
    """The expansion of calls with one signature, valid where all `dependencies` have these definitions."""

    dependencies: Mapping[str, DefinitionKey]
    cross_file_dependencies: frozenset[str]
    """Names that were looked up in the files of wrapper functions."""
    outcome: Outcome


_Key = tuple[str, int, tuple[tuple[int, Tokens], ...], tuple[int, ...]]
"""A call signature: name, number of arguments, tokens of arguments by index, and indices of constant arguments."""


class SignatureCache:
    """Returns the expansion of a call signature, from the cache where possible. One for a tree."""

    def __init__(self) -> None:
        """Begin with an empty cache."""
        self._signatures: dict[tuple[_Key, DefinitionKey], list[CallSignature]] = {}
        """By signature and definitions of the called name: hundreds of files define a `DBG` of their own."""
        self._expanding: set[_Key] = set()

    def signature(
        self,
        scope: FileScope,
        name: str,
        count: int,
        concrete: Mapping[int, Tokens],
        constants: tuple[int, ...] = (),
    ) -> CallSignature:
        """Return the expansion of a call of `name` with `count` arguments.

        `concrete` has the tokens of arguments by index; `constants` has the indices of others that are constant.
        """
        key = (name, count, tuple(sorted(concrete.items())), constants)
        known = scope.signatures.get(key)
        if known is None:
            known = scope.signatures[key] = self._cached(scope, key) or self._expand(scope, key, concrete)
        return known

    def never_logs(self, scope: FileScope, name: str, count: int) -> CallSignature | None:
        """Return the signature of a call that logs nothing with any arguments; None for other calls."""
        key = (name, count, (), ())
        if key in self._expanding or len(self._expanding) > _NESTED:
            return None
        signature = self.signature(scope, name, count, {})
        return signature if signature.outcome == [] else None

    def _cached(self, scope: FileScope, key: _Key) -> CallSignature | None:
        for signature in self._signatures.get((key, scope.definition_key(key[0])), ()):
            if all(
                scope.definition_key(name) == definition_key for name, definition_key in signature.dependencies.items()
            ):
                return signature
        return None

    def _expand(self, scope: FileScope, key: _Key, concrete: Mapping[int, Tokens]) -> CallSignature:
        name, count, _concrete, constants = key
        arguments: list[Tokens] = [
            tuple(
                token
                for part in concrete.get(index, (ArgumentPlaceholder(index, index in constants),))
                for token in (concrete.get(part.index, (part,)) if isinstance(part, ArgumentPlaceholder) else (part,))
            )
            for index in range(count)
        ]
        expander = Expander(scope, self)
        outcome: Outcome
        self._expanding.add(key)
        try:
            outcome = expander.call(name, arguments)
        except ArgumentTokensRequiredError as needed:
            outcome = Undecided(needed.index)
        finally:
            self._expanding.discard(key)
        dependencies = {other: scope.definition_key(other) for other in expander.dependencies}
        signature = CallSignature(dependencies, frozenset(expander.cross_file_dependencies), outcome)
        self._signatures.setdefault((key, scope.definition_key(name)), []).append(signature)
        return signature
