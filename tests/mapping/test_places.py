"""Where the patient was: it decides the place of service, so a department is never taken for the patient's place."""

import pytest

from fhir_mapping.facts import PatientLocation, Setting
from tests.mapping.charts import NUCC, PHYSICAL, POS, ROLE, Json, claim, concept, facts, visit

HOME, AWAY = PatientLocation.HOME, PatientLocation.NOT_HOME
AT = [{"location": {"reference": "Location/l1"}}]


def place(**members: object) -> Json:
    return {"resourceType": "Location", "id": "l1", **members}


@pytest.mark.parametrize(
    ("location", "where"),
    [
        (place(type=[concept(POS, "10")]), HOME),
        (place(type=[concept(POS, "02")]), AWAY),
        (place(type=[concept(POS.replace("https:", "http:"), "10")]), HOME),
        (place(type=[concept("http://terminology.hl7.org/CodeSystem/POS", "10")]), HOME),
        (place(type=[concept("http://terminology.hl7.org/CodeSystem/ex-serviceplace", "10")]), None),
        (place(type=[concept(POS, "11")]), None),
        (place(type=[concept(POS, "2")]), None),
        (place(type=[concept(ROLE, "PTRES")]), HOME),
        (place(type=[concept(ROLE, "PTRES")], managingOrganization={"reference": "Organization/o1"}), HOME),
        (place(type=[concept(ROLE, "SCHOOL")]), AWAY),
        (place(type=[concept(ROLE, "WORK")]), AWAY),
        (place(type=[concept(ROLE, "MOBL")]), AWAY),
        (place(type=[concept(ROLE, "HOSP")]), AWAY),
        (place(type=[concept(ROLE, "HOSP")], managingOrganization={"reference": "Organization/o1"}), None),
        (place(type=[concept(ROLE, "OF")]), None),
        (place(mode="kind", physicalType=concept(PHYSICAL, "ho")), HOME),
        (place(mode="instance", physicalType=concept(PHYSICAL, "ho")), None),
        (place(mode="kind", physicalType=concept(PHYSICAL, "bu")), None),
        (place(mode="kind", form=concept(PHYSICAL, "ho")), HOME),
        (place(description="Patient's Home"), HOME),
        (place(description="PATIENT\u2019S HOME"), HOME),
        (place(name="Client's home"), HOME),
        (place(name="Patient's Home Health Agency"), None),
        (place(name="General Internal Medicine", address={"city": "Methuen"}), None),
    ],
)
def test_a_location_of_the_visit_says_where_the_patient_was_or_nothing(
    location: Json, where: PatientLocation | None
) -> None:
    assert facts(visit(location=AT), location).patient_location.value is where


@pytest.mark.parametrize(
    "entry",
    [
        {"location": {"display": "Patient's Home"}},
        {"location": {"reference": "Location?identifier=https://github.com/x|bb1ad573", "display": "Patient's Home"}},
        {"location": {"reference": "#home"}},
        {"location": {"reference": "Location/x"}, "physicalType": concept(PHYSICAL, "ho")},
        {"location": {"reference": "Location/x"}, "form": concept(PHYSICAL, "ho")},
    ],
)
def test_home_is_read_from_the_visit_where_no_location_was_supplied(entry: Json) -> None:
    held = [{"resourceType": "Location", "id": "home", "mode": "kind", "description": "Client's home"}]
    fact = facts(visit(location=[entry], contained=held)).patient_location
    assert fact.value is HOME
    assert fact.evidence[0].resource == "Encounter/e1"


def test_a_location_that_the_visit_does_not_name_says_nothing() -> None:
    assert facts(visit(), place(type=[concept(ROLE, "PTRES")])).patient_location.value is None


@pytest.mark.parametrize(("code", "where"), [("10", HOME), ("02", AWAY), ("11", None)])
def test_a_place_of_service_on_a_charge_says_where_the_patient_was(code: str, where: PatientLocation | None) -> None:
    assert facts(visit(), claim("99214", place=code)).patient_location.value is where


def test_a_place_of_service_outranks_the_kind_of_place_and_the_other_is_noted() -> None:
    location = place(type=[concept(POS, "02")], mode="kind", physicalType=concept(PHYSICAL, "ho", "House"))
    fact = facts(visit(location=AT), location).patient_location
    assert fact.value is AWAY
    assert fact.notes == (
        'Location/l1 Location.physicalType says otherwise ("ho House"); it ranks lower and was not used',
    )


def test_a_charge_and_a_location_with_different_places_of_service_are_a_conflict() -> None:
    fact = facts(visit(location=AT), place(type=[concept(POS, "10")]), claim("99214", place="02")).patient_location
    assert fact.value is None
    assert {rival.value for rival in fact.conflict} == {HOME, AWAY}


def test_without_any_sign_the_place_is_unknown() -> None:
    why = facts(visit()).patient_location.why_unknown
    assert why == "no place of service and no location says where the patient was, and no note was read"


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        ("11", Setting.OFFICE),
        ("19", Setting.HOSPITAL_OUTPATIENT),
        ("22", Setting.HOSPITAL_OUTPATIENT),
        ("50", Setting.FQHC),
        ("58", Setting.OTP),
        ("72", Setting.RHC),
        ("10", None),
    ],
)
def test_a_place_of_service_of_the_department_says_who_bills(code: str, setting: Setting | None) -> None:
    assert facts(visit(location=AT), place(type=[concept(POS, code)])).setting.value is setting


@pytest.mark.parametrize(
    ("code", "setting"), [("261QF0400X", Setting.FQHC), ("261QR1300X", Setting.RHC), ("261QM2800X", Setting.OTP)]
)
@pytest.mark.parametrize("owner", ["serviceProvider", "managingOrganization"])
def test_the_type_of_the_organization_says_who_bills(owner: str, code: str, setting: Setting) -> None:
    organization = {"resourceType": "Organization", "id": "o1", "type": [concept(NUCC, code)]}
    of: Json = {"reference": "https://ehr.example/fhir/Organization/o1"}
    encounter = visit(location=AT) | ({owner: of} if owner == "serviceProvider" else {})
    location = place() | ({owner: of} if owner == "managingOrganization" else {})
    assert facts(encounter, location, organization).setting.value is setting
