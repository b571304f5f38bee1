"""Reads how clinician and patient met: by video, by voice alone, in writing, or in person.

No single element of FHIR says so. The places that may tell are read in the order of their trust; "virtual" alone never
becomes video, and in person is believed only when nothing hints at telehealth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from fhir_mapping.charges import Line
from fhir_mapping.chart import Chart
from fhir_mapping.documentation import Documentation
from fhir_mapping.encounter import classes
from fhir_mapping.facts import Evidence, Fact, How, Modality
from fhir_mapping.moments import moment_or_none
from fhir_mapping.places import Places
from fhir_mapping.readings import Reading, contradiction, overruled_note
from fhir_mapping.resources import Concept, Json, codings, concepts, evidence, record, records, text

_VIRTUAL, _UNCLEAR, _NAMES_VIDEO = "virtual", "unclear", "names_video"
_ENOUGH = 6  # places to quote in one sentence
_EXTENSION = "Encounter.extension(telehealth-modality)"
_LOOKED_AT = "neither documentation, codes, channel, appointment nor class of the visit says how they met"


class Rank(IntEnum):
    """How far a place is trusted, most first."""

    OBSERVATION = 1
    EXTENSION = 2
    CODE = 3
    CHANNEL = 4
    WORDS = 5
    APPOINTMENT = 6
    CLASS = 8  # 7 is the note's, between the appointment and the class


@dataclass(frozen=True, slots=True)
class Hint:
    """One place says something about the modality: a Modality, `virtual` without a mode, or `unclear`."""

    rank: Rank
    word: str
    evidence: Evidence


def modality(chart: Chart, lines: Sequence[Line], documented: Documentation, places: Places) -> Fact[Modality]:
    """Read how they met from everything but the note."""
    hints = [
        *_documented(documented),
        *_extended(chart),
        *_charged(chart, lines),
        *_concepts(chart, chart.encounter, ("type", "serviceType"), (Rank.CODE, Rank.WORDS)),
        *_channels(chart, chart.encounter, Rank.CHANNEL),
        *_appointed(chart),
        *(Hint(Rank.CODE, _VIRTUAL, one) for one in places.telehealth),
        *(Hint(Rank.CLASS, _VIRTUAL, one) for one in places.virtual),
    ]
    met = {"virtual": _VIRTUAL, "away": Modality.IN_PERSON}
    by_class = classes(chart.encounter, chart.vocabulary, "class")
    hints += [Hint(Rank.CLASS, met[word], one) for word, one in by_class if word in met]
    outpatient = [one for word, one in by_class if word not in met]
    return decide(hints, outpatient, places.home)


def decide(hints: Sequence[Hint], outpatient: Sequence[Evidence], home: Sequence[Evidence]) -> Fact[Modality]:
    """Make one fact of the hints, of the outpatient classes and of the evidence that the patient was at home."""
    person = [hint for hint in hints if hint.word == Modality.IN_PERSON]
    virtual = [hint for hint in hints if hint.word == _VIRTUAL]
    telehealth = [hint for hint in hints if hint.word not in {Modality.IN_PERSON, _VIRTUAL}]
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
    return Fact(why_unknown=_LOOKED_AT)


def _telehealth(telehealth: Sequence[Hint], person: Sequence[Hint]) -> Fact[Modality]:
    top = min(hint.rank for hint in telehealth)
    # An in-person code never overrules a telehealth hint of lower rank, as the ranks would have it: taken for an office
    # visit, a video visit would get no card at all. The two are a conflict, and the clinician is asked.
    deciding = [h for h in telehealth if h.rank == top] + [h for h in person if h.rank <= top]
    unclear = [hint for hint in deciding if hint.word == _UNCLEAR]
    if unclear:
        return Fact(why_unknown=f"no coding rule covers this mode: {_quoted(unclear)}")
    readings = [Reading(Modality(hint.word), hint.evidence) for hint in deciding]
    if any(reading.value != readings[0].value for reading in readings):
        return contradiction(readings)
    others = [h for h in (*telehealth, *person) if h.rank > top and h.word != readings[0].value]
    notes = dict.fromkeys(overruled_note(hint.evidence) for hint in others)
    return Fact(readings[0].value, tuple(reading.evidence for reading in readings), notes=tuple(notes))


def _quoted(hints: Sequence[Hint]) -> str:
    said = dict.fromkeys(f'{hint.evidence.path} "{hint.evidence.said}"' for hint in hints[:_ENOUGH])
    return ", ".join(said)


def _documented(documented: Documentation) -> Iterator[Hint]:
    """Read the minutes by mode: both make an interrupted visit; one alone may be a part, and only hints."""
    video, audio = documented.video_minutes, documented.audio_minutes
    word: str = _VIRTUAL
    if video.value is not None and audio.value is not None and (video.value or audio.value):
        modes = (bool(video.value), bool(audio.value))
        word = {(True, True): Modality.INTERRUPTED, (True, False): Modality.AUDIO_VIDEO}.get(modes, Modality.AUDIO_ONLY)
    for fact in (video, audio):
        for one in fact.evidence:
            yield Hint(Rank.OBSERVATION, word, replace(one, how=How.DERIVED))
        for rival in fact.conflict:
            yield Hint(Rank.OBSERVATION, _VIRTUAL, rival.evidence)
    for one in (*documented.discussion_minutes.evidence, *documented.audio_only_reason.evidence):
        yield Hint(Rank.OBSERVATION, _VIRTUAL, one)


def _extended(chart: Chart) -> Iterator[Hint]:
    for extension in records(chart.encounter.get("extension")):
        if chart.vocabulary.extension(text(extension.get("url"))) != "modality":
            continue
        value = extension.get("valueCodeableConcept") or extension.get("valueCoding")
        for concept in concepts(value or {"code": extension.get("valueCode")}):
            hints = []
            for coding in concept.codings:
                word = chart.vocabulary.word("modality", coding.system, coding.code)
                if not coding.system:
                    word = chart.vocabulary.term("modality", "delivery-method", coding.code)
                hints.append(Hint(Rank.EXTENSION, word or _VIRTUAL, evidence(chart.encounter, _EXTENSION, coding.said)))
            words = list(_words(chart, concept, chart.encounter, _EXTENSION, Rank.EXTENSION))
            silent = [Hint(Rank.EXTENSION, _VIRTUAL, evidence(chart.encounter, _EXTENSION, concept.text))]
            yield from [hint for hint in hints if hint.word != _VIRTUAL] or words or hints or silent


def _charged(chart: Chart, lines: Sequence[Line]) -> Iterator[Hint]:
    for line in lines:
        for coding in line.codes:
            if word := chart.vocabulary.word("modality", coding.system, coding.code):
                yield Hint(Rank.CODE, word, evidence(line.resource, line.path, coding.code))
        for modifier in line.modifiers or ():
            if word := chart.vocabulary.term("modality", "modifier", modifier.code):
                path = f"{line.path.rpartition('.')[0]}.modifier"
                yield Hint(Rank.CODE, word, evidence(line.resource, path, modifier.code))


def _concepts(chart: Chart, resource: Json, elements: tuple[str, ...], ranks: tuple[Rank, Rank]) -> Iterator[Hint]:
    """Read coded types; the text beside a code only where the code leaves the mode open."""
    kind = text(resource.get("resourceType"))
    for element in elements:
        for concept in concepts(resource.get(element)):
            path = f"{kind}.{element}"
            coded = [
                Hint(ranks[0], word, evidence(resource, path, coding.said))
                for coding in concept.codings
                if (word := chart.vocabulary.word("modality", coding.system, coding.code))
            ]
            yield from coded
            if not any(hint.word != _VIRTUAL for hint in coded):
                yield from _words(chart, concept, resource, path, ranks[1])


def _words(chart: Chart, concept: Concept, resource: Json, path: str, rank: Rank) -> Iterator[Hint]:
    for said in dict.fromkeys((concept.text, *(coding.display for coding in concept.codings))):
        found = chart.vocabulary.phrases("modality", said)
        modes = found - {_VIRTUAL, _NAMES_VIDEO}
        # "Video or phone visit" and "virtual or in person" are choices that were still open.
        still_open = modes == {Modality.IN_PERSON} and _VIRTUAL in found
        still_open = still_open or (modes == {Modality.AUDIO_ONLY} and _NAMES_VIDEO in found)
        if found - {_NAMES_VIDEO}:
            word = next(iter(modes)) if len(modes) == 1 and not still_open else _VIRTUAL
            yield Hint(rank, word, evidence(resource, path, said))


def _channels(chart: Chart, resource: Json, rank: Rank) -> Iterator[Hint]:
    """Read virtual channels: R5's element, and the extensions that carry it in R4."""
    kind = text(resource.get("resourceType"))
    for service in records(resource.get("virtualService")):
        yield _channel(resource, f"{kind}.virtualService", rank, service.get("channelType"), [service])
    for extension in records(resource.get("extension")):
        if chart.vocabulary.extension(text(extension.get("url"))) == "virtual_service":
            parts = records(extension.get("extension"))
            channel = [part for part in parts if part.get("url") == "channelType"]
            said = [part.get("valueCoding") or part.get("valueCodeableConcept") for part in channel]
            yield _channel(resource, f"{kind}.extension(virtualService)", rank, said, parts)


