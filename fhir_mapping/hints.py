"""Weighs what the places in a chart hint about how clinician and patient met.

"Virtual" alone never becomes video, and in person is believed only when nothing hints at telehealth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from fhir_mapping.facts import Evidence, Fact, How, Modality
from fhir_mapping.readings import Reading, contradiction, overruled_note

VIRTUAL, UNCLEAR = "virtual", "unclear"

UNSAID = "neither documentation, codes, channel, appointment nor class of the visit says how they met"
"""Why the mode is unknown where nothing at all tells it."""
_ENOUGH = 6  # places to quote in one sentence


class Rank(IntEnum):
    """How far a place is trusted, most first."""

    OBSERVATION = 1
    EXTENSION = 2
    CODE = 3
    CHANNEL = 4
    WORDS = 5
    APPOINTMENT = 6
    NOTE = 7
    CLASS = 8
    TYPE_OF_NOTE = 9
    ASIDE = 10


_DOCUMENTED = frozenset({Rank.OBSERVATION, Rank.EXTENSION, Rank.NOTE})
"""Where somebody wrote how they met: that they did so in person outweighs a word about the clinic or the booking."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One place says something about the modality: a Modality, `virtual` without a mode, or `unclear`."""

    rank: Rank
    word: str
    evidence: Evidence


def decide(hints: Sequence[Hint], outpatient: Sequence[Evidence], home: Sequence[Evidence]) -> Fact[Modality]:
    """Make one fact of all hints.

    Parameters: `hints`; `outpatient`, the classes that are in person if nothing else is said; `home`, the evidence that
    the patient was at home.
    """
    person = [hint for hint in hints if hint.word == Modality.IN_PERSON]
    virtual = [hint for hint in hints if hint.word == VIRTUAL]
    if any(hint.rank in _DOCUMENTED for hint in person):
        virtual = [hint for hint in virtual if hint.rank != Rank.ASIDE]
    telehealth = [hint for hint in hints if hint.word not in {Modality.IN_PERSON, VIRTUAL}]
    if telehealth:
        return _telehealth(telehealth, person)
    if virtual and person:
        return Fact(why_unknown=f"in person and virtual at once: {_quoted([*person, *virtual])}")
    if virtual:
        why = f"virtual, but video or audio-only is not said: {_quoted(virtual)}"
        return Fact(evidence=tuple(hint.evidence for hint in virtual), why_unknown=why)
    if person:
        return Fact(Modality.IN_PERSON, tuple(hint.evidence for hint in person))
    if outpatient and home:
        return Fact(why_unknown=f"{outpatient[0].said} is an office class, but the patient was at home")
    if outpatient:
        weak = "weak: the class is all that says so, and EHRs send it for telephone visits too"
        return Fact(Modality.IN_PERSON, tuple(replace(one, how=How.DERIVED) for one in outpatient), notes=(weak,))
    return Fact(why_unknown=UNSAID)


def _telehealth(telehealth: Sequence[Hint], person: Sequence[Hint]) -> Fact[Modality]:
    top = min(hint.rank for hint in telehealth)
    # An in-person code never overrules a telehealth hint of lower rank, as the ranks would have it: taken for an office
    # visit, a video visit would get no card at all. The two are a conflict, and the clinician is asked.
    deciding = [h for h in telehealth if h.rank == top] + [h for h in person if h.rank <= top]
    unclear = [hint for hint in deciding if hint.word == UNCLEAR]
    if unclear:
        return Fact(why_unknown=f"no coding rule covers this mode: {_quoted(unclear)}")
    readings = [Reading(Modality(hint.word), hint.evidence) for hint in deciding]
    if any(reading.value != readings[0].value for reading in readings):
        return contradiction(readings)
    others = [h for h in (*telehealth, *person) if h.rank > top and h.word != readings[0].value]
    notes = dict.fromkeys(overruled_note(hint.evidence) for hint in others)
    agreeing = [h.evidence for h in telehealth if h.rank == Rank.NOTE > top and h.word == readings[0].value]
    return Fact(readings[0].value, (*(reading.evidence for reading in readings), *agreeing), notes=tuple(notes))


def _quoted(hints: Sequence[Hint]) -> str:
    return ", ".join(dict.fromkeys(f'{hint.evidence.path} "{hint.evidence.said}"' for hint in hints[:_ENOUGH]))
