"""Small charts to read: builders for resources in the shape EHRs send them, and one call that reads them."""

from base64 import b64encode
from functools import cache
from typing import Any

from fhir_mapping.facts import EncounterFacts
from fhir_mapping.gather import Gathered, gather
from fhir_mapping.note_rows import load_note_rules
from fhir_mapping.note_rules import NoteRules
from fhir_mapping.tables import config_folder
from fhir_mapping.vocabulary import Vocabulary, load_vocabulary

Json = dict[str, Any]

BASE = "https://example.org/fhir/telecode"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
SNOMED = "http://snomed.info/sct"
POS = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
DELIVERY = "http://terminology.hl7.org/CodeSystem/virtual-healthcare-delivery-method"
SOPT = "https://nahdo.org/sopt"
NUCC = "http://nucc.org/provider-taxonomy"
DEGREE = "http://terminology.hl7.org/CodeSystem/v2-0360"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
NPI = "http://hl7.org/fhir/sid/us-npi"
EPIC_TYPE = "urn:oid:1.2.840.114350.1.13.999.2.7.10.698084.30"
EPIC_VISIT = "urn:oid:1.2.840.114350.1.13.999.2.7.2.808267"
EPIC_CLASS = "urn:oid:1.2.840.114350.1.72.1.7.7.10.696784.13260"
UCUM = "http://unitsofmeasure.org"


@cache
def note_rules() -> NoteRules:
    return load_note_rules(config_folder() / "vocabulary")


@cache
def vocabulary() -> Vocabulary:
    return load_vocabulary(config_folder() / "vocabulary", base=BASE)


def read(
    *resources: object,
    patient: str = "p1",
    encounter: str = "e1",
    user: str | None = None,
    complete_history: bool = False,
    signed: str | None = None,
) -> Gathered:
    return gather(
        resources,
        patient_id=patient,
        encounter_id=encounter,
        user=user,
        vocabulary=vocabulary(),
        note_rules=note_rules(),
        complete_history=complete_history,
        signed=signed,
    )


def facts(*resources: object, user: str | None = None) -> EncounterFacts:
    return read(*resources, user=user).facts


def concept(system: str, code: str, display: str | None = None, text: str | None = None) -> Json:
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]} | ({"text": text} if text else {})


def visit(class_code: str | None = "VR", **members: Any) -> Json:
    """An Encounter of Patient/p1 on the evening of 2026-11-23, with what a case adds; `None` takes a member away."""
    whole = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"system": ACT, "code": class_code} if class_code else None,
        "subject": {"reference": "Patient/p1"},
        "participant": [{"individual": {"reference": "Practitioner/dr1"}}],
        "period": {"start": "2026-11-23T15:00:00-05:00", "end": "2026-11-23T15:25:00-05:00"},
    } | members
    return {key: value for key, value in whole.items() if value is not None}


def observed(code: str, value: Json | None = None, **members: Any) -> Json:
    """An Observation of the visit under telecode's own codes."""
    return {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "code": concept(f"{BASE}/CodeSystem/em-documentation", code),
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        **(value or {}),
    } | members


def minutes(code: str, value: Any, unit: str = "min", **members: Any) -> Json:
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    return observed(code, {"valueQuantity": quantity}, **members)


def level(code: str, value: str, **members: Any) -> Json:
    return observed(code, {"valueCodeableConcept": concept(f"{BASE}/CodeSystem/mdm-level", value)}, **members)


def extended(name: str, **value: Any) -> Json:
    """An extension of the Encounter under telecode's own address."""
    return {"url": f"{BASE}/StructureDefinition/{name}", **value}


def by_method(code: str) -> Json:
    return extended("telehealth-modality", valueCodeableConcept=concept(DELIVERY, code))


def claim(code: str, *modifiers: str, place: str | None = None, system: str = CPT, **members: Any) -> Json:
    item: Json = {
        "sequence": 1,
        "productOrService": concept(system, code),
        "encounter": [{"reference": "Encounter/e1"}],
    }
    item["modifier"] = [concept(CPT, modifier) for modifier in modifiers]
    if place:
        item["locationCodeableConcept"] = concept(POS, place)
    return {
        "resourceType": "Claim",
        "id": "cl1",
        "status": "draft",
        "use": "claim",
        "patient": {"reference": "Patient/p1"},
        "item": [item],
    } | members


def coverage(code: str | None = None, own: str = "c1", **members: Any) -> Json:
    """An active Coverage of Patient/p1, typed by a payer code or by nothing; `None` takes a member away."""
    whole = {
        "resourceType": "Coverage",
        "id": own,
        "status": "active",
        **({"type": concept(SOPT, code)} if code else {}),
        "beneficiary": {"reference": "Patient/p1"},
        "payor": [{"reference": "Organization/x"}],
    } | members
    return {key: value for key, value in whole.items() if value is not None}


def earlier(own: str, day: str, **members: Any) -> Json:
    """An Encounter before the visit, with the same clinician."""
    return visit("AMB", id=own, period={"start": f"{day}T09:00:00-05:00"}, **members)


def note(text: str | bytes, kind: str | None = "text/plain", own: str = "d1", **members: Any) -> Json:
    """A DocumentReference of the visit that holds a note; `None` takes a member away."""
    data = text if isinstance(text, bytes) else text.encode()
    attachment = {"data": b64encode(data).decode(), **({"contentType": kind} if kind else {})}
    whole = {
        "resourceType": "DocumentReference",
        "id": own,
        "status": "current",
        "docStatus": "final",
        "subject": {"reference": "Patient/p1"},
        "context": {"encounter": [{"reference": "Encounter/e1"}]},
        "content": [{"attachment": attachment}],
    } | members
    return {key: value for key, value in whole.items() if value is not None}


def bundle(*resources: object, **members: Any) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **members}
