"""Every leaf of ten good requests is deleted, emptied, mistyped and miscoded in turn, and every branch cut off.

Whatever is lost, the service answers, and never with a higher code than the whole request gave.
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_hooks.exchange.hook import read_hook
from cds_hooks.service import Answer
from tests.mapping.charts import (
    ACT,
    BASE,
    CPT,
    EPIC_CLASS,
    EPIC_TYPE,
    NUCC,
    POS,
    Json,
    bundle,
    by_method,
    claim,
    concept,
    coverage,
    earlier,
    extended,
    level,
    minutes,
    note,
    observed,
    visit,
)

LEAST_MUTANTS = 3000
LEVELS = ["straightforward", "low", "moderate", "high"]
SEEN = bundle(earlier("e0", "2025-06-03"))
HOME: Json = {"location": [{"location": {"display": "Patient's Home"}}]}
BCBSM = coverage("611", payor=[{"display": "Blue Cross Blue Shield of Michigan"}])
REASON = f"{BASE}/CodeSystem/audio-only-reason"
SPRING = {"start": "2026-03-02T15:00:00-05:00", "end": "2026-03-02T15:25:00-05:00"}
ATTESTED = (
    "Visit conducted by real-time audio and video. Patient located at home; I was in the clinic. Verbal consent to "
    "telehealth was obtained.\nMDM: moderate.\nI spent a total of 34 minutes on the date of service."
)
BY_TELEPHONE = (
    "Entire visit conducted by telephone. Patient at home. I was able to use video; patient declined video. Verbal "
    "consent to telehealth was obtained. 18 minutes of medical discussion. Total time 24 minutes. MDM: low."
)

GOOD: dict[str, list[Json]] = {
    "a Medicare video visit by MDM": [
        visit(extension=[by_method("video")], **HOME),
        bundle(minutes("total-time", 34), level("mdm-level", "moderate")),
        bundle(coverage("121")),
        SEEN,
    ],
    "a plan that wants the telemedicine codes, by time": [
        visit(extension=[by_method("video"), extended("em-total-time", valueDuration={"value": 44, "unit": "min"})]),
        bundle(BCBSM),
        SEEN,
    ],
    "a telephone visit with its discussion": [
        visit(type=[concept("http://snomed.info/sct", "185317003")], **HOME),
        bundle(minutes("medical-discussion-time", 22), level("mdm-level", "moderate")),
        bundle(BCBSM),
        SEEN,
    ],
    "a Medicare telephone visit told in the note": [
        visit(),
        note(BY_TELEPHONE),
        bundle(coverage("121")),
        SEEN,
    ],
    "a video visit told in the note": [visit(), note(ATTESTED), bundle(BCBSM), SEEN],
    "an interrupted visit": [
        visit(),
        bundle(minutes("video-time", 20), minutes("audio-time", 8), level("mdm-level", "high")),
        bundle(BCBSM),
        SEEN,
    ],
    "a prolonged visit": [
        visit(extension=[by_method("video")], **HOME),
        bundle(minutes("total-time", 84)),
        bundle(coverage("121")),
        SEEN,
    ],
    "a charge already drafted": [
        visit(extension=[by_method("video")]),
        bundle(level("mdm-level", "moderate")),
        bundle(coverage("121")),
        bundle(claim("99214", "95", place="10")),
        SEEN,
    ],
    "a telemedicine encounter in a vendor's codes": [
        visit(
            None,
            **{"class": {"system": EPIC_CLASS, "code": "5"}},
            type=[concept(EPIC_TYPE, "76", "Telemedicine", text="Video Visit")],
        ),
        bundle(level("mdm-problems", "moderate"), level("mdm-data", "moderate"), level("mdm-risk", "high")),
        bundle(BCBSM, {"resourceType": "Patient", "id": "p1"}),
        {
            "resourceType": "PractitionerRole",
            "id": "r1",
            "practitioner": {"reference": "Practitioner/dr1"},
            "specialty": [concept(NUCC, "207Q00000X")],
        },
        SEEN,
    ],
    "a visit in the shapes of an older interface": [
        visit(
            None,
            **{"class": [{"coding": [{"system": f"{ACT}|9.0.0", "code": "AMB"}], "text": "Ambulatory"}]},
            extension=[by_method("video")],
            period={"start": "2026-11-24T01:00:00Z", "end": "2026-11-23T20:34:00-05:00"},
            hospitalization={"dischargeDisposition": {"text": "Home"}},
            location=[{"location": {"display": "Telemedicine Clinic 2"}}],
            type=[{"text": "Follow Up Video"}],
        ),
        minutes("total-time", 34, encounter=None, effectiveDateTime="2026-11-23T20:40:00"),
        bundle(coverage("121")),
        visit("AMB", id="e0", period={"start": "2025-06-03T09:00:00"}),
    ],
    "a health center's telephone visit": [
        visit(
            location=[{"location": {"reference": "#there"}}],
            contained=[{"resourceType": "Location", "id": "there", "type": [concept(POS, "50")]}],
            type=[concept(CPT, "98966")],
            period=SPRING,
        ),
        bundle(
            minutes("total-time", 24),
            observed("audio-only-reason", {"valueCodeableConcept": concept(REASON, "patient-declined")}),
        ),
        bundle(coverage("121")),
        SEEN,
    ],
}


def request(resources: list[Json]) -> Json:
    return {
        "hook": "org.example.telecode.note-sign",
        "hookInstance": "5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11",
        "context": {"userId": "Practitioner/dr1", "patientId": "p1", "encounterId": "e1"},
        "prefetch": {f"key{number}": resource for number, resource in enumerate(resources)},
    }


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place below `value`: branches and leaves."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        yield (*path, step), item
        yield from places(item, (*path, step))


def mistyped(value: object) -> object:
    return {"value": value} if isinstance(value, int | float) else 7


def miscoded(value: object) -> object:
    return -1 if isinstance(value, int | float) else "zzz"


def mutants(whole: Json) -> Iterator[tuple[str, Json]]:
    for path, value in places(whole):
        changed = {"null": None, "type": mistyped(value)}
        if not isinstance(value, dict | list):
            changed |= {"code": miscoded(value), "blank": ""}
        for how in ("delete", *changed):
            mutant = copy.deepcopy(whole)
            holder: Any = mutant
            for step in path[:-1]:
                holder = holder[step]
            if how == "delete":
                del holder[path[-1]]
            else:
                holder[path[-1]] = changed[how]
            yield f"{how} {'.'.join(map(str, path))}", mutant


def heights(answer: Any) -> tuple[int, int]:
    """The highest level and the most prolonged units that the answer offers; a code without levels stands above all."""
    candidates = answer["outcome"]["candidates"]
    levels = [LEVELS.index(one["level"]) if one["level"] else len(LEVELS) for one in candidates]
    units = [one["prolonged"]["units"] for one in candidates if one["prolonged"]]
    return max(levels, default=-1), max(units, default=0)


def test_there_are_mutants_enough() -> None:
    assert sum(1 for resources in GOOD.values() for _ in mutants(request(resources))) >= LEAST_MUTANTS


KEPT = {"resourceType", "id", "subject", "patient", "beneficiary", "identifier", "entry"}


class Faulty(dict[str, Any]):
    """A resource with which every reader fails."""

    def get(self, key: str, default: Any = None) -> Any:
        if key not in KEPT:
            raise RuntimeError(key)
        return super().get(key, default)


def with_faults(resources: list[Json]) -> Iterator[list[Json]]:
    """The resources with each of them in turn, within a Bundle too, as one that nobody can read."""
    for number, resource in enumerate(resources):
        entries = [entry["resource"] for entry in resource.get("entry", ())]
        for place in range(len(entries)):
            faulty = bundle(*(Faulty(one) if place == at else one for at, one in enumerate(entries)))
            yield [*resources[:number], faulty, *resources[number + 1 :]]
        if not entries:
            yield [*resources[:number], Faulty(resource), *resources[number + 1 :]]


@pytest.mark.usefixtures("fenced")
@pytest.mark.parametrize("name", GOOD)
def test_a_resource_that_nobody_can_read_never_fails_and_never_raises_the_code(shared_app: Flask, name: str) -> None:
    ours = shared_app.extensions["telecode"]

    def answered(resources: list[Json]) -> Answer:
        found: Answer = ours.answer(read_hook(request(resources), None, ours.offer.services))
        return found

    whole = answered(GOOD[name])
    ceiling = heights({"outcome": whole.outcome.as_json()})
    for mutant in with_faults(GOOD[name]):
        given = answered(mutant)
        if given.facts == whole.facts:
            continue  # nobody looks into it
        assert any("could not be read" in note for note in given.facts.notes)
        if any(one.recommended for one in given.outcome.candidates):
            height, units = heights({"outcome": given.outcome.as_json()})
            assert height <= ceiling[0]
            assert units <= ceiling[1]


@pytest.mark.parametrize("name", GOOD)
def test_losing_a_leaf_never_fails_and_never_raises_the_code(client: FlaskClient, name: str) -> None:
    whole = request(GOOD[name])
    first = client.post("/api/v1/explain", json=whole).get_json()
    assert first["outcome"]["outcome"] == "selection", first["outcome"]["questions"]
    ceiling = heights(first)
    for how, mutant in mutants(whole):
        answer = client.post("/api/v1/explain", json=mutant)
        assert answer.status_code in {200, 400, 404, 412, 422}, how
        if answer.status_code == 200:
            level_found, units = heights(answer.get_json())
            assert level_found <= ceiling[0], how
            assert units <= ceiling[1], how
        else:
            assert answer.get_json()["issue"], how
