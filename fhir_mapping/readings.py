"""Weighs what several places in a chart say about one fact: the most trustworthy decides, a contradiction stays one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from fhir_mapping.facts import EncounterFacts, Evidence, Fact, Rival

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MOST = 20  # pieces of evidence, rivals, and remarks of one fact: an interface that says more repeats itself
CONTRADICTION = "the chart contradicts itself"
_MOST_NAMED = 4  # of what was found and is not used, in one sentence


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """One place in the chart says this."""

    value: T_co
    evidence: Evidence


def weigh(
    ranks: Sequence[Sequence[Reading[T]]], *, why: str, notes: tuple[str, ...] = (), refused: Iterable[str] = ()
) -> Fact[T]:
    """Make one fact of readings in order of trust.

    Parameters: `ranks`, the most trustworthy first; `why` it is unknown if all are empty; `notes` to keep beside it;
    `refused`, what was found and cannot be used: it is told in place of `why`.
    Two different values in the deciding rank are a conflict. What a lower rank says otherwise is noted, not used.
    """
    said = [rank for rank in ranks if rank]
    if not said:
        return unknown(why, refused, notes=notes)
    first, *rest = said
    if any(reading.value != first[0].value for reading in first):
        return contradiction(first, notes)
    value = first[0].value
    overruled = (overruled_note(reading.evidence) for rank in rest for reading in rank if reading.value != value)
    return Fact(value, tuple(reading.evidence for reading in first), notes=(*notes, *dict.fromkeys(overruled)))


def unknown(absent: str, refused: Iterable[str], *, reason: str = "", notes: tuple[str, ...] = ()) -> Fact[Any]:
    """Make a fact without a value. That nothing was found is said only where nothing was.

    Parameters: `absent`, the words for "nothing says it"; `refused`, what was found and cannot be used, with the
    reason; `reason`, what is true in either case and goes before it.
    """
    named = tuple(dict.fromkeys(refused))
    if not named:
        return Fact(why_unknown=reason or absent, notes=notes)
    why = not_usable(named)
    return Fact(why_unknown=f"{reason}; {why}" if reason else why, notes=notes, refused=named)


def not_usable(refused: Sequence[str]) -> str:
    """Name what was found and cannot be used: the first few, and how many more there are."""
    more = f"; and {len(refused) - _MOST_NAMED} more" if len(refused) > _MOST_NAMED else ""
    return f"found but not usable: {'; '.join(refused[:_MOST_NAMED])}{more}"


def contradiction(readings: Sequence[Reading[T]], notes: tuple[str, ...] = ()) -> Fact[T]:
    """Keep a fact that the chart states in two ways."""
    rivals = tuple(Rival(reading.value, reading.evidence) for reading in readings)
    return Fact(conflict=rivals, why_unknown=CONTRADICTION, notes=notes)


def overruled_note(evidence: Evidence) -> str:
    """Word the remark for evidence that a more trustworthy place contradicts."""
    return f'{evidence.resource} {evidence.path} says otherwise ("{evidence.said}"); it ranks lower and was not used'


def bounded(facts: EncounterFacts) -> EncounterFacts:
    """The facts with no more evidence than anybody reads; of a contradiction each value comes first."""
    whole = {field: getattr(facts, field) for field in EncounterFacts.__slots__ if field != "notes"}
    shorter: dict[str, Any] = {field: _bounded(fact) for field, fact in whole.items() if _is_long(fact)}
    return replace(facts, **shorter)


def _is_long(fact: Fact[Any]) -> bool:
    return max(len(fact.evidence), len(fact.conflict), len(fact.notes)) > _MOST


def _bounded(fact: Fact[Any]) -> Fact[Any]:
    first = {rival.value: rival for rival in reversed(fact.conflict)}.values()
    others = [rival for rival in fact.conflict if not any(rival is one for one in first)]
    notes = fact.notes if len(fact.notes) <= _MOST else (*fact.notes[:_MOST], f"and {len(fact.notes) - _MOST} more")
    return replace(fact, evidence=fact.evidence[:_MOST], conflict=(*reversed(first), *others)[:_MOST], notes=notes)
