"""Finds a patient's latest telehealth visit, for an EHR that opens a chart without saying which visit it is about."""

from collections.abc import Callable, Iterable
from datetime import UTC, date
from functools import partial
from typing import TypeVar

from fhir_mapping.chart import MissingEncounter, WrongPatient, open_chart
from fhir_mapping.documentation import documentation
from fhir_mapping.encounter import visit_moment
from fhir_mapping.facts import Modality
from fhir_mapping.modality import modality
from fhir_mapping.moments import Moment
from fhir_mapping.patient_class import not_ours
from fhir_mapping.people import people
from fhir_mapping.places import places
from fhir_mapping.resources import PLAIN_ID, Json, text
from fhir_mapping.sent import resources_in
from fhir_mapping.unreadable import Fault, fault_of
from fhir_mapping.vocabulary import Vocabulary

T = TypeVar("T")

MOST = 20
"""How many of the newest encounters are looked at."""


def latest_visit(
    resources: Iterable[object], patient_id: str, vocabulary: Vocabulary, faults: list[Fault] | None = None
) -> str | None:
    """The id of the newest encounter that was by video, by voice or in writing, if one was.

    Parameters: `resources`, the values of a prefetch. An encounter without a plain id is passed over: nothing could
    refer to it, and as part of an address it might lead elsewhere. So is one that cannot be read, which `faults` tells.
    """
    found = [] if faults is None else faults
    dated = [
        (moment, resource)
        for value in resources
        for resource in resources_in(value)
        if text(resource.get("resourceType")) == "Encounter" and PLAIN_ID.fullmatch(text(resource.get("id")))
        if (moment := _unless_it_fails(partial(visit_moment, resource), found)) is not None
    ]
    newest = sorted(dated, key=_newest, reverse=True)[:MOST]
    for _, one in newest:
        if _unless_it_fails(partial(_is_telehealth, one, patient_id, vocabulary), found):
            return text(one.get("id"))
    return None


def _unless_it_fails(read: Callable[[], T], faults: list[Fault]) -> T | None:
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - whatever it is, it costs this encounter alone
        faults.append(fault_of("Encounter", error))
        return None


def _newest(dated: tuple[Moment, Json]) -> tuple[date, float]:
    moment, _ = dated
    at = moment.at or (moment.clock and moment.clock.replace(tzinfo=UTC))
    return moment.day, at.timestamp() if at else 0.0


def _is_telehealth(encounter: Json, patient_id: str, vocabulary: Vocabulary) -> bool:
    if not_ours(encounter, vocabulary):
        return False
    try:
        chart = open_chart([encounter], patient_id, text(encounter.get("id")), vocabulary)
    except (MissingEncounter, WrongPatient):
        return False
    met = modality(chart, people(chart, None), (), documentation(chart), places(chart, ()), ())
    if met.known:
        return met.value is not Modality.IN_PERSON
    return bool(met.evidence or met.conflict)  # virtual without a mode, or modes that contradict each other
