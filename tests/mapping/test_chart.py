"""What the EHR sent: Bundles, references, failures and other people's records."""

from collections.abc import Callable
from typing import Any

import pytest

from fhir_mapping.facts import PatientLocation
from fhir_mapping.gather import MissingEncounter, WrongPatient
from fhir_mapping.identity import Identifier, Names, together
from fhir_mapping.resources import check, quote, reference
from tests.mapping.charts import (
    CPT,
    ROLE,
    SNOMED,
    Json,
    bundle,
    by_method,
    claim,
    concept,
    coverage,
    earlier,
    facts,
    level,
    minutes,
    note,
    read,
    visit,
)


def outcome(severity: str = "error", code: str = "forbidden") -> Json:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": "Jane Doe"}],
    }


@pytest.mark.parametrize(
    "resources",
    [
        (visit(),),
        (None, visit()),
        (bundle(visit()),),
        (bundle(bundle(visit())),),
        (bundle(None, "x", 7, {}, {"resourceType": 3}, visit()),),
        ({"resourceType": "Bundle", "entry": ["x", None, 4, {"resource": visit()}]},),
        ({"resourceType": "Bundle", "entry": {"resource": visit()}},),
        ("garbage", 7, [], {}, True, {"resourceType": []}, visit()),
        (visit(id="other", period={"start": "2020-01-01"}), visit()),
        (visit(id=None),),
    ],
)
def test_the_visit_is_found_wherever_it_stands(resources: tuple[object, ...]) -> None:
    gathered = read(*resources)
    assert gathered.parties.encounter == "Encounter/e1"
    assert gathered.facts.service_date.value is not None


@pytest.mark.parametrize(
    "resources",
    [
        (),
        (None,),
        (visit(id="e2"),),
        (visit(id=None), visit(id=None)),
        (outcome(),),
        ({"resourceType": "Bundle"},),
        (bundle(bundle(bundle(bundle(visit())))),),
    ],
)
def test_without_the_visit_nothing_is_made_up(resources: tuple[object, ...]) -> None:
    with pytest.raises(MissingEncounter):
        read(*resources)


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p2"},
        [{"reference": "Patient/p2"}],
        [{"reference": "Patient/p1"}, {"reference": "Patient/p2"}],
        {"reference": "https://ehr.example/fhir/Patient/p2"},
        {"reference": "urn:uuid:0aa"},
        {"reference": "Group/p1"},
        {"reference": "Patient/p1x"},
        "Patient/p2",
    ],
)
def test_a_visit_of_another_patient_is_refused(subject: Any) -> None:
    with pytest.raises(WrongPatient):
        read(visit(subject=subject))


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p1"},
        {"reference": "https://ehr.example/fhir/Patient/p1"},
        {"reference": "Patient/p1/_history/4"},
        {"reference": "p1", "type": "Patient"},
        {"reference": "urn:uuid:p1"},
        {"reference": "Patient?identifier=urn:mrn|p1"},
    ],
)
def test_the_patient_is_recognised_in_every_form_of_reference(subject: Json) -> None:
    found = facts(visit(subject=subject))
    assert found.notes == ()


@pytest.mark.parametrize("subject", [None, {}, {"display": "Somebody"}, {"reference": "#p"}, ["Patient/p2"], 7])
def test_a_visit_that_does_not_say_its_patient_is_read_with_a_note(subject: Any) -> None:
    assert "Encounter.subject does not say which patient it is" in facts(visit(subject=subject)).notes


def test_the_patient_is_read_under_the_name_of_an_older_fhir_too() -> None:
    older = visit(subject=None, patient={"reference": "Patient/p1"})
    assert "Encounter.subject does not say which patient it is" not in facts(older).notes
    with pytest.raises(WrongPatient):
        read(older | {"patient": {"reference": "Patient/p2"}})


def test_a_patient_known_by_full_url_is_the_one_it_stands_for() -> None:
    entries = [{"fullUrl": "urn:uuid:77", "resource": {"resourceType": "Patient", "id": "p1"}}]
    assert read({"resourceType": "Bundle", "entry": entries}, visit(subject={"reference": "urn:uuid:77"}))
    other = [{"fullUrl": "urn:uuid:77", "resource": {"resourceType": "Patient", "id": "p2"}}]
    with pytest.raises(WrongPatient):
        read({"resourceType": "Bundle", "entry": other}, visit(subject={"reference": "urn:uuid:77"}))


def test_records_of_another_patient_are_left_out_and_counted() -> None:
    other: Json = {"subject": {"reference": "Patient/p2"}}
    found = facts(visit(), minutes("total-time", 34, **other), minutes("total-time", 30, id="o2", **other))
    assert found.total_minutes.value is None
    assert "left out, because of another patient: 2 Observation" in found.notes
    assert facts(visit(), {"resourceType": "Patient", "id": "p2"}).notes == (
        "left out, because of another patient: 1 Patient",
    )


