"""Whole visits in the shapes that EHRs send, synthetic in every value."""

from datetime import date
from typing import Any

from fhir_mapping.facts import Modality, PatientLocation, PatientStatus
from tests.mapping.charts import (
    ACT,
    EPIC_CLASS,
    EPIC_TYPE,
    EPIC_VISIT,
    NPI,
    NUCC,
    PARTICIPATION,
    PHYSICAL,
    SNOMED,
    Json,
    bundle,
    concept,
    coverage,
    read,
)

ORACLE = "https://fhir.cerner.com/00000000-0000-0000-0000-000000000000/codeSet"


def epic(kind: tuple[str, str], visit_type: str | None = None, **members: Any) -> Json:
    types = [concept(EPIC_TYPE, *kind, text=kind[1])]
    if visit_type:
        types.append(concept(EPIC_VISIT, "1016", visit_type, text=visit_type))
    return {
        "resourceType": "Encounter",
        "id": "eV1",
        "status": "finished",
        "class": {"system": EPIC_CLASS, "code": "13", "display": "Support OP Encounter"},
        "type": types,
        "subject": {"reference": "https://epic.example/api/FHIR/R4/Patient/eP1"},
        "participant": [{"individual": {"reference": "https://epic.example/api/FHIR/R4/Practitioner/eD1"}}],
        "period": {"start": "2026-11-20T15:00:00Z", "end": "2026-11-20T15:20:00Z"},
        "location": [{"location": {"reference": "Location/eDEP1", "display": "GENERAL INTERNAL MEDICINE"}}],
    } | members


def test_an_epic_video_visit() -> None:
    department = {
        "resourceType": "Location",
        "id": "eDEP1",
        "name": "GENERAL INTERNAL MEDICINE",
        "address": {"city": "X"},
    }
    nothing = {"severity": "warning", "code": "processing"}
    empty = bundle({"resourceType": "OperationOutcome", "issue": [nothing]})
    empty["entry"][0]["search"] = {"mode": "outcome"}
    found = read(
        epic(("76", "Telemedicine"), "Video Visit - Return"),
        department,
        empty,
        bundle(epic(("101", "Office Visit"), id="eV0", period={"start": "2025-03-01T15:00:00Z"})),
        patient="eP1",
        encounter="eV1",
        user="PractitionerRole/eR1",
    )
    assert found.facts.modality.value is Modality.AUDIO_VIDEO
    assert found.facts.service_date.value == date(2026, 11, 20)
    assert found.facts.patient_location.value is None
    assert found.facts.patient_status.value is PatientStatus.ESTABLISHED
    assert found.facts.notes == ()
    assert found.parties.practitioner == "Practitioner/eD1"


def test_an_epic_telephone_encounter_and_one_that_is_only_called_telehealth() -> None:
    telephone = read(epic(("70", "Telephone")), patient="eP1", encounter="eV1")
    unsaid = read(epic(("50", "Appointment"), "Telehealth"), patient="eP1", encounter="eV1")
    assert telephone.facts.modality.value is Modality.AUDIO_ONLY
    assert unsaid.facts.modality.value is None


def test_an_oracle_visit_called_telehealth_takes_its_mode_from_the_appointment() -> None:
    visit: Json = {
        "resourceType": "Encounter",
        "id": "90",
        "status": "finished",
        "class": {"system": ACT, "code": "AMB", "display": "ambulatory"},
        "type": [
            {
                "coding": [
                    {"system": f"{ORACLE}/71", "code": "20058643", "display": "Telehealth", "userSelected": True},
                    {"system": "http://terminology.hl7.org/CodeSystem/v2-0004", "code": "O", "display": "Outpatient"},
                ],
                "text": "Telehealth",
            }
        ],
        "subject": {"reference": "Patient/1"},
        "appointment": [{"reference": "Appointment/2"}],
        "period": {"start": "2026-11-20T15:00:00.000Z", "end": "2026-11-20T15:25:00.000Z"},
        "location": [{"location": {"reference": "#loc"}, "status": "completed"}],
        "contained": [
            {"resourceType": "Location", "id": "loc", "mode": "instance", "physicalType": concept(PHYSICAL, "bu")}
        ],
    }
    appointment = {
        "resourceType": "Appointment",
        "id": "2",
        "status": "fulfilled",
        "contained": [
            {"resourceType": "HealthcareService", "id": "28", "type": [{"text": "Patient Virtual Meeting Room"}]}
        ],
        "serviceType": [concept(f"{ORACLE}/14249", "1", "Video Visit", text="Video Visit")],
        "start": "2026-11-20T15:00:00.000Z",
        "participant": [{"actor": {"reference": "Patient/1"}, "status": "accepted"}],
    }
    with_appointment = read(visit, appointment, patient="1", encounter="90").facts
    without = read(visit, patient="1", encounter="90").facts
    assert with_appointment.modality.value is Modality.AUDIO_VIDEO
    assert with_appointment.patient_location.value is None
    assert with_appointment.notes == ()
    assert without.modality.value is None


