"""Facts in JSON: what fits the schema is answered, and what does not is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

SELECT = "/api/v1/select"
FACTS: dict[str, Any] = {
    "service_date": "2026-11-23",
    "modality": "audio_video",
    "patient_status": "established",
    "total_minutes": 34,
    "payers": ["cpt-telemedicine"],
}


def test_the_outcome_has_the_shape_that_callers_rely_on(client: FlaskClient) -> None:
    answer = client.post(SELECT, json=FACTS)
    assert answer.status_code == 200
    outcome = answer.get_json()
    assert set(outcome) == {"outcome", "candidates", "questions", "warnings", "reasons", "steps", "policy"}
    assert outcome["candidates"] == [
        {
            "payer": "cpt-telemedicine",
            "family": "telemedicine-audio-video",
            "code": "98006",
            "level": "moderate",
            "basis": "time",
            "place_of_service": None,
            "modifiers": [],
            "optional_modifiers": [],
            "prolonged": None,
            "wrvu": 1.92,
            "lower_code": "98005",
            "recommended": True,
        }
    ]
    assert [question["id"] for question in outcome["questions"]] == ["patient_location"]
    assert outcome["policy"]["service_date"] == "2026-11-23"
    for step in outcome["steps"]:
        assert set(step) == {"rule", "says", "evidence", "source", "edition"}
        assert step["source"]["title"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"minutes": 34}, "minutes"),
        ({"modality": "video"}, "modality"),
        ({"mdm": "extreme"}, "mdm"),
        ({"mdm_elements": {"problems": "low", "history": "low"}}, "mdm_elements.history"),
        ({"payers": ["medicare"]}, "payers.0"),
        ({"payers": ["unknown"]}, "payers.0"),
        ({"payers": "medicare-ffs"}, "payers"),
        ({"total_minutes": -1}, "total_minutes"),
        ({"total_minutes": 1441}, "total_minutes"),
        ({"total_minutes": 34.5}, "total_minutes"),
        ({"total_minutes": "34"}, "total_minutes"),
        ({"total_minutes": True}, "total_minutes"),
        ({"discussion_minutes": -1}, "discussion_minutes"),
        ({"service_date": None}, "service_date"),
        ({"service_date": "23.11.2026"}, "service_date"),
        ({"service_date": "2026-02-30"}, "service_date"),
        ({"service_date": "2026-11-23T10:00:00"}, "service_date"),
        ({"service_date": 20261123}, "service_date"),
        ({"service_date": "2026-W10-1"}, "service_date"),
        ({"related_visit": False, "related_visit_days_ago": 3}, "related_visit"),
        ({"related_visit": 3, "related_visit_days_ago": 30}, "related_visit"),
        ({"related_visit": True, "related_visit_days_ago": False}, "related_visit"),
        ({"same_day_visit": {"modality": "in_person", "total_minutes": -3}}, "same_day_visit.total_minutes"),
        ({"behavioral_health": "yes"}, "behavioral_health"),
        ({"related_visit_days_ago": -1}, "related_visit_days_ago"),
        ({"reported_code": "level 4"}, "reported_code"),
        ({"reported_modifiers": ["95", "video"]}, "reported_modifiers.1"),
    ],
)
def test_what_does_not_fit_is_a_400_that_names_it(client: FlaskClient, change: dict[str, Any], named: str) -> None:
    answer = client.post(SELECT, json=FACTS | change)
    assert answer.status_code == 400
    issue = answer.get_json()["issue"][0]
    assert issue["expression"] == [named]
    assert named in issue["diagnostics"]


def test_a_refused_value_is_quoted_and_cut(client: FlaskClient) -> None:
    said = client.post(SELECT, json=FACTS | {"modality": "video" * 50}).get_json()["issue"][0]["diagnostics"]
    assert said.startswith("modality: " + "video" * 8 + " does not fit: ")
    said = client.post(SELECT, json=FACTS | {"payers": ["acme"]}).get_json()["issue"][0]["diagnostics"]
    assert said.startswith("payers.0: acme is not a known payer; known are ")


@pytest.mark.parametrize(
    "agreeing",
    [
        {"related_visit": False, "related_visit_days_ago": False},
        {"related_visit": True, "related_visit_days_ago": 9},
        {"related_visit": 9, "related_visit_days_ago": 9},
        {"related_visit": 9},
        {"related_visit_days_ago": 9},
    ],
)
def test_a_related_visit_may_be_told_either_way(client: FlaskClient, agreeing: dict[str, Any]) -> None:
    assert client.post(SELECT, json=FACTS | agreeing).status_code == 200


def test_a_whole_number_may_be_written_with_a_point(client: FlaskClient) -> None:
    by_point, plain = (
        client.post(SELECT, json=FACTS | {"total_minutes": minutes}).get_json() for minutes in (34.0, 34)
    )
    assert by_point == plain
    assert client.post(SELECT, json=FACTS | {"related_visit_days_ago": 9.0}).status_code == 200


def test_a_related_visit_of_today_is_a_related_visit(client: FlaskClient) -> None:
    check_in = FACTS | {"service_kind": "brief_check_in", "total_minutes": 7}
    today, none = (
        client.post(SELECT, json=check_in | {"related_visit_days_ago": days}).get_json() for days in (0, False)
    )
    assert (today["outcome"], none["outcome"]) == ("not_reportable", "undetermined")
    assert client.post(SELECT, json=FACTS | {"related_visit": True, "related_visit_days_ago": 0}).status_code == 200


def test_the_same_payer_nine_times_is_too_many(client: FlaskClient) -> None:
    assert client.post(SELECT, json=FACTS | {"payers": ["cpt-telemedicine"] * 9}).status_code == 400


def test_a_date_is_all_that_must_be_there(client: FlaskClient) -> None:
    outcome = client.post(SELECT, json={"service_date": "2026-11-23"}).get_json()
    assert outcome["outcome"] == "undetermined"
    assert outcome["candidates"] == []
    assert client.post(SELECT, json={}).get_json()["issue"][0]["expression"] == ["service_date"]


def test_zero_minutes_and_a_whole_day_are_minutes(client: FlaskClient) -> None:
    assert client.post(SELECT, json=FACTS | {"total_minutes": 0}).get_json()["outcome"] == "not_reportable"
    assert client.post(SELECT, json=FACTS | {"total_minutes": 1440}).get_json()["outcome"] == "selection"


def test_what_was_found_and_cannot_be_used_stands_in_the_facts_the_questions_and_the_card(client: FlaskClient) -> None:
    request = json.loads(Path("tests/requests/video_visit.json").read_text(encoding="utf-8"))
    patient, visit = request["context"]["patientId"], request["context"]["encounterId"]
    request["prefetch"]["observations"] = None
    request["prefetch"]["coverage"] = {
        "resourceType": "Coverage",
        "id": "c9",
        "status": "active",
        "beneficiary": {"reference": "Patient/somebody-else"},
    }
    request["prefetch"]["documents"] = {
        "resourceType": "DocumentReference",
        "id": "d9",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "context": {"encounter": [{"reference": f"Encounter/{visit}"}]},
        "content": [{"attachment": {"contentType": "text/plain", "data": "@@@"}}],
    }
    answer = client.post("/api/v1/explain", json=request).get_json()
    broken = "found but not usable: DocumentReference/d9: its text is broken"
    stranger = "found but not usable: a Coverage of another patient"
    assert broken in answer["facts"]["total_minutes"]["why_unknown"]
    assert broken in answer["facts"]["consent_documented"]["why_unknown"]
    assert answer["facts"]["payers"]["why_unknown"] == stranger
    asked = {question["id"]: question["text"] for question in answer["outcome"]["questions"]}
    assert stranger in asked["payers"]
    warned = {warning["id"]: warning["text"] for warning in answer["outcome"]["warnings"]}
    assert "not found in what could be read" in warned["consent_documented"]
    assert stranger in answer["cards"][0]["detail"]
    assert "not found in what was sent" not in answer["cards"][0]["detail"]
