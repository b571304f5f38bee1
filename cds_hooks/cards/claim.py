"""The draft claim that a suggestion offers: the code with its modifiers, place of service and encounter."""

from collections.abc import Mapping
from typing import Any

from fhir.resources.R4B.claim import Claim

from cds_hooks.cards.words import claim_line
from cds_hooks.coding.outcome import Candidate
from fhir_mapping.facts import Parties

FAULTS = (ValueError, KeyError, TypeError)
"""What fhir.resources raises for a resource it refuses."""


def create_claim(candidate: Candidate, parties: Parties, day: str, systems: Mapping[str, str]) -> dict[str, Any] | None:
    """The action that creates a draft Claim for `candidate`, or `None` if FHIR would refuse the Claim.

    Parameters: `day` of service as an ISO date; `systems`, the code systems by name.
    """
    claim = _claim(candidate, parties, day, systems)
    try:
        Claim.model_validate(claim)
    except FAULTS:
        return None
    return {"type": "create", "description": f"Draft claim: {claim_line(candidate)}", "resource": claim}


def _claim(candidate: Candidate, parties: Parties, day: str, systems: Mapping[str, str]) -> dict[str, Any]:
    coverage = next((ref for payer, ref in parties.coverages if payer == candidate.payer), None)
    coverage = coverage or (parties.coverages[0][1] if parties.coverages else None)
    lines = [(candidate.code, candidate.modifiers, 1)]
    if candidate.prolonged:
        lines.append((candidate.prolonged.code, (), candidate.prolonged.units))
    return {
        "resourceType": "Claim",
        "status": "draft",
        "type": _coded(systems["claim_type"], "professional"),
        "use": "claim",
        "patient": _reference(parties.patient, "patient of the encounter"),
        "created": day,
        "provider": _reference(parties.practitioner, "clinician not identified"),
        "priority": _coded(systems["priority"], "normal"),
        # R4 wants a coverage even where the record has none: it is then named as missing, not invented.
        "insurance": [{"sequence": 1, "focal": True, "coverage": _reference(coverage, "coverage not identified")}],
        "item": [
            _item(number, code, modifiers, units, candidate, parties, day, systems)
            for number, (code, modifiers, units) in enumerate(lines, start=1)
        ],
    }


def _item(  # noqa: PLR0913 - a claim line has many columns
    number: int,
    code: str,
    modifiers: tuple[str, ...],
    units: int,
    candidate: Candidate,
    parties: Parties,
    day: str,
    systems: Mapping[str, str],
) -> dict[str, Any]:
    item: dict[str, Any] = {
        "sequence": number,
        "productOrService": _coded(_system(code, systems), code),
        "servicedDate": day,
        "quantity": {"value": units},
        "encounter": [{"reference": parties.encounter}],
    }
    if modifiers:
        item["modifier"] = [_coded(_system(modifier, systems), modifier) for modifier in modifiers]
    if candidate.place_of_service:
        item["locationCodeableConcept"] = _coded(systems["place_of_service"], candidate.place_of_service)
    return item


def _system(code: str, systems: Mapping[str, str]) -> str:
    """HCPCS level II codes and modifiers begin with a letter, those of CPT with a digit."""
    return systems["hcpcs"] if code[0].isalpha() else systems["cpt"]


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _reference(reference: str | None, otherwise: str) -> dict[str, str]:
    return {"reference": reference} if reference else {"display": otherwise}
