"""The draft claim that a suggestion offers: the code with its modifiers, place of service and encounter."""

from cds_hooks.cards.coded import Json, Visit, billed, coded, referred
from cds_hooks.cards.visit_line import VisitLine


def draft_claim(lines: list[VisitLine], payer: str, visit: Visit) -> Json:
    """A draft Claim of all lines, the same in R4 and R5; it names the coverage of `payer`."""
    parties, systems = visit.parties, visit.systems
    coverage = next((reference for name, reference in parties.coverages if name == payer), None)
    coverage = coverage or (parties.coverages[0][1] if parties.coverages else None)
    return {
        "resourceType": "Claim",
        "status": "draft",
        "type": coded(systems["claim_type"], "professional"),
        "use": "claim",
        "patient": referred(parties.patient, "patient of the encounter"),
        "created": visit.day,
        "provider": referred(parties.practitioner, "clinician not identified"),
        "priority": coded(systems["priority"], "normal"),
        # R4 wants a coverage even where the record has none: it is then named as missing, not invented.
        "insurance": [{"sequence": 1, "focal": True, "coverage": referred(coverage, "coverage not identified")}],
        "item": [_item(number, line, visit) for number, line in enumerate(lines, start=1)],
    }


def _item(number: int, line: VisitLine, visit: Visit) -> Json:
    item: Json = {
        "sequence": number,
        "productOrService": billed(line.code, visit.systems),
        "servicedDate": visit.day,
        "quantity": {"value": line.units},
        "encounter": [{"reference": visit.parties.encounter}],
    }
    if line.modifiers:
        item["modifier"] = [billed(modifier, visit.systems) for modifier in line.modifiers]
    if line.place_of_service:
        item["locationCodeableConcept"] = coded(visit.systems["place_of_service"], line.place_of_service)
    return item
