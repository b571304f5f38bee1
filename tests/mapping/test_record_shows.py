"""Where no MDM level is documented the card lays out what the record shows for each element, and selects nothing."""

from typing import Any

from flask.testing import FlaskClient

from tests.mapping.charts import Json, level, read, visit

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
LOINC = "http://loinc.org"
OF_VISIT = {"encounter": {"reference": "Encounter/e1"}, "subject": {"reference": "Patient/p1"}}


def resource(kind: str, own: str, **members: Any) -> Json:
    return {"resourceType": kind, "id": own, "status": "active", **OF_VISIT, **members}


def coded(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}


DIABETES = resource("Condition", "k1", code=coded(ICD, "E11.9", "Type 2 diabetes"))
ORDER = resource("ServiceRequest", "s1", code=coded(LOINC, "4548-4", "A1c"))
RESULT = resource("DiagnosticReport", "r1", code=coded(LOINC, "4548-4", "A1c"))
OUTSIDE = resource("DiagnosticReport", "r2", code=coded(LOINC, "2160-0", "Creatinine"))
DRUG = resource("MedicationRequest", "m1", medicationCodeableConcept={"text": "metformin"})


def test_problems_data_and_drugs_of_the_visit_are_laid_out() -> None:
    shows = read(visit(), DIABETES, ORDER, OUTSIDE, DRUG).shows
    assert shows.problems == ("Condition/k1: Type 2 diabetes",)
    assert shows.data == ("ServiceRequest/s1: A1c", "DiagnosticReport/r2: Creatinine")
    assert shows.risk == ("MedicationRequest/m1: metformin",)


def test_an_order_and_its_result_are_one_test() -> None:
    assert read(visit(), ORDER, RESULT).shows.data == ("ServiceRequest/s1: A1c",)


def test_a_diagnosis_that_the_encounter_names_belongs_to_it() -> None:
    named = {**DIABETES, "encounter": None}
    encounter = visit(diagnosis=[{"condition": {"reference": "Condition/k1"}}])
    assert read(encounter, named).shows.problems == ("Condition/k1: Type 2 diabetes",)
    assert read(visit(), named).shows.problems == ()


def test_what_belongs_to_another_visit_or_was_wrong_is_left_out() -> None:
    elsewhere = {"encounter": {"reference": "Encounter/e0"}}
    undated = {"encounter": None}
    wrong = {**DIABETES, "verificationStatus": {"coding": [{"code": "entered-in-error"}]}}
    stopped = {**DRUG, "status": "cancelled"}
    shows = read(visit(), wrong, stopped, {**ORDER, **elsewhere}, {**OUTSIDE, **undated}).shows
    assert (shows.problems, shows.data, shows.risk) == ((), (), ())
    of_the_day = {**OUTSIDE, **undated, "effectiveDateTime": "2026-11-23"}
    assert read(visit(), of_the_day).shows.data == ("DiagnosticReport/r2: Creatinine",)


def test_a_long_list_is_cut_and_says_so() -> None:
    many = [resource("Condition", f"k{n}", code={"text": f"problem {n}"}) for n in range(12)]
    assert read(visit(), *many).shows.problems[-1] == "and 4 more"


def test_nothing_is_laid_out_where_a_level_is_documented() -> None:
    shows = read(visit(), level("mdm-level", "low"), DIABETES).shows
    assert shows.problems == ()


def test_the_card_asks_for_the_level_and_shows_the_record_beside_the_question(client: FlaskClient, good: Any) -> None:
    prefetch = good["prefetch"]
    prefetch["observations"] = {"resourceType": "Bundle", "type": "searchset"}
    of_visit = {
        "encounter": {"reference": f"Encounter/{good['context']['encounterId']}"},
        "subject": {"reference": f"Patient/{good['context']['patientId']}"},
    }
    prefetch["conditions"] = {"resourceType": "Bundle", "entry": [{"resource": {**DIABETES, **of_visit}}]}
    prefetch["orders"] = {**ORDER, **of_visit, "code": {"text": "A1c | <b>stat</b>"}}
    (card,) = client.post("/cds-services/telehealth-em-note-sign", json=good).get_json()["cards"]
    assert card["extension"]["org.example.telecode.outcome"]["outcome"] == "undetermined"
    assert "**What the record shows for each MDM element** (it states no level" in card["detail"]
    assert "Condition/k1: Type 2 diabetes" in card["detail"]
    assert "<b>" not in card["detail"]
