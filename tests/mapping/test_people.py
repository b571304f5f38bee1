"""Who rendered the visit, and whether that clinician reports E/M visits."""

import pytest

from fhir_mapping.facts import Clinician, How
from tests.mapping.charts import DEGREE, NPI, NUCC, PARTICIPATION, POS, Json, concept, facts, read, visit


def part(target: str, code: str | None = None, element: str = "individual") -> Json:
    return {element: {"reference": target}} | ({"type": [concept(PARTICIPATION, code)]} if code else {})


def practitioner(*degrees: str, own: str = "dr1", **members: object) -> Json:
    qualification = [{"code": concept(DEGREE, degree)} for degree in degrees]
    return {"resourceType": "Practitioner", "id": own, "qualification": qualification, **members}


def role(*taxonomy: str, own: str = "r1", of: str = "Practitioner/dr1", **members: object) -> Json:
    specialty = [concept(NUCC, code) for code in taxonomy]
    return {
        "resourceType": "PractitionerRole",
        "id": own,
        "practitioner": {"reference": of},
        "specialty": specialty,
        **members,
    }


@pytest.mark.parametrize(
    ("participants", "user", "rendered"),
    [
        (
            [part("Practitioner/a"), part("Practitioner/b", "ATND"), part("Practitioner/c", "PPRF")],
            None,
            "Practitioner/c",
        ),
        ([part("Practitioner/a"), part("Practitioner/b", "ATND")], None, "Practitioner/b"),
        ([part("https://ehr.example/fhir/Practitioner/a", element="actor")], None, "Practitioner/a"),
        ([part("RelatedPerson/m"), part("Practitioner/a")], None, "Practitioner/a"),
        ([part("Practitioner/a", "REF")], "Practitioner/u", "Practitioner/u"),
        ([part("Practitioner/a"), part("Practitioner/b")], "Practitioner/u", "Practitioner/u"),
        ([], "PractitionerRole/u", "PractitionerRole/u"),
        ([], "Patient/p1", None),
        ([], None, None),
        ([part("Practitioner/a", "PPRF"), part("Practitioner/b", "PPRF")], "Practitioner/b", "Practitioner/b"),
        ([part("Practitioner/a", "PPRF"), part("Practitioner/b", "PPRF")], "Practitioner/u", None),
        ([part("Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|999", "PPRF")], "Practitioner/u", None),
    ],
)
def test_the_performer_rendered_the_visit_else_the_attending_else_the_only_one_else_the_user(
    participants: list[Json], user: str | None, rendered: str | None
) -> None:
    assert read(visit(participant=participants), user=user).parties.practitioner == rendered


def test_a_clinician_named_in_person_and_in_a_role_is_one_clinician() -> None:
    both = [part("PractitionerRole/r1", "PPRF"), part("Practitioner/dr1", "PPRF")]
    assert read(visit(participant=both), role("207Q00000X")).parties.practitioner == "PractitionerRole/r1"


def test_a_conditional_reference_is_followed_by_the_npi() -> None:
    target = part(f"Practitioner?identifier={NPI}|9999990499", "PPRF")
    known = practitioner("MD", identifier=[{"system": NPI, "value": "9999990499"}])
    gathered = read(visit(participant=[target]), known)
    assert gathered.parties.practitioner == "Practitioner/dr1"
    assert gathered.facts.clinician.value is Clinician.PHYSICIAN


@pytest.mark.parametrize(
    ("user", "noted"),
    [
        ("Practitioner/other", True),
        ("Practitioner/dr1", False),
        ("PractitionerRole/r1", False),
        ("PractitionerRole/r9", False),
    ],
)
def test_a_user_who_is_not_the_clinician_of_the_visit_is_noted(user: str, noted: bool) -> None:
    note = "the user is not the clinician who rendered the visit"
    assert (note in facts(visit(), role("207Q00000X"), user=user).notes) is noted


@pytest.mark.parametrize(
    ("code", "clinician"),
    [
        ("207Q00000X", Clinician.PHYSICIAN),
        ("208D00000X", Clinician.PHYSICIAN),
        ("363LF0000X", Clinician.QHP),
        ("363A00000X", Clinician.QHP),
        ("364S00000X", Clinician.QHP),
        ("367A00000X", Clinician.QHP),
        ("163W00000X", Clinician.CLINICAL_STAFF),
        ("225100000X", Clinician.THERAPIST),
        ("225X00000X", Clinician.THERAPIST),
        ("235Z00000X", Clinician.THERAPIST),
        ("231H00000X", Clinician.THERAPIST),
        ("103TC0700X", Clinician.PSYCHOLOGIST_OR_SOCIAL_WORKER),
        ("1041C0700X", Clinician.PSYCHOLOGIST_OR_SOCIAL_WORKER),
        ("103K00000X", None),
        ("183500000X", None),
    ],
)
@pytest.mark.parametrize("element", ["specialty", "code"])
def test_the_taxonomy_of_a_role_says_what_the_clinician_is(
    element: str, code: str, clinician: Clinician | None
) -> None:
    assert facts(visit(), role() | {element: [concept(NUCC, code)]}).clinician.value is clinician


