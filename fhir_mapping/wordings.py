"""Tells what a pattern of the note rules can match, so that the tables behind it can be compared with it at load."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import product

# Python has no other door to what a pattern is made of.
from re import _constants as _kinds
from re import _parser
from typing import Any

_MOST = 512
"""So many texts are listed; a pattern that matches more is no list of words."""
_Part = tuple[Any, Any]
"""A part of a pattern as Python's own parser tells it: its kind, and what it holds."""
_REPEATS = frozenset({_kinds.MAX_REPEAT, _kinds.MIN_REPEAT, _kinds.POSSESSIVE_REPEAT})
_EMPTY = frozenset({_kinds.AT, _kinds.ASSERT, _kinds.ASSERT_NOT})


def texts_of(pattern: re.Pattern[str], group: str) -> frozenset[str] | None:
    """Every text that a named group of a pattern can match, with each run of blanks as one and none at the ends.

    `None` if these are not a few texts. What is looked at beside the group is not considered: it may list too many.
    """
    held = next(_groups(_parser.parse(pattern.pattern, pattern.flags), pattern.groupindex[group]))
    found = _of_sequence(held)
    return None if found is None or pattern.flags & re.IGNORECASE else frozenset(" ".join(one.split()) for one in found)


def always_sets(pattern: re.Pattern[str], group: str) -> bool:
    """Whether a named group takes part in every match of a pattern."""
    number = pattern.groupindex.get(group)
    return number is not None and _surely(
        _parser.parse(pattern.pattern, pattern.flags),
        lambda kind, held: kind is _kinds.SUBPATTERN and held[0] == number,
    )


def always_holds(pattern: re.Pattern[str], letter: str) -> bool:
    """Whether a letter stands in whatever a pattern matches."""
    return _surely(
        _parser.parse(pattern.pattern, pattern.flags),
        lambda kind, held: kind is _kinds.LITERAL and held == ord(letter),
    )


def _groups(parts: Sequence[_Part], number: int) -> Any:  # noqa: ANN401 - what a group holds
    for kind, held in parts:
        if kind is _kinds.SUBPATTERN and held[0] == number:
            yield held[3]
        for inner in _within(kind, held):
            yield from _groups(inner, number)


def _within(kind: object, held: Any) -> Sequence[Sequence[_Part]]:  # noqa: ANN401 - each kind of part holds something else
    if kind is _kinds.SUBPATTERN:
        return [held[3]]
    if kind in _REPEATS:
        return [held[2]]
    if kind is _kinds.ATOMIC_GROUP:
        return [held]
    return held[1] if kind is _kinds.BRANCH else []


def _surely(parts: Sequence[_Part], is_it: Callable[[object, Any], bool]) -> bool:
    """Whether a part of some kind is gone through in every match."""
    for kind, held in parts:
        if is_it(kind, held):
            return True
        inner = _within(kind, held)
        if kind in _REPEATS and not held[0]:
            continue
        if inner and all(_surely(one, is_it) for one in inner):
            return True
    return False


def _of_sequence(parts: Sequence[_Part]) -> set[str] | None:
    found = {""}
    for kind, held in parts:
        ways = _of_part(kind, held)
        if ways is None or len(found) * len(ways) > _MOST:
            return None
        found = {before + behind for before, behind in product(found, ways)}
    return found


def _of_part(kind: object, held: Any) -> set[str] | None:  # noqa: ANN401 - each kind of part holds something else
    if kind is _kinds.LITERAL:
        return {chr(held)}
    if kind in _EMPTY:
        return {""}
    if kind is _kinds.IN:
        return _together(map(_of_member, held))
    if kind in _REPEATS:
        return _repeated(*held)
    if kind is _kinds.SUBPATTERN and held[1] & re.IGNORECASE:
        return None
    inner = _within(kind, held)
    return _together(map(_of_sequence, inner)) if inner else None


def _of_member(member: _Part) -> set[str] | None:
    kind, held = member
    if kind is _kinds.LITERAL:
        return {chr(held)}
    if kind is _kinds.RANGE and held[1] - held[0] < _MOST:
        return {chr(code) for code in range(held[0], held[1] + 1)}
    return {" "} if held is _kinds.CATEGORY_SPACE else None


def _repeated(least: int, most: int, parts: Sequence[_Part]) -> set[str] | None:
    once = _of_sequence(parts)
    if once is None:
        return None
    if not "".join(once).strip():  # blanks, of which a run counts as one
        return {" "} if least and "" not in once else {"", " "}
    if most > len(once) * _MOST:
        return None
    found, run = (set() if least else {""}), {""}
    for times in range(1, most + 1):
        run = {before + behind for before, behind in product(run, once)}
        found |= run if times >= least else set()
        if len(found) > _MOST or len(run) > _MOST:
            return None
    return found


def _together(choices: Any) -> set[str] | None:  # noqa: ANN401 - sets, or `None` for what is not a few texts
    found: set[str] = set()
    for ways in choices:
        if ways is None:
            return None
        found |= ways
    return found
