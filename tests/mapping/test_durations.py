"""Lengths of time as clinicians write them: exact minutes, vague ones, blanks, and spans by the clock."""

import pytest

from fhir_mapping.durations import Kind
from tests.mapping.charts import note_rules


def told(sentence: str) -> list[tuple[Kind, int]]:
    return [(one.kind, one.minutes) for one in note_rules().grammar.mark(sentence).durations]


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("34 minutes", 34),
        ("34 min.", 34),
        ("34-minute", 34),
        ("34mins", 34),
        ("0 minutes", 0),
        ("twenty-five minutes", 25),
        ("Twenty Five Minutes", 25),
        ("thirty-three (33) minutes", 33),
        ("33 (thirty-three) minutes", 33),
        ("sixty-one minutes", 61),
        ("one hundred and five minutes", 105),
        ("one hundred minutes", 100),
        ("1 hour", 60),
        ("one hour", 60),
        ("an hour", 60),
        ("1 hour 5 min", 65),
        ("1 hr, 10 min", 70),
        ("1h 5m", 65),
        ("an hour and ten minutes", 70),
        ("two hours and five minutes", 125),
        ("an hour and a half", 90),
        ("one and a half hours", 90),
        ("1.5 hours", 90),
        ("0.75 hr", 45),
        ("half an hour", 30),
        ("a half hour", 30),
        ("three quarters of an hour", 45),
        ("a quarter of an hour", 15),
        ("24 hours", 1440),
    ],
)
def test_an_exact_length_of_time_is_read_in_whole_minutes(written: str, minutes: int) -> None:
    assert told(f"I spent {written} on this.") == [(Kind.EXACT, minutes)]


@pytest.mark.parametrize(
    "written",
    [
        "25-30 minutes",
        "25 - 30 min",
        "25 to 30 minutes",
        "twenty to thirty minutes",
        "between 25 and 30 minutes",
        "1-2 hours",
        "20 minutes to 25 minutes",
        "at least 30 minutes",
        "a minimum of 30 minutes",
        "approximately 30 minutes",
        "approx. 30 minutes",
        "about half an hour",
        "~30 minutes",
        "> 30 minutes",
        "over 30 minutes",
        "more than 30 minutes",
        "less than 30 minutes",
        "up to 30 minutes",
        "nearly an hour",
        "30+ minutes",
        "30 minutes or so",
        "30 minutes plus",
        "30 minutes approximately",
        "34 (43) minutes",
        "2000 minutes",
    ],
)
def test_a_length_of_time_that_is_not_exact_is_vague_and_has_no_minutes(written: str) -> None:
    assert told(f"I spent {written} on this.") == [(Kind.VAGUE, 0)]


@pytest.mark.parametrize("written", ["*** minutes", "___ min", "[ ] minutes", "{time:1234} minutes", "@TIME@ min"])
def test_a_blank_that_was_never_filled_in_is_a_blank(written: str) -> None:
    assert told(f"I spent {written} on this.") == [(Kind.BLANK, 0)]


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("from 2:10 to 2:31 pm", 21),
        ("10:05-10:30", 25),
        ("10:05 AM - 10:30 AM", 25),
        ("11:50 am until 12:20 pm", 30),
        ("11:50-12:20", 30),
        ("12:50 to 1:10", 20),
        ("14:05-14:31", 26),
        ("start time: 10:05, end time: 10:30", 25),
        ("start 10:05 stop 10:30", 25),
    ],
)
def test_a_span_by_the_clock_is_counted_across_noon_too(written: str, minutes: int) -> None:
    assert told(f"The call went {written}.") == [(Kind.CLOCK, minutes)]


@pytest.mark.parametrize(
    "sentence",
    [
        "BP 120/80 on 3/4, weight 34 kg.",
        "Metoprolol 25 mg q15min prn.",
        "Minimal pain, seminar in administration.",
        "She is 34 years old and lives at 60 Minton Road.",
        "Ratio 1:20, room 10:05.",
    ],
)
def test_numbers_of_other_things_are_no_length_of_time(sentence: str) -> None:
    assert told(sentence) == []


@pytest.mark.parametrize(
    "sentence", ["Ah, she spoke for 34 minutes.", "Seen by the AH team, 34 minutes.", "Ahr 34 min"]
)
def test_an_ah_is_no_hour(sentence: str) -> None:
    assert told(sentence) == [(Kind.EXACT, 34)]


def test_each_length_of_time_is_marked_where_it_stood() -> None:
    marked = note_rules().grammar.mark("Chart 10 min, visit 20-25 min, note *** min").text
    assert marked == "chart ⟦m0⟧, visit ⟦v1⟧, note ⟦b2⟧"


def test_a_mark_written_by_hand_is_never_taken_for_one() -> None:
    assert "⟦" not in note_rules().grammar.mark("I spent ⟦m0⟧ on this.").text
