"""Tells in one pass over a sentence which rows of the note rules it can match: each row needs certain words.

Most sentences of a note say nothing that matters for a code, and most rows are about something else. What this lets
pass, the row itself still judges; what it holds back could not have matched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

# Python has no other door to what a pattern is made of. A part of a kind not known here promises no word: all may pass.
from re import _constants as _kinds
from re import _parser
from typing import Any

from ahocorasick import Automaton

Words = frozenset[str]
"""Texts of which one at least must stand in whatever matches."""
_GROUPS = 3
"""So many sets of words are asked for of one row: with more of them hardly any more rows are left out."""
_LONG = 5
"""From so many letters on a word is rare enough; then the set of fewer words is the better one."""
_SHORT = 2
"""Below so many letters a word stands everywhere, and is searched for only if a row has no better one."""


@dataclass(frozen=True, slots=True)
class Needles:
    """The words of all rows, to be searched for at once; the row with the number n stands for the bit 2**n."""

    _words: Automaton
    _free: tuple[int, ...]

    @classmethod
    def of(cls, rows: Sequence[Iterable[re.Pattern[str]]]) -> Needles:
        """Take the words out of the patterns of each row, all of which must match where the row does."""
        at: dict[str, list[int]] = {}
        free = [0] * _GROUPS
        for number, patterns in enumerate(rows):
            found = {words for one in patterns for words in required(one)}
            best = sorted(found, key=lambda words: (_worth(words), sorted(words)), reverse=True)
            best = best[:1] + [words for words in best[1:] if _worth(words)[0] >= _SHORT]
            for group in range(_GROUPS):
                if group >= len(best):
                    free[group] |= 1 << number
                for word in best[group] if group < len(best) else ():
                    at.setdefault(word, [0] * _GROUPS)[group] |= 1 << number
        automaton = Automaton()
        for word, bits in at.items():
            automaton.add_word(word, tuple(bits))
        if at:
            automaton.make_automaton()
        return cls(automaton, tuple(free))

    def possible(self, sentence: str) -> int:
        """The rows that may match a sentence in small letters, as bits."""
        first, second, third = self._free
        if len(self._words):
            for _, (one, two, three) in self._words.iter(sentence):
                first |= one
                second |= two
                third |= three
        return first & second & third


def bits(numbers: Iterable[int]) -> int:
    """The bits of rows together."""
    return reduce(or_, numbers, 0)


def required(pattern: re.Pattern[str]) -> set[Words]:
    """The sets of words of which one each must stand in whatever the pattern matches; none if letters may be large."""
    return set() if pattern.flags & re.IGNORECASE else _of_sequence(_parser.parse(pattern.pattern, pattern.flags))


def _of_sequence(parts: Iterable[tuple[Any, Any]]) -> set[Words]:
    found: set[Words] = set()
    run = ""
    for kind, held in parts:
        if kind is _kinds.LITERAL:
            run += chr(held)
            continue
        if run:
            found.add(frozenset({run}))
            run = ""
        found |= _of_part(kind, held)
    return found | ({frozenset({run})} if run else set())


def _of_part(kind: object, held: Any) -> set[Words]:  # noqa: ANN401 - each kind of part holds something else
    if kind is _kinds.SUBPATTERN:
        return set() if held[1] & re.IGNORECASE else _of_sequence(held[3])
    if kind is _kinds.ATOMIC_GROUP:
        return _of_sequence(held)
    if kind in {_kinds.MAX_REPEAT, _kinds.MIN_REPEAT, _kinds.POSSESSIVE_REPEAT}:
        return _of_sequence(held[2]) if held[0] else set()
    if kind is _kinds.BRANCH:
        choices = [_of_sequence(one) for one in held[1]]
        if all(choices):
            return {_shortest(word for sets in choices for word in max(sets, key=_worth))}
    return set()


def _shortest(words: Iterable[str]) -> Words:
    """The words without those in which another of them stands."""
    found = set(words)
    return frozenset(word for word in found if not any(one in word for one in found - {word}))


def _worth(words: Words) -> tuple[int, int]:
    return min(_LONG, *(len(word.strip()) for word in words)), -len(words)
