"""Outpatient or not: no element that tells of a hospital stay is overlooked, and an unread class is never harmless."""

from typing import Any

import pytest

from fhir_mapping.facts import PatientClass
from tests.mapping.charts import (
    ACT,
    CPT,
    EPIC_CLASS,
    EPIC_TYPE,
    HCPCS,
    PHYSICAL,
    POS,
    ROLE,
    SNOMED,
    Json,
    by_method,
    claim,
    concept,
    facts,
    read,
    visit,
)

V2 = "http://terminology.hl7.org/CodeSystem/v2-0004"


def classed(value: object, **members: Any) -> Json:
    """A visit by video whose class is written as `value`."""
    return visit(None, extension=[by_method("video")], **{"class": value}, **members)


@pytest.mark.parametrize(
    "system",
    [
        ACT,
        "https://terminology.hl7.org/CodeSystem/v3-ActCode",
        "http://terminology.hl7.org/CodeSystem/v3-ActCode/",
        "http://terminology.hl7.org/CodeSystem/v3-ActCode|9.0.0",
        "http://terminology.hl7.org/CodeSystem/V3-ACTCODE",
        "https://terminology.hl7.org/CodeSystem-v3-ActCode.html",
        "https://terminology.hl7.org/5.5.0/CodeSystem-v3-ActCode.html",
        "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode",
        "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode|3.0.0",
        "https://terminology.hl7.org/ValueSet-v3-ActEncounterCode.html",
        "http://terminology.hl7.org/ValueSet/encounter-class",
        "http://hl7.org/fhir/v3/ActCode",
        "http://www.hl7.org/fhir/v3/ActCode/cs.html",
        "http://hl7.org/fhir/R4/v3/ActEncounterCode/vs.html",
        "http://hl7.org/fhir/ValueSet/v3-ActEncounterCode",
        "http://hl7.org/fhir/v3/vs/ActCode",
        "urn:oid:2.16.840.1.113883.5.4",
        "2.16.840.1.113883.5.4",
        "",
    ],
)
def test_a_class_is_read_however_its_code_system_is_spelled(system: str) -> None:
    for code, why in (("IMP", "inpatient encounter"), ("imp", "inpatient encounter"), ("EMER", "emergency encounter")):
        assert read(classed({"system": system, "code": code})).not_ours == why
    ours = read(classed({"system": system, "code": "AMB"}))
    assert ours.not_ours is None
    assert ours.facts.patient_class.value is PatientClass.OUTPATIENT


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("inpatient", "inpatient encounter"),
        ("IMP", "inpatient encounter"),
        ("emergency", "emergency encounter"),
        (["Inpatient"], "inpatient encounter"),
        ({"text": "Inpatient"}, "inpatient encounter"),
        ({"coding": [{"display": "inpatient encounter"}]}, "inpatient encounter"),
        ([{"coding": [{"system": "urn:oid:1.2.3", "code": "7", "display": "Observation"}]}], "observation encounter"),
        (
            [{"coding": [{"system": ACT, "code": "AMB"}]}, {"coding": [{"system": V2, "code": "I"}]}],
            "inpatient encounter",
        ),
        ({"system": EPIC_CLASS, "code": "3", "display": "Emergency"}, "emergency encounter"),
        ({"system": EPIC_CLASS, "code": "2"}, "pre-admission encounter"),
        ({"code": "I"}, "inpatient encounter"),
    ],
)
def test_a_stay_is_recognised_in_whatever_shape_the_class_comes(written: object, why: str) -> None:
    assert read(classed(written)).not_ours == why


@pytest.mark.parametrize("class_code", [None, "VR", "AMB"])
@pytest.mark.parametrize(
    "coded",
    [
        concept(V2, "I"),
        concept("urn:oid:2.16.840.1.113883.12.4", "E"),
        concept(ACT, "IMP"),
        concept(ACT, "OBSENC"),
        concept(SNOMED, "32485007"),
        concept(SNOMED, "4525004"),
        concept(CPT, "99223"),
        concept(CPT, "99284"),
    ],
)
@pytest.mark.parametrize("element", ["type", "serviceType"])
def test_a_stay_in_the_codes_of_a_type_is_none_of_ours_whatever_the_class(
    element: str, coded: Json, class_code: str | None
) -> None:
    assert read(visit(class_code, extension=[by_method("video")], **{element: [coded]})).not_ours is not None