@pytest.mark.parametrize(
    ("degree", "clinician"),
    [("MD", "physician"), ("DO", "physician"), ("NP", "qhp"), ("PA", "qhp"), ("RN", "clinical_staff"), ("PHD", None)],
)
def test_a_degree_says_what_the_clinician_is(degree: str, clinician: str | None) -> None:
    assert facts(visit(), practitioner(degree)).clinician.value == clinician


def test_a_nurse_practitioner_who_is_a_registered_nurse_too_is_no_contradiction() -> None:
    assert facts(visit(), practitioner("RN", "NP")).clinician.value is Clinician.QHP


def test_a_physician_and_a_physician_assistant_in_one_person_are_a_conflict() -> None:
    assert facts(visit(), practitioner("MD", "PA")).clinician.conflict


@pytest.mark.parametrize(
    ("said", "clinician", "why"),
    [
        ("MD", "physician", None),
        ("M.D.", "physician", None),
        ("np", "qhp", None),
        ("Diplomate", None, "no rule for Diplomate"),
    ],
)
def test_a_degree_may_be_written_out(said: str, clinician: str | None, why: str | None) -> None:
    found = facts(visit(), practitioner() | {"qualification": [{"code": {"text": said}}]}).clinician
    assert (found.value, found.why_unknown) == (clinician, why)


def test_the_taxonomy_outranks_the_degree() -> None:
    assert facts(visit(), practitioner("MD"), role("363LF0000X")).clinician.value is Clinician.QHP


def test_a_role_of_somebody_else_or_no_longer_held_says_nothing() -> None:
    other = role("207Q00000X", of="Practitioner/other")
    past = role("207Q00000X", own="r2", active=False)
    found = facts(visit(), other, past).clinician
    assert found.value is None
    assert found.why_unknown == "found but not usable: PractitionerRole/r2 is not active"
    without = facts(visit(), other).clinician.why_unknown
    assert without == "no taxonomy and no degree of the clinician is at hand"


def test_a_taxonomy_without_a_rule_is_named() -> None:
    assert facts(visit(), role("183500000X")).clinician.why_unknown == "no rule for 183500000X"


@pytest.mark.parametrize(
    ("taxonomy", "known"),
    [
        (["2084P0800X"], True),
        (["363LP0808X"], True),
        (["364SP0808X"], True),
        (["1041C0700X"], True),
        (["2084N0400X"], None),
        (["2084P2900X"], None),
        (["364SP0200X"], None),
        (["2084P0800X", "207Q00000X"], None),
        ([], None),
    ],
)
def test_only_a_behavioral_health_taxonomy_makes_it_behavioral_health(taxonomy: list[str], known: bool | None) -> None:
    found = facts(visit(), role(*taxonomy)).behavioral_health
    assert found.value is known
    assert {one.how for one in found.evidence} <= {How.DERIVED}


ICD = "http://hl7.org/fhir/sid/icd-10-cm"


@pytest.mark.parametrize(
    ("location", "organization", "known"),
    [
        (concept(POS, "53"), None, True),
        (concept(POS, "11"), concept(NUCC, "261QM0801X"), True),
        (concept(POS, "11"), concept(NUCC, "261QF0400X"), None),
    ],
)
def test_a_mental_health_clinic_makes_it_behavioral_health_where_no_specialty_is_said(
    location: Json, organization: Json | None, known: bool | None
) -> None:
    there = {"resourceType": "Location", "id": "l1", "type": [location]}
    clinic = {"resourceType": "Organization", "id": "g1", "type": [organization] if organization else []}
    encounter = visit(
        location=[{"location": {"reference": "Location/l1"}}], serviceProvider={"reference": "Organization/g1"}
    )
    assert facts(encounter, there, clinic).behavioral_health.value is known
    assert facts(encounter, there, clinic, role("207Q00000X")).behavioral_health.value is None


def test_a_diagnosis_alone_never_makes_it_behavioral_health_but_is_named() -> None:
    depression = {"resourceType": "Condition", "id": "k1", "code": concept(ICD, "F33.1")}
    found = facts(visit(diagnosis=[{"condition": {"reference": "Condition/k1"}}]), depression).behavioral_health
    assert found.value is None
    assert "Condition/k1 F33.1 is such a diagnosis, but the purpose of the service decides" in (found.why_unknown or "")