def test_a_context_with_typed_ids_is_understood() -> None:
    gathered = read(visit(), patient="Patient/p1", encounter="Encounter/e1")
    assert gathered.parties.patient == "Patient/p1"
    assert gathered.parties.encounter == "Encounter/e1"


def test_a_failed_read_is_noted_without_its_diagnostics() -> None:
    assert facts(visit(), outcome()).notes == ("a prefetched resource could not be read by the EHR (forbidden)",)
    assert facts(visit(), outcome(code="")).notes == (
        "a prefetched resource could not be read by the EHR (no reason given)",
    )


@pytest.mark.parametrize(
    ("mode", "severity", "noted"),
    [
        ("outcome", "warning", False),
        ("outcome", "information", False),
        ("outcome", "error", True),
        ("outcome", "fatal", True),
        ("match", "warning", True),
        (None, "warning", True),
    ],
)
def test_epics_way_to_say_that_nothing_was_found_is_no_failure(mode: str | None, severity: str, noted: bool) -> None:
    answer = {
        "resourceType": "Bundle",
        "total": 0,
        "link": [{"relation": "self", "url": "https://ehr.example/fhir/Observation?patient=p1&code=x"}],
        "entry": [{"resource": outcome(severity), "search": {"mode": mode}}],
    }
    note = "a search for Observation could not be read by the EHR (forbidden)"
    assert (note in facts(visit(), answer).notes) is noted


def test_what_is_no_resource_is_noted_once() -> None:
    assert facts(visit(), "x", [], 7).notes == ("a prefetched value is not a FHIR resource",)


def test_a_broken_interface_does_not_flood_the_notes() -> None:
    found = facts(visit(), *(minutes("total-time", -1, id=f"o{number}") for number in range(100)))
    assert len(found.notes) == 41
    assert found.notes[-1] == "and 60 more"


HOME = {
    "resourceType": "Location",
    "id": "h1",
    "type": [concept(ROLE, "PTRES")],
    "identifier": [{"system": "s", "value": "9"}],
}


@pytest.mark.parametrize(
    "target",
    [
        "Location/h1",
        "https://ehr.example/fhir/Location/h1",
        "https://ehr.example/fhir/Location/h1/_history/7",
        "urn:uuid:h1",
        "Location?identifier=s|9",
        "Location?identifier=s%7C9",
    ],
)
def test_a_reference_is_followed_in_every_form(target: str) -> None:
    assert (
        facts(visit(location=[{"location": {"reference": target}}]), HOME).patient_location.value
        is PatientLocation.HOME
    )


def test_a_logical_reference_is_followed_by_its_identifier() -> None:
    target = {"type": "Location", "identifier": {"system": "s", "value": "9"}}
    assert facts(visit(location=[{"location": target}]), HOME).patient_location.value is PatientLocation.HOME


@pytest.mark.parametrize(
    "target", ["Location/h2", "Patient/h1", "Location?identifier=t|9", "Location?name=9", "#h1", "", "/"]
)
def test_a_reference_to_something_else_is_not(target: str) -> None:
    assert facts(visit(location=[{"location": {"reference": target}}]), HOME).patient_location.value is None


def test_a_reference_may_say_little() -> None:
    assert reference(None).name == ""
    assert reference({"reference": "#x"}).name == ""
    assert reference("Practitioner/x").name == "Practitioner/x"


def test_what_the_model_refuses_is_one_note_without_values_and_the_visit_is_read_all_the_same() -> None:
    found = facts(visit(extension=[by_method("video")], secretElement={"family": "Doe"}))
    assert found.notes == ("Encounter/e1 is not valid FHIR R4: secretElement: extra forbidden; read tolerantly",)
    assert found.modality.known


def test_a_coverage_the_model_refuses_is_noted_and_read_all_the_same() -> None:
    found = facts(visit(), coverage("121", payor=None))
    assert found.payers.value == ("medicare-ffs",)
    assert found.notes == ("Coverage/c1 is not valid FHIR R4: payor: missing; read tolerantly",)


def test_an_unknown_contained_type_is_noted_not_raised() -> None:
    note = check(visit(contained=[{"resourceType": "Nonsense", "id": "n"}]))
    assert note
    assert note.startswith("Encounter/e1 is not valid FHIR R4")


def test_nesting_beyond_reason_is_survived() -> None:
    deep: Json = {}
    for _ in range(100_000):
        deep = {"extension": [deep]}
    assert read(visit(extension=[deep])).parties.encounter == "Encounter/e1"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("  Video \n\t visit ", "Video visit"),
        ("safe\u202eetxet\u0000", "safe etxet"),
        ("a" * 100, "a" * 79 + "…"),
        ("\ud800x", "x"),
    ],
)
def test_a_quotation_is_one_short_line_without_control_characters(said: str, shown: str) -> None:
    assert quote(said) == shown


