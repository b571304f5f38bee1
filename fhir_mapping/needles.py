"""Tells in one pass over a sentence which rows of the note rules it can match: each row needs certain words.

Most sentences of a note say nothing that matters for a code, and most rows are about something else. What this lets
pass, the row itself still judges; what it holds back could not have matched. Words are compared with all that is no
letter or digit read as a blank, so that a short word ("er", "ed") is not found within a longer one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, reduce
from itertools import product
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
_LONG = 7
"""From so many letters on a word is rare enough; then the set of fewer words is the better one."""
_SHORT = 3
"""Below so many letters a word stands everywhere, and is searched for only if a row has no better one."""
_MOST = 64
"""So many ways to write one stretch of a row are told apart; where there are more, it is cut in two."""
_Part = tuple[Any, Any]
"""A part of a pattern as Python's own parser tells it: its kind, and what it holds."""
_BESIDE = frozenset({_kinds.LITERAL, _kinds.AT})
_EDGE = "\b"
"""Stands in a word, while it is put together, where a pattern says that one begins or ends."""


class _Blanks(dict[int, str]):
    """What each character is read as: itself in a word, else a blank; the marks of lengths of time are words too."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        is_word = letter.isalnum() or letter == "_"
        self[code] = letter if is_word else f" {letter} " if letter in "⟦⟧" else " "
        return self[code]


_BLANKS = _Blanks()


@dataclass(frozen=True, slots=True)
class Needles:
    """The words of all rows, to be searched for at once; the row with the number n stands for the bit 2**n.

    A word stands for bits of three such numbers, one behind the other: one for each set of words that a row needs.
    """

    _words: Automaton
    _rows: tuple[int, ...]
    _free: int
    _width: int

    @classmethod
    def of(cls, rows: Sequence[Iterable[re.Pattern[str]]]) -> Needles:
        """Take the words out of the patterns of each row, all of which must match where the row does."""
        at: dict[str, int] = {}
        free, width = 0, len(rows)
        for number, patterns in enumerate(rows):
            found = {words for one in patterns for words in required(one)}
            best = sorted(found, key=_worth, reverse=True)
            best = best[:1] + [words for words in best[1:] if _worth(words)[0] >= _SHORT]
            for group in range(_GROUPS):
                bit = 1 << (number + group * width)
                if group >= len(best):
                    free |= bit
                for word in best[group] if group < len(best) else ():
                    at[word] = at.get(word, 0) | bit
        automaton = Automaton()
        for index, word in enumerate(at):
            automaton.add_word(word, index)
        if at:
            automaton.make_automaton()
        return cls(automaton, tuple(at.values()), free, width)

    def possible(self, sentence: str) -> int:
        """The rows that may match a sentence in small letters, as bits."""
        told = self._free
        if self._rows:
            for index in {index for _, index in self._words.iter(f" {sentence} ".translate(_BLANKS))}:
                told |= self._rows[index]
        return told & told >> self._width & told >> 2 * self._width & (1 << self._width) - 1


def bits(numbers: Iterable[int]) -> int:
    """The bits of rows together."""
    return reduce(or_, numbers, 0)


@cache  # the process that starts the workers has taken the rules apart already
def required(pattern: re.Pattern[str]) -> frozenset[Words]:
    """The sets of words of which one each must stand in whatever the pattern matches; none if letters may be large."""
    parts = [] if pattern.flags & re.IGNORECASE else _parser.parse(pattern.pattern, pattern.flags)
    return frozenset(_of_sequence(parts))


def _of_sequence(parts: Sequence[_Part]) -> set[Words]:
    found: set[Words] = set()
    run = {""}
    for place, (kind, held) in enumerate(parts):
        longer = _longer(run, kind, held)
        if longer is None:
            found |= _told(run)
            longer = _ways(kind, held)
        if longer is None:
            found |= _of_part(kind, held, _beside(parts, place - 1), _beside(parts, place + 1))
            longer = {""}
        run = longer
    return found | _told(run)


def _beside(parts: Sequence[_Part], place: int) -> Sequence[_Part]:
    """The letter or edge at a place of a sequence, if one stands there."""
    return [parts[place]] if 0 <= place < len(parts) and parts[place][0] in _BESIDE else []


def _longer(run: AbstractSet[str], kind: object, held: Any) -> set[str] | None:  # noqa: ANN401 - as in _ways
    """All that a stretch can be with a part behind it; `None` where that is not a few texts."""
    if kind is _kinds.LITERAL:  # what most parts are
        return {way + chr(held) for way in run}
    ways = _ways(kind, held)
    if ways is None or len(run) * len(ways) > _MOST:
        return None
    return {way + last for way, last in product(run, ways)}


def _ways(kind: object, held: Any) -> set[str] | None:  # noqa: ANN401 - each kind of part holds something else
    """All that a part can be, edges of words marked; `None` where that is not a few texts."""
    if kind is _kinds.AT:
        return {_EDGE} if held is _kinds.AT_BOUNDARY else {""}
    if kind in {_kinds.ASSERT, _kinds.ASSERT_NOT}:
        return {""}
    if kind is _kinds.IN and all(one is _kinds.LITERAL for one, _ in held):
        return {" " if _BLANKS[one] == " " else chr(one) for _, one in held}
    if kind is _kinds.SUBPATTERN and not held[1] & re.IGNORECASE:
        return _ways_of_sequence(held[3])
    if kind is _kinds.BRANCH:
        return _together(map(_ways_of_sequence, held[1]))
    if kind in {_kinds.MAX_REPEAT, _kinds.MIN_REPEAT} and tuple(held[:2]) == (0, 1):
        return _together(({""}, _ways_of_sequence(held[2])))
    return None


def _ways_of_sequence(parts: Sequence[_Part]) -> set[str] | None:
    run = {""}
    for kind, held in parts:
        longer = _longer(run, kind, held)
        if longer is None:
            return None
        run = longer
    return run


def _together(choices: Iterable[set[str] | None]) -> set[str] | None:
    found: set[str] = set()
    for ways in choices:
        if ways is None:
            return None
        found |= ways
    return found if len(found) <= _MOST else None


def _told(run: AbstractSet[str]) -> set[Words]:
    """The ways of a stretch as they stand between blanks; nothing where one of them says nothing."""
    words = {_plain(way) for way in run}
    return set() if any(not word.strip() for word in words) else {_shortest(words)}


def _plain(way: str) -> str:
    """A way to write a stretch with blanks for what is no word, and with one at each edge that the pattern asks for."""
    # An edge between a word and what is none needs nothing; at an end of the stretch it is a blank outside.
    inner = way.strip(_EDGE)
    plain = inner.replace(_EDGE, "").translate(_BLANKS)
    before = " " if way[:1] == _EDGE and plain[:1].strip() else ""
    after = " " if way[-1:] == _EDGE and plain[-1:].strip() else ""
    return before + plain + after


def _of_part(
    kind: object,
    held: Any,  # noqa: ANN401 - each kind of part holds something else
    before: Sequence[_Part],
    after: Sequence[_Part],
) -> set[Words]:
    """The sets of words of one part; the letter or edge `before` and `after` it makes its own first and last longer."""
    if kind is _kinds.SUBPATTERN:
        return set() if held[1] & re.IGNORECASE else _of_sequence([*before, *held[3], *after])
    if kind is _kinds.ATOMIC_GROUP:
        return _of_sequence(held)
    if kind in {_kinds.MAX_REPEAT, _kinds.MIN_REPEAT, _kinds.POSSESSIVE_REPEAT}:
        return _of_sequence(held[2]) if held[0] else set()
    if kind is _kinds.BRANCH:
        choices = [_of_sequence([*before, *one, *after]) for one in held[1]]
        if all(choices):
            return {_shortest(word for sets in choices for word in max(sets, key=_worth))}
    return set()


def _shortest(words: Iterable[str]) -> Words:
    """The words without those in which another of them stands."""
    found = set(words)
    return frozenset(word for word in found if not any(one in word for one in found - {word}))


def _worth(words: Words) -> tuple[int, int, list[str]]:
    return min(_LONG, *map(len, words)), -len(words), sorted(words)  # of like ones the same in every process
