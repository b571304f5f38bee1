"""The rows of note reading are data: a site adds its own, and a slip in them stops the start with file and line."""

from pathlib import Path
from shutil import copytree

import pytest

from fhir_mapping.note import read_note
from fhir_mapping.note_rows import FILE, load_note_rules
from fhir_mapping.note_score import stated
from fhir_mapping.tables import TableError, config_folder

SHIPPED = config_folder() / "vocabulary"


def test_a_site_reads_its_own_phrases_before_ours(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        "words: {cabin: 'tele-?cabin'}\n"
        "triggers: {modality: 'cabin'}\n"
        "reads:\n"
        "  - {target: modality, value: audio_video, pattern: '{cabin} visit'}\n"
        "  - {target: total_minutes, pattern: 'cabin clock {t}'}\n",
        encoding="utf-8",
    )
    own = load_note_rules(SHIPPED, site=tmp_path)
    found = read_note("Telecabin visit. Cabin clock 34 minutes. Patient located at home.", own)
    assert stated(found, "modality") == "audio_video"
    assert stated(found, "total_minutes") == 34
    assert stated(found, "patient_location") == "home"
    assert read_note("Telecabin visit.", load_note_rules(SHIPPED)) == ()


def test_a_site_without_note_rules_reads_by_ours(tmp_path: Path) -> None:
    assert stated(read_note("Video visit.", load_note_rules(SHIPPED, site=tmp_path)), "modality") == "audio_video"


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("target: mdm_risk,", "target: mood,", "nobody reads mood"),
        ("value: patient_unable", "value: patient_lazy", "audio_only_reason is never patient_lazy"),
        ("{gap}{m}", "{gap}({m}", "the pattern is broken"),
        ("direction: before", "direction: above", "direction"),
        ("sources:", "sourced:", "sourced"),
        ("effect: ask", "effect: guess", "effect"),
        ("effect: ask", "effect: weak", "a length of time is never weak"),
    ],
)
def test_a_slip_is_refused_with_file_and_line(tmp_path: Path, right: str, wrong: str, complaint: str) -> None:
    folder = tmp_path / "config" / "vocabulary"
    copytree(SHIPPED, folder)
    text = (folder / FILE).read_text(encoding="utf-8")
    assert right in text
    (folder / FILE).write_text(text.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(TableError, match=complaint) as refused:
        load_note_rules(folder)
    assert refused.value.line > 1 or wrong == "sourced:"
