"""The selector held against the oracle, visit by visit."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import pytest

from cds_hooks.coding.loading import load_book
from cds_hooks.coding.outcome import Outcome
from cds_hooks.coding.select import select
from fhir_mapping.facts import AudioOnlyReason, EncounterFacts, Fact, MdmLevel, Modality, PatientLocation, PatientStatus
from fhir_mapping.tables import config_folder
from tests.oracle import LEVELS, Expectation, expect, grid

LEAST_VISITS = 120_000
SHOWN = 25
KINDS: Mapping[str, type] = {
    "modality": Modality,
    "patient_status": PatientStatus,
    "mdm": MdmLevel,
    "patient_location": PatientLocation,
    "audio_only_reason": AudioOnlyReason,
}


@cache
def fact(name: str, value: Any) -> Fact[Any]:
    if value is None:
        return Fact()
    if name == "service_date":
        return Fact(date.fromisoformat(value))
    return Fact(KINDS[name](value) if name in KINDS else value)


def encounter(visit: Mapping[str, Any]) -> EncounterFacts:
    known: dict[str, Any] = {name: fact(name, value) for name, value in visit.items() if name != "payers"}
    return EncounterFacts(payers=fact("payers", tuple(visit["payers"])), **known)


def answered(outcome: Outcome) -> dict[str, Any]:
    """The outcome as JSON but for its steps, which the grid does not read."""
    return replace(outcome, steps=()).as_json()


def differences(expected: Expectation, answer: Mapping[str, Any]) -> list[str]:
    if answer["outcome"] != expected.outcome:
        return [f"outcome {answer['outcome']}"]
    candidates = answer["candidates"]
    recommended = [candidate for candidate in candidates if candidate["recommended"]]
    asked = {question["id"] for question in answer["questions"]}
    found = [f"does not ask {name}" for name in expected.questions - asked]
    if expected.outcome == "selection":
        if len(recommended) != 1:
            return [*found, f"{len(recommended)} recommendations"]
        found += selection_differences(expected, recommended[0])
        highest = LEVELS.index(recommended[0]["level"])
        found += [f"offers {one['code']}" for one in candidates if LEVELS.index(one["level"]) > highest]
        if "patient_location" in asked - expected.questions:
            found.append("asks patient_location in vain")
        return found
    if recommended:
        found.append("recommends what it cannot tell")
    codes = {candidate["code"] for candidate in candidates}
    if expected.candidate_codes is not None and codes != expected.candidate_codes:
        found.append(f"candidates {sorted(codes)}")
    if expected.outcome == "not_reportable" and not answer["reasons"]:
        found.append("gives no reason")
    return found


def selection_differences(expected: Expectation, candidate: Mapping[str, Any]) -> list[str]:
    units = expected.prolonged
    wanted = {
        "code": expected.code,
        "basis": expected.basis,
        "level": expected.level,
        "place_of_service": expected.place_of_service,
        "modifiers": list(expected.modifiers),
        "optional_modifiers": list(expected.optional_modifiers),
        "prolonged": {"code": units[0], "units": units[1]} if units else None,
        "lower_code": expected.lower_code,
    }
    return [f"{name} {candidate[name]}" for name, value in wanted.items() if candidate[name] != value]


def test_the_selector_answers_every_visit_of_the_grid_as_the_law_does() -> None:
    book = load_book(config_folder())
    visits = 0
    wrong = 0
    kinds: Counter[str] = Counter()
    shown: list[str] = []
    for visit in grid():
        visits += 1
        expected = expect(visit)
        found = differences(expected, answered(select(encounter(visit), book)))
        if not found:
            continue
        wrong += 1
        kind = f"{visit['modality']} {visit['payers'][0]} {expected.outcome}: {found[0]}"
        kinds[kind] += 1
        if kinds[kind] == 1 and len(shown) < SHOWN:
            shown.append(f"{visit}\n  wanted {expected}\n  found {found}")
    assert visits >= LEAST_VISITS
    tally = "\n".join(f"{count:>7} {kind}" for kind, count in kinds.most_common(SHOWN))
    assert not wrong, f"{wrong} of {visits} visits differ\n{tally}\n" + "\n".join(shown)


@pytest.mark.parametrize(
    ("status", "minutes", "cpt_units", "medicare_units"),
    [
        ("new", 74, 0, 0),
        ("new", 75, 1, 0),
        ("new", 88, 1, 0),
        ("new", 89, 1, 1),
        ("new", 90, 2, 1),
        ("new", 103, 2, 1),
        ("new", 104, 2, 2),
        ("new", 105, 3, 2),
        ("established", 54, 0, 0),
        ("established", 55, 1, 0),
        ("established", 68, 1, 0),
        ("established", 69, 1, 1),
        ("established", 70, 2, 1),
        ("established", 83, 2, 1),
        ("established", 84, 2, 2),
        ("established", 85, 3, 2),
    ],
)
def test_the_oracle_knows_the_published_prolonged_vectors(
    status: str, minutes: int, cpt_units: int, medicare_units: int
) -> None:
    visit: dict[str, Any] = dict.fromkeys(next(grid()))
    visit |= {"service_date": "2026-03-02", "modality": "audio_video", "patient_status": status}
    visit |= {"total_minutes": minutes, "patient_location": "home"}
    cpt = expect({**visit, "payers": ["cpt-telemedicine"]})
    medicare = expect({**visit, "payers": ["medicare-ffs"]})
    assert cpt.prolonged == (("99417", cpt_units) if cpt_units else None)
    assert medicare.prolonged == (("G2212", medicare_units) if medicare_units else None)


def test_no_visit_stands_twice_in_the_grid() -> None:
    visits = [repr(visit) for visit in grid()]
    assert len(set(visits)) == len(visits)
