"""What the notes of the visit say about it, as evidence that ranks below every structured source.

A note confirms what is structured, or contradicts it for all to see; it decides only where nothing else does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fhir_mapping.chart import Chart
from fhir_mapping.documents import Document, documents, documents_of_other_visits, note_types
from fhir_mapping.facts import Evidence, Fact, How, MdmElements, MdmLevel, Modality
from fhir_mapping.hints import UNSAID, Hint, Rank
from fhir_mapping.note import Found, read_note
from fhir_mapping.note_days import is_of_another_day
from fhir_mapping.note_rules import ELEMENTS, TOTAL, NoteRules
from fhir_mapping.people import People
from fhir_mapping.readings import Reading, not_usable, overruled_note, weigh
from fhir_mapping.resources import evidence, name

T = TypeVar("T")

_OWN = {"total_minutes", "cumulative_minutes", "discussion_minutes", "mdm", *ELEMENTS}
"""What is the clinician's own: a nurse's minutes or another one's decision making are not."""


@dataclass(frozen=True, slots=True)
class Narrative:
    """The readings of all notes by what they read; `asked` are statements too vague to use; `hints` tell the mode.

    `read`: whether there was a note that could be read; `others`, how many documents are of other visits; `unread`, the
    notes that could not be read, with the reason, which may say anything; `refused`, by what it would tell, what the
    notes say and is not used.
    """

    read: bool
    others: int
    unread: tuple[str, ...]
    refused: Mapping[str, Sequence[str]]
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
        if readings:
            return weigh([readings], why="", notes=fact.notes)
        silent = replace(fact, why_unknown=self._silent(fact.why_unknown))
        return self._unknown(target, fact, reason="") or silent

    def mode(self, fact: Fact[Modality]) -> Fact[Modality]:
        """The fact how they met; where it is unknown, with what the notes leave open about it."""
        if fact.known or fact.conflict:
            return replace(fact, refused=())
        reason = fact.why_unknown or ""
        return self._unknown("modality", fact, reason="" if reason == UNSAID else reason) or fact

    def _unknown(self, target: str, fact: Fact[T], *, reason: str) -> Fact[T] | None:
        """The unknown fact with the reason and what was found and cannot be used; `None` if nothing was found."""
        refused = tuple(dict.fromkeys((*fact.refused, *self.refused.get(target, ()), *self.unread)))
        asked = self.asked.get(target, ())
        if not refused and not asked:
            return None
        said = " and ".join(dict.fromkeys(f'"{one.said}"' for one in asked))
        parts = [
            reason,
            f"the note says {said}, which is no exact statement" if asked else "",
            not_usable(refused) if refused else "",
            "" if reason or asked or refused != fact.refused else self._silent(None),
        ]
        return replace(fact, why_unknown="; ".join(filter(None, parts)), refused=refused)

    def _silent(self, why: str | None) -> str:
        """Why nothing is known, `why` of the structured sources included, where the notes do not say it either."""
        if self.read:
            return "no note says it" if why is None else f"{why}, nor does a note"
        none = "no note was read"
        if self.others:
            documents = "one document at hand is" if self.others == 1 else f"{self.others} documents at hand are"
            none = f"no note of the visit was read ({documents} of other visits or days)"
        return none if why is None else f"{why}, and {none}"

    def elements(self, fact: Fact[MdmElements]) -> Fact[MdmElements]:
        """The MDM elements, from the notes where no structured source has any."""
        if fact.known or fact.conflict:
            return fact
        told: dict[str, Fact[MdmLevel]] = {e.removeprefix("mdm_"): self.told(e, Fact()) for e in ELEMENTS}
        if not any(one.known for one in told.values()):
            return self._no_elements(fact, list(told.values()))
        levels = MdmElements(**{element: one.value for element, one in told.items()})
        return Fact(levels, tuple(piece for one in told.values() for piece in one.evidence), notes=fact.notes)

    def _no_elements(self, fact: Fact[MdmElements], told: Sequence[Fact[MdmLevel]]) -> Fact[MdmElements]:
        """The unknown elements, with what the notes say of them and is not used."""
        refused = tuple(dict.fromkeys((*fact.refused, *(why for one in told for why in one.refused))))
        rivals = list(dict.fromkeys(f'"{rival.evidence.said}"' for one in told for rival in one.conflict))
        vague = list(dict.fromkeys(f'"{one.said}"' for element in ELEMENTS for one in self.asked.get(element, ())))
        parts = [
            f"the note says {' and '.join(vague)}, which is no exact statement" if vague else "",
            f"the notes contradict themselves: {' and '.join(rivals)}" if rivals else "",
            not_usable(refused) if refused else "",
        ]
        return replace(fact, why_unknown="; ".join(filter(None, parts)) or fact.why_unknown, refused=refused)


def narrative(chart: Chart, rules: NoteRules, who: People) -> Narrative:
    """Read every note of the visit; what the clinician spent and decided, only where nobody else wrote it.

    Parameters: `who` rendered the visit.
    """
    found, unread = documents(chart, who)
    notes = list(unread)
    refused: dict[str, list[str]] = {}
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
                refused.setdefault(one.target, []).append(f"{name(document.resource)} is by another clinician")
                continue
            where = _evidence(document, one)
            if one.value is None or _of_another_day(chart, document, one):
                asked.setdefault(one.target, []).append(where)
            else:
                readings.setdefault(one.target, []).append(Reading(one.value, where))
        if document.preliminary:
            notes.append(f"{name(document.resource)} is preliminary, not final")
    _count_days(readings, refused)
    unread = [one.removesuffix("; not read") for one in unread]
    unread += [why for kind in ("DocumentReference", "Composition") for why in chart.left_out(kind)]
    others, hints = documents_of_other_visits(chart), tuple(_hints(chart, found, readings))
    return Narrative(bool(found), others, tuple(unread), refused, readings, asked, hints, tuple(notes))


def _evidence(document: Document, one: Found) -> Evidence:
    return evidence(document.resource, f"note[{one.start}:{one.end}]", one.said, How.NOTE)


def _of_another_day(chart: Chart, document: Document, one: Found) -> bool:
    said = document.text[one.start : one.end]
    return one.target == TOTAL and chart.when is not None and is_of_another_day(said, chart.when.day)


def _count_days(readings: dict[str, list[Reading[Any]]], refused: dict[str, list[str]]) -> None:
    """Minutes over seven days are the total of a written exchange, and of nothing else."""
    cumulative = readings.pop("cumulative_minutes", [])
    modes = {reading.value for reading in readings.get("modality", ())}
    if cumulative and modes == {Modality.ASYNCHRONOUS}:
        readings["total_minutes"] = cumulative
    else:
        several = [f'{one.evidence.resource}: "{one.evidence.said}" is a total over several days' for one in cumulative]
        refused.setdefault("total_minutes", []).extend(several)


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
