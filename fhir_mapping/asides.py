"""Finds words of telehealth where EHRs write them beside the mode: the name of a clinic, the text of an appointment.

Such a word never says by which mode they met. It only keeps a visit from being taken for one in the office.
"""

from collections.abc import Iterable, Iterator, Sequence

from fhir_mapping.chart import Chart
from fhir_mapping.hints import VIRTUAL, Hint, Rank
from fhir_mapping.patient_class import unread_class_words
from fhir_mapping.resources import NOTHING, Json, concepts, evidence, record, records, reference, text
from fhir_mapping.vocabulary import Vocabulary

_SLOT = ("serviceCategory", "serviceType", "appointmentType", "specialty", "comment")
_ELEMENTS = {
    "Encounter": ("reasonCode",),
    "Location": ("name", "alias", "description", "type"),
    "Appointment": (
        "description",
        "comment",
        "note",
        "patientInstruction",
        "serviceCategory",
        "specialty",
        "reasonCode",
    ),
    "HealthcareService": ("name", "comment", "extraDetails", "type", "category", "specialty"),
    "Slot": _SLOT,
    "Schedule": ("name", *_SLOT),
}
_PLACES = frozenset({"Location", "HealthcareService", "Device"})
_MOST = 50  # entries of one list


def asides(chart: Chart, booked: Sequence[Json], locations: Iterable[Json]) -> Iterator[Hint]:
    """Read every place beside those that say the mode.

    Parameters: `booked`, the appointments of the visit that were kept; `locations` of the visit.
    """
    visit = chart.encounter
    for said in unread_class_words(visit, chart.vocabulary):
        yield from aside(chart.vocabulary, said, visit, "Encounter.class", Rank.CLASS)
    yield from _in_elements(chart, visit)
    for reason in records(visit.get("reason"))[:_MOST]:  # R5
        yield from _in_value(chart, reason.get("value"), visit, "Encounter.reason.value")
    displays = [text(record(entry.get("location")).get("display")) for entry in records(visit.get("location"))]
    for said in dict.fromkeys(displays):
        yield from aside(chart.vocabulary, said, visit, "Encounter.location.location.display")
    said = text(record(visit.get("serviceProvider")).get("display"))
    yield from aside(chart.vocabulary, said, visit, "Encounter.serviceProvider.display")
    service = [entry.get("reference") for entry in records(visit.get("serviceType"))]  # R5
    for found in (*locations, *(chart.find(one, visit) for one in service if isinstance(one, dict))):
        yield from _in_elements(chart, found or NOTHING)
    for appointment in booked:
        yield from _booked(chart, appointment)


def aside(vocabulary: Vocabulary, said: str, holder: Json, path: str, rank: Rank = Rank.ASIDE) -> Iterator[Hint]:
    """Read words for what they hint at: telehealth, unless they deny it, offer it, or mean something else by video."""
    found = vocabulary.phrases("aside", vocabulary.without("unrelated", said))
    if "virtual" in found and ("denied" not in found or "open" in found):
        yield Hint(rank, VIRTUAL, evidence(holder, path, said))


def _booked(chart: Chart, appointment: Json) -> Iterator[Hint]:
    yield from _in_elements(chart, appointment)
    for entry in records(appointment.get("participant"))[:_MOST]:
        actor = entry.get("actor")
        place = chart.find(actor, appointment) or NOTHING
        if reference(actor).kind in _PLACES or text(place.get("resourceType")) in _PLACES:
            said = text(record(actor).get("display"))
            yield from aside(chart.vocabulary, said, appointment, "Appointment.participant.actor.display")
            yield from _in_elements(chart, place)
    for entry in records(appointment.get("slot"))[:_MOST]:
        slot = chart.find(entry, appointment) or NOTHING
        yield from _in_elements(chart, slot)
        yield from _in_elements(chart, chart.find(slot.get("schedule"), slot) or NOTHING)


def _in_elements(chart: Chart, resource: Json) -> Iterator[Hint]:
    kind = text(resource.get("resourceType"))
    for element in _ELEMENTS.get(kind, ()):
        yield from _in_value(chart, resource.get(element), resource, f"{kind}.{element}")
    for extension in records(resource.get("extension"))[:_MOST]:
        url = text(extension.get("url"))
        if not chart.vocabulary.extension(url):
            yield from _in_extension(chart, extension, url.rpartition("/")[2], resource)


def _in_extension(chart: Chart, extension: Json, name: str, resource: Json) -> Iterator[Hint]:
    """Read an extension that nobody lists: a flag by its name, anything else by its words."""
    path = f"{text(resource.get('resourceType'))}.extension"
    if extension.get("valueBoolean") is True:
        yield from aside(chart.vocabulary, name, resource, path)
    for element in ("valueString", "valueCode", "valueCoding", "valueCodeableConcept"):
        yield from _in_value(chart, extension.get(element), resource, path)


def _in_value(chart: Chart, value: object, resource: Json, path: str) -> Iterator[Hint]:
    for item in (value if isinstance(value, list) else [value])[:_MOST]:
        if isinstance(item, str):
            yield from aside(chart.vocabulary, item, resource, path)
        for concept in concepts(item):
            for said in dict.fromkeys((concept.text, *(one.display for one in concept.codings))):
                yield from aside(chart.vocabulary, said, resource, path)
