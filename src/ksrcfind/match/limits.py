"""The limits of time: how much work one line may cause, whatever line and formats are.

Work is counted in *steps*: looking at one place of a text is one step; a typed value takes as many as its regular
expression takes at one place, at most. `tests/test_match_bounds.py` tests that the steps are counted, and
`python -m bench.matching --tree DIRECTORY LOG…` measures what they cost. A limit only decides the answer of a line
that somebody constructed for that purpose; `python -m bench.accuracy` must give the same result after a change.
"""

LONGEST = 4096
"""Characters of a line that are read. printk cuts a record at 1 KiB (LOG_LINE_MAX, PRINTKRB_RECORD_MAX)."""

LONGEST_WORD = 128
"""Characters of a word that is looked up in the index."""

LONGEST_NAME = 64
"""Characters of a name that is compared with modules; a module's name has up to 55."""

MOST_VALUES = 128
"""Conversions of a format that are read; anything may follow them. No line of Linux has half as many."""

PATTERN_STEPS = 1 << 16
"""Steps for one pattern in one line: 64 at each place of a record."""

LINE_STEPS = 16 * PATTERN_STEPS
"""Steps for all comparisons with one line; one line in a hundred takes a hundredth of them."""

VALUE_STEPS = 12
"""Steps of a typed value at one place: its characters, at most some hundreds, are read about once."""

SCORE_STEPS = 32
"""Steps for one score; each word of the line takes one more."""

SHAPE_STEPS = 2
"""Steps at each place of a line for finding a value by its shape alone."""

NEIGHBOUR_STEPS = 256
"""Steps for reading a message and its neighbours."""

SHARING_NUMBERS = 3
"""Adjacent numbers that share their digits by backtracking."""

SHARING_WAYS = 1 << 11
"""Ways in which they share them, at most."""

LOOKAHEAD = 16
"""Characters of the literal text behind a value that the value gives back characters for."""

GIVING_BACK = 8
"""Times `VALUE_STEPS` for that: some hundred characters are given back one by one."""

SORTED_FROM = 4096
"""With so many wordings the steps may not suffice for all; the wordings with most bits are compared first."""

HAVING_MOST = 200
"""Messages that are read to find out whether a later tier can beat a wording that fits whole."""

CONTINUED_WORDINGS = 512
"""Wordings of continued lines that are compared with a line. No line of a log has half as many."""

ORDERED_WORDS = 64
"""Words of a line and of a wording whose order is compared."""

COMPARED_WORDS = 1 << 14
"""Pairs of words compared to find misspelt ones; a line and a wording of a hundred words each have fewer."""

NAMES_IN_PREFIX = 64
"""Names that are read in a prefix."""

NAMES_IN_VALUES = 4
"""Names that are read in the values of a line."""

CUT_VALUE = 48
"""Characters of a value that the end of the line cuts off, at most."""

CUT_FIRST_LITERAL = 8
"""Characters of a cut-off literal that a line must show, if the line shows no other literal before it."""

CUT_LATER_LITERAL = 2
"""Characters of a cut-off literal that a line must show, if it shows another literal before it."""

SHORTEST_HALF = 4
"""Characters of each of two words that a line may write as one, without a hyphen, at least."""
