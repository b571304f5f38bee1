"""What FHIR says of a draft holds for every patient: it is asked once for each shape, and no patient is kept."""

from dataclasses import replace
from typing import Any

import pytest
from fhir.resources.R4B.claim import Claim
from pydantic import ValidationError

from cds_hooks.cards import validity
from cds_hooks.cards.actions import create_actions
from cds_hooks.cards.coded import Visit
from fhir_mapping.facts import Release
from tests.cards.test_actions import CANDIDATE, GENERIC, PARTIES, SYSTEMS

VISIT = Visit(PARTIES, "2026-03-02", SYSTEMS, Release.R4)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What fhir.resources was asked about from now on."""
    asked: list[str] = []
    judge = validity.judged

    def listen(release: Release, kind: str, written: str) -> bool:
        asked.append(written)
        return judge(release, kind, written)

    monkeypatch.setattr(validity, "judged", listen)
    validity.known.cache_clear()
    return asked


def of(patient: str) -> Visit:
    return replace(VISIT, parties=replace(PARTIES, patient=patient))


def test_drafts_that_differ_in_whom_they_are_about_are_judged_once(judged: list[str]) -> None:
    drafts = [create_actions(CANDIDATE, of(f"Patient/p-{number}"), GENERIC) for number in range(3)]
    assert [one.body["resource"]["patient"]["reference"] for found in drafts for one in found] == [
        "Patient/p-0",
        "Patient/p-1",
        "Patient/p-2",
    ]
    assert len(judged) == 1
    assert "p-0" not in judged[0]


def test_a_draft_of_another_code_is_judged_anew(judged: list[str]) -> None:
    create_actions(CANDIDATE, VISIT, GENERIC)
    create_actions(replace(CANDIDATE, code="99213"), VISIT, GENERIC)
    assert len(judged) == 2


@pytest.mark.parametrize(
    "patient", ["Patient/" + "p" * 65, "Patient/p_1", "urn:uuid:6f0d", "http://x.example/Patient/1"]
)
def test_a_draft_with_an_odd_reference_is_judged_each_time_and_never_kept(judged: list[str], patient: str) -> None:
    before = validity.known.cache_info().currsize
    create_actions(CANDIDATE, of(patient), GENERIC)
    create_actions(CANDIDATE, of(patient), GENERIC)
    assert len(judged) == 2
    assert patient in judged[1]
    assert validity.known.cache_info().currsize == before


def test_what_fhir_refuses_is_refused_again_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> Any:
        raise ValidationError.from_exception_data("Claim", [])

    monkeypatch.setattr(Claim, "model_validate", refuse)
    validity.known.cache_clear()
    assert create_actions(CANDIDATE, VISIT, GENERIC) == []
    assert create_actions(CANDIDATE, of("Patient/p-9"), GENERIC) == []
    validity.known.cache_clear()  # what was refused here is none of the other tests'
