"""What accepting a suggestion drafts says what the card says, in codes and in the FHIR that the EHR takes."""

from dataclasses import replace
from typing import Any

import pytest

from cds_hooks.cards.actions import create_actions
from cds_hooks.cards.card import load_card_table
from cds_hooks.cards.coded import Visit
from cds_hooks.cards.profile import PreferenceList, load_profiles
from cds_hooks.cards.validity import MODELS
from cds_hooks.coding.outcome import Basis, Candidate, ProlongedUnits
from fhir_mapping.facts import MdmLevel, Parties, Release
from fhir_mapping.tables import config_folder
from tests.mapping import charts

BASE = "https://example.org/fhir/telecode"
SYSTEMS = load_card_table(config_folder(), base=BASE).systems
CPT, HCPCS, POS = SYSTEMS["cpt"], SYSTEMS["hcpcs"], SYSTEMS["place_of_service"]
GENERIC = load_profiles(config_folder())["generic"]
CANDIDATE = Candidate(
    payer="medicare-ffs",
    family="office-outpatient",
    code="99215",
    level=MdmLevel.HIGH,
    basis=Basis.TIME,
    place_of_service="10",
    modifiers=("93", "FQ"),
    optional_modifiers=(),
    prolonged=ProlongedUnits("G2212", 2),
    wrvu=2.8,
    lower_code="99214",
    recommended=True,
)
PARTIES = Parties(
    "Encounter/e1", "Patient/p1", "Practitioner/d1", (("commercial", "Coverage/c2"), ("medicare-ffs", "Coverage/c1"))
)
BOTH = pytest.mark.parametrize("release", [Release.R4, Release.R5])
Json = dict[str, Any]


def drafted(
    kind: str, candidate: Candidate = CANDIDATE, parties: Parties = PARTIES, release: Release = Release.R4
) -> list[Json]:
    visit = Visit(parties, "2026-03-02", SYSTEMS, release)
    profile = GENERIC.model_copy(update={"action_resource": kind})
    resources = [action.body["resource"] for action in create_actions(candidate, visit, profile)]
    for resource in resources:
        MODELS[release, resource["resourceType"]].model_validate(resource)
    return resources


def code(concept: Json) -> tuple[str, str]:
    (coding,) = concept["coding"]
    return coding["system"], coding["code"]


@BOTH
def test_each_code_and_modifier_of_a_claim_stands_in_its_own_code_system(release: Release) -> None:
    (claim,) = drafted("claim", release=release)
    visit, prolonged = claim["item"]
    assert code(visit["productOrService"]) == (CPT, "99215")
    assert [code(modifier) for modifier in visit["modifier"]] == [(CPT, "93"), (HCPCS, "FQ")]
    assert code(visit["locationCodeableConcept"]) == (POS, "10")
    assert code(prolonged["productOrService"]) == (HCPCS, "G2212")
    assert prolonged["quantity"] == {"value": 2}
    assert "modifier" not in prolonged


def test_a_claim_names_the_coverage_of_its_own_payer() -> None:
    (claim,) = drafted("claim")
    assert claim["insurance"][0]["coverage"] == {"reference": "Coverage/c1"}
    (other,) = drafted("claim", replace(CANDIDATE, payer="bcbs-michigan"))
    assert other["insurance"][0]["coverage"] == {"reference": "Coverage/c2"}


def test_what_is_not_known_is_named_as_missing_and_not_invented() -> None:
    (bare,) = drafted("claim", replace(CANDIDATE, place_of_service=None), Parties("Encounter/e1"))
    assert bare["provider"] == {"display": "clinician not identified"}
    assert bare["insurance"][0]["coverage"] == {"display": "coverage not identified"}
    assert "locationCodeableConcept" not in bare["item"][0]


@pytest.mark.parametrize(("release", "visit"), [(Release.R4, "context"), (Release.R5, "encounter")])
def test_a_charge_holds_modifiers_and_place_where_telecode_reads_them(release: Release, visit: str) -> None:
    first, prolonged = drafted("chargeitem", release=release)
    assert (first["status"], code(first["code"])) == ("planned", (CPT, "99215"))
    assert first[visit] == {"reference": "Encounter/e1"}
    assert first["performer"] == [{"actor": {"reference": "Practitioner/d1"}}]
    assert (code(prolonged["code"]), prolonged["quantity"]) == ((HCPCS, "G2212"), {"value": 2})
    facts = charts.facts(charts.visit(), first)
    assert facts.reported_code.value == "99215"
    assert facts.reported_modifiers.value == ("93", "FQ")
    assert facts.reported_place_of_service.value == "10"


@BOTH
def test_an_order_holds_modifiers_and_place_where_telecode_reads_them(release: Release) -> None:
    first, prolonged = drafted("servicerequest", release=release)
    assert (first["status"], first["intent"]) == ("draft", "proposal")
    assert first["requester"] == {"reference": "Practitioner/d1"}
    assert ("concept" in first["code"]) == ("location" in first) == (release is Release.R5)
    assert prolonged["quantityQuantity"] == {"value": 2}
    facts = charts.facts(charts.visit(period={"start": first["occurrenceDateTime"]}), first)
    assert facts.reported_code.value == "99215"
    assert facts.reported_modifiers.value == ("93", "FQ")
    assert facts.reported_place_of_service.value == "10"


def test_an_order_from_an_ehrs_own_list_has_its_key_and_promises_nothing_more() -> None:
    listed = PreferenceList(system="urn:list", keys={"99215": "LOS5"})
    profile = GENERIC.model_copy(update={"action_resource": "servicerequest", "preference_list": listed})
    visit = Visit(PARTIES, "2026-03-02", SYSTEMS, Release.R4)
    (action,) = create_actions(CANDIDATE, visit, profile)
    assert code(action.body["resource"]["code"]) == ("urn:list", "LOS5")
    assert action.body["description"] == "Draft order: 99215"
    both = {"99215": "LOS5", "G2212": "PRO"}
    profile = profile.model_copy(update={"preference_list": PreferenceList(system="urn:list", keys=both)})
    assert [one.body["description"] for one in create_actions(CANDIDATE, visit, profile)] == [
        "Draft order: 99215",
        "Draft order: G2212; set its quantity to 2",
    ]
    profile = profile.model_copy(update={"preference_list": PreferenceList(system="urn:list", keys={"G2212": "PRO"})})
    assert create_actions(CANDIDATE, visit, profile) == []


@pytest.mark.parametrize("kind", ["claim", "chargeitem", "servicerequest"])
def test_a_draft_that_fhir_would_refuse_is_not_offered(kind: str) -> None:
    visit = Visit(PARTIES, "2026-13-02", SYSTEMS, Release.R4)
    assert create_actions(CANDIDATE, visit, GENERIC.model_copy(update={"action_resource": kind})) == []


def test_an_ehr_of_another_release_or_without_actions_is_offered_no_draft() -> None:
    assert drafted("claim", release=Release.OTHER) == []
    assert drafted("none") == []
