"""Reads how clinician and patient met: by video, by voice alone, in writing, or in person.

No single element of FHIR says so: every place that may tell is read, and what they hint is weighed by their trust.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fhir_mapping.appointments import appointments
from fhir_mapping.asides import aside, asides
from fhir_mapping.charges import Line
from fhir_mapping.chart import Chart
from fhir_mapping.documentation import Documentation
from fhir_mapping.facts import Fact, How, Modality
from fhir_mapping.hints import VIRTUAL, Hint, Rank, decide
from fhir_mapping.patient_class import classes
from fhir_mapping.people import People
from fhir_mapping.places import Places
from fhir_mapping.resources import Coding, Concept, Json, codings, concepts, evidence, record, records, text

_NAMES_VIDEO, _DENIES = "names_video", "denies"
_EXTENSION = "Encounter.extension(telehealth-modality)"


def modality(  # noqa: PLR0913 - one fact, and all that tells of it
    chart: Chart,
    who: People,
    lines: Sequence[Line],
    documented: Documentation,
    places: Places,
    notes: Sequence[Hint],
) -> Fact[Modality]:
    """Read how they met from every place that tells; `notes` are the hints of the notes, `who` rendered the visit."""
    found, refused = appointments(chart, who)
    booked = [one for one in found if _is_kept(chart, one)]
    hints = [
        *notes,
        *_documented(documented),
        *_extended(chart),
        *_charged(chart, lines),
        *_concepts(chart, chart.encounter, ("type", "serviceType"), (Rank.CODE, Rank.WORDS)),
        *_channels(chart, chart.encounter, Rank.CHANNEL),
        *_appointed(chart, booked),
        *(hint for location in places.locations for hint in _channels(chart, location, Rank.CHANNEL)),
        *(Hint(Rank.CODE, VIRTUAL, one) for one in places.telehealth),
        *(Hint(Rank.CLASS, VIRTUAL, one) for one in places.virtual),
    ]
    met = {"virtual": VIRTUAL, "away": Modality.IN_PERSON}
    hints += asides(chart, booked, places.locations)
    by_class = classes(chart.encounter, chart.vocabulary, "class")
    hints += [Hint(Rank.CLASS, met[word], one) for word, one in by_class if word in met]
    outpatient = [one for word, one in by_class if word not in met]
    met_by = decide(hints, outpatient, places.home)
    unused = tuple(note.removesuffix("; not used") for note in refused)
    unused += tuple(chart.left_out("Appointment"))
    return replace(met_by, notes=(*met_by.notes, *refused), refused=(*unused, *_unusable(documented)))


def _unusable(documented: Documentation) -> Iterator[str]:
    """What was documented about the mode and cannot be used."""
    for fact in (documented.video_minutes, documented.audio_minutes, documented.audio_only_reason):
        if not fact.known:
            yield from fact.refused


def _documented(documented: Documentation) -> Iterator[Hint]:
    """Read the minutes by mode: both make an interrupted visit; one alone may be a part, and only hints."""
    video, audio = documented.video_minutes, documented.audio_minutes
    word: str = VIRTUAL
    spent = (video.value, audio.value)
    if None not in spent and any(spent):
        single = Modality.AUDIO_VIDEO if video.value else Modality.AUDIO_ONLY
        word = Modality.INTERRUPTED if all(spent) else single
    for one in (*video.evidence, *audio.evidence):
        yield Hint(Rank.OBSERVATION, word, replace(one, how=How.DERIVED))
    talked, reason = documented.discussion_minutes, documented.audio_only_reason
    disputed = [rival.evidence for fact in (video, audio, talked, reason) for rival in fact.conflict]
    for one in (*talked.evidence, *reason.evidence, *disputed):
        yield Hint(Rank.OBSERVATION, VIRTUAL, one)


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
                hints.append(Hint(Rank.EXTENSION, word or VIRTUAL, evidence(chart.encounter, _EXTENSION, coding.said)))
            yield from (
                [hint for hint in hints if hint.word != VIRTUAL]
                or list(_words(chart, concept, chart.encounter, _EXTENSION, Rank.EXTENSION))
                or hints
                or [Hint(Rank.EXTENSION, VIRTUAL, evidence(chart.encounter, _EXTENSION, concept.text))]
            )


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
                if (word := _coded(chart, coding))
            ]
            yield from coded
            if not any(hint.word != VIRTUAL for hint in coded):
                yield from _words(chart, concept, resource, path, ranks[1])


def _coded(chart: Chart, coding: Coding) -> str | None:
    """The mode that a code says, in capitals too where it was written small: EHRs copy codes by hand."""
    said = dict.fromkeys((coding.code, coding.code.upper(), coding.code.lower()))
    return next(filter(None, (chart.vocabulary.word("modality", coding.system, code) for code in said)), None)


def _words(chart: Chart, concept: Concept, resource: Json, path: str, rank: Rank) -> Iterator[Hint]:
    for said in dict.fromkeys((concept.text, *(coding.display for coding in concept.codings))):
        found = chart.vocabulary.phrases("modality", chart.vocabulary.without("unrelated", said))
        modes = found - {VIRTUAL, _NAMES_VIDEO, _DENIES}
        # "Video or phone visit" and "virtual or in person" are choices that were open; "not a video visit" makes none.
        still_open = modes == {Modality.IN_PERSON} and VIRTUAL in found
        still_open = still_open or (modes == {Modality.AUDIO_ONLY} and _NAMES_VIDEO in found) or _DENIES in found
        if modes or found & {VIRTUAL, _DENIES}:
            word = next(iter(modes)) if len(modes) == 1 and not still_open else VIRTUAL
            yield Hint(rank, word, evidence(resource, path, said))
        else:
            yield from aside(chart.vocabulary, said, resource, path)


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
    return Hint(rank, VIRTUAL, evidence(resource, path, named or "a virtual channel"))


def _is_kept(chart: Chart, appointment: Json) -> bool:
    return chart.vocabulary.term("status", "appointment-status", text(appointment.get("status"))) is not None


def _appointed(chart: Chart, booked: Sequence[Json]) -> Iterator[Hint]:
    for appointment in booked:
        ranks = (Rank.APPOINTMENT, Rank.APPOINTMENT)
        yield from _concepts(chart, appointment, ("appointmentType", "serviceType"), ranks)
        yield from _channels(chart, appointment, Rank.APPOINTMENT)
        for held in records(appointment.get("contained")):
            for concept in concepts(held.get("type")):
                yield from _words(chart, concept, appointment, "Appointment.contained.type", Rank.APPOINTMENT)