def test_an_oracle_coverage_has_no_type_and_is_read_by_its_names() -> None:
    visit = {
        "resourceType": "Encounter",
        "id": "90",
        "subject": {"reference": "Patient/1"},
        "period": {"start": "2026-11-20"},
    }
    plain = coverage(payor=[{"display": "Medicare"}], beneficiary={"reference": "Patient/1"})
    plan = [{"type": {"text": "plan"}, "value": "77", "name": "Medicare Part B"}]
    assert read(visit, plain, patient="1", encounter="90").facts.payers.value is None
    assert read(visit, plain | {"class": plan}, patient="1", encounter="90").facts.payers.value == ("medicare-ffs",)


def test_a_synthea_virtual_visit_with_conditional_references() -> None:
    visit = {
        "resourceType": "Encounter",
        "id": "72487535",
        "status": "finished",
        "class": {"system": ACT, "code": "VR"},
        "type": [concept(SNOMED, "390906007", "Follow-up encounter", text="Follow-up encounter")],
        "subject": {"reference": "Patient/7bc0", "display": "Mrs. An125"},
        "participant": [
            {
                "type": [concept(PARTICIPATION, "PPRF", "primary performer")],
                "individual": {"reference": f"Practitioner?identifier={NPI}|9999990499", "display": "Dr. Lynwood354"},
            }
        ],
        "period": {"start": "2020-06-12T11:46:59-04:00", "end": "2020-06-12T12:01:59-04:00"},
        "location": [
            {
                "location": {
                    "reference": "Location?identifier=https://github.com/synthetichealth/synthea|bb1ad573",
                    "display": "Patient's Home",
                }
            }
        ],
    }
    role = {
        "resourceType": "PractitionerRole",
        "id": "r1",
        "practitioner": {"identifier": {"system": NPI, "value": "9999990499"}},
        "specialty": [concept(NUCC, "208D00000X")],
    }
    prior = visit | {"id": "before", "period": {"start": "2019-01-17T10:39:25-05:00"}}
    found = read(visit, role, bundle(visit, prior), patient="7bc0", encounter="72487535").facts
    assert found.modality.value is None
    assert found.patient_location.value is PatientLocation.HOME
    assert found.clinician.value == "physician"
    assert found.patient_status.value is PatientStatus.ESTABLISHED
    assert "Lynwood" not in repr(found)


def test_an_r5_visit() -> None:
    visit = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "completed",
        "class": [{"coding": [{"system": ACT, "code": "VR"}]}],
        "type": [concept(SNOMED, "448337001")],
        "serviceType": [{"concept": {"text": "Telephone follow-up"}}],
        "subject": {"reference": "Patient/p1"},
        "participant": [{"type": [concept(PARTICIPATION, "PPRF")], "actor": {"reference": "Practitioner/dr1"}}],
        "virtualService": [{"channelType": {"system": "http://hl7.org/fhir/virtual-service-type", "code": "ms-teams"}}],
        "actualPeriod": {"start": "2026-11-23T15:00:00Z", "end": "2026-11-23T15:32:00Z"},
        "location": [{"location": {"reference": "#home"}, "form": concept(PHYSICAL, "ho")}],
        "contained": [{"resourceType": "Location", "id": "home", "mode": "kind", "form": concept(PHYSICAL, "ho")}],
    }
    found = read(visit)
    assert found.facts.modality.value is Modality.AUDIO_ONLY
    assert found.facts.patient_location.value is PatientLocation.HOME
    assert found.facts.service_date.value == date(2026, 11, 23)
    assert found.parties.practitioner == "Practitioner/dr1"
    assert len(found.facts.notes) == 1
    assert found.facts.notes[0].startswith("Encounter/e1 is not valid FHIR R4")