def test_names_of_patients_are_not_quoted() -> None:
    found = read(
        visit(subject={"reference": "Patient/p1", "display": "Doe, Jane"}, type=[concept(SNOMED, "185317003")]),
        {"resourceType": "Patient", "id": "p1", "name": [{"family": "Doe", "given": ["Jane"]}]},
    )
    assert "Doe" not in repr(found)


def test_half_a_character_in_a_coverage_is_noted_and_read_on() -> None:
    payor = [{"display": "Medicare"}]
    coverage = {"resourceType": "Coverage", "id": "c1", "status": "active", "payor": payor}
    note = check({**coverage, "beneficiary": {"resource_type": "\ud800"}})
    assert note == "Coverage/c1 is not valid FHIR R4: the resource: text that is not Unicode; read tolerantly"


@pytest.mark.parametrize("address", ["https://ehr.example.org/fhir/Location/7", "Location/7", "urn:uuid:7"])
def test_a_resource_without_an_id_is_found_by_its_full_url(address: str) -> None:
    home = {"resourceType": "Location", "type": [concept(ROLE, "PTRES")]}
    sent = {"resourceType": "Bundle", "entry": [{"fullUrl": address, "resource": home}]}
    there = facts(visit(location=[{"location": {"reference": address}}]), sent)
    assert there.patient_location.value is PatientLocation.HOME
    elsewhere = facts(visit(location=[{"location": {"reference": f"{address}7"}}]), sent)
    assert elsewhere.patient_location.value is None


TURNED: Json = {"modifierExtension": [{"url": "https://ehr.example.org/refuted", "valueBoolean": True}]}
BOOKED = {
    "resourceType": "Appointment",
    "id": "a1",
    "status": "booked",
    "start": "2026-11-23T15:00:00-05:00",
    "appointmentType": concept(SNOMED, "453131000124105"),
}


@pytest.mark.parametrize(
    ("resource", "fact"),
    [
        (level("mdm-level", "high"), "mdm"),
        (note("Total time: 60 minutes."), "total_minutes"),
        (coverage("5"), "payers"),
        (BOOKED, "modality"),
        (claim("99215"), "reported_code"),
        (earlier("e0", "2025-11-23"), "patient_status"),
    ],
)
def test_a_record_with_a_modifier_that_is_not_understood_proves_nothing(resource: Json, fact: str) -> None:
    assert getattr(facts(visit(), resource), fact).known
    found = facts(visit(), resource | TURNED)
    assert not getattr(found, fact).known
    named = f"{resource['resourceType']}/{resource['id']}"
    assert f"{named} carries a modifier that is not understood; not used" in found.notes


def test_a_line_of_a_bill_with_such_a_modifier_is_left_out_and_the_others_stay() -> None:
    two = claim("99215")["item"] + claim("99214")["item"]
    found = facts(visit(), claim("99215", item=[two[0] | TURNED, two[1]]))
    assert found.reported_code.value == "99214"
    assert "Claim/cl1: a line carries a modifier that is not understood; not used" in found.notes


def test_a_visit_with_such_a_modifier_is_read_and_says_so() -> None:
    found = facts(visit(**TURNED), minutes("total-time", 30))
    assert found.total_minutes.value == 30
    assert "Encounter/e1 carries a modifier that is not understood; read without it" in found.notes


def test_a_coverage_left_out_for_its_modifier_makes_no_other_one_the_primary() -> None:
    assert not facts(visit(), coverage("5"), coverage("2", own="c2") | TURNED).payers.known


def test_an_earlier_encounter_left_out_for_its_modifier_keeps_the_patient_from_being_new() -> None:
    before = bundle(earlier("e0", "2025-11-23") | TURNED, link=[{"relation": "self", "url": "Encounter?patient=p1"}])
    assert not read(visit(), before, complete_history=True).facts.patient_status.known


MINE: Json = {"identifier": {"system": "urn:csn", "value": "77"}}
OTHERS: Json = {"identifier": {"system": "urn:csn", "value": "78"}}


@pytest.mark.parametrize(
    ("resource", "fact"),
    [
        (lambda named: level("mdm-level", "high", encounter=named), "mdm"),
        (lambda named: note("Total time: 60 minutes.", context={"encounter": [named]}), "total_minutes"),
        (lambda named: composition("Total time: 60 minutes.", named), "total_minutes"),
        (lambda named: claim("99215", item=[claim("99215")["item"][0] | {"encounter": [named]}]), "reported_code"),
        (lambda named: charge_item("99215", named), "reported_code"),
        (lambda named: order("99215", named), "reported_code"),
    ],
)
def test_whatever_names_its_visit_by_identifier_is_of_the_visit_with_it(
    resource: Callable[[Json], Json], fact: str
) -> None:
    mine = visit(identifier=[MINE["identifier"]])
    assert getattr(facts(mine, resource(MINE)), fact).known
    assert not getattr(facts(mine, resource(OTHERS)), fact).known


