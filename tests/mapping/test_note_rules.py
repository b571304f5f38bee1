"""The rows of note reading are data: a site adds its own, and a slip in them stops the start with file and line."""

from pathlib import Path
from shutil import copytree

import pytest

from fhir_mapping.note import read_note
from fhir_mapping.note_rows import FILE, load_note_rules
from fhir_mapping.note_score import stated
from fhir_mapping.tables import TableError, config_folder
from fhir_mapping.wordings import texts_of

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
        ("{gap}{t}", "{gap}({t}", "the pattern is broken"),
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


@pytest.mark.parametrize("written", ["straight-\nforward", "straight- fwd", "straight\nforward", "straight-\r\n fw"])
def test_a_level_is_known_however_a_line_breaks_in_it(written: str) -> None:
    assert stated(read_note(f"MDM is {written}.", load_note_rules(SHIPPED)), "mdm") == "straightforward"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{target: mdm, pattern: 'mdm (?P<level>low|sky[- ]?high)'}", "levels has no 'sky high'"),
        ("{target: mdm_risk, pattern: 'risk (?P<level>low(?: *er){0,2})'}", "levels has no 'low er'"),
        (r"{target: mdm, pattern: 'mdm (?P<level>\w+)'}", "is not a list of words"),
        ("{target: mdm, pattern: 'mdm (?P<level>(?:low)+)'}", "is not a list of words"),
        ("{target: mdm, pattern: 'mdm(?: (?P<level>low))?'}", "may match without a level of mdm"),
        ("{target: mdm, pattern: 'mdm (?:(?P<level>low)|unknown)'}", "may match without a level of mdm"),
        ("{target: mdm, pattern: 'mdm low'}", "may match without a level of mdm"),
        ("{target: modality, pattern: 'by (?P<level>low)'}", "may match without a level of modality"),
        ("{target: total_minutes, pattern: 'ttd'}", "may match without a length of time"),
        ("{target: total_minutes, pattern: 'ttd(?: {t})?'}", "may match without a length of time"),
        ("{target: total_minutes, pattern: 'ttd (?:{t}|none)'}", "may match without a length of time"),
        ("{target: total_minutes, pattern: 'ttd (?={t})'}", "may match without a length of time"),
        ("{target: total_minutes, number: true, pattern: 'ttd {t}'}", "may match without a {number}"),
    ],
)
def test_a_row_that_can_match_without_a_value_is_refused_with_file_and_line(
    tmp_path: Path, row: str, complaint: str
) -> None:
    (tmp_path / FILE).write_text(f"reads:\n  - {row}\n", encoding="utf-8")
    with pytest.raises(TableError, match=complaint) as refused:
        load_note_rules(SHIPPED, site=tmp_path)
    assert refused.value.file.endswith(f"{tmp_path.name}/{FILE}")
    assert refused.value.line == 2


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("levels: {dire: worst}", "there is no level worst"),
        ("triggers: {modality: '(cabin'}", "the pattern is broken"),
        ("triggers: {mood: 'cabin'}", "nobody searches for mood"),
        ("corrections: ['(oops']", "the pattern is broken"),
        ("numbers: {forty-two: 42}", "numbers.forty-two"),
        (
            "contexts: [{targets: [mood], effect: drop, direction: both, scope: clause, pattern: x}]",
            "nobody reads mood",
        ),
        (
            "contexts: [{targets: [mdm], values: [vidio], effect: drop, direction: both, scope: clause, pattern: x}]",
            "mdm is never vidio",
        ),
    ],
)
def test_a_slip_in_the_rows_of_a_site_names_the_file_of_the_site(tmp_path: Path, written: str, complaint: str) -> None:
    (tmp_path / FILE).write_text(written, encoding="utf-8")
    with pytest.raises(TableError, match=complaint) as refused:
        load_note_rules(SHIPPED, site=tmp_path)
    assert refused.value.file.endswith(f"{tmp_path.name}/{FILE}")


def test_a_site_adds_levels_of_its_own(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        "levels: {sky high: high, sky-high: high, skyhigh: high}\n"
        "reads: [{target: mdm, pattern: 'mdm (?P<level>sky[- ]?high)'}]\n",
        encoding="utf-8",
    )
    own = load_note_rules(SHIPPED, site=tmp_path)
    for written in ("sky high", "sky-high", "sky\nhigh"):
        assert stated(read_note(f"MDM {written}.", own), "mdm") == "high"


def test_whatever_a_level_may_be_written_as_has_a_value() -> None:
    rules = load_note_rules(SHIPPED)
    levelled = [row for row in rules.rows if "level" in row.pattern.groupindex]
    assert len(levelled) >= 8
    for row in levelled:
        for said in texts_of(row.pattern, "level") or ():
            assert rules.level(said.replace(" ", "\n"))
