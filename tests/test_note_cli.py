"""`telecode note`: what a note says, and how well labelled notes are read, at the shell."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from cds_hooks.cli import main

LABELLED = [
    {"text": "I spent a total of 34 minutes.", "minutes_total": 34, "modality": None},
    {"text": "Video visit.", "minutes_total": None, "modality": "audio_video"},
    {"text": "Telephone visit.", "minutes_total": None, "modality": "audio_video"},
]


def run(*words: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["note", *words], input=given)


def lines(*notes: object) -> bytes:
    return b"\n".join(orjson.dumps(note) for note in notes)


def test_a_note_is_read_with_the_words_each_reading_rests_on(tmp_path: Path) -> None:
    path = tmp_path / "visit.txt"
    path.write_text("Video visit.\nI spent about 30 minutes on this.", encoding="utf-8")
    printed = run("read", str(path)).stdout.splitlines()
    assert printed == [
        "modality             audio_video      [0:12] Video visit.",
        "total_minutes        to be asked      [13:46] I spent about 30 minutes on this.",
    ]
    as_json = orjson.loads(run("read", "--json", "-", given=path.read_bytes()).stdout)
    assert [(one["target"], one["value"]) for one in as_json] == [("modality", "audio_video"), ("total_minutes", None)]


def test_labelled_notes_are_scored_field_by_field(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_bytes(lines(*LABELLED) + b"\n\n")
    printed = run("eval", str(path), "--misses").stdout.splitlines()
    assert printed[1] == "minutes_total             3      3    100.0%    100.0%  100.0%         0"
    assert printed[3] == "modality                  3      2     66.7%     50.0%   50.0%         0"
    assert printed[4] == "patient_location          0      0         -         -       -         0"
    assert printed[-1] == "line 3: modality is audio_video, read as audio_only"


def test_scores_and_misses_come_as_json_too() -> None:
    found = orjson.loads(run("eval", "-", "--json", "--misses", given=lines(*LABELLED)).stdout)
    assert found["fields"][2] == {
        "field": "modality",
        "notes": 3,
        "right": 2,
        "stated": 2,
        "read": 2,
        "found": 1,
        "invented": 0,
        "accuracy": pytest.approx(2 / 3),
        "precision": 0.5,
        "recall": 0.5,
    }
    assert found["misses"] == [{"number": 3, "field": "modality", "label": "audio_video", "said": "audio_only"}]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"{", "line 1 is no JSON"),
        (b'"text"', "line 1 has no text"),
        (lines({"text": 3, "modality": None}), "line 1 has no text"),
        (lines(LABELLED[0], {"text": "Video visit."}), "line 2 has none of the labels minutes_total"),
    ],
)
def test_a_line_that_is_no_labelled_note_stops_with_its_number(given: bytes, why: str) -> None:
    result = run("eval", "-", given=given)
    assert result.exit_code == 2
    assert why in result.stderr
