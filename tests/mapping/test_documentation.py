"""Minutes and decision making: what a site documented, and the values that must not become a code."""

from typing import Any

import pytest

from fhir_mapping.facts import AudioOnlyReason, MdmElements, MdmLevel
from tests.mapping.charts import (
    BASE,
    UCUM,
    Json,
    bundle,
    concept,
    earlier,
    extended,
    facts,
    level,
    minutes,
    observed,
    visit,
)

TOTAL = "total-time"


@pytest.mark.parametrize(
    ("value", "unit", "whole"),
    [
        (34, "min", 34),
        (34.0, "min", 34),
        (34.9, "min", 34),
        (0, "min", 0),
        (1440, "min", 1440),
        (0.5, "h", 30),
        (1.15, "h", 69),  # 68.99 in binary: a minute lost would cost a level
        (24, "h", 1440),
        (2040, "s", 34),
        (2099, "s", 34),
    ],
)
def test_minutes_are_whole_and_rounded_down_in_every_unit(value: float, unit: str, whole: int) -> None:
    fact = facts(visit(), minutes(TOTAL, value, unit)).total_minutes
    assert fact.value == whole
    assert fact.evidence[0].resource == "Observation/o-total-time"
    assert fact.evidence[0].said == f"{value} {unit}"


@pytest.mark.parametrize("unit", ["min", "Minutes", "mins", "minute", "MIN", "minute(s)", "min."])
def test_a_unit_may_be_said_in_words_alone(unit: str) -> None:
    assert facts(visit(), observed(TOTAL, {"valueQuantity": {"value": 34, "unit": unit}})).total_minutes.value == 34


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"valueQuantity": {"value": "34", "unit": "min"}}, "34 min"),
        ({"valueQuantity": {"value": " 34.9 ", "unit": "min"}}, "34.9 min"),
        ({"valueQuantity": {"value": "2040", "code": "s"}}, "2040 s"),
        ({"valueQuantity": {"value": 34, "system": UCUM, "code": "MIN"}}, "34 MIN"),
        ({"valueQuantity": {"value": 34, "system": UCUM, "code": "minutes"}}, "34 minutes"),
        ({"valueQuantity": {"value": 34, "unit": "min"}, "valueDuration": {"value": 34, "code": "min"}}, "34 min"),
        ({"valueString": "34 min"}, "34 min"),
        ({"valueString": "34min."}, "34min."),
        ({"valueString": " 34 Minutes "}, "34 Minutes"),
    ],
)
def test_a_number_and_a_unit_that_are_clear_are_used_however_they_are_written(value: Json, said: str) -> None:
    fact = facts(visit(), observed(TOTAL, value)).total_minutes
    assert fact.value == 34
    assert fact.evidence[0].said == said


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"valueQuantity": {"value": 34}}, "the unit is not known"),
        ({"valueQuantity": {"value": 34, "unit": "points"}}, "the unit is not known"),
        ({"valueQuantity": {"value": 1, "unit": "d", "system": UCUM, "code": "d"}}, "the unit is not known"),
        ({"valueQuantity": {"value": 34, "unit": "min", "system": UCUM, "code": "mo"}}, "the unit is not known"),
        ({"valueQuantity": {"value": 34, "unit": "hours", "code": "min"}}, "the unit contradicts itself"),
        ({"valueQuantity": {"value": 34, "unit": "min", "comparator": ">="}}, "the value is not exact"),
        ({"valueQuantity": {"value": -1, "unit": "min"}}, "the value is no time within one day"),
        ({"valueQuantity": {"value": 1441, "unit": "min"}}, "the value is no time within one day"),
        ({"valueQuantity": {"value": 25, "unit": "h"}}, "the value is no time within one day"),
        ({"valueQuantity": {"value": float("nan"), "unit": "min"}}, "the value is no time within one day"),
        ({"valueQuantity": {"value": float("inf"), "unit": "min"}}, "the value is no time within one day"),
        ({"valueQuantity": {"value": 10**400, "unit": "min"}}, "the value is no time within one day"),
        ({"valueQuantity": {"value": True, "unit": "min"}}, "the value is not a quantity with a unit"),
        ({"valueQuantity": {"value": "34,5", "unit": "min"}}, "the value is not a quantity with a unit"),
        ({"valueQuantity": {"value": "30-34", "unit": "min"}}, "the value is not a quantity with a unit"),
        ({"valueQuantity": {"value": ">34", "unit": "min"}}, "the value is not a quantity with a unit"),
        ({"valueQuantity": {"value": "\u0663\u0664", "unit": "min"}}, "the value is not a quantity with a unit"),
        ({"valueQuantity": {"value": "34 min", "unit": "min"}}, "the value is not a quantity with a unit"),
        ({"valueQuantity": {"value": "1441", "unit": "min"}}, "the value is no time within one day"),
        ({"valueQuantity": {"value": "34"}}, "the unit is not known"),
        ({"valueQuantity": {"value": 34, "unit": "'"}}, "the unit is not known"),
        ({"valueQuantity": {"value": 34, "unit": "/min"}}, "the unit is not known"),
        ({"valueQuantity": {"value": 34, "system": UCUM, "code": "/min"}}, "the unit is not known"),
        ({"valueQuantity": {"value": 1, "system": UCUM, "code": "H"}}, "the unit is not known"),
        (
            {"valueQuantity": {"value": 34, "unit": "min"}, "valueDuration": {"value": 44, "unit": "min"}},
            "the value contradicts itself",
        ),
        (
            {"valueQuantity": {"value": 34, "unit": "min"}, "valueString": "45 min"},
            "it has values of several types",
        ),
        (
            {"valueQuantity": {"value": 34, "unit": "min"}, "dataAbsentReason": {"text": "unknown"}},
            "it says that its value is absent",
        ),
        ({"valueInteger": 34}, "the value is not a quantity with a unit"),
        ({"valueDecimal": 34}, "the value is not a quantity with a unit"),
        ({"valueString": "34"}, "the value is not a quantity with a unit"),
        ({"valueString": "about 34 min"}, "the value is not a quantity with a unit"),
        ({"valueString": "1 h 4 min"}, "the value is not a quantity with a unit"),
        ({"valueString": "30-34 min"}, "the value is not a quantity with a unit"),
        ({"valueString": "1 d"}, "the unit is not known"),
        ({}, "the value is not a quantity with a unit"),
    ],
)
def test_minutes_that_cannot_be_trusted_are_refused_with_a_note(value: Json, why: str) -> None:
    found = facts(visit(), observed(TOTAL, value))
    assert found.total_minutes.value is None
    assert f"Observation/o-total-time, total minutes: {why}; not used" in found.notes


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("total-time", "total_minutes"),
        ("medical-discussion-time", "discussion_minutes"),
        ("video-time", "video_minutes"),
        ("audio-time", "audio_minutes"),
    ],
)
def test_each_kind_of_minutes_has_its_own_code(code: str, name: str) -> None:
    found = facts(visit(), minutes(code, 17))
    known = {kind for kind in ("total", "discussion", "video", "audio") if getattr(found, f"{kind}_minutes").known}
    assert {f"{kind}_minutes" for kind in known} == {name}


