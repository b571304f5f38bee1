"""The code a draft already carries, so that the card can compare it with what the record supports."""

import pytest

from tests.mapping.charts import BASE, CPT, HCPCS, POS, Json, claim, concept, facts, visit

ORACLE = "https://fhir-ehr.cerner.com/r4/StructureDefinition/modifier-code"


def charge(code: str = "99214", **members: object) -> Json:
    return {
        "resourceType": "ChargeItem",
        "id": "ch1",
        "status": "planned",
        "code": concept(CPT, code),
        "subject": {"reference": "Patient/p1"},
        "context": {"reference": "Encounter/e1"},
    } | members


def test_a_draft_claim_reports_its_code_modifiers_and_place_of_service() -> None:
    found = facts(visit(), claim("99214", "95", place="10"))
    assert found.reported_code.value == "99214"
    assert found.reported_code.evidence[0].resource == "Claim/cl1"
    assert found.reported_modifiers.value == ("95",)
    assert found.reported_place_of_service.value == "10"


def test_a_claim_line_without_modifiers_reports_none_which_is_not_unknown() -> None:
    assert facts(visit(), claim("98006")).reported_modifiers.value == ()


@pytest.mark.parametrize(
    ("members", "reported"),
    [
        ({}, True),
        ({"status": "active"}, True),
        ({"use": None}, True),
        ({"status": "cancelled"}, False),
        ({"status": "entered-in-error"}, False),
        ({"use": "preauthorization"}, False),
        ({"patient": {"reference": "Patient/p2"}}, False),
    ],
)
def test_a_claim_counts_while_it_stands(members: Json, reported: bool) -> None:
    assert facts(visit(), claim("99214") | members).reported_code.known is reported


@pytest.mark.parametrize("encounter", [[{"reference": "Encounter/e2"}], []])
def test_a_claim_line_of_no_or_another_encounter_is_not_reported(encounter: list[Json]) -> None:
    other = claim("99214")
    other["item"][0]["encounter"] = encounter
    assert not facts(visit(), other).reported_code.known


@pytest.mark.parametrize(
    ("members", "reported"),
    [
        ({}, True),
        ({"status": "billable"}, True),
        ({"status": "aborted"}, False),
        ({"status": "not-billable"}, False),
        ({"context": None, "encounter": {"reference": "Encounter/e1"}}, True),
        ({"context": {"reference": "Encounter/e2"}}, False),
    ],
)
def test_a_charge_item_reports_its_code(members: Json, reported: bool) -> None:
    found = facts(visit(), charge() | members)
    assert found.reported_code.known is reported
    assert not found.reported_modifiers.known


@pytest.mark.parametrize("url", [f"{BASE}/StructureDefinition/charge-modifier", ORACLE])
def test_a_charge_item_reports_modifier_and_place_in_extensions(url: str) -> None:
    place = {"url": f"{BASE}/StructureDefinition/charge-place-of-service", "valueCoding": {"system": POS, "code": "02"}}
    found = facts(visit(), charge(extension=[{"url": url, "valueCodeableConcept": concept(CPT, "93")}, place]))
    assert found.reported_modifiers.value == ("93",)
    assert found.reported_place_of_service.value == "02"


def test_a_billing_code_among_the_types_of_the_visit_is_reported() -> None:
    found = facts(visit(type=[concept(CPT, "98006")]))
    assert found.reported_code.value == "98006"
    assert found.reported_code.evidence[0].path == "Encounter.type"


def test_the_same_code_in_two_places_is_one_fact_and_two_codes_are_a_conflict() -> None:
    assert len(facts(visit(type=[concept(CPT, "99214")]), claim("99214")).reported_code.evidence) == 2
    conflict = facts(visit(type=[concept(CPT, "99213")]), claim("99214")).reported_code
    assert {rival.value for rival in conflict.conflict} == {"99213", "99214"}


@pytest.mark.parametrize(
    ("system", "code"), [(CPT, "93000"), (CPT, "99491"), (HCPCS, "Q3014"), ("urn:x", "99214"), (CPT, "")]
)
def test_a_code_that_is_no_visit_of_ours_is_left_alone(system: str, code: str) -> None:
    assert not facts(visit(), claim(code, system=system)).reported_code.known


def test_what_is_no_modifier_or_place_of_service_is_not_reported_as_one() -> None:
    found = facts(visit(), claim("99214", "95", "see note", "x ", place="home"))
    assert found.reported_modifiers.value == ("95",)
    assert not found.reported_place_of_service.known


def test_without_charges_the_reason_is_said() -> None:
    why = facts(visit()).reported_code.why_unknown
    assert why == "no claim, charge item, draft order or type of the visit carries an E/M code"
