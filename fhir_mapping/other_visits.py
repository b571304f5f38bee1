"""Reads the other visits of a chart: when each was, whether by the same clinician, and how they met."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from fhir_mapping.chart import Chart
from fhir_mapping.encounter import period_of
from fhir_mapping.facts import Modality
from fhir_mapping.hints import VIRTUAL
from fhir_mapping.moments import Moment, moment_or_none
from fhir_mapping.people import participants
from fhir_mapping.practices import Practices
from fhir_mapping.resources import Json, concepts, records, text

VISITS = {Modality.AUDIO_VIDEO, Modality.IN_PERSON, VIRTUAL}
"""The ways to meet that make a contact a visit."""

_CONTACTS = {Modality.ASYNCHRONOUS, Modality.AUDIO_ONLY}


class OtherVisit(NamedTuple):
    """Another visit: its day, the resource that tells of it, and where in it the day or the code stands.

    `lacks_zone` if its time was written without a zone: its day may then be off by one.
    """

    day: date
    resource: Json
    path: str
    lacks_zone: bool = False


def began(encounter: Json) -> str:
    """When an encounter began, as it is written."""
    return text(period_of(encounter)[1].get("start"))


def undated(chart: Chart) -> Iterator[Json]:
    """List the encounters that took place of which no day can be read: they may have been at any time."""
    for encounter in chart.of("Encounter"):
        if encounter is not chart.encounter and _counts(chart, encounter) and not moment_or_none(began(encounter)):
            yield encounter


def _counts(chart: Chart, encounter: Json) -> bool:
    return chart.vocabulary.term("status", "encounter-status", text(encounter.get("status"))) == "counted"


def took_place(chart: Chart, encounter: Json, visit: Moment) -> OtherVisit | None:
    """Read an encounter other than the visit, if it is said when it was, and that it was not cancelled."""
    start = moment_or_none(began(encounter))
    if not _counts(chart, encounter) or start is None or encounter is chart.encounter:
        return None
    return OtherVisit(start.day_beside(visit), encounter, f"{period_of(encounter)[0]}.start", start.lacks_zone)


def same_clinician(chart: Chart, resource: Json, practices: Practices) -> bool | None:
    """Whether who took part is the clinician of the visit, or counts as the same; `None` if that cannot be told."""
    answers: list[bool | None] = []
    for target in _clinicians(chart, resource):
        answers.append(practices.same_clinician(target, resource))
        if answers[-1]:
            return True
    return None if None in answers or not answers else False


def is_visit_code(chart: Chart, code: object) -> bool:
    """Whether a CodeableConcept holds the code of an E/M visit."""
    return any(word == "visit" for word, _ in chart.vocabulary.words("reported", code))


def ways_met(chart: Chart, resource: Json) -> frozenset[str]:
    """How patient and clinician met, as the types of a visit say it: by their codes, or by words where no code does."""
    met: set[str] = set()
    for concept in concepts(resource.get("type")):
        coded = {chart.vocabulary.word("modality", one.system, one.code) or "" for one in concept.codings} - {""}
        words = " / ".join([concept.text, *(one.display for one in concept.codings)])
        met |= coded or chart.vocabulary.phrases("modality", words)
    return frozenset(met)


def is_contact_only(chart: Chart, resource: Json) -> bool:
    """Recognise telephone and written contacts, which nobody billed as a visit: no source settles if they count."""
    met = ways_met(chart, resource)
    return bool(met) and met <= _CONTACTS and not is_visit_code(chart, resource.get("type"))


def is_no_visit(chart: Chart, resource: Json) -> bool:
    """Recognise what is kept as an encounter though nobody was seen: orders, refills, a nurse's or a missed visit."""
    types = resource.get("type")
    if is_visit_code(chart, types):
        return False
    words = {word for word, _ in chart.vocabulary.words("no_visit", types)}
    for concept in concepts(types):
        for said in (concept.text, *(one.display for one in concept.codings)):
            words |= chart.vocabulary.phrases("no_visit", said)
    return "yes" in words or ("appointment" in words and VISITS.isdisjoint(ways_met(chart, resource)))


def _clinicians(chart: Chart, resource: Json) -> Iterator[object]:
    """List everyone who took part; a part that is not understood (a referrer, a scheduler) does not count."""
    match resource.get("resourceType"):
        case "Encounter":
            for participant in participants(chart, resource):
                if participant.parts or not participant.typed:
                    yield participant.target
        case "Procedure":
            yield from (performer.get("actor") for performer in records(resource.get("performer")))
        case _:
            yield from (member.get("provider") for member in records(resource.get("careTeam")))
            yield from records(resource.get("provider"))
