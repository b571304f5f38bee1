"""What accepting a suggestion does: it drafts a claim, a charge or an order, in the FHIR that the EHR speaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cds_hooks.cards.charge_item import charge_item
from cds_hooks.cards.claim import draft_claim
from cds_hooks.cards.coded import Json, Visit, billed, coded
from cds_hooks.cards.profile import ClientProfile
from cds_hooks.cards.service_request import service_request
from cds_hooks.cards.validity import is_valid
from cds_hooks.cards.visit_line import VisitLine, visit_lines
from cds_hooks.cards.words import claim_line
from cds_hooks.coding.outcome import Candidate
from fhir_mapping.facts import Release


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
    return found if all(is_valid(action.body["resource"], visit) for action in found) else []


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
