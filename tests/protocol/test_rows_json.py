"""Rows J1 to J4: JSON and transport."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_hooks.settings import Settings, UnsafeStartError
from tests.protocol.checker import blanks

Json = dict[str, Any]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"


def test_j1_what_goes_out_is_json(client: FlaskClient, good: Json) -> None:
    for answer in (client.get("/cds-services"), client.post(NOTE_SIGN, json=good), client.post(NOTE_SIGN, json={})):
        assert answer.content_type == "application/json"
        assert isinstance(answer.get_json(), dict)


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/fhir+json"])
def test_j1_json_by_any_of_its_names_comes_in(client: FlaskClient, good: Json, kind: str) -> None:
    assert client.post(NOTE_SIGN, json=good, headers={"Content-Type": kind}).status_code == 200


def test_j1_production_does_not_start_with_an_address_in_clear_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ENVIRONMENT": "production", "HOST": "127.0.0.1", "PUBLIC_URL": "http://cds.example"}.items():
        monkeypatch.setenv(f"TELECODE_{name}", value)
    with pytest.raises(UnsafeStartError, match="https"):
        Settings().check_start()


@pytest.mark.parametrize("gone", ["observations", "coverage", "priorEncounters"])
def test_j2_no_blank_leaves_the_service_however_little_the_ehr_sent(client: FlaskClient, good: Json, gone: str) -> None:
    good["prefetch"][gone] = None
    assert list(blanks(client.post(NOTE_SIGN, json=good).get_json())) == []
    assert list(blanks(client.get("/cds-services").get_json())) == []


def test_j2_no_card_is_the_one_empty_list(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["encounter"]["status"] = "cancelled"
    assert client.post(NOTE_SIGN, json=good).get_json() == {"cards": []}


def test_j2_blanks_that_come_in_are_borne(client: FlaskClient, good: Json) -> None:
    good["prefetch"]["encounter"] |= {"identifier": [], "text": {}, "language": "", "length": None}
    good |= {"extension": {}, "fhirServer": None, "fhirAuthorization": None}
    assert len(client.post(NOTE_SIGN, json=good).get_json()["cards"]) == 1


@pytest.mark.parametrize("body", [b'{"hook": "x",}', b'{"hook": "x" /* note */}', b"{'hook': 'x'}", b'{"hook": x}'])
def test_j3_what_is_not_quite_json_is_refused(client: FlaskClient, body: bytes) -> None:
    assert client.post(NOTE_SIGN, data=body, content_type="application/json").status_code == 400


@pytest.mark.parametrize("extension", [{"com.example.a": 1}, {"com.example.a": {"b": [None]}}, {}, [], "x", None, 7])
@pytest.mark.parametrize("where", ["request", "context"])
def test_j4_extensions_that_nobody_knows_are_let_pass(
    client: FlaskClient, good: Json, extension: object, where: str
) -> None:
    plain = client.post(NOTE_SIGN, json=copy.deepcopy(good)).get_json()["cards"][0]["summary"]
    (good if where == "request" else good["context"])["extension"] = extension
    assert client.post(NOTE_SIGN, json=good).get_json()["cards"][0]["summary"] == plain


def test_j4_extensions_of_feedback_are_let_pass(client: FlaskClient) -> None:
    event = {
        "card": "c1",
        "outcome": "overridden",
        "outcomeTimestamp": "2026-11-20T20:30:00Z",
        "extension": {"com.example.a": 1},
    }
    assert client.post(f"{NOTE_SIGN}/feedback", json={"feedback": [event], "extension": {"x": 1}}).status_code == 200


def test_j4_our_own_extension_has_a_name_that_nobody_else_has(client: FlaskClient, good: Json) -> None:
    (card,) = client.post(NOTE_SIGN, json=good).get_json()["cards"]
    assert set(card["extension"]) == {"org.example.telecode.outcome"}


def test_j4_a_site_may_leave_the_extension_out(app_with: Callable[..., FlaskClient], good: Json) -> None:
    (card,) = app_with(client="oracle").post(NOTE_SIGN, json=good).get_json()["cards"]
    assert "extension" not in card
