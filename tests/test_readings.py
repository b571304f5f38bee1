"""What a coder reads for a visit, word for word: the code, the questions, the reasons, and every step with its source.

Each file of `readings/` holds the facts on its first line and then what `telecode try` prints for them. A change of
words or of law shows here as a change to be read. A few visits are held in JSON too, as a program reads them.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_hooks.cli import main
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.select import select
from cds_hooks.exchange.facts_json import read_facts

FOLDER = Path(__file__).parent / "readings"
READINGS = sorted(FOLDER.glob("*.txt"))
IN_JSON = sorted(FOLDER.glob("*.json"))

# The names of steps that rest on a row of a table; all others are named for a guideline.
OF_TABLES = frozenset(
    {
        "payer_policy",
        "payer_declines",
        "place_of_service",
        "modifier",
        "level_by_mdm",
        "level_by_time",
        "single_code",
        "prolonged",
        "next_lower",
        "work_rvu",
    }
)


def facts_and_words(path: Path) -> tuple[dict[str, Any], str]:
    first, _, words = path.read_text(encoding="utf-8").partition("\n")
    return json.loads(first), words


@pytest.mark.parametrize("path", READINGS, ids=[path.stem.replace("-", " ") for path in READINGS])
def test_the_visit_reads_as_it_should(path: Path) -> None:
    facts, words = facts_and_words(path)
    options = [word for name, value in facts.items() for word in ("--fact", f"{name}={json.dumps(value)}")]
    assert CliRunner().invoke(main, ["try", *options]).stdout == words


@pytest.mark.parametrize("path", IN_JSON, ids=[path.stem.replace("-", " ") for path in IN_JSON])
def test_the_visit_reads_the_same_in_json(path: Path, book: PolicyBook) -> None:
    held = json.loads(path.read_text(encoding="utf-8"))
    answer = json.loads(json.dumps(select(read_facts(held["facts"], book), book).as_json()))
    assert answer["policy"].pop("fingerprint") == book.fingerprint
    assert answer == held["answer"]


@pytest.mark.parametrize("path", READINGS, ids=[path.stem.replace("-", " ") for path in READINGS])
def test_every_step_is_named_for_its_rule(path: Path, book: PolicyBook) -> None:
    facts, _ = facts_and_words(path)
    named = {step.rule for step in select(read_facts(facts, book), book).steps}
    assert named <= OF_TABLES | book.guidelines.rules.keys()


@pytest.mark.parametrize("path", READINGS, ids=[path.stem.replace("-", " ") for path in READINGS])
def test_every_condition_quotes_the_fact_it_asks_for(path: Path, book: PolicyBook) -> None:
    facts, _ = facts_and_words(path)
    asked: dict[str, set[str]] = {}
    for condition in book.guidelines.conditions.values():
        asked.setdefault(condition.rule, set()).add(condition.fact)
    for step in select(read_facts(facts, book), book).steps:
        if step.rule in asked:
            assert len(step.evidence) == 1
            assert step.evidence[0].path.removesuffix("_days_ago") in asked[step.rule]


@pytest.mark.parametrize("path", READINGS, ids=[path.stem.replace("-", " ") for path in READINGS])
def test_every_step_quotes_the_request_in_its_own_words(path: Path, book: PolicyBook) -> None:
    facts, _ = facts_and_words(path)
    for step in select(read_facts(facts, book), book).steps:
        for piece in step.evidence:
            sent = facts[piece.path]
            if not isinstance(sent, dict | list):
                assert piece.said == (str(sent).lower() if isinstance(sent, bool) else str(sent))


@pytest.mark.parametrize("path", READINGS, ids=[path.stem.replace("-", " ") for path in READINGS])
def test_every_step_quotes_the_facts_it_used(path: Path, book: PolicyBook) -> None:
    facts, _ = facts_and_words(path)
    used = {
        "modality": "modality",
        "payer_policy": "payers",
        "place_of_service": "patient_location",
        "prolonged": "total_minutes",
        "mdm_two_of_three": "mdm_elements",
        "same_day": "same_day_visit",
        "brief_check_in": "service_kind",
        "routine_communication": "service_kind",
        "minutes_once": "service_kind",
        "who_reports": "clinician",
    }
    for step in select(read_facts(facts, book), book).as_json()["steps"]:
        quoted = {piece["path"]: piece["said"] for piece in step["evidence"]}
        fact = used.get(step["rule"])
        if fact is not None and facts.get(fact) is not None:
            assert list(quoted) == [fact]
        if step["rule"] == "level_by_mdm":
            assert list(quoted) in (["mdm"], ["mdm_elements"])
        if step["rule"] == "level_by_time":
            assert list(quoted) in (["total_minutes"], ["discussion_minutes"])
        if step["rule"] == "majority_of_minutes":
            assert list(quoted) == ["video_minutes", "audio_minutes"]
        assert (step["source"]["agreed_by"] == 0) == (step["source"]["publisher"] == "telecode")
