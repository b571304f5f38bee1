"""Reads what the clinician documented for billing: minutes, level of decision making, and why there was no video.

Two places are read, in this order: Observations with telecode's codes, then extensions of the Encounter.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeVar

from fhir_mapping.chart import Chart
from fhir_mapping.encounter import slot_note
from fhir_mapping.facts import AudioOnlyReason, Fact, MdmElements, MdmLevel, Rival
from fhir_mapping.moments import LACKS_ZONE, moment_or_none
from fhir_mapping.quantities import RefusedError, documented_minutes
from fhir_mapping.readings import CONTRADICTION, Reading, overruled_note, unknown, weigh
from fhir_mapping.resources import Json, concepts, evidence, name, quote, record, records, reference, text
from fhir_mapping.vocabulary import Vocabulary

T = TypeVar("T")

_ELEMENTS = {"mdm_problems": "problems", "mdm_data": "data", "mdm_risk": "risk"}
_CODED = ("valueCodeableConcept", "valueCoding", "valueCode", "valueString")
_UNSAID = "neither an Observation nor an extension of the Encounter says it"
_SILENT: Fact[Any] = Fact(why_unknown=_UNSAID)


@dataclass(frozen=True, slots=True)
class Documentation:
    """What was documented, each fact with its evidence; `notes` say what was refused and why."""

    total_minutes: Fact[int]
    discussion_minutes: Fact[int]
    video_minutes: Fact[int]
    audio_minutes: Fact[int]
    mdm: Fact[MdmLevel]
    mdm_elements: Fact[MdmElements]
    audio_only_reason: Fact[AudioOnlyReason]
    notes: tuple[str, ...]


def documentation(chart: Chart) -> Documentation:
    """Read all that was documented for billing."""
    reader = _Reader(chart, notes=[], observed={}, extended={}, refused={})
    reader.sort_observations()
    reader.sort_extensions()
    slot = slot_note(chart.encounter, chart.when)
    total = reader.fact("total_minutes", _minutes)
    return Documentation(
        total_minutes=replace(total, notes=(*total.notes, slot)) if slot else total,
        discussion_minutes=reader.fact("discussion_minutes", _minutes),
        video_minutes=reader.fact("video_minutes", _minutes),
        audio_minutes=reader.fact("audio_minutes", _minutes),
        mdm=reader.fact("mdm", _level),
        mdm_elements=_elements({element: reader.fact(word, _level) for word, element in _ELEMENTS.items()}),
        audio_only_reason=reader.fact("audio_only_reason", _reason),
        notes=tuple(reader.notes),
    )


class _Value(NamedTuple, Generic[T]):
    value: T
    element: str
    said: str


class _Place(NamedTuple):
    resource: Json
    path: str
    holder: Json


_Read = Callable[[Json, Vocabulary], _Value[T]]


@dataclass(frozen=True, slots=True)
class _Reader:
    chart: Chart
    notes: list[str]
    observed: dict[tuple[str, str], list[_Place]]  # what is documented, and whether it is counted or preliminary
    extended: dict[str, list[_Place]]
    refused: dict[str, list[str]]  # what documents a thing and cannot be used, with the reason

    def sort_observations(self) -> None:
        vocabulary = self.chart.vocabulary
        for observation in self.chart.of("Observation"):
            parts = self._words(record(part).get("code") for part in records(observation.get("component")))
            for word in dict(vocabulary.words("documentation", observation.get("code"))):
                status = vocabulary.term("status", "observation-status", text(observation.get("status")))
                why = self._stranger(observation) or _why_unusable(observation, again=word in parts)
                if why or status is None:
                    self._note(observation, word, why or "it is neither final nor preliminary")
                else:
                    place = _Place(observation, "Observation", observation)
                    self.observed.setdefault((word, status), []).append(place)
            for word in parts:
                self._note(observation, word, "it stands in a component")
        for observation, why in self.chart.left:
            if observation.get("resourceType") == "Observation":
                for word in self._words([observation.get("code")]):
                    self.refused.setdefault(word, []).append(why)

    def sort_extensions(self) -> None:
        for extension in records(self.chart.encounter.get("extension")):
            url = text(extension.get("url"))
            if word := self.chart.vocabulary.extension(url):
                path = f"Encounter.extension({quote(url.rpartition('/')[2])})"
                self.extended.setdefault(word, []).append(_Place(self.chart.encounter, path, extension))
        for extension in records(self.chart.encounter.get("modifierExtension")):
            if word := self.chart.vocabulary.extension(text(extension.get("url"))):
                self._note(self.chart.encounter, word, "it is a modifier, which is not understood")

    def _words(self, codes: Iterable[object]) -> list[str]:
        """List what is documented under codes, each thing once."""
        found = [word for code in codes for word, _ in self.chart.vocabulary.words("documentation", code)]
        return list(dict.fromkeys(found))

    def _stranger(self, observation: Json) -> str | None:
        """Say why an Observation does not belong to this visit, if so."""
        visit = observation.get("encounter")
        if self.chart.is_this_visit(visit, observation):
            return None
        if any(reference(visit)):
            return "it belongs to another encounter"
        effective = observation.get("effectiveDateTime") or observation.get("effectiveInstant")
        taken = moment_or_none(effective or record(observation.get("effectivePeriod")).get("start"))
        if taken and self.chart.when and taken.falls_on(self.chart.when):
            if taken.lacks_zone:
                self.notes.append(f"{name(observation)} {LACKS_ZONE}")
            return None
        return f"it names no encounter and {'is not of the day of the visit' if taken else 'no day'}"

    def fact(self, word: str, read: _Read[T]) -> Fact[T]:
        """Weigh the Observations, final before preliminary, and then the extensions that document one thing."""
        places = [self.observed.get((word, status), ()) for status in ("counted", "preliminary")]
        places.append(self.extended.get(word, ()))
        if not any(places):
            return unknown(_UNSAID, self.refused[word]) if word in self.refused else _SILENT
        final, early, extensions = (self._readings(word, found, read) for found in places)
        notes = tuple(overruled_note(r.evidence) for r in early if final and r.value != final[0].value)
        if early and not final:
            notes = tuple(f"{r.evidence.resource} is preliminary, not final" for r in early)
        refused = self.refused.get(word, ())
        return weigh([final or early, extensions], why=_UNSAID, notes=notes, refused=refused)

    def _readings(self, word: str, places: Sequence[_Place], read: _Read[T]) -> list[Reading[T]]:
        found = []
        for place in places:
            try:
                value, element, said = read(place.holder, self.chart.vocabulary)
            except RefusedError as refused:
                self._note(place.resource, word, str(refused))
            else:
                found.append(Reading(value, evidence(place.resource, f"{place.path}.{element}", said)))
        return found

    def _note(self, resource: Json, word: str, why: str) -> None:
        self.notes.append(f"{name(resource)}, {word.replace('_', ' ')}: {why}; not used")
        self.refused.setdefault(word, []).append(f"{name(resource)}: {why}")


def _why_unusable(observation: Json, *, again: bool) -> str | None:
    """Say why the value of an Observation tells nothing, if so; `again` if a component has a value of the same kind."""
    if observation.get("dataAbsentReason"):
        return "it says that its value is absent"
    return "a component of it says it too" if again else None


def _minutes(holder: Json, vocabulary: Vocabulary) -> _Value[int]:
    return _Value(*documented_minutes(holder, vocabulary))


def _level(holder: Json, vocabulary: Vocabulary) -> _Value[MdmLevel]:
    word, element, said = _word(holder, "mdm", "mdm-level", vocabulary)
    return _Value(MdmLevel(word), element, said)


def _reason(holder: Json, vocabulary: Vocabulary) -> _Value[AudioOnlyReason]:
    word, element, said = _word(holder, "audio_only_reason", "audio-only-reason", vocabulary)
    return _Value(AudioOnlyReason(word), element, said)


def _word(holder: Json, topic: str, system: str, vocabulary: Vocabulary) -> _Value[str]:
    """Read a coded value: by our code, or by a code, display or text that is one of our words and nothing else."""
    elements = [element for element in _CODED if element in holder]
    found: dict[str, str] = {}
    for value in map(holder.get, elements):
        found |= dict.fromkeys(vocabulary.phrases(topic, text(value)), text(value))
        for concept in concepts(value):
            found |= dict.fromkeys(vocabulary.phrases(topic, concept.text), concept.text)
            for coding in concept.codings:
                found |= dict.fromkeys(vocabulary.phrases(topic, coding.display), coding.said)
                known = not coding.system or vocabulary.system(coding.system) == system
                if known and (word := vocabulary.term(topic, system, coding.code.lower())):
                    found[word] = coding.said
    if len(found) != 1:
        raise RefusedError("the value contradicts itself" if found else "the value is not one of ours")
    word, said = found.popitem()
    return _Value(word, elements[0], said)


def _elements(facts: dict[str, Fact[MdmLevel]]) -> Fact[MdmElements]:
    notes = tuple(note for fact in facts.values() for note in fact.notes)
    rivals = tuple(
        Rival(MdmElements(**{element: rival.value}), rival.evidence)
        for element, fact in facts.items()
        for rival in fact.conflict
    )
    if rivals:
        return Fact(conflict=rivals, why_unknown=CONTRADICTION, notes=notes)
    if not any(fact.known for fact in facts.values()):
        refused = [one for fact in facts.values() for one in fact.refused]
        return unknown("no element of medical decision making is documented", refused, notes=notes)
    elements = MdmElements(**{element: fact.value for element, fact in facts.items()})
    return Fact(elements, tuple(one for fact in facts.values() for one in fact.evidence), notes=notes)
