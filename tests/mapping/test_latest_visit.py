"""The latest telehealth visit is found among a patient's encounters, and no other visit is taken for it."""

from typing import Any

import pytest

from fhir_mapping.latest_visit import MOST, latest_visit
from tests.mapping.charts import ACT, bundle, by_method, visit, vocabulary

Json = dict[str, Any]


def on(day: str, own: str, class_code: str = "VR", **members: Any) -> Json:
    return visit(class_code, id=own, period={"start": f"{day}T15:00:00-05:00"}, **members)


def latest(*encounters: object) -> str | None:
    return latest_visit([None, bundle(*encounters)], "p1", vocabulary())


def test_the_newest_telehealth_visit_is_found_in_whatever_order_they_come() -> None:
    encounters = [on("2026-10-01", "older"), on("2026-11-20", "newer"), on("2025-01-05", "oldest")]
    assert latest(*encounters) == latest(*reversed(encounters)) == "newer"


def test_of_one_day_the_later_hour_is_the_newer() -> None:
    early, late = (visit(id=own, period={"start": f"2026-11-20T{own}:00:00Z"}) for own in ("09", "15"))
    assert latest(late, early) == latest(early, late) == "15"


@pytest.mark.parametrize(
    "newer",
    [
        on("2026-11-23", "n", "AMB"),
        on("2026-11-23", "n", "IMP"),
        on("2026-11-23", "n", status="cancelled"),
        on("2026-11-23", "n", status="planned"),
        on("2026-11-23", "n", subject={"reference": "Patient/p2"}),
        visit(id="n", period={}),
        {name: value for name, value in on("2026-11-23", "n").items() if name != "id"},
        on("2026-11-23", "x/../../../admin?y=1"),
        on("2026-11-23", "n&patient=other"),
        {"resourceType": "Appointment", "id": "n", "start": "2026-11-23T15:00:00Z"},
        {"resourceType": "OperationOutcome"},
        None,
    ],
)
def test_a_newer_one_that_is_no_telehealth_visit_of_this_patient_is_passed_over(newer: Json | None) -> None:
    assert latest(newer, on("2026-11-01", "video")) == "video"


def test_a_mode_said_outside_the_class_counts_too() -> None:
    assert latest(on("2026-11-23", "n", "AMB", extension=[by_method("phone")])) == "n"
    r5 = visit(None, id="r5", period=None, actualPeriod={"start": "2026-11-23"})
    assert latest(r5 | {"class": [{"coding": [{"system": ACT, "code": "VR"}]}]}) == "r5"


@pytest.mark.parametrize("encounters", [None, {}, [], bundle(), {"entry": "x"}, {"resourceType": "OperationOutcome"}])
def test_where_there_are_none_none_is_found(encounters: object) -> None:
    assert latest_visit([encounters], "p1", vocabulary()) is None


def test_a_visit_that_came_alone_or_under_another_key_counts_too() -> None:
    assert latest_visit([on("2026-11-01", "a"), bundle(on("2026-11-02", "b"))], "p1", vocabulary()) == "b"
    assert latest_visit([on("2026-11-03", "a"), bundle(on("2026-11-02", "b"))], "p1", vocabulary()) == "a"


def test_no_more_than_the_newest_few_are_looked_at() -> None:
    office = [on(f"2026-11-{day:02}", f"o{day}", "AMB") for day in range(1, MOST + 1)]
    assert latest(on("2026-10-01", "video"), *office[1:]) == "video"
    assert latest(on("2026-10-01", "video"), *office) is None
