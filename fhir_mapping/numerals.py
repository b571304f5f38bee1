"""Reads a number as clinicians write it, in digits or in words, such as "thirty-four"."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HUNDRED = 100
_TENS = range(20, HUNDRED)
_TEENS = range(10, 20)
_UNITS = range(1, 10)


@dataclass(frozen=True, slots=True)
class Numerals:
    """How numbers are written. `pattern` matches one whole number; `word`, any word that a number may hold.

    Only words that make one number in English are taken together: "thirty four", and never "three five" or
    "twenty-thirty", of which nobody knows whether they are a sum, a range or a slip.
    """

    words: Mapping[str, int]
    pattern: str
    word: str

    @classmethod
    def of(cls, words: Mapping[str, int]) -> "Numerals":
        """Compile them.

        Parameters: `words` for numbers ("twenty" -> 20), up to one hundred.
        """

        def among(values: Iterable[int]) -> str:
            wanted = {*values}
            return any_of(word for word, value in words.items() if value in wanted)

        units, teens, tens = among(_UNITS), among(_TEENS), among(_TENS)
        small = rf"(?:{tens}(?:[ -]?{units}\b|\b)|{teens}\b|{units}\b)"
        large = rf"(?:(?:{units}|{teens})[ -])?{among([HUNDRED])}(?:[ -](?:and[ -])?{small}|\b)"
        pattern = rf"(?>\d{{1,4}}(?:\.\d{{1,2}})?|{large}|{small}|{among([0])}\b)"
        return cls(words, pattern, any_of(words))

    def read(self, said: str) -> float:
        """The value of one number that `pattern` matches."""
        if said[:1].isdigit():
            return float(said)
        total = 0
        for word in re.findall(self.word, said):
            value = self.words[word]
            total = max(total, 1) * value if value == HUNDRED else total + value
        return float(total)


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of some words, the longest first; one that matches nothing where there are none."""
    return f"(?:{'|'.join(sorted(words, key=len, reverse=True)) or '(?!)'})"
