"""What accepting a suggestion does: it drafts a claim, a charge or an order, in the FHIR that the EHR speaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fhir.resources import chargeitem, claim, servicerequest
from fhir.resources.R4B import chargeitem as r4_chargeitem
from fhir.resources.R4B import claim as r4_claim
from fhir.resources.R4B import servicerequest as r4_servicerequest
from pydantic import BaseModel

from cds_hooks.cards.charge_item import charge_item
from cds_hooks.cards.claim import draft_claim
from cds_hooks.cards.coded import Json, Visit, billed, coded
from cds_hooks.cards.profile import ClientProfile
from cds_hooks.cards.service_request import service_request
from cds_hooks.cards.visit_line import VisitLine, visit_lines
from cds_hooks.cards.words import claim_line
from cds_hooks.coding.outcome import Candidate
from fhir_mapping.facts import Release

FAULTS = (ValueError, KeyError, TypeError)
"""What fhir.resources raises for a resource it refuses."""
MODELS: dict[tuple[Release, str], type[BaseModel]] = {
    (Release.R4, "Claim"): r4_claim.Claim,
    (Release.R4, "ChargeItem"): r4_chargeitem.ChargeItem,
    (Release.R4, "ServiceRequest"): r4_servicerequest.ServiceRequest,
    (Release.R5, "Claim"): claim.Claim,
    (Release.R5, "ChargeItem"): chargeitem.ChargeItem,
    (Release.R5, "ServiceRequest"): servicerequest.ServiceRequest,
}


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that accepting does, as CDS Hooks writes it, and what it bills: a line, or the whole candidate."""

    bills: str
    line: VisitLine
    body: Json


def create_actions(candidate: Candidate, visit: Visit, profile: ClientProfile) -> list[Action]:
    """The actions that draft a candidate for `visit`.

    None where the EHR takes none by its `profile` or writes another FHIR, or FHIR would refuse one of them.
    """
    if visit.release is Release.OTHER:
        return []
    found = list(_actions(candidate, visit, profile))
    try:
        for action in found:
            resource = action.body["resource"]
            MODELS[visit.release, resource["resourceType"]].model_validate(resource)
    except FAULTS:
        return []
    return found


def _actions(candidate: Candidate, visit: Visit, profile: ClientProfile) -> Iterator[Action]:
    lines = visit_lines(candidate)
    match profile.action_resource:
        case "claim":
            said = claim_line(candidate)
            yield _create(said, lines[0], f"Draft claim: {said}", draft_claim(lines, candidate.payer, visit))
        case "chargeitem":
            for line in lines:
                yield _create(line.said, line, f"Planned charge: {line.said}", charge_item(line, visit))
        case "servicerequest":
            for line in _orderable(lines, profile):
                listed = profile.preference_list
                ordered = coded(listed.system, listed.keys[line.code]) if listed else billed(line.code, visit.systems)
                # Of an order from its own list an EHR takes nothing but the key: no more is promised.
                said = line.code if listed else line.said
                units = f"; set its quantity to {line.units}" if listed and line.units > 1 else ""
                yield _create(said, line, f"Draft order: {said}{units}", service_request(line, ordered, visit))
        case "none":
            return


def _orderable(lines: list[VisitLine], profile: ClientProfile) -> list[VisitLine]:
    """The lines that can be ordered; a prolonged service is none without its visit."""
    listed = profile.preference_list
    if listed is None:
        return lines
    return [line for line in lines if line.code in listed.keys] if lines[0].code in listed.keys else []


def _create(bills: str, line: VisitLine, description: str, resource: Json) -> Action:
    return Action(bills, line, {"type": "create", "description": description, "resource": resource})
