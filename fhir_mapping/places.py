"""Reads where the patient was. The department of a visit is the provider's place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from fhir_mapping.charges import Line
from fhir_mapping.chart import Chart
from fhir_mapping.facts import Evidence, Fact, PatientLocation
from fhir_mapping.readings import Reading, weigh
from fhir_mapping.resources import NOTHING, Json, evidence, quote, record, records, reference, text


@dataclass(frozen=True, slots=True)
class Places:
    """Where the patient was.

    What the places tell about the modality: `telehealth`, a place of service that only telehealth has; `virtual`, a
    virtual place; `home`, the patient was at home; `locations`, the places themselves, which may carry a channel.
    """

    patient_location: Fact[PatientLocation]
    telehealth: tuple[Evidence, ...]
    virtual: tuple[Evidence, ...]
    home: tuple[Evidence, ...]
    locations: tuple[Json, ...]


class _Rank(IntEnum):
    """How far a place is trusted to say where the patient was, most first."""

    SERVICE = 1
    ROLE = 2
    KIND = 3
    FORM = 4
    WORDS = 5


_Located = Iterator[tuple[_Rank, Reading[PatientLocation]]]


class _Stay(NamedTuple):
    """One location of the visit, and the resource and path to quote it by."""

    entry: Json
    location: Json
    owner: Json
    path: str

    def at(self, element: str, said: str) -> Evidence:
        return evidence(self.owner, f"{self.path}.{element}", said)


def places(chart: Chart, lines: Sequence[Line]) -> Places:
    """Read the locations of the visit and the places of service of its charges."""
    stays = list(_stays(chart))
    ranks: dict[_Rank, list[Reading[PatientLocation]]] = {rank: [] for rank in _Rank}
    for rank, reading in _located(chart, stays, lines):
        ranks[rank].append(reading)
    every = [reading for rank in ranks.values() for reading in rank]
    forms = [form for stay in stays for form in _forms(chart, stay)]
    refused = [*_unsent(chart), *chart.left_out("Location")]
    return Places(
        patient_location=weigh(
            list(ranks.values()),
            why="no place of service and no location says where the patient was",
            refused=refused,
        ),
        telehealth=tuple(reading.evidence for reading in ranks[_Rank.SERVICE]),
        virtual=tuple(where for _, word, where in forms if word == "virtual"),
        home=tuple(reading.evidence for reading in every if reading.value is PatientLocation.HOME),
        locations=tuple(stay.location for stay in stays),
    )


def _unsent(chart: Chart) -> Iterator[str]:
    """Name the locations of the visit that were not sent."""
    for entry in records(chart.encounter.get("location")):
        ref = reference(entry.get("location"))
        if ref.kind == "Location" and chart.follow(ref, chart.encounter) is None:
            yield f"{quote(ref.name) or 'a location'} of the visit was not sent"


def _stays(chart: Chart) -> Iterator[_Stay]:
    told: set[int] = set()
    for entry in records(chart.encounter.get("location")):
        ref = reference(entry.get("location"))
        location = chart.follow(ref, chart.encounter) or NOTHING
        if id(location) in told:  # a stay may be written again and again: what the place says is read once
            location = NOTHING
        told.add(id(location))
        contained = ref.kind == "#"
        yield _Stay(
            entry,
            location,
            owner=chart.encounter if contained else location,
            path="Encounter.contained" if contained else "Location",
        )


def _located(chart: Chart, stays: Sequence[_Stay], lines: Sequence[Line]) -> _Located:
    for line in lines:
        for place, where in line.places:
            if word := chart.vocabulary.word("patient_location", place.system, place.code):
                yield _Rank.SERVICE, Reading(PatientLocation(word), where)
    for stay in stays:
        yield from _typed(chart, stay)
        for rank, word, where in _forms(chart, stay):
            if word == "house":
                yield rank, Reading(PatientLocation.HOME, where)
        yield from _named(chart, stay)


def _typed(chart: Chart, stay: _Stay) -> _Located:
    for word, coding in chart.vocabulary.words("patient_location", stay.location.get("type")):
        reading = Reading(PatientLocation(word), stay.at("type", coding.said))
        if chart.vocabulary.system(coding.system) == "place-of-service":
            yield _Rank.SERVICE, reading
        # A hospital or school that belongs to an organization is where care is given from, not where the patient is.
        elif reading.value is PatientLocation.HOME or "managingOrganization" not in stay.location:
            yield _Rank.ROLE, reading


def _forms(chart: Chart, stay: _Stay) -> Iterator[tuple[_Rank, str, Evidence]]:
    """Read physical types: on the Location a house counts as a kind of place only, for a clinic may be a house too."""
    form = stay.location.get("physicalType") or stay.location.get("form")
    for word, coding in chart.vocabulary.words("place", form):
        if word == "virtual" or stay.location.get("mode") == "kind":
            yield _Rank.KIND, word, stay.at("physicalType", coding.said)
    form = stay.entry.get("physicalType") or stay.entry.get("form")
    for word, coding in chart.vocabulary.words("place", form):
        yield _Rank.FORM, word, evidence(chart.encounter, "Encounter.location.physicalType", coding.said)


def _named(chart: Chart, stay: _Stay) -> _Located:
    for element in ("description", "name"):
        said = text(stay.location.get(element))
        for word in chart.vocabulary.phrases("patient_location", said):
            yield _Rank.WORDS, Reading(PatientLocation(word), stay.at(element, said))
    display = text(record(stay.entry.get("location")).get("display"))
    for word in chart.vocabulary.phrases("patient_location", display):
        where = evidence(chart.encounter, "Encounter.location.location.display", display)
        yield _Rank.WORDS, Reading(PatientLocation(word), where)
