"""Hook requests of three sizes, as a small, a usual and a long chart make them; every person in them is invented."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import cycle, islice
from typing import Any

Json = dict[str, Any]
BASE = "https://example.org/fhir/telecode"
EHR = "https://ehr.example.org/fhir/R4"
CPT = "http://www.ama-assn.org/go/cpt"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
TERMS = "http://terminology.hl7.org/CodeSystem"
SIGNED = datetime(2026, 11, 20, 15, 0, tzinfo=timezone(-timedelta(hours=5)))
NEEDED = ("patient", "encounter", "coverage", "practitioner", "observations", "documents")
"""The prefetch keys that a good answer rests on."""

SAID = (
    "The visit was conducted by real-time audio and video. The patient was at home; the clinician was in the office. ",
    "Consent to the telehealth visit was given by voice. ",
    "I spent a total of 34 minutes on this visit today. ",
)
"""What a note says of the visit itself."""
STORY = (
    "Blood pressure was read at home twice a day and was mostly below the goal that was agreed in spring. ",
    "The patient sleeps well, walks most mornings and has given up salted snacks. ",
    "No chest pain, no shortness of breath and no swelling of the legs was reported since the last visit. ",
    "Metformin is taken with breakfast and dinner, and no dose was missed in the last two weeks. ",
    "The kidney values were looked at together, and were the same as half a year ago. ",
    "We talked about the shoulder, which hurts less since the exercises were begun. ",
    "Labs will be drawn before the next visit, and a letter with the plan was sent to the portal.\n",
)
"""What the rest of a note tells; nothing in it is of use for a code."""
CLASSES = (("AMB", "ambulatory"), ("VR", "virtual"), ("AMB", "ambulatory"), ("IMP", "inpatient encounter"))
VITALS = (
    ("8480-6", "Systolic blood pressure", 128, "mm[Hg]"),
    ("8462-4", "Diastolic blood pressure", 79, "mm[Hg]"),
    ("4548-4", "Hemoglobin A1c", 6.8, "%"),
    ("2160-0", "Creatinine", 0.9, "mg/dL"),
    ("29463-7", "Body weight", 81.5, "kg"),
)
DIAGNOSES = (("I10", "Essential hypertension"), ("E11.9", "Type 2 diabetes"), ("M75.41", "Impingement of the shoulder"))


@dataclass(frozen=True, slots=True)
class Size:
    """How long a chart is: how many vitals, diagnoses and earlier visits, and how many characters of note."""

    vitals: int
    diagnoses: int
    note: int
    earlier: int


SIZES: Mapping[str, Size] = {
    "5 kB": Size(0, 0, 250, 0),
    "50 kB": Size(18, 5, 4_000, 13),
    "500 kB": Size(40, 12, 24_000, 290),
}
"""The names are the sizes in round figures; a test holds them to it."""


def body(size: str) -> bytes:
    """A whole hook request of a size, as compact JSON."""
    return json.dumps(request(SIZES[size]), separators=(",", ":")).encode()


def request(size: Size) -> Json:
    """A video visit of an established Medicare patient at home, with its minutes and MDM documented."""
    prefetch: Json = {
        "patient": PATIENT,
        "encounter": VISIT,
        "coverage": _found([COVERAGE]),
        "practitioner": PRACTITIONER,
        "observations": _found([*DOCUMENTED, *(_vital(number) for number in range(size.vitals))]),
        "documents": _found([_note(size.note)]),
    }
    if size.diagnoses:
        prefetch["conditions"] = _found([_condition(number) for number in range(size.diagnoses)])
    if size.earlier:
        prefetch["priorEncounters"] = _found([_earlier(number) for number in range(1, size.earlier + 1)])
    return {
        "hook": "encounter-discharge",
        "hookInstance": "5d0a1f6e-4f3b-4c39-9a54-0b7d1f3a2c11",
        "context": {"userId": "Practitioner/dr-1", "patientId": "p-1", "encounterId": "v-0"},
        "prefetch": prefetch,
    }


def note_text(characters: int) -> str:
    """A note of about that many characters, with what it says of the visit at its beginning and its end."""
    told = len("".join(SAID))
    middle = "".join(islice(cycle(STORY), max(0, (characters - told) * len(STORY) // len("".join(STORY)))))
    return f"{SAID[0]}{SAID[1]}\n{middle}\n{SAID[2]}"


def _refers(kind: str, own: str, display: str = "") -> Json:
    return {"reference": f"{kind}/{own}", **({"display": display} if display else {})}


def _coded(system: str, code: str, display: str = "") -> Json:
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _found(resources: Sequence[Json]) -> Json:
    kind = resources[0]["resourceType"]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "link": [{"relation": "self", "url": f"{EHR}/{kind}?patient=p-1&_count=300"}],
        "entry": [
            {"fullUrl": f"{EHR}/{kind}/{one['id']}", "resource": one, "search": {"mode": "match"}} for one in resources
        ],
    }


PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p-1",
    "meta": {"versionId": "4", "lastUpdated": _at(SIGNED)},
    "identifier": [
        {"use": "usual", "type": _coded(f"{TERMS}/v2-0203", "MR"), "system": "urn:oid:2.16.1", "value": "7"}
    ],
    "name": [{"use": "official", "family": "Muster", "given": ["Erin"]}],
    "gender": "female",
    "birthDate": "1953-02-11",
    "address": [{"use": "home", "city": "Springfield", "state": "OH", "postalCode": "45501", "country": "US"}],
}
PRACTITIONER: Json = {
    "resourceType": "Practitioner",
    "id": "dr-1",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
    "name": [{"family": "Beispiel", "given": ["Toni"], "suffix": ["MD"]}],
    "qualification": [{"code": _coded(f"{TERMS}/v2-0360|2.7", "MD", "Doctor of Medicine")}],
}
COVERAGE: Json = {
    "resourceType": "Coverage",
    "id": "c-1",
    "status": "active",
    "type": _coded("https://nahdo.org/sopt", "121", "Medicare fee for service"),
    "subscriberId": "1EG4TE5MK72",
    "beneficiary": _refers("Patient", "p-1"),
    "relationship": _coded(f"{TERMS}/subscriber-relationship", "self"),
    "period": {"start": "2018-03-01"},
    "payor": [_refers("Organization", "cms", "Medicare")],
}


def _visit(number: int, kind: tuple[str, str], began: datetime) -> Json:
    took = timedelta(minutes=20 + number % 4 * 5)
    return {
        "resourceType": "Encounter",
        "id": f"v-{number}",
        "meta": {"versionId": "2", "lastUpdated": _at(began + took)},
        "identifier": [{"use": "usual", "system": "urn:oid:2.16.840.1.113883.3.1", "value": str(700_100 + number)}],
        "status": "finished" if number else "in-progress",
        "class": {"system": f"{TERMS}/v3-ActCode", "code": kind[0], "display": kind[1]},
        "serviceType": _coded("http://snomed.info/sct", "394802001", "General medicine"),
        "subject": _refers("Patient", "p-1", "Muster, Erin"),
        "participant": [
            {
                "type": [_coded(f"{TERMS}/v3-ParticipationType", "ATND", "attender")],
                "period": {"start": _at(began), "end": _at(began + took)},
                "individual": _refers("Practitioner", "dr-1", "Toni Beispiel, MD"),
            }
        ],
        "period": {"start": _at(began), "end": _at(began + took)},
        "length": {"value": took.seconds // 60, "unit": "min", "system": UCUM, "code": "min"},
        "reasonCode": [_coded("http://hl7.org/fhir/sid/icd-10-cm", *DIAGNOSES[number % len(DIAGNOSES)])],
        "location": [{"location": _refers("Location", f"room-{number % 5}", "Clinic North"), "status": "completed"}],
        "serviceProvider": _refers("Organization", "clinic", "Clinic North"),
    }


def _earlier(number: int) -> Json:
    kind = CLASSES[number % len(CLASSES)]
    billed = {"type": [_coded(CPT, "99213" if number % 2 else "99214")]} if kind[0] != "IMP" else {}
    return _visit(number, kind, SIGNED - timedelta(days=4 * number)) | billed


VISIT: Json = _visit(0, ("VR", "virtual"), SIGNED) | {
    "extension": [
        {
            "url": f"{BASE}/StructureDefinition/telehealth-modality",
            "valueCodeableConcept": _coded(f"{TERMS}/virtual-healthcare-delivery-method", "video"),
        }
    ],
    "contained": [{"resourceType": "Location", "id": "home", "type": [_coded(f"{TERMS}/v3-RoleCode", "PTRES")]}],
    "location": [{"location": {"reference": "#home"}}],
}


def _documented(word: str, value: Json) -> Json:
    return {
        "resourceType": "Observation",
        "id": word,
        "status": "final",
        "code": _coded(f"{BASE}/CodeSystem/em-documentation", word),
        "subject": _refers("Patient", "p-1"),
        "encounter": _refers("Encounter", "v-0"),
        "effectiveDateTime": _at(SIGNED),
        **value,
    }


DOCUMENTED = (
    _documented("total-time", {"valueQuantity": {"value": 34, "unit": "min", "system": UCUM, "code": "min"}}),
    _documented("mdm-level", {"valueCodeableConcept": _coded(f"{BASE}/CodeSystem/mdm-level", "moderate")}),
)


def _vital(number: int) -> Json:
    code, display, value, unit = VITALS[number % len(VITALS)]
    return {
        "resourceType": "Observation",
        "id": f"o-{number}",
        "meta": {"versionId": "1", "lastUpdated": _at(SIGNED)},
        "status": "final",
        "category": [_coded(f"{TERMS}/observation-category", "vital-signs", "Vital Signs")],
        "code": _coded(LOINC, code, display) | {"text": display},
        "subject": _refers("Patient", "p-1"),
        "encounter": _refers("Encounter", "v-0"),
        "effectiveDateTime": _at(SIGNED),
        "issued": _at(SIGNED),
        "performer": [_refers("Practitioner", "dr-1", "Toni Beispiel, MD")],
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
        "referenceRange": [{"low": {"value": value - 5, "unit": unit}, "high": {"value": value + 20, "unit": unit}}],
    }


def _condition(number: int) -> Json:
    return {
        "resourceType": "Condition",
        "id": f"d-{number}",
        "clinicalStatus": _coded(f"{TERMS}/condition-clinical", "active"),
        "verificationStatus": _coded(f"{TERMS}/condition-ver-status", "confirmed"),
        "category": [_coded(f"{TERMS}/condition-category", "encounter-diagnosis", "Encounter Diagnosis")],
        "code": _coded("http://hl7.org/fhir/sid/icd-10-cm", *DIAGNOSES[number % len(DIAGNOSES)]),
        "subject": _refers("Patient", "p-1"),
        "encounter": _refers("Encounter", "v-0"),
        "recordedDate": _at(SIGNED),
    }


def _note(characters: int) -> Json:
    return {
        "resourceType": "DocumentReference",
        "id": "n-1",
        "status": "current",
        "docStatus": "final",
        "type": _coded(LOINC, "11506-3", "Progress note"),
        "subject": _refers("Patient", "p-1"),
        "date": _at(SIGNED),
        "author": [_refers("Practitioner", "dr-1", "Toni Beispiel, MD")],
        "content": [
            {"attachment": {"contentType": "text/plain", "data": b64encode(note_text(characters).encode()).decode()}}
        ],
        "context": {"encounter": [_refers("Encounter", "v-0")]},
    }
