"""The draft claim says what the card says, in codes that FHIR takes."""

from dataclasses import replace
from typing import Any

from fhir.resources.R4B.claim import Claim

from cds_hooks.cards.card import load_card_table
from cds_hooks.cards.claim import create_claim
from cds_hooks.coding.outcome import Basis, Candidate, ProlongedUnits
from fhir_mapping.facts import MdmLevel, Parties
from fhir_mapping.tables import config_folder

SYSTEMS = load_card_table(config_folder(), base="https://example.org/fhir/telecode").systems
CPT, HCPCS = SYSTEMS["cpt"], SYSTEMS["hcpcs"]
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


def claim(candidate: Candidate, parties: Parties = PARTIES) -> dict[str, Any]:
    action = create_claim(candidate, parties, "2026-03-02", SYSTEMS)
    assert action is not None
    Claim.model_validate(action["resource"])
    found: dict[str, Any] = action["resource"]
    return found


def coded(concept: dict[str, Any]) -> tuple[str, str]:
    (coding,) = concept["coding"]
    return coding["system"], coding["code"]


def test_each_code_and_modifier_stands_in_its_own_code_system() -> None:
    visit, prolonged = claim(CANDIDATE)["item"]
    assert coded(visit["productOrService"]) == (CPT, "99215")
    assert [coded(modifier) for modifier in visit["modifier"]] == [(CPT, "93"), (HCPCS, "FQ")]
    assert coded(prolonged["productOrService"]) == (HCPCS, "G2212")
    assert prolonged["quantity"] == {"value": 2}
    assert "modifier" not in prolonged


def test_the_claim_names_the_coverage_of_its_own_payer() -> None:
    assert claim(CANDIDATE)["insurance"][0]["coverage"] == {"reference": "Coverage/c1"}
    other = replace(CANDIDATE, payer="bcbs-michigan")
    assert claim(other)["insurance"][0]["coverage"] == {"reference": "Coverage/c2"}


def test_what_is_not_known_is_named_as_missing_and_not_invented() -> None:
    bare = claim(replace(CANDIDATE, place_of_service=None), Parties("Encounter/e1"))
    assert bare["provider"] == {"display": "clinician not identified"}
    assert bare["insurance"][0]["coverage"] == {"display": "coverage not identified"}
    assert "locationCodeableConcept" not in bare["item"][0]


def test_a_claim_that_fhir_would_refuse_is_not_offered() -> None:
    assert create_claim(CANDIDATE, PARTIES, "2026-13-02", SYSTEMS) is None
