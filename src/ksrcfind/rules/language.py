"""The language of a printed line: all texts that a line of a message can have in a log."""

from functools import lru_cache

from ksrcfind.match.conversions import Text, Typed, shape_of
from ksrcfind.rules.expression import (
    ANY,
    DIGITS,
    Chars,
    Choice,
    ExpressionError,
    Node,
    Repeat,
    Sequence,
    mask_of,
    parsed,
)
from ksrcfind.rules.program import ACCEPT, START, Program
from ksrcfind.source.template import Conversion, pieces

WIDE = 40
"""A value whose characters are out of a set of more than this many is text: a name, a symbol."""
SHORT = 4
"""Repetitions of a value's characters that are counted; more are any number, which keeps programs small."""

LITERAL, TYPED, FREE = 0, 1, 2
"""What prints a character: text of the message, a value with a type such as a number, a value that can be text."""

Position = tuple[int, int]
"""A piece of the line and a position in it."""
Edge = tuple[int, Position, int]
"""Characters that can be next, the position behind them, and what prints them (`LITERAL`, `TYPED`, `FREE`)."""


class Line:
    """The texts of one printed line; edges are made when a search gets to a position."""

    def __init__(self, printed: str) -> None:
        self.pieces: tuple[str | Program, ...] = tuple(
            piece if isinstance(piece, str) else value_program(piece) for piece in pieces(printed)
        )
        self._edges: dict[Position, tuple[tuple[Edge, ...], bool]] = {}

    @property
    def start(self) -> Position:
        """The position before the first character."""
        return self._piece(0)

    def edges(self, position: Position) -> tuple[tuple[Edge, ...], bool]:
        """Return the edges that leave a position, and whether the line can end there."""
        known = self._edges.get(position)
        if known is None:
            known = self._edges[position] = self._leaving(position)
        return known

    def _piece(self, number: int) -> Position:
        piece = self.pieces[number] if number < len(self.pieces) else ""
        return number, 0 if isinstance(piece, str) else piece.start

    def _leaving(self, position: Position) -> tuple[tuple[Edge, ...], bool]:
        number, within = position
        if number == len(self.pieces):
            return (), True
        piece = self.pieces[number]
        if isinstance(piece, str):
            after = (number, within + 1) if within + 1 < len(piece) else self._piece(number + 1)
            return ((_bit(piece[within]), after, LITERAL),), False
        edges: list[Edge] = []
        ends = False
        for step, _ in piece.steps(within, START):
            if step == ACCEPT:
                more, ends = self.edges(self._piece(number + 1))
                edges += more
            else:
                mask = piece.masks[step]
                kind = FREE if mask.bit_count() > WIDE else TYPED
                edges.append((mask, (number, piece.following(step)), kind))
        return tuple(edges), ends


@lru_cache(maxsize=256)
def _bit(character: str) -> int:
    return mask_of(character)


@lru_cache(maxsize=8192)
def value_program(conversion: Conversion) -> Program:
    """Return the texts that a conversion can print, or more."""
    shape = shape_of(conversion)
    node: Node
    if isinstance(shape, Text):
        node = Repeat(Chars(ANY if shape.blanks else ANY & ~mask_of(" ")), 0, None)
    else:
        node = _typed(shape)
    return Program(node)


def _typed(shape: Typed) -> Node:
    try:
        return _shortened(parsed(shape.regex).node)
    except ExpressionError:  # A shape that these dialects do not have.
        return Repeat(Chars(ANY), 0, None)


def _shortened(node: Node) -> Node:
    """Return a node that accepts at least the same texts and has few repetitions."""
    if isinstance(node, Sequence):
        return Sequence(tuple(map(_shortened, node.parts)))
    if isinstance(node, Choice):
        return Choice(tuple(map(_shortened, node.parts)))
    if isinstance(node, Repeat):
        part = _shortened(node.part)
        if node.most is None or node.most > SHORT:
            return Repeat(part, min(node.least, SHORT), None)
        return Repeat(part, node.least, node.most)
    if isinstance(node, Chars):
        return node
    return Sequence(())  # A value ends where its line goes on.


def is_digit(mask: int) -> bool:
    """Return whether a digit is among some characters."""
    return bool(mask & DIGITS)