def test_the_code_is_read_under_another_base_too_but_not_in_another_code_system() -> None:
    elsewhere = observed(TOTAL) | {"code": concept("http://hospital.example/CodeSystem/em-documentation", TOTAL)}
    vital = observed(TOTAL) | {"code": concept("http://loinc.org", TOTAL)}
    value = {"valueQuantity": {"value": 34, "unit": "min"}}
    assert facts(visit(), elsewhere | value).total_minutes.value == 34
    assert facts(visit(), vital | value).total_minutes.value is None


def test_two_observations_that_agree_are_one_fact_with_two_evidences() -> None:
    fact = facts(visit(), bundle(minutes(TOTAL, 34, id="o1"), minutes(TOTAL, 34, id="o2"))).total_minutes
    assert fact.value == 34
    assert [one.resource for one in fact.evidence] == ["Observation/o1", "Observation/o2"]


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_two_observations_that_differ_are_a_conflict_whatever_their_status(status: str) -> None:
    fact = facts(visit(), minutes(TOTAL, 34, id="o1"), minutes(TOTAL, 44, id="o2", status=status)).total_minutes
    assert fact.value is None
    assert {rival.value for rival in fact.conflict} == {34, 44}
    assert fact.why_unknown == "the chart contradicts itself"


def test_the_same_observation_under_two_prefetch_keys_is_one_evidence() -> None:
    fact = facts(visit(), minutes(TOTAL, 34), bundle(minutes(TOTAL, 34))).total_minutes
    assert len(fact.evidence) == 1


def test_a_preliminary_observation_counts_at_sign_off_and_is_said_to_be_so() -> None:
    fact = facts(visit(), minutes(TOTAL, 34, status="preliminary")).total_minutes
    assert fact.value == 34
    assert "Observation/o-total-time is preliminary, not final" in fact.notes


def test_a_final_observation_wins_over_a_preliminary_one_and_the_other_is_noted() -> None:
    early = minutes(TOTAL, 44, id="o1", status="preliminary")
    fact = facts(visit(), early, minutes(TOTAL, 34, id="o2", status="amended")).total_minutes
    assert fact.value == 34
    assert any(note.startswith("Observation/o1") and "44 min" in note for note in fact.notes)


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "registered", "unknown", None, 7])
def test_an_observation_that_does_not_stand_is_left_out_with_a_note(status: Any) -> None:
    found = facts(visit(), minutes(TOTAL, 34, status=status))
    assert found.total_minutes.value is None
    assert "Observation/o-total-time, total minutes: it is neither final nor preliminary; not used" in found.notes


