"""The planned charge that a suggestion offers, where an EHR captures charges and not claims."""

from cds_hooks.cards.coded import Json, Visit, billed, coded, referred
from cds_hooks.cards.visit_line import VisitLine
from fhir_mapping.facts import Release


def charge_item(line: VisitLine, visit: Visit) -> Json:
    """A planned ChargeItem of one line.

    FHIR gives a charge no element for modifiers and place of service: they stand in extensions of telecode's own, which
    it also reads. R5 gives the visit another name.
    """
    parties, systems = visit.parties, visit.systems
    extension = [
        {"url": systems["charge_modifier"], "valueCodeableConcept": billed(modifier, systems)}
        for modifier in line.modifiers
    ]
    if line.place_of_service:
        place = coded(systems["place_of_service"], line.place_of_service)
        extension.append({"url": systems["charge_place_of_service"], "valueCodeableConcept": place})
    charge: Json = {
        "resourceType": "ChargeItem",
        "status": "planned",
        "code": billed(line.code, systems),
        "subject": referred(parties.patient, "patient of the encounter"),
        "encounter" if visit.release is Release.R5 else "context": {"reference": parties.encounter},
        "occurrenceDateTime": visit.day,
        "quantity": {"value": line.units},
    }
    if extension:
        charge["extension"] = extension
    if parties.practitioner:
        charge["performer"] = [{"actor": {"reference": parties.practitioner}}]
    return charge
