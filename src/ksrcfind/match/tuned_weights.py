"""The weights and thresholds that decide an answer, tuned together on labelled lines.

Unless an entry says otherwise, weights are bits of information: a message with one bit more is taken to be twice as
likely. A *share* is a part of a whole, from 0 to 1. A change of one of them is judged by three commands, described in
docs/accuracy.md:

- `python -m bench.accuracy --tree NAME=DIRECTORY LABELS.jsonl`: how many first answers are right. It judges every
  number here; with `--agreement` also those of the section on candidates, which must be the same without an index.
- `python -m bench.accuracy.left_out --tree DIRECTORY LOG…`: how many lines that no call of the tree printed get an
  answer nevertheless. It judges the sections on sufficiency and confidence.
- `python -m bench.matching --tree DIRECTORY LOG…`: lines per second. It judges the section on candidates, for speed.

The numbers that only limit time are in `match.limits`; the weights of single words are in `match.word_weights`.
"""

from ksrcfind.match.answer import Tier

# --- What a piece of text is worth ------------------------------------------------------------------------------------

UNCOMMON_WORD = 14.0
"""A word of a format that is outside the kernel's usual vocabulary, as if one message in 16,000 had it."""

UNKNOWN_WORD = 5.0
"""A word of the line that is outside the kernel's usual vocabulary: mostly a name or a value."""

PUNCTUATION = 0.5
"""A punctuation mark of a format."""

PUNCTUATION_MOST = 12.0
"""All punctuation marks of a wording together, at most."""

GLUED_WORD = 0.7
"""Share of a word's bits that counts if the word touches a value: `host%d`."""

NUMBER_VALUE = 2.0
"""A number of any size as a value."""

NUMBER_PREFIX = 2.0
"""The prefix `0x` of a number."""

NUMBER_DIGIT = 0.75
"""Each further digit that a number must have: `%08x`."""

TYPED_MOST = 10.0
"""One value of the right type, at most."""

DISTINCTIVE_SHAPE = 8.0
"""A value worth this much is recognised by its shape alone: an address, a UUID, a PCI resource."""

# --- Candidates: which wordings are compared with a line --------------------------------------------------------------

POSTINGS_MOST = 600
"""Messages that are collected by the rarer words of a line; words that would add more are combined instead."""

PAIRED_WORDS = 4
"""Number of the more common words of a line that are looked up in pairs."""

SIMILAR_MESSAGES = 64
"""Messages whose wordings are compared with a line: the ones that share most bits with it."""

SHARED_LEAST = 9.0
"""Words that a wording must share with a line to be compared with it."""

LACKING_SHARE = 0.4
"""How much a word that only the wording has counts against it, as a share of its bits."""

SIMILAR_WORDINGS = 24
"""Wordings that are compared with a line, the most similar ones."""

NAMING_WORDS = 2
"""Number of words that a prefix before any text has at most: `BTRFS warning (device %s): %pV`."""

SHARED_PREFIX = 40
"""Number of messages; a beginning that more messages share is a prefix of a subsystem, not part of a message."""

VALUE_WORDS = 3
"""Number of words that the values of a line can look like (`beef`, `x10`); a line of more words is not only values."""

# --- Score: how much of a line a wording explains ---------------------------------------------------------------------

UNEXPLAINED_COST = 0.6
"""What a bit of unexplained text of the line subtracts."""

ANY_TEXT_COST = 0.1
"""What a bit of the line subtracts if a conversion accepts any text there."""

MISSING_COST = 0.6
"""What a bit of the wording subtracts that the line lacks."""

CUT_OFF_SHARE = 0.4
"""Share of the missing bits that counts if they lie beyond an end of the line: the line may be a cut-off copy."""

CUT_BEHIND_VALUE = 12.0
"""Bits against a wording that goes on where the line ends with a value, compared with other wordings."""

CUT_OFF_MOST = 0.8
"""Upper limit for the missing bits beyond an end of the line, as a share of the explained bits."""

MISSPELT_WORD = 0.7
"""Share of a word's bits that counts if the line has a misspelt copy of it."""

MISSPELT_SIMILARITY = 75.0
"""Similarity of a word and its misspelt copy, at least, in per cent (`rapidfuzz.fuzz.ratio`)."""

REORDERED_VALUE = 0.5
"""Share of a value's bits that counts if only its shape was found, at any place of the line."""

SIMILAR_TEXT = 72.0
"""Similarity of a line and a wording that is a misspelt or reworded copy of it, at least, in per cent."""

CONTAINED_LENGTHS = range(13, 513)
"""Lengths, in characters, of a wording that is searched as a similar text within a longer line."""

