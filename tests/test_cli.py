"""The `telecode` command as a coder at a shell uses it."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from cds_hooks import __version__
from cds_hooks.cli import main

REQUEST = Path(__file__).parent / "requests" / "video_visit.json"


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, list(words), input=stdin)


def test_the_version_is_told() -> None:
    assert run("--version").stdout == f"telecode {__version__}\n"


def test_a_request_is_explained_from_a_file_and_from_standard_input() -> None:
    from_file = run("explain", str(REQUEST))
    assert from_file.exit_code == 0
    for words in ("99214, POS 10 (optional 95)", "Observation/minutes", "next lower 99213", "card "):
        assert words in from_file.stdout
    assert run("explain", "-", stdin=REQUEST.read_text(encoding="utf-8")).stdout == from_file.stdout


def test_an_explanation_in_json_has_the_three_parts() -> None:
    assert set(json.loads(run("explain", "--json", str(REQUEST)).stdout)) == {"facts", "outcome", "cards"}


def test_a_request_that_cannot_be_read_is_exit_code_2() -> None:
    for body in (
        "{",
        "[]",
        '{"hook": "patient-view"}',
        json.dumps({**json.loads(REQUEST.read_text()), "prefetch": {}}),
    ):
        refused = run("explain", "-", stdin=body)
        assert refused.exit_code == 2
        assert refused.stderr.startswith("error: ")


def test_facts_are_tried_without_fhir() -> None:
    words = "--date 2026-11-23 --minutes 34 --modality audio_video --patient established --payer medicare-ffs"
    tried = run("try", *words.split(), "--location", "home")
    assert tried.exit_code == 0
    assert "-> 99214, POS 10 (optional 95); moderate by time" in tried.stdout


def test_any_other_fact_can_be_tried_too() -> None:
    words = (
        "--date 2026-11-23 --modality audio_only --patient established --mdm low --payer medicare-ffs --location home"
    )
    tried = run(
        "try", *words.split(), "--fact", "video_capable=true", "--fact", "audio_only_reason=patient_unable", "--json"
    )
    assert json.loads(tried.stdout)["candidates"][0]["modifiers"] == ["93"]


def test_an_unknown_fact_is_named() -> None:
    refused = run("try", "--fact", "minutes=34")
    assert refused.exit_code == 2
    assert "minutes: is not a known fact" in refused.stderr


def test_zero_minutes_are_not_unknown_minutes() -> None:
    words = "--date 2026-11-23 --modality audio_video --patient established --payer cpt-telemedicine --minutes 0"
    assert run("try", *words.split()).stdout.startswith("not reportable")