def test_a_part_of_a_hospital_stay_is_none_of_ours() -> None:
    stay = visit("IMP", id="stay", period={"start": "2026-11-20T08:00:00-05:00"})
    part = visit("VR", partOf={"reference": "Encounter/stay"}, extension=[by_method("video")])
    assert read(part, stay).not_ours == "part of another encounter: inpatient"
    assert read(part, stay | {"class": {"system": ACT, "code": "AMB"}}).not_ours is None
    assert read(part).not_ours is None


@pytest.mark.parametrize(
    "written",
    [
        {"system": "urn:oid:1.2.3", "code": "IMP"},
        {"system": EPIC_CLASS, "code": "4", "display": "HOV"},
        {"system": EPIC_CLASS, "code": "AMB"},
        {"system": ACT, "code": "ZZZ"},
        {"system": V2, "code": "B"},
        {"system": "urn:oid:1.2.3", "code": "7"},
        {"text": "Recurring series"},
        {"text": "Outpatient in a Bed"},
        {"text": "Inpatient Psychiatry"},
        "ED",
        7,
        {"value": "IMP"},
        {"system": ACT},
        {"system": ACT, "code": ["IMP"]},
        [["IMP"]],
    ],
)
def test_a_class_that_cannot_be_read_is_asked_about_and_quoted(written: object) -> None:
    found = read(classed(written))
    told = found.facts.patient_class
    assert found.not_ours is None
    assert told.value is None
    assert told.evidence
    assert told.why_unknown is not None
    assert told.evidence[0].said in told.why_unknown


@pytest.mark.parametrize(
    "written",
    [
        "AMB",
        "vr",
        "outpatient",
        "virtual",
        {"text": "Ambulatory"},
        {"text": "Hospital Outpatient"},
        {"system": "urn:oid:1.2.3", "code": "7", "display": "Outpatient"},
        {"system": EPIC_CLASS, "code": "13", "display": "Support OP Encounter"},
        {"system": EPIC_CLASS, "code": "5"},
        {"system": V2, "code": "O"},
        {"system": ACT, "code": "HH"},
        [{"coding": [{"system": "urn:oid:1.2.3", "code": "9"}, {"system": ACT, "code": "VR"}]}],
    ],
)
def test_an_ordinary_outpatient_class_raises_no_doubt(written: object) -> None:
    found = read(classed(written))
    assert (found.not_ours, found.facts.patient_class.value) == (None, PatientClass.OUTPATIENT)


DSTU2 = "http://hl7.org/fhir/encounter-class"


@pytest.mark.parametrize(
    "of_visit",
    [
        classed({"system": DSTU2, "code": "inpatient"}),
        classed({"system": ACT, "code": "VR"}, type=[concept(HCPCS, "G0425")]),
        classed({"system": ACT, "code": "VR"}, type=[concept(CPT, "99253")]),
    ],
)
def test_a_stay_in_codes_of_older_fhir_and_of_consultations_is_none_of_ours(of_visit: Json) -> None:
    assert read(of_visit).not_ours == "inpatient encounter"


def test_an_outpatient_class_of_older_fhir_raises_no_doubt() -> None:
    for code in ("outpatient", "virtual"):
        assert facts(classed({"system": DSTU2, "code": code})).patient_class.value is PatientClass.OUTPATIENT


@pytest.mark.parametrize("written", [None, "", [], {}, {"extension": [{"url": "urn:x", "valueCode": "unknown"}]}])
def test_an_absent_class_is_unknown_and_raises_no_doubt(written: object) -> None:
    told = facts(classed(written)).patient_class
    assert (told.value, told.evidence, told.why_unknown) == (None, (), "the encounter has no class")


WARD: Json = {"resourceType": "Location", "id": "l1", "physicalType": concept(PHYSICAL, "wa")}
ADMITTED = "http://terminology.hl7.org/CodeSystem/admit-source"
AT = [{"location": {"reference": "Location/l1"}}]


