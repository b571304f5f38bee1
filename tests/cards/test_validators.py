"""Every resource that can be drafted is FHIR; `tests/servers/test_judges.py` has another validator say so too."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from fhir.resources import chargeitem, claim, servicerequest
from fhir.resources.R4B import chargeitem as r4_chargeitem
from fhir.resources.R4B import claim as r4_claim
from fhir.resources.R4B import servicerequest as r4_servicerequest

from cds_hooks.cards.actions import create_actions
from cds_hooks.cards.coded import Visit
from cds_hooks.cards.profile import PreferenceList
from cds_hooks.coding.outcome import ProlongedUnits
from fhir_mapping.facts import Parties, Release
from tests.cards.test_actions import CANDIDATE, GENERIC, PARTIES, SYSTEMS

Json = dict[str, Any]
KINDS = ("claim", "chargeitem", "servicerequest")
R4: dict[str, Any] = {
    "Claim": r4_claim.Claim,
    "ChargeItem": r4_chargeitem.ChargeItem,
    "ServiceRequest": r4_servicerequest.ServiceRequest,
}
R5: dict[str, Any] = {
    "Claim": claim.Claim,
    "ChargeItem": chargeitem.ChargeItem,
    "ServiceRequest": servicerequest.ServiceRequest,
}
CODES = ("98006", "99214", "98016", "G2252", "G0071", "99423")
MODIFIERS: tuple[tuple[str, ...], ...] = ((), ("95",), ("93", "FQ"))
PLACES = ("10", "02", None)
PROLONGED = (None, ProlongedUnits("99417", 1), ProlongedUnits("G2212", 3))
WHO = (PARTIES, Parties("Encounter/e1", "Patient/p1"))


def drafts(kind: str, release: Release) -> list[Json]:
    """One resource or two for each combination of code, modifiers, place, prolonged service and known parties."""
    listed = PreferenceList(system="urn:list", keys={"99214": "4711", "99417": "4799"})
    profiles = [GENERIC.model_copy(update={"action_resource": kind, "preference_list": None})]
    if kind == "servicerequest":
        profiles.append(profiles[0].model_copy(update={"preference_list": listed}))
    found = []
    for code, modifiers, place, prolonged, parties in product(CODES, MODIFIERS, PLACES, PROLONGED, WHO):
        candidate = replace(CANDIDATE, code=code, modifiers=modifiers, place_of_service=place, prolonged=prolonged)
        for profile in profiles:
            visit = Visit(parties, "2026-03-02", SYSTEMS, release)
            found += [action.body["resource"] for action in create_actions(candidate, visit, profile)]
    return found


@pytest.mark.parametrize(("release", "models"), [(Release.R4, R4), (Release.R5, R5)], ids=["R4", "R5"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_draft_passes_fhir_resources(kind: str, release: Release, models: dict[str, Any]) -> None:
    found = drafts(kind, release)
    assert len(found) >= 324
    for resource in found:
        models[resource["resourceType"]].model_validate(resource)
