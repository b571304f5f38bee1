"""One resource that came twice is read once, in its newest version; versions that differ without order contradict."""

from typing import Any

import pytest

from fhir_mapping.gather import ContradictedVisit
from tests.mapping.charts import ACT, Json, bundle, coverage, facts, minutes, note, read, visit

OLDER = {"versionId": "9", "lastUpdated": "2026-11-23T20:00:00Z"}
NEWER = {"versionId": "10", "lastUpdated": "2026-11-23T16:30:00-05:00"}
NUMBERS = [{"versionId": "9"}, {"versionId": "10"}]
STAY = {"class": {"system": ACT, "code": "IMP"}}


def total(*versions: Json) -> int | None:
    return facts(visit(), bundle(*versions)).total_minutes.value


@pytest.mark.parametrize(("older", "newer"), [(OLDER, NEWER), NUMBERS])
def test_of_two_versions_the_newer_is_read_wherever_it_stands(older: Json, newer: Json) -> None:
    first, amended = minutes("total-time", 45, meta=older), minutes("total-time", 34, meta=newer, status="amended")
    assert total(first, amended) == total(amended, first) == 34


@pytest.mark.parametrize(
    ("one", "other"), [({}, {}), (OLDER, {}), (OLDER, OLDER), ({"versionId": "a"}, {"versionId": "b"})]
)
def test_versions_that_differ_without_an_order_contradict_each_other(one: Json, other: Json) -> None:
    found = facts(visit(), minutes("total-time", 45, meta=one), minutes("total-time", 34, meta=other))
    assert {rival.value for rival in found.total_minutes.conflict} == {34, 45}
    assert "Observation/o-total-time was sent in versions that differ, none of them newer" in found.notes


def test_what_came_twice_is_one_piece_of_evidence() -> None:
    again = minutes("total-time", 34, meta=NEWER, text={"status": "generated"})
    assert len(facts(visit(), minutes("total-time", 34), again).total_minutes.evidence) == 1


def test_a_search_that_sends_some_elements_alone_contradicts_nothing() -> None:
    summary = {key: value for key, value in visit().items() if key in {"resourceType", "id", "status", "subject"}}
    assert read(summary, visit()).facts.service_date == read(visit()).facts.service_date


def test_two_coverages_of_one_name_leave_the_payer_open_and_two_notes_the_minutes() -> None:
    assert facts(visit(), coverage("121"), coverage("512")).payers.value is None
    notes = [note(f"Total time: {spent} minutes.") for spent in (45, 34)]
    assert {rival.value for rival in facts(visit(), *notes).total_minutes.conflict} == {34, 45}


@pytest.mark.parametrize("other", [STAY, {"status": "cancelled"}])
def test_a_visit_in_two_versions_without_an_order_is_not_read(other: dict[str, Any]) -> None:
    for versions in ((visit(), visit(None, **other)), (visit(None, **other), visit())):
        with pytest.raises(ContradictedVisit):
            read(*versions)


def test_of_a_visit_in_two_versions_the_newer_is_read() -> None:
    assert read(visit(meta=OLDER), visit(status="cancelled", meta=NEWER)).not_ours == "cancelled encounter"
    assert read(visit(meta=NEWER), visit(status="cancelled", meta=OLDER)).not_ours is None
