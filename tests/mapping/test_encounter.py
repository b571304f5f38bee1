"""The visit itself: its date as it was written, its slot, and the visits that are none of ours."""

from datetime import date

import pytest

from tests.mapping.charts import ACT, Json, facts, read, visit


@pytest.mark.parametrize(
    ("start", "day"),
    [
        ("2026-11-20T23:30:00-05:00", date(2026, 11, 20)),
        ("2026-11-21T04:30:00Z", date(2026, 11, 21)),
        ("2026-11-20T00:10:00+14:00", date(2026, 11, 20)),
        ("2026-11-20", date(2026, 11, 20)),
        ("2028-02-29", date(2028, 2, 29)),
        ("2026-11-20T15:00Z", date(2026, 11, 20)),
        ("2026-11-20 15:00:00+0000", date(2026, 11, 20)),
        ("2026-11-20T15:00:00.1234567Z", date(2026, 11, 20)),
        ("2026-11-20T15:00-05:00", date(2026, 11, 20)),
        ("2026-11-20t15:00:00z", date(2026, 11, 20)),
        ("2026-11-20T15:00:00-05", date(2026, 11, 20)),
        ("2026-11-20T15:00:00,5Z", date(2026, 11, 20)),
        ("2026-11-20T23:59:60-05:00", date(2026, 11, 20)),
        ("2026-11-20T24:00:00-05:00", date(2026, 11, 20)),
        ("2026-11-20T15:00:00", date(2026, 11, 20)),
        ("2026-11-20T23:59:59", date(2026, 11, 20)),
        ("2026-11-20T00:00:00", date(2026, 11, 20)),
        ("2026-11-20 15:00", date(2026, 11, 20)),
        ("2026-03-08T02:30:00-05:00", date(2026, 3, 8)),
    ],
)
def test_the_date_of_service_is_the_day_as_written(start: str, day: date) -> None:
    fact = facts(visit(period={"start": start})).service_date
    assert fact.value == day
    assert fact.evidence[0].said == start


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ("2026-11", "is not a full date"),
        ("2026", "is not a full date"),
        ("11/20/2026", "is not a full date"),
        ("2026-02-29", "is not a date of the calendar"),
        ("2026-11-20T25:00:00Z", "is not a date of the calendar"),
        ("2026-11-20T25:00:00", "is not a date of the calendar"),
        ("2026-11-20T24:00:01Z", "is not a date of the calendar"),
        ("2026-11-20T15:00:61Z", "is not a date of the calendar"),
        ("2026-02-29T15:00:00", "is not a date of the calendar"),
        ("2026-11-20T15:00:00+99:00", "is not a date of the calendar"),
        ("1899-12-31", "lies outside any plausible year"),
        ("2201-01-01", "lies outside any plausible year"),
        ("\u0662\u0660\u0662\u0666-11-20", "is not a full date"),
        (20261120, "is not a full date"),
        (["2026-11-20"], "is not a full date"),
    ],
)
def test_a_start_that_is_no_day_is_refused_with_its_reason(start: object, why: str) -> None:
    fact = facts(visit(period={"start": start})).service_date
    assert fact.value is None
    assert fact.why_unknown == f"Encounter.period.start {why}"


def test_a_visit_without_a_start_has_no_date() -> None:
    assert facts(visit(period=None)).service_date.why_unknown == "Encounter.period.start is not said"


EARLY = "Encounter.period ends before it starts, on the same day: its end is not used"
NO_ZONE = "Encounter.period.start has a time without a time zone; the day is taken as written"


def test_a_start_without_a_time_zone_is_noted() -> None:
    assert facts(visit(period={"start": "2026-11-20T15:00:00"})).service_date.notes == (NO_ZONE,)


