"""A note is cut where a reader would cut it: at full stops, bullets and headings, not at a wrapped line or "min."."""

import pytest

from fhir_mapping.sentences import sentences


def texts(note: str) -> list[str]:
    return [one.text for one in sentences(note)]


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("One thing. Another thing.", ["One thing.", "Another thing."]),
        ("Spent 34 min. on this visit.", ["Spent 34 min. on this visit."]),
        ("Spent 34 min. Patient at home.", ["Spent 34 min.", "Patient at home."]),
        ("Seen by Dr. Lee. Plan below.", ["Seen by Dr. Lee.", "Plan below."]),
        ("I spent a total of\n34 minutes today.", ["I spent a total of 34 minutes today."]),
        (
            "Total time on the date of the encounter\n41\nminutes",
            ["Total time on the date of the encounter 41 minutes"],
        ),
        ("Total time: 34\n- Consent obtained\n- At home", ["Total time: 34", "- Consent obtained", "- At home"]),
        ("Mode: video\nPlace: home", ["Mode: video", "Place: home"]),
        ("Mode: video\n\nat home", ["Mode: video", "at home"]),
        ("Consent obtained? No", ["Consent obtained? No"]),
        ("BP 120/80.HR 70.Follow up.", ["BP 120/80.HR 70.", "Follow up."]),
        ("", []),
        (" \n \n", []),
    ],
)
def test_a_note_is_cut_into_its_sentences(note: str, expected: list[str]) -> None:
    assert texts(note) == expected


def test_a_line_that_was_wrapped_by_the_printer_goes_on() -> None:
    line = "The patient was seen for follow-up of hypertension and we talked about Dr"
    assert texts(f"{line}\nLee and her advice.") == [f"{line} Lee and her advice."]


def test_each_sentence_says_where_it_stands_and_under_which_heading() -> None:
    note = "MDM:\nProblems moderate.\nPlan: rest."
    found = list(sentences(note))
    assert [note[one.start : one.end].strip() for one in found] == [one.text for one in found]
    assert [one.heading for one in found] == ["mdm", "mdm", "plan"]


def test_a_sentence_without_end_is_cut_rather_than_searched_whole() -> None:
    assert max(map(len, texts("word " * 10_000))) <= 500
