"""What a coder reads for a visit, word for word: the code, the questions, the reasons, and every step with its source.

Each file of `readings/` holds the facts on its first line and then what `telecode try` prints for them. A change of
words or of law shows here as a change to be read.
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

READINGS = sorted((Path(__file__).parent / "readings").glob("*.txt"))


def facts_and_words(path: Path) -> tuple[dict[str, Any], str]:
    first, _, words = path.read_text(encoding="utf-8").partition("\n")
    return json.loads(first), words


@pytest.mark.parametrize("path", READINGS, ids=[path.stem.replace("-", " ") for path in READINGS])
def test_the_visit_reads_as_it_should(path: Path) -> None:
    facts, words = facts_and_words(path)
    options = [word for name, value in facts.items() for word in ("--fact", f"{name}={json.dumps(value)}")]
    assert CliRunner().invoke(main, ["try", *options]).stdout == words


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
