"""The outcome as others call for it: every member by its name, for a selection, a question and a refusal."""

from typing import Any

import pytest

from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.select import select
from cds_hooks.exchange.facts_json import read_facts

VISIT = {
    "service_date": "2026-03-02",
    "modality": "audio_video",
    "patient_status": "established",
    "total_minutes": 84,
    "payers": ["medicare-ffs"],
    "patient_location": "home",
    "consent_documented": True,
    "clinician_location": "office",
}


def answer(book: PolicyBook, **facts: Any) -> Any:
    given = {name: value for name, value in {**VISIT, **facts}.items() if value is not None}
    return select(read_facts(given, book), book).as_json()


def said(path: str, words: str) -> list[dict[str, str]]:
    return [{"resource": "request", "path": path, "said": words, "how": "structured"}]


def test_a_selection_has_every_member_of_the_contract(book: PolicyBook) -> None:
    found = answer(book)
    steps = found.pop("steps")
    assert found == {
        "outcome": "selection",
        "candidates": [
            {
                "payer": "medicare-ffs",
                "family": "office-outpatient",
                "code": "99215",
                "level": "high",
                "basis": "time",
                "place_of_service": "10",
                "modifiers": [],
                "optional_modifiers": ["95"],
                "prolonged": {"code": "G2212", "units": 2},
                "wrvu": 2.8,
                "lower_code": "99214",
                "recommended": True,
            }
        ],
        "questions": [],
        "warnings": [],
        "reasons": [],
        "policy": {"service_date": "2026-03-02", "fingerprint": book.fingerprint},
    }
    assert steps[0] == {
        "rule": "modality",
        "says": "The visit was audio-video.",
        "evidence": said("modality", "audio_video"),
        "source": {
            "title": "An overview of the 2025 telemedicine guidelines",
            "publisher": "CHCS Consulting",
            "url": "https://chcs.consulting/an-overview-of-the-2025-cpt-telemedicine-guidelines",
            "retrieved": "2026-11-23",
            "sure": "agreed",
            "agreed_by": 3,
        },
        "edition": "2025-01-01",
    }
    assert [(step["rule"], step["evidence"]) for step in steps[1:]] == [
        ("payer_policy", said("payers", "medicare-ffs")),
        ("payer_declines", []),
        ("prolonged", said("total_minutes", "84")),
        ("place_of_service", said("patient_location", "home")),
        ("modifier", []),
        ("level_by_time", said("total_minutes", "84")),
        ("next_lower", []),
        ("work_rvu", []),
    ]
    located = next(step["source"] for step in steps if step["rule"] == "modifier")
    assert located["locator"] == "news article 10638446"


def test_a_question_of_few_answers_says_under_which_each_code_holds(book: PolicyBook) -> None:
    found = answer(book, patient_status=None, total_minutes=None, mdm="moderate")
    assert found["outcome"] == "undetermined"
    assert [(one["code"], one["if"], one["recommended"]) for one in found["candidates"]] == [
        ("99204", {"patient_status": "new"}, False),
        ("99214", {"patient_status": "established"}, False),
    ]
    (question,) = found["questions"]
    assert question.keys() == {"id", "text"}
    assert found["reasons"] == []


def test_two_levels_in_the_record_are_two_answers(book: PolicyBook) -> None:
    elements = {"problems": "high", "data": "high", "risk": "low"}
    found = answer(book, total_minutes=None, mdm="moderate", mdm_elements=elements)
    assert [one["if"] for one in found["candidates"]] == [{"mdm": "moderate"}, {"mdm": "high"}]


def test_a_refusal_says_why_and_where_to_look(book: PolicyBook) -> None:
    found = answer(book, clinician="clinical_staff")
    assert found["candidates"] == []
    (reason,) = found["reasons"]
    assert reason == {
        "id": "clinical_staff",
        "text": "Contact with clinical staff alone is no E/M visit of a physician or other qualified clinician.",
        "see": ["99211"],
    }
    assert [(step["rule"], step["evidence"]) for step in found["steps"]][-1] == (
        "who_reports",
        said("clinician", "clinical_staff"),
    )


def test_what_is_only_for_results_cites_its_guideline_and_its_evidence(book: PolicyBook) -> None:
    found = answer(book, service_kind="results_only")
    assert [(step["rule"], step["evidence"]) for step in found["steps"]] == [
        ("routine_communication", said("service_kind", "results_only"))
    ]


@pytest.mark.parametrize(
    ("facts", "rule", "path"),
    [
        ({"total_minutes": None, "mdm": "low"}, "level_by_mdm", "mdm"),
        ({"total_minutes": 5}, "level_by_time", "total_minutes"),
        ({"setting": "rhc"}, "single_code", None),
        (
            {"modality": "audio_only", "audio_only_reason": "patient_declined"},
            "medicare_audio_only",
            "patient_location",
        ),
    ],
)
def test_every_step_names_its_rule_and_quotes_the_fact(
    book: PolicyBook, facts: dict[str, Any], rule: str, path: str | None
) -> None:
    step = next(step for step in answer(book, **facts)["steps"] if step["rule"] == rule)
    assert [piece["path"] for piece in step["evidence"]] == ([path] if path else [])


@pytest.mark.parametrize(
    ("modality", "video", "audio", "at_odds"),
    [
        ("audio_video", 20, 10, False),
        ("audio_video", 10, 10, True),
        ("audio_video", 1, 1, True),
        ("audio_video", 0, 0, False),
        ("audio_video", 0, 1, True),
        ("audio_video", 10, 11, True),
        ("audio_only", 10, 20, False),
        ("audio_only", 10, 10, True),
        ("audio_only", 1, 1, True),
        ("audio_only", 0, 0, False),
        ("audio_only", 1, 0, True),
        ("in_person", 10, 5, False),
    ],
)
def test_minutes_in_each_mode_may_contradict_the_mode(
    book: PolicyBook, modality: str, video: int, audio: int, *, at_odds: bool
) -> None:
    found = answer(book, modality=modality, video_minutes=video, audio_minutes=audio)
    asked = [note["text"] for note in found["questions"] if note["id"] == "modality"]
    words = {"audio_video": "audio-video", "audio_only": "audio-only", "in_person": "in-person"}[modality]
    told = f"It is documented as {words}, but with {video} minutes by video and {audio} by audio."
    assert [text.partition("? ")[2] for text in asked] == ([told] if at_odds else [])


def test_the_chosen_code_of_a_contact_that_is_none_is_named(book: PolicyBook) -> None:
    found = answer(book, clinician="clinical_staff", reported_code="99215")
    assert [note["text"] for note in found["warnings"]] == [
        "The code already chosen, 99215, is not supported: this contact is not reportable as recorded."
    ]


def test_a_telehealth_place_already_on_a_check_in_is_named(book: PolicyBook) -> None:
    found = answer(
        book,
        payers=["cpt-telemedicine"],
        service_kind="brief_check_in",
        total_minutes=None,
        discussion_minutes=7,
        initiated_by="patient",
        related_visit=False,
        leads_to_visit_within_24h=False,
        reported_code="98016",
        reported_place_of_service="10",
    )
    texts = [note["text"] for note in found["warnings"]]
    assert "Place of service 10 is one of telehealth and does not go with 98016 here." in texts