@pytest.mark.parametrize(
    ("visited", "counts"),
    [
        ({"reference": "Encounter/e1"}, True),
        ({"reference": "https://ehr.example/fhir/Encounter/e1/_history/2"}, True),
        ({"reference": "Encounter/e2"}, False),
        ({"identifier": {"value": "visit-77"}}, False),
    ],
)
def test_an_observation_of_another_encounter_is_left_out(visited: Json, counts: bool) -> None:
    found = facts(visit(), minutes(TOTAL, 34, encounter=visited))
    assert found.total_minutes.known is counts
    left_out = "Observation/o-total-time, total minutes: it belongs to another encounter; not used"
    assert (left_out in found.notes) is not counts


CSN, OTHER = "urn:oid:1.2.3.4.7", "urn:oid:1.2.3.4.8"


@pytest.mark.parametrize(
    ("visited", "counts"),
    [
        ({"identifier": {"system": CSN, "value": "77"}}, True),
        ({"identifier": {"system": CSN, "value": "77"}, "type": "Encounter"}, True),
        ({"identifier": {"value": "77"}}, True),
        ({"identifier": {"system": OTHER, "value": "77"}}, False),
        ({"identifier": {"system": CSN, "value": "78"}}, False),
        ({"identifier": {"value": "78"}}, False),
        ({"identifier": {"system": CSN, "value": "77"}, "type": "EpisodeOfCare"}, False),
        ({"identifier": {"system": CSN}}, False),
        ({"reference": f"Encounter?identifier={CSN}|77"}, True),
        ({"reference": "Encounter/e1", "identifier": {"system": CSN, "value": "77"}}, True),
        ({"reference": "Encounter/e1", "identifier": {"system": OTHER, "value": "5"}}, True),
        ({"reference": "Encounter/e1", "identifier": {"system": CSN, "value": "78"}}, False),
        ({"reference": "Encounter/e2", "identifier": {"system": CSN, "value": "77"}}, False),
        ({"identifier": {"system": "urn:account", "value": "a1"}}, False),  # which is of two visits
    ],
)
def test_an_observation_names_its_visit_by_an_identifier_of_the_visit_and_of_no_other(
    visited: Json, counts: bool
) -> None:
    account = {"system": "urn:account", "value": "a1"}
    before = earlier("e2", "2026-11-20", identifier=[{"system": CSN, "value": "78"}, account])
    mine = visit(identifier=[{"system": CSN, "value": "77"}, account])
    found = facts(mine, bundle(before), minutes(TOTAL, 34, encounter=visited))
    assert found.total_minutes.known is counts
    left_out = "Observation/o-total-time, total minutes: it belongs to another encounter; not used"
    assert (left_out in found.notes) is not counts or visited == {"identifier": {"system": CSN}}


@pytest.mark.parametrize(("others", "counts"), [([], True), ([{"system": OTHER, "value": "77"}], False)])
def test_an_identifier_without_a_system_must_be_of_one_visit_alone(others: list[Json], counts: bool) -> None:
    mine = visit(identifier=[{"system": CSN, "value": "77"}])
    sent = (mine, earlier("e2", "2026-11-20", identifier=others))
    assert facts(*sent, minutes(TOTAL, 34, encounter={"identifier": {"value": "77"}})).total_minutes.known is counts


@pytest.mark.parametrize(
    ("members", "counts"),
    [
        ({"effectiveDateTime": "2026-11-23"}, True),
        ({"effectiveDateTime": "2026-11-24T03:00:00Z"}, True),
        ({"effectivePeriod": {"start": "2026-11-23T15:00:00-05:00"}}, True),
        ({"effectiveInstant": "2026-11-23T15:00:00-05:00"}, True),
        ({"effectiveDateTime": "2026-11-22"}, False),
        ({"effectiveDateTime": "2026-11"}, False),
        ({}, False),
    ],
)
def test_an_observation_that_names_no_encounter_counts_on_the_day_of_the_visit_alone(
    members: Json, counts: bool
) -> None:
    assert facts(visit(), minutes(TOTAL, 34, encounter={}, **members)).total_minutes.known is counts


def test_an_extension_of_the_encounter_documents_minutes_where_no_observation_does() -> None:
    told = extended("em-total-time", valueDuration={"value": 32, "unit": "min", "system": UCUM, "code": "min"})
    fact = facts(visit(extension=[told])).total_minutes
    assert fact.value == 32
    assert fact.evidence[0].path == "Encounter.extension(em-total-time).valueDuration"
    talked = told | {"url": "http://hospital.example/StructureDefinition/em-medical-discussion-time"}
    assert facts(visit(extension=[talked])).discussion_minutes.value == 32


