"""The draft order that a suggestion offers, where orders are all that an EHR takes from a card."""

from cds_hooks.cards.coded import Json, Visit, billed, coded, referred
from cds_hooks.cards.visit_line import VisitLine
from fhir_mapping.facts import Release


def service_request(line: VisitLine, ordered: Json, visit: Visit) -> Json:
    """A draft ServiceRequest of one line; R5 wraps codes, and names the details of an order.

    Parameters: `ordered`, what is ordered, as a CodeableConcept.
    """
    parties, systems, is_r5 = visit.parties, visit.systems, visit.release is Release.R5
    order: Json = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": {"concept": ordered} if is_r5 else ordered,
        "subject": referred(parties.patient, "patient of the encounter"),
        "encounter": {"reference": parties.encounter},
        "occurrenceDateTime": visit.day,
    }
    modifiers = [billed(modifier, systems) for modifier in line.modifiers]
    if modifiers and is_r5:
        order["orderDetail"] = [
            {"parameter": [{"code": {"text": "modifier"}, "valueCodeableConcept": modifier} for modifier in modifiers]}
        ]
    elif modifiers:
        order["orderDetail"] = modifiers
    if line.place_of_service:
        place = coded(systems["place_of_service"], line.place_of_service)
        order |= {"location": [{"concept": place}]} if is_r5 else {"locationCode": [place]}
    if line.units > 1:
        order["quantityQuantity"] = {"value": line.units}
    if parties.practitioner:
        order["requester"] = {"reference": parties.practitioner}
    return order