ORDERED_SHARE = 0.5
"""Share, by bits, of the words that a line and a wording must have in common in the same order."""

ORDERED_LEAST = 3
"""Number of words that a line and a wording must have in common in the same order."""

HALF_SIMILAR = 0.75
"""Likeness, 0 to 1, of a line and a wording that each have text in place of a part of the other."""

# --- Sufficiency: what a wording must explain to be an answer ---------------------------------------------------------

WITHOUT_VALUES = 2.0
"""A whole wording of literal text."""

WITH_TYPED_VALUES = 5.0
"""A whole wording whose values all have a type."""

WITH_NAMED_WRITER = 7.0
"""A whole wording that accepts any text only where it names the driver and the device: `%s %s: link up`."""

COMMON_TEXT = 20.0
"""A whole wording of few common words behind a name: if the name is not the driver's, it must explain more."""

COMMON_WORDS = 2
"""Number of words in such a wording, at most."""

COMMON_WORD = 12.0
"""A word of a format is common if it is worth less."""

WITH_ANY_TEXT = 12.0
"""A whole wording that accepts any text elsewhere too: many other messages would fit."""

ANY_TEXT_EVIDENCE = 0.5
"""Share of the evidence beyond the text that counts for a whole wording that accepts any text."""

LEAST_OF_TIER = {Tier.PARTIAL: (16.0, 0.55), Tier.FUZZY: (14.0, 0.38)}
"""What the other tiers must explain: bits, and share of all that they could explain."""

WORDS_LEAST = 12.0
"""What the words alone must contribute in the other tiers."""

CONTINUED_LEAST = 7.0
"""What the end of a line must explain if another call printed its beginning (`pr_cont`)."""

PREFIX_LEAST = 7.0
"""A wording that only names who prints in front of any text; it is listed as the reason `any_text`."""

EXPLAINS_MOST = 0.5
"""Share from which on a wording explains more of a line than it leaves."""

# --- Order: which of several wordings is the answer -------------------------------------------------------------------

TIE = 0.25
"""Messages within so many bits of each other are equal rivals."""

LEAD_OVER_EXACT = 8.0
"""How much more a part of one wording must explain to come before another wording that fits whole."""

LEAD_OVER_PARTIAL = 4.0
"""How much more a similar wording must explain to come before another one that fits in part."""

EVIDENCE_REACH = 24.0
"""Wordings further below the best one are dropped: no evidence beyond the text can bring them to the top."""

DISTINCTIVE_TEXT = 24.0
"""Text worth this much hardly ever belongs to a second message."""

STRONG_SHARE = 0.85
"""Share that a partial match must explain for the later tiers to be skipped."""

DRIFTED_LEAD = 6.0
"""By how much a similar wording may at most explain more for the later tiers to be skipped."""

SCORE_HALVING = 2.0
"""Each so many bits behind the first match halve the score of a further one."""

# --- Confidence: the chance that the first match is right -------------------------------------------------------------

RIGHT_OF_TIER = {Tier.EXACT: (0.98, -0.8, 0.2), Tier.PARTIAL: (0.95, -0.4, 0.6), Tier.FUZZY: (0.98, 0.42, 0.7)}
"""Share of right first answers; then the shares of the text between which it rises from nothing to that.

Measured with labelled lines, and with lines whose file was left out of the index: one line in sixteen is of no call of
the tree. Few similar texts of less than half of a line are right, and nearly all of more than two thirds."""

RIGHT_LEAST = 0.2
"""What remains of it, at least, for an answer that explains little."""

JOINED_MOST = 0.45
"""Confidence, at most, in a piece that other calls join if it leaves most of the whole line unexplained."""

EQUAL_SHARE = 0.77
"""How often the first of equal rivals is right if one of them is.

It is the same for two and for five, for rivals often are calls of one function, or of one text that several calls print
in turn. Fitted to one half of the labelled lines; the other half gives 0.76."""

EQUAL_MANY = 8
"""Number of equal rivals from which on that falls, with the root of their number: few labelled lines have as many."""

UNNAMED_MOST = 0.45
"""Confidence, at most, in a similar text that begins with who prints it, if the line has nothing of that.

A program may print it: file systems share code with their tools."""

OPPOSITE_FACTOR = 0.5
"""Factor for a line that says the opposite of the text."""

ANY_TEXT_FACTOR = 0.25
"""Factor for a text that would accept any other line too."""

RARE_PLACE_MOST = 0.75
"""Confidence, at most, in code that few machines run, if its text is weak and fits whole."""

RARE_PLACE_SIMILAR = 0.3
"""Confidence, at most, in such code if its text does not fit whole."""

OUTSIDE_TREE = 4.0
"""One line in sixteen is of no call of the tree: code less likely than that loses confidence accordingly."""