def composition(said: str, named: Json) -> Json:
    section = [{"text": {"div": f"<div>{said}</div>"}}]
    return {"resourceType": "Composition", "id": "co1", "status": "final", "encounter": named, "section": section}


def charge_item(code: str, named: Json) -> Json:
    return {
        "resourceType": "ChargeItem",
        "id": "ch1",
        "status": "billable",
        "code": concept(CPT, code),
        "context": named,
    }


def order(code: str, named: Json) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "status": "draft",
        "code": concept(CPT, code),
        "encounter": named,
    }


@pytest.mark.parametrize("kind", [{}, {"type": "Appointment"}])
def test_the_appointment_of_a_visit_is_found_by_its_identifier_though_the_visit_has_the_same(kind: Json) -> None:
    other = BOOKED | {"id": "a2", "appointmentType": concept(SNOMED, "185317003")}
    named = visit(identifier=[MINE["identifier"]], appointment=[MINE | kind])
    found = facts(named, bundle(other, BOOKED | {"identifier": [MINE["identifier"]]}))
    assert found.modality.evidence[0].resource == "Appointment/a1"


def test_an_account_names_its_coverage_by_identifier() -> None:
    first, second = {"system": "urn:cov", "value": "1"}, {"system": "urn:cov", "value": "2"}
    account = {
        "resourceType": "Account",
        "coverage": [
            {"coverage": {"identifier": second}, "priority": 1},
            {"coverage": {"identifier": first}, "priority": 2},
        ],
    }
    sent = (coverage("5", identifier=[first]), coverage("121", own="c2", identifier=[second]))
    assert not facts(visit(), *sent).payers.known
    payers = facts(visit(), *sent, account).payers.value
    assert payers is not None
    assert payers[0] == "medicare-ffs"


@pytest.mark.parametrize(
    "subject",
    [
        "Patient/p2",
        {"reference": "Patient/P1"},
        {"identifier": {"system": "urn:mrn", "value": "2"}},
        {"reference": "Patient/p1", "identifier": {"system": "urn:mrn", "value": "2"}},
    ],
)
def test_a_record_that_is_anothers_by_any_part_of_its_subject_is_left_out(subject: Any) -> None:
    mine = {"resourceType": "Patient", "id": "p1", "identifier": [{"system": "urn:mrn", "value": "1"}]}
    found = facts(visit(), mine, minutes("total-time", 34, subject=subject))
    assert found.total_minutes.value is None
    assert "left out, because of another patient: 1 Observation" in found.notes


@pytest.mark.parametrize(
    ("said", "known", "answer"),
    [
        ([("a", "1")], [("a", "1")], True),
        ([("a", "1")], [("a", "2")], False),
        ([("a", "1")], [("a", "2"), ("a", "1")], True),
        ([("a", "1")], [("b", "1")], None),
        ([("a", "1")], [("", "1")], True),
        ([("a", "1")], [("a", "2"), ("", "1")], False),
        ([("", "1")], [("a", "1"), ("", "2")], True),
        ([("", "1")], [("", "2")], False),
        ([("", "1")], [("a", "2")], None),
        ([("a", "1"), ("b", "1")], [("a", "1"), ("b", "2")], False),
        ([("a", "1"), ("c", "1")], [("a", "1"), ("b", "2")], True),
        ([], [("a", "1")], None),
        ([("a", "1")], [], None),
    ],
)
def test_identifiers_agree_if_one_is_shared_and_no_system_gives_two_values(
    said: list[tuple[str, str]], known: list[tuple[str, str]], answer: bool | None
) -> None:
    names = Names(Identifier(*one) for one in known)
    assert together([names.agree(Identifier(*one)) for one in said]) is answer


def test_two_links_lead_to_one_patient_and_a_link_without_a_type_to_none() -> None:
    def linked(own: str, other: str, how: str | None = "replaces") -> Json:
        return {
            "resourceType": "Patient",
            "id": own,
            "link": [{"type": how, "other": {"reference": f"Patient/{other}"}}],
        }

    of_p3 = visit(subject={"reference": "Patient/p3"})
    assert read(of_p3, linked("p2", "p1"), linked("p3", "p2")).facts.service_date.known
    with pytest.raises(WrongPatient):
        read(of_p3, linked("p2", "p1"), linked("p3", "p2", None))