def test_an_observation_outranks_the_extension_and_the_extension_is_noted() -> None:
    told = extended("em-total-time", valueDuration={"value": 32, "unit": "min"})
    fact = facts(visit(extension=[told]), minutes(TOTAL, 34)).total_minutes
    assert fact.value == 34
    assert any('"32 min"' in note for note in fact.notes)


def test_without_documentation_the_minutes_are_unknown() -> None:
    why = facts(visit()).total_minutes.why_unknown
    assert why == "neither an Observation nor an extension of the Encounter says it, and no note was read"


@pytest.mark.parametrize("word", list(MdmLevel))
def test_each_level_of_decision_making_is_read(word: MdmLevel) -> None:
    assert facts(visit(), level("mdm-level", word)).mdm.value is word


@pytest.mark.parametrize(
    "value",
    [
        {"valueCodeableConcept": {"coding": [{"system": f"{BASE}/CodeSystem/mdm-level", "code": "Moderate"}]}},
        {"valueCodeableConcept": {"coding": [{"system": "http://x.example/CodeSystem/mdm-level", "code": "moderate"}]}},
        {"valueCodeableConcept": {"coding": [{"code": "moderate"}]}},
        {"valueCodeableConcept": {"coding": [{"system": "urn:oid:1.2.3", "code": "3", "display": "MODERATE"}]}},
        {"valueCodeableConcept": {"text": "Moderate"}},
        {"valueString": "moderate"},
    ],
)
def test_a_level_is_read_by_code_display_or_text(value: Json) -> None:
    assert facts(visit(), observed("mdm-level", value)).mdm.value is MdmLevel.MODERATE


@pytest.mark.parametrize(
    "value",
    [
        {"valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "moderate"}]}},
        {"valueCodeableConcept": {"text": "moderately complex, see note"}},
        {"valueCodeableConcept": {"coding": [{"code": "moderate"}], "text": "high"}},
        {"valueQuantity": {"value": 3}},
        {},
    ],
)
def test_a_level_that_is_not_one_of_the_four_words_is_refused_with_a_note(value: Json) -> None:
    found = facts(visit(), observed("mdm-level", value))
    assert found.mdm.value is None
    assert any(note.startswith("Observation/o-mdm-level, mdm: the value") for note in found.notes)


def test_two_levels_are_a_conflict() -> None:
    fact = facts(visit(), level("mdm-level", "moderate", id="o1"), level("mdm-level", "high", id="o2")).mdm
    assert {rival.value for rival in fact.conflict} == {MdmLevel.MODERATE, MdmLevel.HIGH}


def test_a_level_may_stand_in_an_extension() -> None:
    told = extended("em-mdm-level", valueCodeableConcept=concept(f"{BASE}/CodeSystem/mdm-level", "low"))
    assert facts(visit(extension=[told])).mdm.value is MdmLevel.LOW


def test_the_elements_are_read_one_by_one_and_no_level_is_made_of_them() -> None:
    found = facts(visit(), level("mdm-problems", "moderate"), level("mdm-risk", "high"))
    assert found.mdm_elements.value == MdmElements(MdmLevel.MODERATE, None, MdmLevel.HIGH)
    assert len(found.mdm_elements.evidence) == 2
    assert found.mdm.value is None


def test_a_conflict_in_one_element_is_kept_and_nothing_of_it_is_used() -> None:
    risks = level("mdm-risk", "high", id="o1"), level("mdm-risk", "low", id="o2")
    fact = facts(visit(), level("mdm-problems", "low"), *risks).mdm_elements
    assert fact.value is None
    assert {rival.value for rival in fact.conflict} == {MdmElements(risk=MdmLevel.HIGH), MdmElements(risk=MdmLevel.LOW)}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("patient-declined", AudioOnlyReason.PATIENT_DECLINED),
        ("patient-unable", AudioOnlyReason.PATIENT_UNABLE),
        ("clinician-side", AudioOnlyReason.CLINICIAN_SIDE),
        ("network-down", None),
    ],
)
def test_the_reason_for_audio_only_is_read(code: str, reason: AudioOnlyReason | None) -> None:
    value = {"valueCodeableConcept": concept(f"{BASE}/CodeSystem/audio-only-reason", code)}
    assert facts(visit(), observed("audio-only-reason", value)).audio_only_reason.value is reason


def test_an_observation_without_a_visit_and_a_time_zone_is_of_its_day_as_written() -> None:
    loose = minutes("total-time", 34, encounter=None, effectiveDateTime="2026-11-23T23:59:00")
    found = facts(visit(), loose)
    assert found.total_minutes.value == 34
    assert "Observation/o-total-time has a time without a time zone; the day is taken as written" in found.notes
    assert facts(visit(), loose | {"effectiveDateTime": "2026-11-24T00:00:00"}).total_minutes.value is None
