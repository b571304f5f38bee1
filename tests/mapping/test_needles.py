"""The quick look before a note is read: what it holds back could not have matched, on every note there is here."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping.needles import Needles, required
from fhir_mapping.note_rows import load_note_rules
from fhir_mapping.sentences import sentences
from fhir_mapping.tables import config_folder

RULES = load_note_rules(config_folder() / "vocabulary")
NOTES = sorted((Path(__file__).parents[1] / "notes").glob("*.jsonl"))


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("total time", [{"total time"}]),
        (r"\btime: \d+ min", [{" time  "}, {" min"}]),
        ("(?:by|via) (?:phone|telephone)", [{"by phone", "via phone", "by telephone", "via telephone"}]),
        ("in[- ](?:the )?room", [{"in room", "in the room"}]),
        ("(?:video)+ visits?", [{"video"}, {" visit"}]),
        ("(?>phone)", [{"phone"}]),
        ("(?:video)?|phone", []),
        (r"\d[ab]?x{0,3}", []),
        ("(?!no )(?<!not )video(?= visit)", [{"video"}]),
        (r"\b(?:er|ed|rehab\w*)\b", [{" er ", " ed ", " rehab"}]),
        (r"\bat\b \bhome\b", [{" at home "}]),
        (r"at\b⟦m\d+⟧", [{"at ⟦ m"}, {" ⟧ "}]),
        (
            "(?:a|b|c|d|e)(?:a|b|c|d|e)(?:a|b|c|d|e)x",
            [{f"{a}{b}" for a in "abcde" for b in "abcde"}, {f"{a}x" for a in "abcde"}],
        ),
        ("(?i)video", []),
        ("(?i:video) visit", [{" visit"}]),
    ],
)
def test_what_a_pattern_cannot_do_without_is_told(pattern: str, words: list[set[str]]) -> None:
    assert required(re.compile(pattern)) == {frozenset(one) for one in words}


def test_a_row_is_possible_only_where_all_its_words_stand() -> None:
    needles = Needles.of(
        [[re.compile("video.*visit")], [re.compile(r"\d+")], [re.compile("phone"), re.compile("call")]]
    )
    assert needles.possible("a video link") == 0b010
    assert needles.possible("a video visit") == 0b011
    assert needles.possible("a phone call") == 0b110


def test_rows_without_any_word_are_always_possible() -> None:
    assert Needles.of([[re.compile(r"\d")], []]).possible("") == 0b11


@pytest.mark.parametrize("file", NOTES, ids=lambda file: file.stem)
def test_no_row_is_held_back_that_would_match(file: Path) -> None:
    told = [
        RULES.grammar.mark(sentence.text).text
        for line in file.read_text(encoding="utf-8").splitlines()
        for sentence in sentences(json.loads(line)["text"])
    ]
    for sentence in told:
        may = RULES.needles.possible(sentence)
        for row in RULES.rows:
            assert may & row.bit or not any(row.find(sentence, "")), (row.pattern.pattern, sentence)
        for name, trigger in (*RULES.triggers.items(), ("corrections", RULES.corrections)):
            assert may & trigger.bit or not trigger.pattern.search(sentence), (name, sentence)


@given(data=st.data())
def test_no_row_is_held_back_from_what_is_made_to_match_it(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(RULES.rows))
    sentence = " ".join(data.draw(st.from_regex(row.pattern)).casefold().split())
    assert RULES.needles.possible(sentence) & row.bit or not any(row.find(sentence, "")), row.pattern.pattern
