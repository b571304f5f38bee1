"""A total that a note dates is the visit's only if the date is: minutes of another day are asked about."""

from datetime import date

import pytest

from fhir_mapping.note_days import is_of_another_day
from tests.mapping.charts import facts, note, visit

DAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    "text",
    [
        "Total time on 11/19: 45 minutes.",
        "Total time on 11/21 was 44 minutes.",
        "Total time personally spent 10/02/2024: 57 minutes.",
        "I spent 45 minutes on 11/20/2025.",
        "11/19: total time 45 minutes.",
        "On 11-19 I spent 45 minutes.",
    ],
)
def test_a_total_of_another_day_is_no_total_of_the_visit(text: str) -> None:
    assert is_of_another_day(text, DAY)


@pytest.mark.parametrize(
    "text",
    [
        "Total time on 11/20: 45 minutes.",
        "Total time on 11/20/26 (date of encounter): 45 minutes.",
        "Total time on 20/11/2026: 45 minutes.",
        "11/20: total time 45 minutes.",
        "Total time: 45 minutes.",
        "Addendum 11/22: the total time should read 45 minutes.",
        "Labs of 11/2 reviewed; total time 45 minutes.",
        "Pain 4/10, total time 45 minutes.",
        "Total time 45 minutes; seen again on 12/1.",
        "I spent 20/45 minutes on counseling.",
    ],
)
def test_a_total_of_the_day_or_of_no_date_is_the_visits(text: str) -> None:
    assert not is_of_another_day(text, DAY)


def test_minutes_of_another_day_are_asked_about() -> None:
    seen = visit(period={"start": "2026-11-20T15:00:00-05:00"})
    found = facts(seen, note("Video visit. Total time on 11/19: 45 minutes.")).total_minutes
    assert not found.known
    assert "11/19" in (found.why_unknown or "")
    assert facts(seen, note("Video visit. Total time on 11/20: 45 minutes.")).total_minutes.value == 45