def _channel(resource: Json, path: str, rank: Rank, channel: object, parts: Sequence[Json]) -> Hint:
    named = next((coding.said for coding in codings(channel)), "")
    points = [part.get(element) for part in parts for element in ("addressContactPoint", "valueContactPoint")]
    if not named and any(record(point).get("system") == "phone" for point in points):
        return Hint(rank, Modality.AUDIO_ONLY, evidence(resource, path, "phone"))
    # A video channel is likely video, not proof: people join Zoom by telephone.
    return Hint(rank, _VIRTUAL, evidence(resource, path, named or "a virtual channel"))


def _appointed(chart: Chart) -> Iterator[Hint]:
    for appointment in _appointments(chart):
        status = text(appointment.get("status"))
        if chart.vocabulary.term("status", "appointment-status", status):
            ranks = (Rank.APPOINTMENT, Rank.APPOINTMENT)
            yield from _concepts(chart, appointment, ("appointmentType", "serviceType"), ranks)
            yield from _channels(chart, appointment, Rank.APPOINTMENT)
            for held in records(appointment.get("contained")):
                for concept in concepts(held.get("type")):
                    yield from _words(chart, concept, appointment, "Appointment.contained.type", Rank.APPOINTMENT)


def _appointments(chart: Chart) -> list[Json]:
    """Find the appointments the visit names, else the only one there is if it is of the same day."""
    linked = [chart.find(target, chart.encounter) for target in records(chart.encounter.get("appointment"))]
    if linked:
        return [found for found in linked if found]
    every = chart.of("Appointment")
    start = moment_or_none(every[0].get("start")) if len(every) == 1 else None
    return [every[0]] if start and chart.when and start.falls_on(chart.when) else []
