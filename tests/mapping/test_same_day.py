"""Two visits on one day are billed as one: the other is found where it was surely a visit, and else only named."""

from typing import Any

import pytest

from fhir_mapping.facts import Modality
from tests.mapping.charts import CPT, DELIVERY, EPIC_TYPE, SNOMED, Json, concept, facts, visit

IN_PERSON = {"type": [concept(SNOMED, "1258986006")]}
BY_VIDEO = {"type": [concept(SNOMED, "453131000124105")]}
MORNING = "2026-11-23T09:00:00-05:00"


def another(start: str = MORNING, **members: Any) -> Json:
    """An encounter of the same clinician and patient, by its type in person where nothing else is said."""
    return visit("AMB", **({"id": "e0", "period": {"start": start}} | IN_PERSON | members))


@pytest.mark.parametrize(
    ("start", "found"),
    [
        ("2026-11-22T23:59:00-05:00", False),
        ("2026-11-23T00:00:00-05:00", True),
        ("2026-11-23", True),
        ("2026-11-22T23:59:59", False),
        ("2026-11-23T09:00:00", True),
        ("2026-11-24T00:00:00", False),
        ("2026-11-23T23:59:00-05:00", True),
        ("2026-11-24T00:00:00-05:00", False),
        ("2026-11-24T04:59:00Z", True),  # the evening of the same day where the patient was seen
        ("2026-11-24T05:00:00Z", False),
    ],
)
def test_another_visit_of_the_day_is_found_by_the_clock_of_the_visit(start: str, *, found: bool) -> None:
    fact = facts(visit(), another(start)).same_day_visit
    assert fact.known is found
    assert [(one.resource, one.path) for one in fact.evidence] == [("Encounter/e0", "Encounter.period.start")] * found


@pytest.mark.parametrize(
    ("members", "mode"),
    [
        (IN_PERSON, Modality.IN_PERSON),
        (BY_VIDEO, Modality.AUDIO_VIDEO),
        ({"type": [concept(SNOMED, "448337001")]}, None),  # telehealth, and no more is said
        ({"type": [concept(CPT, "99213")]}, None),  # an office code stands on telehealth visits too
        ({"type": [{"text": "Video visit"}]}, Modality.AUDIO_VIDEO),
        ({"type": [concept(EPIC_TYPE, "50"), {"text": "MyChart Video Visit"}]}, Modality.AUDIO_VIDEO),
        ({"type": [concept(CPT, "99213"), {"text": "Nurse visit"}]}, None),  # somebody coded it as a visit
        ({"type": [{"coding": [{"system": "urn:a", "code": "7", "display": "Video visit"}]}]}, Modality.AUDIO_VIDEO),
        (
            {"type": [concept(SNOMED, "1258986006"), concept(DELIVERY, "tdd")]},
            None,
        ),  # text telephone: no rule covers it
    ],
)
def test_its_mode_is_what_its_type_says_and_its_minutes_are_left_open(members: Json, mode: Modality | None) -> None:
    other = facts(visit(), another(**members)).same_day_visit.value
    assert other is not None
    assert (other.modality, other.total_minutes, other.mdm) == (mode, None, None)


def test_of_several_with_different_modes_none_is_named() -> None:
    other = facts(visit(), another(), another("2026-11-23T11:00:00-05:00", id="e9", **BY_VIDEO)).same_day_visit
    assert other.value is not None
    assert other.value.modality is None
    assert len(other.evidence) == len(["e0", "e9"])


@pytest.mark.parametrize(
    "members",
    [
        {"status": "cancelled"},
        {"status": "entered-in-error"},
        {"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"}},
        {"type": [concept(SNOMED, "185317003")]},  # a telephone contact
        {"type": [{"text": "Orders Only"}]},
        {"type": [{"text": "Office visit - NO SHOW"}]},
        {"type": [concept(EPIC_TYPE, "71", "Nurse Triage")]},
        {"type": [concept(EPIC_TYPE, "101"), {"text": "NURSE VISIT"}]},
        {"type": [concept(EPIC_TYPE, "50", "Appointment")]},
        {"partOf": {"reference": "Encounter/e1"}},
        {"participant": [{"individual": {"reference": "Practitioner/dr2"}}]},
        {"subject": {"reference": "Patient/p2"}},
        {"period": {"start": "2026-11-23T15:00:00-05:00"}},  # begun in the same minute: the visit written twice
        {"period": {"start": "2026-11-23T15:24:00-05:00"}},  # within the visit
        {"period": {"start": MORNING, "end": "2026-11-23T15:01:00-05:00"}},
        {"period": {"start": "2026-11-23T15:00:00"}},  # the visit written twice, once without a zone
    ],
)
def test_what_was_no_visit_or_is_this_one_is_none_beside_it(members: Json) -> None:
    found = facts(visit(), another(**members))
    assert not found.same_day_visit.known
    assert not [note for note in found.notes if "same day" in note]


@pytest.mark.parametrize(
    "period",
    [{"start": MORNING, "end": "2026-11-23T15:00:00-05:00"}, {"start": "2026-11-23T15:25:00-05:00"}],
)
def test_a_visit_that_ends_as_this_begins_or_begins_as_it_ends_is_another(period: Json) -> None:
    assert facts(visit(), another(period=period)).same_day_visit.known


def test_a_visit_that_this_one_is_part_of_is_none_beside_it() -> None:
    assert not facts(visit(partOf={"reference": "Encounter/e0"}), another()).same_day_visit.known


def test_an_encounter_not_said_to_be_a_visit_is_named_and_no_more() -> None:
    found = facts(visit(), another(type=[{"text": "Follow up"}]))
    assert not found.same_day_visit.known
    said = "Encounter/e0 is of the same day and clinician; were it a visit, the two are one"
    assert said in found.notes


def test_without_a_day_or_a_clinician_nothing_is_concluded() -> None:
    assert not facts(visit(period=None), another()).same_day_visit.known
    assert not facts(visit(participant=None), another()).same_day_visit.known
