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


LONGEST = 496
CUT = len("\u22ef ") * 2


@pytest.mark.parametrize("end", ["", ".", "!", ". Next."])
@pytest.mark.parametrize("words", ["word ", "some words, ", "wörter;\n", "w", "_", "12 34 ", "("])
def test_a_sentence_that_runs_on_is_cut_whether_it_ends_or_not_and_nothing_of_it_is_lost(words: str, end: str) -> None:
    note = words * (10_000 // len(words)) + end
    found = list(sentences(note))
    assert max(len(one.text) for one in found) <= LONGEST + CUT
    assert "".join("".join(one.text for one in found).replace("\u22ef", "").split()) == "".join(note.split())


@pytest.mark.parametrize(("length", "pieces"), [(LONGEST - 1, 1), (LONGEST, 1), (LONGEST + 1, 2)])
def test_a_sentence_is_cut_where_it_is_longer_than_anybody_writes(length: int, pieces: int) -> None:
    assert len(texts("w" * (length - 1) + ".")) == pieces


@pytest.mark.parametrize("before", range(LONGEST - 12, LONGEST + 2))
def test_a_long_sentence_is_never_cut_within_a_number(before: int) -> None:
    for filler in ("_" * before, "word " * (before // 5) + "w" * (before % 5) + " "):
        pieces = texts(f"{filler}1340 minutes, and so on and on {'without end ' * 50}.")
        assert any("1340" in piece for piece in pieces)


def test_a_long_sentence_is_cut_behind_a_comma_where_it_has_one() -> None:
    assert texts("one hundred and " * 20 + "more, " + "thirty four " * 40)[0].endswith("more, \u22ef")


def test_a_sentence_without_end_is_cut_rather_than_searched_whole() -> None:
    assert max(map(len, texts("word " * 10_000))) <= 500


def test_what_was_cut_for_its_length_says_that_it_goes_on() -> None:
    first, *others = texts("word " * 200)
    assert first.endswith(" \u22ef")
    assert not first.startswith("\u22ef")
    assert all(one.startswith("\u22ef ") for one in others)
    lines = texts(
        "\n".join(f"a line of a note that goes on and on and on until it is long {number}" for number in range(20))
    )
    assert [one.startswith("\u22ef ") for one in lines] == [False] + [True] * (len(lines) - 1)


@pytest.mark.parametrize("note", ["follow\u2011up", "follow\u2010up", "fol\u00adlow-up", "\ufefffollow-\u200bup"])
def test_words_are_told_as_they_are_seen(note: str) -> None:
    (one,) = sentences(note)
    assert (one.text, note[one.start : one.end]) == ("follow-up", note)