# --- Evidence: what else a line says about where it was printed -------------------------------------------------------

MODULE = 8.0
"""The prefix names the module."""

COMPONENT = 6.0
"""The prefix names the file, or a directory that it is in."""

PRINTS_DRIVER = 2.0
"""Added to these two if the call itself prints the driver of the device there, or the class of the device."""

EXTENDED = 4.0
"""The module's or file's name begins with the name in the prefix: `i2c_designware` and `i2c_designware_core`."""

RELATED = 2.5
"""The name in the prefix begins with the module's, file's or directory's name: `nvme0` and `nvme`."""

SHARED_NAME_WORD = 1.5
"""A word of the prefix is one of the module, file or directory: `intel` of `sof_audio_pci_intel_tgl`."""

SHARED_NAME_MOST = 3.5
"""Such words together with the beginning of the name, at most."""

LATER_NAME = 0.5
"""Factor for the names of a prefix behind the first: they name devices, often after the driver."""

NAME_IN_VALUE = 0.25
"""Factor for a name among the values instead of in the prefix."""

FUNCTION = 8.0
"""A value is the name of the function that contains the call."""

FUNCTION_LINE = 4.0
"""Added if the value behind it is the line of the call, within `FUNCTION_LINE_NEAR` lines."""

FUNCTION_LINE_NEAR = 3
"""In lines of the file."""

FUNCTION_NEAR_LINE = 2.0
"""Added if the value behind it is a line within `NEAR_LINES` lines of the call."""

OWN_FILE = 8.0
"""The value of `__FILE__` is the call's file."""

OTHER_FILE = -12.0
"""The value of `__FILE__` is another file."""

OWN_LINE = 6.0
"""The value of `__LINE__` is a line of the call."""

NEAR_LINE = 2.0
"""The value of `__LINE__` is within `NEAR_LINES` lines of the call: other versions of a file have other lines."""

NEAR_LINES = 100
"""In lines of the file."""

DRIVER = 1.0
"""The value of `dev_driver_string()` can be a driver's name."""

NO_DRIVER = -30.0
"""A driver's name with a blank or a colon, or a network device's with a blank: the kernel does not allow these."""

NO_NAME = -6.0
"""A device's name with a blank."""

NO_DEVICE = -60.0
"""A device's name with a colon and a blank: only what comes before the colon can be the name."""

TOO_WIDE = -200.0
"""A `long` or a pointer of more than 32 bits, in code of a 32-bit architecture."""

OTHER_RESOURCE = -1.0
"""The name of the function contains another kind of resource than the line shows: `add_dma_resource`."""

OPPOSITE = -9.0
"""The line has the opposite of a word of the text: `up` and `down`."""

OTHER_DRIVER = -12.0
"""The prefix names a driver, and the call is in the code of another one: of equal texts a library's is right."""

UNNAMED_DRIVER = -1.0
"""The call is in the code of one driver, and the line does not name it: of equal texts a library's comes first."""

OTHER_WRITER = -4.0
"""The prefix is a name of the tree, but not of the code of a message whose text is only similar."""

SAME_LEVEL = 1.5
"""The record has the level of the call."""

OTHER_LEVEL = -4.0
"""The record has another level than the call."""

DEBUG_LEVEL = -2.0
"""The call prints at level debug, and the level of the record is not known: debug messages are off by default."""

CONTINUED_LEVEL = -0.5
"""The call continues a line, and the level of the record is not known."""

OTHER_ARCHITECTURE = -12.0
"""The code is of another architecture than the machine."""

RARE_PLACE = -4.0
"""Code at a place with this weight or less runs on few machines."""

UNLIKELY_PLACE = -8.0
"""Code at a place with this weight or less hardly runs anywhere."""

PLACES = (
    ("tools/", -8.0),
    ("samples/", -4.0),
    ("Documentation/", -8.0),
    ("scripts/", -8.0),
    ("arch/um/", -5.0),
    ("arch/x86/um/", -5.0),
    ("arch/x86/boot/", -4.0),  # prints before the kernel has a log
    ("drivers/staging/", -1.5),
)
"""How much rarer lines of these directories are than others: the code is not built, or not on most machines."""

ARCHITECTURES = {
    "x86": -0.1,  # general code has the same weight: the difference only orders equal messages
    "arm64": -0.2,
    "arm": -4.0,
    "powerpc": -4.0,
    "riscv": -4.0,
    "s390": -4.0,
    "mips": -5.0,
}
"""How much rarer lines of code of an architecture are, if the line does not say which machine printed it."""

RARE_ARCHITECTURE = -9.0
"""Every other architecture."""
