"""Bounds the work that the notes of one request may cause, in steps: what is read never hangs on how fast it goes.

Measured: a step is 0.03 to 0.15 microseconds, and 0.5 in the worst text that a search found. An ordinary note takes 5
steps a character, one made of nothing but statements for the bill 24, and the densest text that was found 400. A visit
with three notes of 30,000 characters takes a sixth of what is allowed.
"""

STEPS = 3_000_000  # of all notes of a request: 0.1 to 0.4 s, or 600,000 characters of ordinary notes
SENTENCE = 30  # steps, and four for each character: cutting it out, and looking for the words of all rows
TIMED = 20  # steps for each character, to search a sentence for lengths of time
DURATION = 200  # steps to read one of them
ROW = 50  # steps, and one for each character, to look for one row
CONTEXT = 100  # steps, and four for each character, to look at the words around one thing that was found


class Effort:
    """What is left of the work that may be done."""

    __slots__ = ("left",)

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left. The sentence at hand is read to its end all the same."""
        return self.left <= 0

    def sentence(self, length: int) -> None:
        """Count the look at a sentence of some characters."""
        self.left -= SENTENCE + 4 * length

    def durations(self, count: int, length: int) -> None:
        """Count the lengths of time that were read in a sentence of some characters."""
        self.left -= TIMED * length + DURATION * count

    def row(self, length: int) -> None:
        """Count the search for a row in such a sentence."""
        self.left -= ROW + length

    def context(self, length: int) -> None:
        """Count the look at what stands around a find in such a sentence."""
        self.left -= CONTEXT + 4 * length
