"""New or established: established is proven by a visit within three years, new is never proven by absence."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping.facts import How, PatientStatus
from tests.mapping.charts import (
    ACT,
    CPT,
    EPIC_TYPE,
    EPIC_VISIT,
    NPI,
    NUCC,
    PARTICIPATION,
    SNOMED,
    Json,
    bundle,
    claim,
    concept,
    earlier,
    facts,
    read,
    visit,
)

SEEN = PatientStatus.ESTABLISHED


@pytest.mark.parametrize(
    ("day", "status"),
    [
        ("2023-11-22", None),  # the day before the edge
        ("2023-11-23", None),  # three years ago to the day: not within the past three years
        ("2023-11-24", SEEN),  # the day after
        ("2026-11-22", SEEN),  # yesterday
        ("2026-11-23", None),  # the day of the visit itself
        ("2026-11-24", None),
    ],
)
def test_a_visit_within_three_years_to_the_day_makes_the_patient_established(day: str, status: Any) -> None:
    assert facts(visit(), earlier("e0", day)).patient_status.value is status


@pytest.mark.parametrize(("day", "status"), [("2025-02-28", None), ("2025-03-01", SEEN)])
def test_three_years_before_a_leap_day_end_with_february(day: str, status: Any) -> None:
    assert facts(visit(period={"start": "2028-02-29"}), earlier("e0", day)).patient_status.value is status


def test_days_are_counted_as_written_not_in_utc() -> None:
    late = visit("AMB", id="e0", period={"start": "2023-11-23T23:30:00-05:00"})
    assert facts(visit(), late).patient_status.value is None


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ((), "no other encounter was at hand; absence does not prove new"),
        (
            ("2020-01-01",),
            (
                "the one encounter at hand is no visit with this clinician in the 3 years before; "
                "absence does not prove new"
            ),
        ),
        (
            ("2020-01-01", "2021-01-01"),
            (
                "no visit with this clinician in the 3 years before among the 2 encounters at hand; "
                "absence does not prove new"
            ),
        ),
    ],
)
def test_absence_never_makes_a_patient_new(days: tuple[str, ...], why: str) -> None:
    fact = facts(visit(), bundle(*(earlier(f"e{n}", day) for n, day in enumerate(days, 8)))).patient_status
    assert (fact.value, fact.why_unknown) == (None, why)


def test_earlier_visits_are_read_and_never_modelled_so_their_quirks_cost_nothing() -> None:
    found = facts(visit(), bundle(*(earlier(f"e{n}", "2025-01-01", quirk={}) for n in range(2, 302))))
    assert found.patient_status.value is SEEN
    assert found.notes == ()


def test_the_latest_visit_is_the_evidence() -> None:
    fact = facts(visit(), earlier("e7", "2025-01-01"), earlier("e8", "2026-01-01")).patient_status
    assert fact.evidence[0].resource == "Encounter/e8"
    assert fact.evidence[0].said == "2026-01-01"
    assert fact.evidence[0].how is How.DERIVED


@pytest.mark.parametrize("swapped", [False, True])
def test_the_latest_visit_is_the_latest_by_the_clock_of_the_visit_not_as_it_is_written(swapped: bool) -> None:
    east = visit(period={"start": "2026-11-23T15:00:00+14:00"})
    at_home = visit("AMB", id="e7", period={"start": "2026-01-05T12:00:00+14:00"})
    far_west = visit("AMB", id="e8", period={"start": "2026-01-04T23:00:00-12:00"})  # the sixth where the visit is
    both = [at_home, far_west]
    fact = facts(east, *(reversed(both) if swapped else both)).patient_status
    assert fact.evidence[0].resource == "Encounter/e8"
    assert fact.evidence[0].said == "2026-01-06"


zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(
    zones,
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 23), zones), min_size=2, max_size=9),
)
def test_of_many_visits_in_many_zones_the_first_of_the_latest_day_is_found(
    zone: timezone, began: list[tuple[int, int, timezone]]
) -> None:
    moments = [datetime(2026, 1, day, hour, tzinfo=where) for day, hour, where in began]
    seen = [visit("AMB", id=f"e{number}", period={"start": at.isoformat()}) for number, at in enumerate(moments, 2)]
    days = [at.astimezone(zone).date() for at in moments]
    now = visit(period={"start": datetime(2026, 11, 23, 15, tzinfo=zone).isoformat()})
    (proof,) = facts(now, bundle(*seen)).patient_status.evidence
    assert proof.said == max(days).isoformat()
    assert proof.resource == f"Encounter/e{days.index(max(days)) + 2}"


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"status": "in-progress"}, SEEN),
        ({"status": "arrived"}, SEEN),
        ({"status": "completed"}, SEEN),
        ({"status": "cancelled"}, None),
        ({"status": "planned"}, None),
        ({"status": "entered-in-error"}, None),
        ({"status": "noshow"}, None),
        ({"status": None}, None),
        ({"class": {"system": ACT, "code": "IMP"}}, SEEN),
        ({"class": {"system": ACT, "code": "EMER"}}, SEEN),
        ({"type": [concept(CPT, "99421")]}, None),
        ({"type": [concept(SNOMED, "185317003")]}, None),
        ({"type": [concept(EPIC_TYPE, "70", "Telephone")]}, None),
        ({"type": [{"text": "Telephone"}]}, None),
        ({"type": [concept(CPT, "98966")]}, None),
        ({"type": [concept(CPT, "98012")]}, SEEN),
        ({"type": [concept(CPT, "99213")]}, SEEN),
        ({"type": [{"text": "Video visit"}]}, SEEN),
        ({"subject": {"reference": "Patient/p2"}}, None),
    ],
)
def test_a_visit_counts_if_it_took_place_and_was_a_visit(members: Json, status: Any) -> None:
    prior = visit("AMB", **({"id": "e0", "period": {"start": "2026-01-05"}} | members))
    assert facts(visit(), prior).patient_status.value is status


@pytest.mark.parametrize(
    "said",
    [
        *("Orders Only", "No Show", "Nurse Visit", "Lab visit", "Refill", "Erroneous Encounter", "MyChart Message"),
        *("Documentation only", "E-Consult", "Letter (Out)", "Left without being seen"),
    ],
)
def test_what_is_kept_as_an_encounter_and_was_no_visit_leaves_it_open(said: str) -> None:
    for kind in ({"text": said}, concept(EPIC_VISIT, "7", said)):
        fact = facts(visit(), earlier("e0", "2026-01-05", type=[kind])).patient_status
        assert fact.value is None
        assert "1 earlier encounters leave it open" in (fact.why_unknown or "")
        billed = earlier("e0", "2026-01-05", type=[kind, concept(CPT, "99213")])
        assert facts(visit(), billed).patient_status.value is SEEN


@pytest.mark.parametrize(
    ("codes", "status"),
    [("50", None), ("71", None), ("72", None), ("101", SEEN), ("50 101", SEEN), ("71 101", None)],
)
def test_epics_encounter_types_say_what_was_a_visit(codes: str, status: Any) -> None:
    types = [concept(EPIC_TYPE, code) for code in codes.split()]
    assert facts(visit(), earlier("e0", "2026-01-05", type=types)).patient_status.value is status


def test_telephone_contacts_alone_are_counted_in_the_reason() -> None:
    fact = facts(visit(), earlier("e0", "2026-01-05", type=[{"text": "Telephone"}])).patient_status
    assert fact.why_unknown
    assert fact.why_unknown.endswith("(1 telephone or written contacts alone do not settle it)")


def test_an_earlier_virtual_visit_counts_and_is_said_to_be_virtual() -> None:
    fact = facts(visit(), visit("VR", id="e0", period={"start": "2026-01-05"})).patient_status
    assert fact.value is SEEN
    assert fact.notes == ("the earlier visit was virtual",)


@pytest.mark.parametrize(
    ("participant", "status"),
    [
        ({"individual": {"reference": "https://ehr.example/fhir/Practitioner/dr1"}}, SEEN),
        ({"actor": {"reference": "Practitioner/dr1"}}, SEEN),
        ({"individual": {"reference": f"Practitioner?identifier={NPI}|999"}}, SEEN),
        ({"individual": {"identifier": {"system": NPI, "value": "999"}}}, SEEN),
        ({"individual": {"identifier": {"system": "urn:oid:2.16.840.1.113883.4.4", "value": "999"}}}, None),
        ({"individual": {"reference": "PractitionerRole/r1"}}, SEEN),
        ({"individual": {"reference": "Practitioner/dr2"}}, None),
        ({"individual": {"reference": "Practitioner/dr1"}, "type": [concept(PARTICIPATION, "PPRF")]}, SEEN),
        ({"individual": {"reference": "Practitioner/dr1"}, "type": [concept(PARTICIPATION, "CON")]}, SEEN),
        ({"individual": {"reference": "Practitioner/dr1"}, "type": [concept(PARTICIPATION, "REF")]}, None),
        ({"individual": {"display": "Dr One"}}, None),
    ],
)
def test_the_clinician_must_be_the_same_by_reference_or_npi(participant: Json, status: Any) -> None:
    known = {"resourceType": "Practitioner", "id": "dr1", "identifier": [{"system": NPI, "value": "999"}]}
    role = {"resourceType": "PractitionerRole", "id": "r1", "practitioner": {"reference": "Practitioner/dr1"}}
    prior = earlier("e0", "2026-01-05", participant=[participant])
    assert facts(visit(), prior, known, role).patient_status.value is status


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({}, SEEN),
        ({"status": "draft"}, None),
        ({"status": "cancelled"}, None),
        ({"use": "predetermination"}, None),
        ({"provider": {"reference": "Practitioner/dr2"}}, None),
        ({"provider": None, "careTeam": [{"provider": {"reference": "Practitioner/dr1"}}]}, SEEN),
        ({"billablePeriod": {"start": "2023-11-23"}}, None),
        ({"billablePeriod": {"start": "2023-11-24"}}, SEEN),
    ],
)
def test_a_billed_visit_counts_like_an_encounter(members: Json, status: Any) -> None:
    billed = claim(
        "99214", status="active", provider={"reference": "Practitioner/dr1"}, billablePeriod={"start": "2026-01-05"}
    )
    billed["item"][0]["encounter"] = [{"reference": "Encounter/e0"}]
    assert facts(visit(), billed | members).patient_status.value is status


def test_a_billed_test_or_message_does_not_make_a_patient_established() -> None:
    for code in ("93000", "80053", "99421"):
        billed = claim(code, status="active", provider={"reference": "Practitioner/dr1"})
        billed["item"][0] |= {"encounter": [], "servicedDate": "2026-01-05"}
        assert facts(visit(), billed).patient_status.value is None


def test_without_a_date_or_a_clinician_nothing_is_concluded() -> None:
    prior = earlier("e0", "2026-01-05")
    assert facts(visit(period=None), prior).patient_status.why_unknown == "the date of the visit is not known"
    assert facts(visit(participant=None), prior).patient_status.why_unknown == "who rendered the visit is not known"


def role(own: str, person: str, specialty: str, group: str | None = "g1") -> Json:
    return {
        "resourceType": "PractitionerRole",
        "id": own,
        "practitioner": {"reference": f"Practitioner/{person}"},
        "specialty": [concept(NUCC, specialty)],
        **({"organization": {"reference": f"Organization/{group}"}} if group else {}),
    }


FAMILY, CARDIOLOGY, NURSE_PRACTITIONER, NURSE = "207Q00000X", "207RC0000X", "363LF0000X", "163W00000X"
OTHER = {"participant": [{"individual": {"reference": "Practitioner/dr2"}}]}


@pytest.mark.parametrize(
    ("mine", "theirs", "status"),
    [
        (role("r1", "dr1", FAMILY), role("r2", "dr2", FAMILY), SEEN),
        (role("r1", "dr1", FAMILY), role("r2", "dr2", CARDIOLOGY), None),  # another specialty of the group
        (role("r1", "dr1", FAMILY), role("r2", "dr2", FAMILY, "g2"), None),  # the same specialty elsewhere
        (role("r1", "dr1", FAMILY), role("r2", "dr2", FAMILY, None), None),  # whose group is not said
        (role("r1", "dr1", FAMILY), role("r2", "dr2", NURSE), None),  # a nurse's visit is no professional service
    ],
)
def test_a_colleague_of_the_same_group_and_exact_specialty_counts_as_the_clinician(
    mine: Json, theirs: Json, status: Any
) -> None:
    assert facts(visit(), mine, theirs, earlier("e0", "2025-06-03", **OTHER)).patient_status.value is status


def test_a_nurse_practitioner_counts_as_the_specialty_of_the_physicians_of_the_group() -> None:
    roles = [role("r1", "dr1", FAMILY), role("r2", "dr2", NURSE_PRACTITIONER)]
    assert facts(visit(), *roles, earlier("e0", "2025-06-03", **OTHER)).patient_status.value is SEEN
    mixed = [*roles, role("r3", "dr3", CARDIOLOGY)]
    fact = facts(visit(), *mixed, earlier("e0", "2025-06-03", **OTHER)).patient_status
    assert fact.value is None
    assert "(1 earlier encounters leave it open: what they were, with whom, or when is not said)" in (
        fact.why_unknown or ""
    )


def test_a_colleague_with_more_specialties_leaves_it_open() -> None:
    both = role("r2", "dr2", FAMILY)
    both["specialty"].append(concept(NUCC, CARDIOLOGY))
    found = facts(visit(), role("r1", "dr1", FAMILY), both, earlier("e0", "2025-06-03", **OTHER)).patient_status
    assert found.value is None


def test_the_provider_of_the_visits_is_the_group_where_no_role_names_one() -> None:
    provider: Json = {"serviceProvider": {"reference": "Organization/g1"}}
    roles = [role("r1", "dr1", FAMILY, None), role("r2", "dr2", FAMILY, None)]
    same = facts(visit(**provider), *roles, earlier("e0", "2025-06-03", **OTHER, **provider)).patient_status
    assert same.value is SEEN


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({}, SEEN),
        ({"status": "entered-in-error"}, None),
        ({"status": "in-progress"}, None),
        ({"code": concept(CPT, "93000")}, None),  # a tracing read makes nobody established
        ({"performer": [{"actor": {"reference": "Practitioner/dr2"}}]}, None),
        ({"performedDateTime": "2023-11-23"}, None),
        ({"performedDateTime": None, "performedPeriod": {"start": "2025-06-03T10:00:00-05:00"}}, SEEN),
        ({"performedDateTime": None, "occurrenceDateTime": "2025-06-03"}, SEEN),  # R5
    ],
)
def test_a_procedure_coded_as_a_visit_makes_the_patient_established(members: Json, status: Any) -> None:
    procedure = {
        "resourceType": "Procedure",
        "id": "x1",
        "status": "completed",
        "code": concept(CPT, "99213"),
        "subject": {"reference": "Patient/p1"},
        "performedDateTime": "2025-06-03",
        "performer": [{"actor": {"reference": "Practitioner/dr1"}}],
    } | members
    assert facts(visit(), procedure).patient_status.value is status


def test_an_explanation_of_benefit_counts_like_the_claim() -> None:
    paid = claim("99213", billablePeriod={"start": "2025-06-03"}, provider={"reference": "Practitioner/dr1"})
    paid |= {"resourceType": "ExplanationOfBenefit", "status": "active"}
    assert facts(visit(), paid).patient_status.value is SEEN


def test_an_evening_written_in_utc_falls_on_the_day_of_the_visits_own_zone() -> None:
    late = visit("AMB", id="e0", period={"start": "2023-11-24T03:30:00Z"})  # 22:30 on the 23rd where the visit was
    assert facts(visit(), late).patient_status.value is None
    later = visit("AMB", id="e0", period={"start": "2023-11-24T05:30:00Z"})
    assert facts(visit(), later).patient_status.value is SEEN


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("2023-11-22T12:00:00", None),
        ("2023-11-23T12:00:00", None),
        ("2023-11-24T00:00:00", None),  # in another zone it may be the edge itself
        ("2023-11-25T00:00:00", SEEN),
        ("2025-06-03T09:00:00", SEEN),
        ("2026-11-22T23:59:59", SEEN),
        ("2026-11-23T00:00:00", None),  # of the day of the visit
    ],
)
def test_an_earlier_visit_without_a_time_zone_counts_by_its_day_unless_a_zone_could_move_it_out(
    start: str, status: Any
) -> None:
    told = facts(visit(), visit("AMB", id="e0", period={"start": start})).patient_status
    assert told.value is status
    if status:
        assert told.notes == ("the earlier visit has a time without a time zone; the day is taken as written",)


@pytest.mark.parametrize(
    ("members", "doubtful"),
    [
        ({"start": "2023-11-22T23:00:00"}, True),
        ({"start": "2023-11-21T23:00:00"}, False),
        ({"start": "2023-11-22T23:00:00-05:00"}, False),
        ({"start": "2025"}, True),
        ({"start": "yesterday"}, True),
        ({}, True),
    ],
)
def test_an_earlier_visit_of_unsure_day_keeps_a_patient_from_being_new(members: Json, *, doubtful: bool) -> None:
    search = bundle(visit(), visit("AMB", id="e0", period=members), **WHOLE)
    told = read(visit(), search, complete_history=True).facts.patient_status
    assert told.value is (None if doubtful else PatientStatus.NEW)
    assert not doubtful or "1 earlier encounters leave it open" in (told.why_unknown or "")


WHOLE = {"link": [{"relation": "self", "url": "https://ehr.example/Encounter?patient=p1&_sort=-date&_count=100"}]}
NEXT = {"relation": "next", "url": "https://ehr.example/page2"}


def narrowed(query: str) -> Json:
    return {"link": [{"relation": "self", "url": f"https://ehr.example/Encounter?patient=p1&{query}"}]}


@pytest.mark.parametrize(
    ("search", "status"),
    [
        (bundle(visit(), **WHOLE), PatientStatus.NEW),
        (bundle(visit(), total=1), PatientStatus.NEW),
        (bundle(visit(), earlier("e0", "2020-01-01"), **WHOLE), PatientStatus.NEW),
        (bundle(visit(), **narrowed("date=ge2023-11-23")), PatientStatus.NEW),
        (bundle(visit(), **narrowed("date=ge2023-11-24")), None),
        (bundle(visit(), **narrowed("date=lt2026-11-01")), None),
        (bundle(visit(), **narrowed("status=finished")), None),
        (bundle(visit(), link=[*WHOLE["link"], NEXT]), None),
        (bundle(visit(), total=2), None),
        (bundle(visit(), {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}), None),
        (bundle(**WHOLE), PatientStatus.NEW),
        (bundle(), None),  # of what, it does not say
        (bundle(visit(), earlier("e0", "2025-01-01", **OTHER), **WHOLE), None),  # by whom, nobody knows
        (bundle(visit(), earlier("e0", "2023-11-23"), **WHOLE), None),  # on the very day of the edge
        (bundle(visit(), earlier("e0", "2025-01-01", type=[concept(SNOMED, "185317003")]), **WHOLE), None),
        (bundle(visit(), earlier("e0", "2025-01-01"), **WHOLE), SEEN),
        ({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}, None),
    ],
)
def test_none_found_means_new_only_where_the_site_vouches_and_the_search_came_whole(search: Json, status: Any) -> None:
    assert read(visit(), search, complete_history=True).facts.patient_status.value is status
    assert read(visit(), search).facts.patient_status.value in {None, SEEN}
