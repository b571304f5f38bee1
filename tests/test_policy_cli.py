"""The tables as a coder prints them, and what changed in law between two days."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_hooks.cli import main
from cds_hooks.coding.schemas import schemas
from fhir_mapping.tables import config_folder


def policy(*words: str) -> str:
    result = CliRunner().invoke(main, ["policy", *words])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_the_tables_of_a_day_name_code_time_and_source() -> None:
    line = next(line for line in policy("show", "--on", "2026-11-23").splitlines() if line.startswith("98012"))
    for words in ("audio only", "established", "straightforward", "more than 10 minutes", "0.65", "JUCM", "2025-01-01"):
        assert words in line


def test_a_figure_that_cms_data_did_not_confirm_says_so() -> None:
    rows = {row["code"]: row for row in json.loads(policy("show", "--on", "2026-11-23", "--json"))}
    assert rows["98007"]["work_rvu"] == "Work RVU 2.60, as published by Healthicity; not verified against CMS"
    assert rows["98006"]["work_rvu"] == "Work RVU 1.92 in 2026, CMS data as republished by PayerReady"
    assert rows["98008"]["work_rvu"] == "not published"


def test_the_telemedicine_codes_are_absent_the_day_before_they_begin() -> None:
    assert "98006" not in policy("show", "--on", "2024-12-31")
    assert "98006" in policy("show", "--on", "2025-01-01")
    assert "99214" in policy("show", "--on", "2024-12-31")


@pytest.mark.parametrize(
    ("first", "second", "change"),
    [
        ("2024-12-31", "2025-01-01", "telemedicine-audio-video: 98006 (established) begins: moderate MDM or from 30"),
        ("2025-01-01", "2024-12-31", "telemedicine-audio-video: 98006 (established) ends"),
        (
            "2024-12-31",
            "2025-01-01",
            "cpt-telemedicine: contact audio_video: office-outpatient -> telemedicine-audio-video",
        ),
        ("2024-12-31", "2025-01-01", "99417: with 98007 begins: after 40 minutes"),
        ("2025-06-30", "2025-07-01", "bcbs-michigan: one of ends"),
        ("2024-12-31", "2025-01-01", "contact audio_only begins: office-outpatient; asks for audio_only_from_home, "),
        ("2024-12-31", "2025-01-01", "telemedicine-audio-only: condition audio_only_discussion begins: asked for"),
        ("2024-12-31", "2025-01-01", "brief-check-in: not for new patients begins: A brief check-in is for"),
        ("2024-12-31", "2025-01-01", "cpt-office-modifier: declines audio_only begins: The plan does not take"),
        ("2024-12-31", "2025-01-01", "contact brief_check_in begins: brief-check-in; usual place of service; asks for"),
        ("2025-06-30", "2025-07-01", "bcbs-michigan: which of them ends: Before 2025-07-01 no notice"),
        ("2023-12-31", "2024-01-01", "medicare-ffs: second payer begins: The claim goes to Medicare first"),
        ("2023-12-31", "2024-01-01", "clinician_location hospital begins: required; A clinician in the hospital with"),
        ("2023-12-31", "2024-01-01", "G2212: with 99215 begins: after 54 minutes, each full 15"),
        ("2026-09-30", "2026-10-01", "rhc-fqhc-visit: open question begins"),
        ("2025-12-31", "2026-01-01", "telemedicine-audio-only, work RVU: 98009 begins: 1.55"),
        ("2026-12-31", "2027-01-01", "medicare-ffs: verified through 2026-12-31 only"),
        ("2026-12-30", "2026-12-31", "nothing changed between 2026-12-30 and 2026-12-31"),
        ("2025-11-12", "2025-11-13", "medicare-ffs: remark lapse_restored ends: On this date"),
        ("2026-01-30", "2026-01-31", "medicare-ffs: remark lapse_restored begins: On this date"),
        ("2026-03-01", "2026-03-02", "nothing changed between 2026-03-01 and 2026-03-02"),
    ],
)
def test_what_changed_between_two_days_is_told(first: str, second: str, change: str) -> None:
    assert change in policy("diff", first, second)


def test_tables_printed_for_a_day_past_their_verification_say_so() -> None:
    late = CliRunner().invoke(main, ["policy", "show", "--on", "2027-01-01"])
    assert "warning: verified through 2026-12-31 only" in late.stderr
    assert CliRunner().invoke(main, ["policy", "show", "--on", "2026-12-31"]).stderr == ""


def test_a_day_that_does_not_exist_is_refused() -> None:
    result = CliRunner().invoke(main, ["policy", "show", "--on", "2026-02-30"])
    assert result.exit_code == 2
    assert "2026-02-30 is not a date" in result.stderr


def test_every_source_is_named_with_the_day_it_was_read() -> None:
    lines = policy("sources").splitlines()
    assert len(lines) > 50
    assert all(line.endswith("2026-11-23") for line in lines[1:])


def test_the_mdm_criteria_and_the_minutes_that_count_can_be_read() -> None:
    printed = policy("mdm")
    for words in ("problems: ", "data: ", "risk: ", "never counts: travel", "counts: documenting in the record"):
        assert words in printed


def test_the_schemas_that_ship_are_those_of_the_tables(tmp_path: Path) -> None:
    shipped = {path.name: path.read_text(encoding="utf-8") for path in (config_folder() / "schema").glob("*.json")}
    assert shipped == schemas()
    assert len(policy("schema", str(tmp_path / "new")).splitlines()) == len(shipped)


TABLES = Path(__file__).parent / "tables"


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.txt")), ids=lambda path: path.stem)
def test_the_law_prints_as_it_was_read(path: Path) -> None:
    """Each file is named for the command that prints it: `show 2026-11-23`, `diff 2024-12-31 2025-01-01`."""
    command, *days = path.stem.split()
    words = ["show", "--on", *days] if command == "show" else [command, *days]
    assert policy(*words) == path.read_text(encoding="utf-8")