@pytest.mark.parametrize(
    ("start", "end", "notes"),
    [
        ("2026-11-20T15:00:00-05:00", "2026-11-20T14:59:59-05:00", (EARLY,)),
        ("2026-11-20T15:00:00-05:00", "2026-11-20T15:00:00-05:00", ()),
        ("2026-11-20T15:00:00-05:00", "2026-11-20T15:00:01-05:00", ()),
        ("2026-11-20T15:00:00-05:00", "2026-11-20T19:59:00Z", (EARLY,)),
        ("2026-11-20T15:00:00-05:00", "2026-11-20T20:00:00Z", ()),
        ("2026-11-20T15:00:00", "2026-11-20T14:59:59", (NO_ZONE, EARLY)),
        ("2026-11-20", "2026-11-20", ()),
    ],
)
def test_an_end_before_the_start_costs_no_date_while_it_is_of_the_same_day(
    start: str, end: str, notes: tuple[str, ...]
) -> None:
    found = facts(visit(period={"start": start, "end": end}))
    assert (found.service_date.value, found.service_date.notes) == (date(2026, 11, 20), notes)
    assert not [note for note in found.total_minutes.notes if "spans" in note and EARLY in notes]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-20T15:00:00-05:00", "2026-11-19"),
        ("2026-11-20T00:00:00-05:00", "2026-11-19T23:59:59-05:00"),
        ("2026-11-20T00:00:00-05:00", "2026-11-20T04:59:59Z"),
        ("2026-11-20T00:10:00", "2026-11-19T23:50:00"),
        ("2027-01-01T01:00:00", "2026-12-31T20:30:00-05:00"),
    ],
)
def test_a_visit_that_ended_on_a_day_before_it_began_has_no_date(start: str, end: str) -> None:
    fact = facts(visit(period={"start": start, "end": end})).service_date
    assert (fact.value, fact.why_unknown) == (None, "Encounter.period ends before it starts")


@pytest.mark.parametrize(
    ("start", "end", "day"),
    [
        ("2026-11-21T01:00:00Z", "2026-11-20T20:34:00-05:00", date(2026, 11, 20)),
        ("2026-11-21T04:59:59Z", "2026-11-21T00:20:00-05:00", date(2026, 11, 20)),
        ("2026-11-21T05:00:00Z", "2026-11-21T00:20:00-05:00", date(2026, 11, 21)),
        ("2027-01-01T01:00:00Z", "2026-12-31T20:34:00-05:00", date(2026, 12, 31)),
        ("2027-01-01T01:00:00+00:00", "2026-12-31T20:34:00-05:00", date(2026, 12, 31)),
        ("2026-12-31T20:00:00-05:00", "2027-01-01T01:34:00Z", date(2026, 12, 31)),
        ("2026-12-31T23:30:00Z", "2027-01-01T09:00:00+09:00", date(2027, 1, 1)),
        ("2026-11-01T05:30:00Z", "2026-11-01T01:10:00-05:00", date(2026, 11, 1)),
        ("2026-11-21T01:00:00Z", "2026-11-21T01:34:00Z", date(2026, 11, 21)),
    ],
)
@pytest.mark.parametrize("element", ["period", "actualPeriod"])
def test_the_day_is_told_by_the_clock_on_the_wall_where_the_visit_tells_it(
    element: str, start: str, end: str, day: date
) -> None:
    period: Json = {"period": None, element: {"start": start, "end": end}}
    assert facts(visit(**period)).service_date.value == day


def test_an_end_in_utc_is_of_another_day_only_by_the_clock_of_the_start() -> None:
    evening = {"start": "2026-12-31T20:00:00-05:00", "end": "2027-01-01T01:34:00Z"}
    assert facts(visit(period=evening)).service_date.notes == ()


@pytest.mark.parametrize("element", ["participant", "location", "statusHistory", "classHistory"])
def test_another_time_of_the_visit_tells_the_zone_of_a_start_in_utc(element: str) -> None:
    times: Json = {element: [{"period": {"start": "2026-11-20T20:00:00-05:00"}}]}
    found = facts(visit(period={"start": "2026-11-21T01:00:00Z"}, **times)).service_date
    assert found.value == date(2026, 11, 20)
    noted = "Encounter.period.start is written in UTC; by the other times of the visit its day was 2026-11-20"
    assert found.notes == (noted,)


def test_times_of_the_visit_in_zones_that_differ_in_the_day_tell_no_zone() -> None:
    times = [{"period": {"start": f"2026-11-20T1{hour}:00:00{zone}"}} for hour, zone in ((0, "-05:00"), (1, "+09:00"))]
    fact = facts(visit(period={"start": "2026-11-21T01:00:00Z"}, location=times)).service_date
    assert fact.value == date(2026, 11, 21)
    assert fact.notes[0].startswith("written in UTC")


