"""A draft order of an E/M service is the code already chosen; any other order is none of ours."""

from typing import Any

import pytest

from fhir_mapping.facts import Modality
from fhir_mapping.orders import has_visit_code
from tests.mapping.charts import CPT, HCPCS, POS, SNOMED, bundle, concept, facts, visit, vocabulary

Json = dict[str, Any]


def order(system: str = CPT, code: str = "99214", **members: Any) -> Json:
    whole = {
        "resourceType": "ServiceRequest",
        "id": "o1",
        "status": "draft",
        "intent": "order",
        "code": concept(system, code),
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
    } | members
    return {name: value for name, value in whole.items() if value is not None}


@pytest.mark.parametrize(
    "held",
    [
        order(),
        order(HCPCS, "G2252"),
        order(code="98016"),
        {**order(), "code": {"concept": concept(CPT, "99214")}},  # as R5 writes it
    ],
)
def test_an_order_of_an_em_service_is_seen_among_others(held: Json) -> None:
    assert has_visit_code(bundle(order(code="71046", id="xray"), held), vocabulary())


@pytest.mark.parametrize(
    "held",
    [
        None,
        {},
        bundle(),
        bundle(None, "x", {}),
        bundle(order(code="71046")),
        bundle(order(SNOMED, "99214")),
        bundle({**order(), "resourceType": "MedicationRequest"}),
        {"entry": {"resource": "order"}},
        [order()],
    ],
)
def test_anything_else_is_no_order_of_ours(held: object) -> None:
    assert not has_visit_code(held, vocabulary())


def test_the_code_ordered_is_the_code_already_chosen_with_its_modifiers_and_place() -> None:
    details: Json = {"orderDetail": [concept(CPT, "95")], "locationCode": [concept(POS, "10")]}
    found = facts(visit(), order(**details))
    assert found.reported_code.value == "99214"
    assert found.reported_code.evidence[0].resource == "ServiceRequest/o1"
    assert found.reported_modifiers.value == ("95",)
    assert found.reported_place_of_service.value == "10"


def test_an_order_without_details_says_nothing_about_modifiers() -> None:
    assert facts(visit(), order()).reported_modifiers.value is None


@pytest.mark.parametrize("status", ["planned", "billable"])
def test_a_charge_or_an_order_that_names_no_visit_is_of_none(status: str) -> None:
    assert facts(visit(), order(encounter=None)).reported_code.value is None
    charge = {"resourceType": "ChargeItem", "id": "ch1", "status": status, "code": concept(CPT, "99213")}
    assert facts(visit(), charge).reported_code.value is None


def test_an_order_proves_nothing_of_how_and_where_the_visit_was_held() -> None:
    found = facts(visit("AMB"), order(code="98006", locationCode=[concept(POS, "10")]))
    assert found.reported_code.value == "98006"
    assert found.modality.value is Modality.IN_PERSON
    assert not any(one.resource == "ServiceRequest/o1" for one in found.modality.evidence)
    assert found.patient_location.value is None


@pytest.mark.parametrize(
    "occurrence",
    [
        {"occurrenceDateTime": "2026-11-23"},
        {"occurrenceDateTime": "2026-11-23T15:00:00-05:00"},
        {"occurrencePeriod": {"start": "2026-11-23"}},
    ],
)
def test_an_order_for_the_day_of_the_visit_counts(occurrence: Json) -> None:
    assert facts(visit(), order(**occurrence)).reported_code.value == "99214"


@pytest.mark.parametrize(
    "other",
    [
        {"occurrenceDateTime": "2026-11-22"},
        {"occurrenceDateTime": "2026-11-24"},
        {"occurrencePeriod": {"start": "2027-03-01"}},
        {"occurrencePeriod": {}},
        {"occurrenceTiming": {"repeat": {"frequency": 1}}},
        {"doNotPerform": True},
        {"status": "active"},
        {"status": "revoked"},
        {"encounter": {"reference": "Encounter/e0"}},
        {"code": None},
    ],
)
def test_an_order_that_is_signed_refused_or_of_another_visit_or_day_is_not_the_code_chosen(other: Json) -> None:
    changed = {name: value for name, value in (order() | other).items() if value is not None}
    assert facts(visit(), changed).reported_code.value is None
