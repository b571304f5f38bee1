"""What the notes of the visit say about it, as evidence that ranks below every structured source.

A note confirms what is structured, or contradicts it for all to see; it decides only where nothing else does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fhir_mapping.chart import Chart
from fhir_mapping.documents import Document, documents, note_types
from fhir_mapping.facts import Evidence, Fact, How, MdmElements, MdmLevel, Modality
from fhir_mapping.hints import Hint, Rank
from fhir_mapping.note import Found, read_note
from fhir_mapping.note_days import is_of_another_day
from fhir_mapping.note_rules import ELEMENTS, TOTAL, NoteRules
from fhir_mapping.people import People
from fhir_mapping.readings import Reading, overruled_note, weigh
from fhir_mapping.resources import evidence, name

T = TypeVar("T")

_OWN = {"total_minutes", "cumulative_minutes", "discussion_minutes", "mdm", *ELEMENTS}
"""What is the clinician's own: a nurse's minutes or another one's decision making are not."""


@dataclass(frozen=True, slots=True)
class Narrative:
    """The readings of all notes by what they read; `asked` are statements too vague to use; `hints` tell the mode.

    `read`: whether there was a note that could be read.
    """

    read: bool
    readings: Mapping[str, Sequence[Reading[Any]]]
    asked: Mapping[str, Sequence[Evidence]]
    hints: tuple[Hint, ...]
    notes: tuple[str, ...]

    def told(self, target: str, fact: Fact[T]) -> Fact[T]:
        """The fact with what the notes say of `target`: decided by them only where nothing structured speaks."""
        readings = self.readings.get(target, ())
        if fact.known:
            agreeing = tuple(r.evidence for r in readings if r.value == fact.value)
            against = tuple(overruled_note(r.evidence) for r in readings if r.value != fact.value)
            return replace(fact, evidence=(*fact.evidence, *agreeing), notes=(*fact.notes, *dict.fromkeys(against)))
        if fact.conflict:
            return fact
        asked = self.asked.get(target, ())
        if readings:
            return weigh([readings], why="", notes=fact.notes)
        if asked:
            said = " and ".join(dict.fromkeys(f'"{one.said}"' for one in asked))
            return replace(fact, why_unknown=f"the note says {said}, which is no exact statement")
        return replace(fact, why_unknown=self._silent(fact.why_unknown))

    def _silent(self, why: str | None) -> str:
        """Why nothing is known, `why` of the structured sources included, where the notes do not say it either."""
        if why is None:
            return "no note says it" if self.read else "no note was read"
        return f"{why}, nor does a note" if self.read else f"{why}, and no note was read"

    def elements(self, fact: Fact[MdmElements]) -> Fact[MdmElements]:
        """The MDM elements, from the notes where no structured source has any."""
        if fact.known or fact.conflict:
            return fact
        told: dict[str, Fact[MdmLevel]] = {e.removeprefix("mdm_"): self.told(e, Fact()) for e in ELEMENTS}
        if not any(one.known for one in told.values()):
            return fact
        levels = MdmElements(**{element: one.value for element, one in told.items()})
        return Fact(levels, tuple(piece for one in told.values() for piece in one.evidence), notes=fact.notes)


def narrative(chart: Chart, rules: NoteRules, who: People) -> Narrative:
    """Read every note of the visit; what the clinician spent and decided, only where nobody else wrote it.

    Parameters: `who` rendered the visit.
    """
    found, notes = documents(chart, who)
    readings: dict[str, list[Reading[Any]]] = {}
    asked: dict[str, list[Evidence]] = {}
    texts: set[tuple[str, bool]] = set()
    for document in found:
        told = document.text, document.by_another
        copied = told in texts  # which says the same once more
        texts.add(told)
        for one in () if copied else read_note(document.text, rules):
            if document.by_another and one.target in _OWN:
                notes.append(f"{name(document.resource)} is by another clinician: its minutes and MDM are not used")
                continue
            where = _evidence(document, one)
            if one.value is None or _of_another_day(chart, document, one):
                asked.setdefault(one.target, []).append(where)
            else:
                readings.setdefault(one.target, []).append(Reading(one.value, where))
        if document.preliminary:
            notes.append(f"{name(document.resource)} is preliminary, not final")
    _count_days(readings)
    return Narrative(bool(found), readings, asked, tuple(_hints(chart, found, readings)), tuple(notes))


def _evidence(document: Document, one: Found) -> Evidence:
    return evidence(document.resource, f"note[{one.start}:{one.end}]", one.said, How.NOTE)


def _of_another_day(chart: Chart, document: Document, one: Found) -> bool:
    said = document.text[one.start : one.end]
    return one.target == TOTAL and chart.when is not None and is_of_another_day(said, chart.when.day)


def _count_days(readings: dict[str, list[Reading[Any]]]) -> None:
    """Minutes over seven days are the total of a written exchange, and of nothing else."""
    cumulative = readings.pop("cumulative_minutes", [])
    modes = {reading.value for reading in readings.get("modality", ())}
    if cumulative and modes == {Modality.ASYNCHRONOUS}:
        readings["total_minutes"] = cumulative


def _hints(chart: Chart, found: Sequence[Document], readings: Mapping[str, Sequence[Reading[Any]]]) -> Iterator[Hint]:
    for reading in readings.get("modality", ()):
        yield Hint(Rank.NOTE, reading.value, reading.evidence)
    if readings.get("video_minutes") and readings.get("audio_minutes"):
        for reading in (*readings["video_minutes"], *readings["audio_minutes"]):
            yield Hint(Rank.NOTE, Modality.INTERRUPTED, reading.evidence)
    for document in found:
        for word, said in note_types(chart, document.resource):
            path = f"{document.resource.get('resourceType')}.type"
            yield Hint(Rank.TYPE_OF_NOTE, word, evidence(document.resource, path, said))
