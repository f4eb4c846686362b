"""The names that drivers register: texts of a structure's field, in the initialisers of the whole tree.

The core of a subsystem prints `sht->name`, and the name is in the `struct scsi_host_template` of a driver. The facts of
a file have the texts of its structures (`registered`); `Registrations` collects those of one structure and field.
"""

from collections.abc import Iterator, Sequence

from ksrcfind.regex import regex
from ksrcfind.source.facts import Macro
from ksrcfind.source.literal import STRING
from ksrcfind.source.program import FileScope, Program
from ksrcfind.source.substitute import ArgumentTokensRequiredError, substitute
from ksrcfind.source.text_pools import PoolText
from ksrcfind.source.tokens import Tokens, closing, is_name, split, text_of, tokenize

_MOST_NAMES = 256
"""Names of one structure; those of a structure with more, as `struct platform_device`, tell nothing."""

_DEPTH = 4  # macros within each other
_LITERALS = regex(rf"(?:{STRING}\s*+)++")


class Registrations:
    """Finds the texts of a field in all initialisers of a structure."""

    def __init__(self, program: Program) -> None:
        """Take the files of a tree."""
        self._program = program
        self._known: dict[tuple[str, str], Sequence[PoolText]] = {}

    def texts(self, structure: str, field: str) -> Sequence[PoolText]:
        """Return the different texts that initialisers give to a field; none if there are too many of them."""
        known = self._known.get((structure, field))
        if known is None:
            found: dict[PoolText, None] = {}
            for number in self._program.registering(structure):
                for name in self._of_file(number, structure, field):
                    found[PoolText(name, is_piece=False)] = None
            known = self._known[structure, field] = tuple(found) if len(found) <= _MOST_NAMES else ()
        return known

    def _of_file(self, number: int, structure: str, field: str) -> Iterator[str]:
        """Yield the texts of the initialisers of one file, as string literals."""
        scope = self._program.scope(number)
        for of_structure, of_field, source in self._program.facts(number).registered:
            if of_structure == structure and of_field in (field, ""):
                tokens = tuple(tokenize(source))
                value = tokens if of_field else _field_in(tokens, field, scope, _DEPTH)
                text = _literal(value, scope, _DEPTH)
                if text:
                    yield text


def _field_in(tokens: Tokens, field: str, scope: FileScope, depth: int) -> Tokens:
    """Return the value that a macro gives to a field: `AHCI_SHT("ahci")` contains `.name = "ahci"`; () for none."""
    for index, token in enumerate(tokens):
        if token == "." and tokens[index + 1 : index + 3] == (field, "="):
            return tuple(split(tokens[index + 3 :])[0])
        if depth > 0 and is_name(token) and tokens[index + 1 : index + 2] == ("(",):
            given = [tuple(part) for part in split(tokens[index + 2 : closing(tokens, index + 1)])]
            for body in _bodies(str(token), given, scope):
                if value := _field_in(body, field, scope, depth - 1):
                    return value
    return ()


def _bodies(name: str, given: Sequence[Tokens], scope: FileScope) -> Iterator[Tokens]:
    """Yield the bodies of a function-like macro with its arguments."""
    for definition in scope.macros(name):
        if isinstance(definition.item, Macro) and definition.item.parameters is not None:
            try:
                yield tuple(substitute(definition.item, given))
            except ArgumentTokensRequiredError:
                continue


def _literal(tokens: Tokens, scope: FileScope, depth: int) -> str:
    """Return string literals for a value, names of macros replaced; empty if it is anything else."""
    source = text_of([token for token in tokens if isinstance(token, str)])
    if _LITERALS.fullmatch(source):
        return source
    if source == "KBUILD_MODNAME":
        return f'"{scope.module}"' if scope.module else ""
    if depth <= 0 or len(tokens) != 1 or not is_name(tokens[0]):
        return ""
    bodies = [definition.item.body for definition in scope.macros(source) if isinstance(definition.item, Macro)]
    return _literal(tuple(tokenize(bodies[0])), scope, depth - 1) if len(bodies) == 1 else ""
