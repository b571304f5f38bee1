"""The visits of `cases/`, told as a coder would tell them, put to the selector.

In a selection the keys of a candidate (code, level, modifiers ...) are looked up in what is recommended for the primary
payer; in an undetermined outcome they must hold for every candidate listed.
"""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_hooks.coding.loading import load_book
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.select import select
from cds_hooks.exchange.facts_json import read_facts
from fhir_mapping.tables import config_folder

CASES = Path(__file__).parent / "cases"
LEAST_CASES = 200

OF_A_CANDIDATE = frozenset(
    {
        "code",
        "level",
        "basis",
        "family",
        "place_of_service",
        "modifiers",
        "optional_modifiers",
        "prolonged",
        "lower_code",
        "wrvu",
    }
)
PRESENT = {"questions": "questions", "warnings": "warnings", "reasons": "reasons"}
ABSENT = {"no_questions": "questions", "no_warnings": "warnings"}
KNOWN_KEYS = OF_A_CANDIDATE | PRESENT.keys() | ABSENT.keys() | {"outcome", "candidates", "no_candidates", "see"}

Case = Mapping[str, Any]


class BadCaseError(Exception):
    """A case that cannot be told apart, or asks for what nobody checks."""


def read_cases(folder: Path) -> list[Case]:
    cases: list[Case] = []
    for file in sorted(folder.glob("*.yaml")):
        for case in yaml.safe_load(file.read_text(encoding="utf-8")):
            refuse_bad_keys(file.name, case)
            cases.append(case)
    twice = [name for name, times in Counter(case["name"] for case in cases).items() if times > 1]
    if twice:
        raise BadCaseError(f"told twice: {'; '.join(twice)}")
    return cases


def refuse_bad_keys(file: str, case: Case) -> None:
    if case.keys() != {"name", "given", "expect"}:
        raise BadCaseError(f"{file}: a case has name, given and expect, not {sorted(case)}")
    unknown = case["expect"].keys() - KNOWN_KEYS
    if unknown or "outcome" not in case["expect"]:
        raise BadCaseError(f"{file}: {case['name']}: {', '.join(sorted(unknown)) or 'outcome is missing'}")


@cache
def book() -> PolicyBook:
    return load_book(config_folder())


def answer_to(given: Mapping[str, Any]) -> Mapping[str, Any]:
    return select(read_facts(dict(given), book()), book()).as_json()


def ids(entries: list[Mapping[str, Any]]) -> set[str]:
    return {entry["id"] for entry in entries}


def judged(answer: Mapping[str, Any], given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The candidates that the expectation speaks of, once the outcome has the shape that its name promises."""
    candidates: list[Mapping[str, Any]] = answer["candidates"]
    recommended = [candidate for candidate in candidates if candidate["recommended"]]
    match answer["outcome"]:
        case "selection":
            payers = [candidate["payer"] for candidate in recommended]
            assert payers == given["payers"], "one recommendation a payer, the primary payer's first"
            return recommended[:1]
        case "undetermined":
            assert not recommended, "what cannot be told is not recommended"
            assert answer["questions"], "what cannot be told is asked"
            return candidates
        case _:
            assert answer["reasons"], "what is not reportable says why"
            assert candidates == [], "what is not reportable has no candidates"
            return []


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in read_cases(CASES)])
def test_the_visit_is_coded_as_the_coder_says(case: Case) -> None:
    expected = case["expect"]
    answer = answer_to(case["given"])
    assert answer["outcome"] == expected["outcome"], answer
    spoken_of = judged(answer, case["given"])
    wanted = {key: value for key, value in expected.items() if key in OF_A_CANDIDATE}
    assert spoken_of or not wanted
    for candidate in spoken_of:
        assert {key: candidate[key] for key in wanted} == wanted
    codes = {candidate["code"] for candidate in answer["candidates"]}
    assert not codes & set(expected.get("no_candidates", ()))
    if "candidates" in expected:
        listed = codes & set(expected["candidates"]) if answer["outcome"] == "selection" else codes
        assert listed == set(expected["candidates"])
    for key, member in PRESENT.items():
        assert set(expected.get(key, ())) <= ids(answer[member])
    for key, member in ABSENT.items():
        assert not set(expected.get(key, ())) & ids(answer[member])
    seen = {code for reason in answer["reasons"] for code in reason.get("see", ())}
    assert set(expected.get("see", ())) <= seen


def test_there_are_cases_enough() -> None:
    assert len(read_cases(CASES)) >= LEAST_CASES


@pytest.mark.parametrize(
    "text",
    [
        "- {name: A visit, given: {}, expect: {outcome: selection, colour: blue}}",
        "- {name: A visit, given: {}, expect: {code: '98006'}}",
        "- {name: A visit, given: {}, expect: {outcome: selection}, because: reasons}",
        "- {name: A visit, given: {}, expect: {outcome: selection}}\n" * 2,
    ],
    ids=["unknown expectation", "no outcome", "unknown member", "told twice"],
)
def test_a_bad_case_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadCaseError):
        read_cases(tmp_path)