def test_an_end_on_another_day_is_noted_beside_the_date() -> None:
    fact = facts(visit(period={"start": "2026-11-20T23:50:00-05:00", "end": "2026-11-21T00:10:00-05:00"})).service_date
    assert fact.value == date(2026, 11, 20)
    assert fact.notes == ("Encounter.period ends on another day, 2026-11-21",)


@pytest.mark.parametrize(
    ("start", "noted"),
    [
        ("2026-01-01T00:30:00Z", True),
        ("2026-01-01T11:59:59+00:00", True),
        ("2026-01-01T12:00:00Z", False),
        ("2026-01-01T00:30:00-05:00", False),
        ("2026-01-01", False),
    ],
)
def test_a_start_in_utc_that_was_the_day_before_elsewhere_is_noted(start: str, noted: bool) -> None:
    fact = facts(visit(period={"start": start})).service_date
    assert fact.value == date(2026, 1, 1)
    said = "written in UTC: where the clock stood behind it, the visit may be of the day before"
    assert fact.notes == ((said,) if noted else ())


def test_an_end_without_a_time_zone_is_noted_and_does_not_cost_the_date() -> None:
    fact = facts(visit(period={"start": "2026-11-20T15:00:00Z", "end": "2026-11-20T15:25:00"})).service_date
    assert fact.value == date(2026, 11, 20)
    assert fact.notes == ("Encounter.period.end has a time without a time zone: not used",)


def test_r5_calls_the_period_actual() -> None:
    period = {"start": "2026-11-20T15:00:00Z", "end": "2026-11-20T15:20:00Z"}
    found = facts(visit(period=None, actualPeriod=period))
    assert found.service_date.value == date(2026, 11, 20)
    assert found.service_date.evidence[0].path == "Encounter.actualPeriod.start"
    assert found.total_minutes.notes == ("Encounter.actualPeriod spans 20 minutes: visit or slot time, not used",)


def test_the_slot_is_shown_beside_the_minutes_and_never_taken_for_them() -> None:
    length = {"value": 32, "unit": "min", "system": "http://unitsofmeasure.org", "code": "min"}
    total = facts(visit(length=length)).total_minutes
    assert total.value is None
    assert total.notes == ("Encounter.period spans 25 minutes: visit or slot time, not used",)


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"status": "cancelled"}, "cancelled encounter"),
        ({"status": "entered-in-error"}, "entered-in-error encounter"),
        ({"status": "planned"}, "planned encounter"),
        ({"class": {"system": ACT, "code": "IMP"}}, "inpatient encounter"),
        ({"class": {"system": ACT, "code": "ACUTE"}}, "inpatient encounter"),
        ({"class": {"system": ACT, "code": "NONAC"}}, "inpatient encounter"),
        ({"class": {"system": ACT, "code": "EMER"}}, "emergency encounter"),
        ({"class": {"system": ACT, "code": "OBSENC"}}, "observation encounter"),
        ({"class": {"system": ACT, "code": "SS"}}, "short-stay encounter"),
        ({"class": {"system": ACT, "code": "PRENC"}}, "pre-admission encounter"),
        ({"class": [{"coding": [{"system": ACT, "code": "IMP"}]}]}, "inpatient encounter"),
        ({"class": {"system": "http://terminology.hl7.org/CodeSystem/v2-0004", "code": "I"}}, "inpatient encounter"),
        ({"class": {"system": "urn:oid:1.2.3", "code": "IMP"}}, None),
        ({"class": {"code": "IMP"}}, "inpatient encounter"),
        ({"class": {"system": ACT, "code": "VR"}}, None),
        ({"class": {"system": ACT, "code": "AMB"}}, None),
        ({"class": {"system": ACT, "code": "HH"}}, None),
        ({"status": "in-progress"}, None),
        ({"status": None}, None),
    ],
)
def test_some_visits_get_no_card_whatever_else_the_chart_says(members: Json, why: str | None) -> None:
    assert read(visit(**members)).not_ours == why