@pytest.mark.parametrize(
    "chart",
    [
        (classed({"system": ACT, "code": "VR"}, hospitalization={"admitSource": {"text": "ER"}}),),
        (classed({"system": ACT, "code": "VR"}, admission={"origin": {"reference": "Location/x"}}),),
        (classed({"system": ACT, "code": "VR"}, classHistory=[{"class": {"system": ACT, "code": "IMP"}}]),),
        (classed({"system": ACT, "code": "VR"}, type=[{"text": "Inpatient Consult"}]),),
        (
            classed({"system": ACT, "code": "VR"})
            | {"extension": [{"url": "urn:x", "valueCoding": {"system": V2, "code": "I"}}]},
        ),
        (classed({"system": ACT, "code": "VR"}, location=[{"location": {"display": "Ward 1, Room 42, Bed 1"}}]),),
        (classed({"system": ACT, "code": "VR"}, type=[{"text": "Emergency Room Visit"}]),),
        (classed({"system": ACT, "code": "VR"}, type=[concept(EPIC_TYPE, "3", "Hospital Encounter")]),),
        (classed({"system": ACT, "code": "VR"}, location=[{"physicalType": concept(PHYSICAL, "bd")}]),),
        (classed({"system": ACT, "code": "VR"}, location=[{"form": concept(PHYSICAL, "wa")}]),),
        (classed({"system": ACT, "code": "VR"}, location=[{"location": {"display": "Medical ICU"}}]),),
        (classed({"system": ACT, "code": "VR"}, location=AT), WARD),
        (
            classed({"system": ACT, "code": "VR"}, location=AT),
            WARD | {"physicalType": None, "type": [concept(ROLE, "ER")]},
        ),
        (
            classed({"system": ACT, "code": "VR"}, location=AT),
            WARD | {"physicalType": None, "type": [concept(POS, "21")]},
        ),
        (
            classed({"system": ACT, "code": "VR"}, location=AT),
            WARD | {"physicalType": None, "name": "5 West Inpatient"},
        ),
        *(
            (classed({"system": ACT, "code": "VR"}, type=[{"text": said}]),)
            for said in ("INPT", "ER Consult", "EMERGENCY DEPT", "A&E", "OBS STATUS", "eICU", "SNF", "Critical care")
        ),
        (classed({"system": ACT, "code": "VR"}, type=[concept(CPT, "99308")]),),
        (classed({"system": ACT, "code": "VR"}, hospitalization={"admitSource": concept(ADMITTED, "emd")}),),
        (classed({"system": ACT, "code": "VR"}, location=[{"location": {"display": "GENERAL HOSPITAL ED"}}]),),
        (classed({"system": ACT, "code": "VR"}), claim("99308")),
        (classed({"system": ACT, "code": "VR"}), claim("99232")),
        (classed({"system": ACT, "code": "VR"}), claim("99214", place="21")),
    ],
)
def test_what_hints_at_a_stay_beside_an_outpatient_class_is_asked_about(chart: tuple[Json, ...]) -> None:
    found = read(*chart)
    assert found.not_ours is None
    assert found.facts.patient_class.value is None
    assert 'Encounter.class "VR", but' in (found.facts.patient_class.why_unknown or "")


@pytest.mark.parametrize(
    "members",
    [
        {"hospitalization": {"dischargeDisposition": {"text": "Home"}}},
        {"hospitalization": {"specialArrangement": [{"text": "interpreter"}]}},
        {"hospitalization": {}},
        {"hospitalization": {"admitSource": {"text": "Self referral"}}},
        {"hospitalization": {"admitSource": concept(ADMITTED, "outp")}},
        {"hospitalization": {"reAdmission": {"text": "No"}, "destination": {"display": "Home"}}},
        {"type": [{"text": "ICU survivor clinic"}]},
        {"type": [{"text": "Hospital discharge follow-up"}]},
        {"type": [{"text": "Emergency department follow up, video"}]},
        {"type": [{"text": "Inpatient follow-up"}]},
        {"type": [{"text": "Patient in patient's home"}]},
        {"type": [{"text": "Observational study visit"}]},
        {"location": [{"location": {"display": "Emergency Preparedness Clinic"}}]},
        {"location": [{"physicalType": concept(PHYSICAL, "bu")}]},
        {"location": [{"physicalType": concept(PHYSICAL, "ro")}]},
        {"location": [{"location": {"display": "University Hospital Cardiology Clinic"}}]},
        {"reasonCode": [{"text": "hospitalized last month"}]},
        {"type": [{"coding": [{"code": "P"}]}]},
        {"type": [{"coding": [{"system": "urn:oid:1.2.3", "code": "I"}]}]},
    ],
)
def test_what_outpatient_visits_have_too_is_no_hint_at_a_stay(members: Json) -> None:
    assert facts(visit("VR", **members)).patient_class.value is PatientClass.OUTPATIENT


def test_an_unread_class_with_any_hospitalization_is_asked_about() -> None:
    vendor = {"system": "urn:oid:1.2.3", "code": "7"}
    told = facts(classed(vendor, hospitalization={"dischargeDisposition": {"text": "Home"}})).patient_class
    assert told.why_unknown == 'Encounter.hospitalization "dischargeDisposition" may tell of a hospital stay'
