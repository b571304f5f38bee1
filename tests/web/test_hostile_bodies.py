"""Bodies that an attacker or a broken client sends: a clear 4xx that says what is wrong, never a 5xx."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.protocol.checker import check_answer
from tests.web.hostile import BORNE, GRANTED, NAMES, NO_JSON, REFUSED, SENSELESS, TOO_BIG

Request = dict[str, Any]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
SELECT = "/api/v1/select"
DOORS = (NOTE_SIGN, SELECT, "/api/v1/explain")


def check_refusal(answer: TestResponse, status: int) -> None:
    assert answer.status_code == status
    said = answer.get_json()
    assert said["resourceType"] == "OperationOutcome"
    assert said["issue"][0]["severity"] == "error"
    assert said["issue"][0]["diagnostics"]
    assert "Traceback" not in answer.text


def test_there_are_two_hundred_of_them_and_each_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 200


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", [*NO_JSON, *TOO_BIG, *SENSELESS])
def test_a_hostile_body_is_refused_in_words(client: FlaskClient, door: str, name: str) -> None:
    body = NO_JSON.get(name) or TOO_BIG.get(name) or SENSELESS.get(name) or b""
    check_refusal(client.post(door, data=body, content_type="application/json"), 413 if name in TOO_BIG else 400)


def test_sixty_four_levels_are_not_too_deep_for_the_door(client: FlaskClient) -> None:
    body = b'{"a": ' * 64 + b"1" + b"}" * 64
    said = client.post(SELECT, data=body, content_type="application/json").get_json()["issue"][0]["diagnostics"]
    assert "deeper" not in said


def test_a_colon_after_a_quote_inside_a_string_is_no_key(client: FlaskClient, good: Request) -> None:
    good["prefetch"]["patient"]["name"] = [{"text": 'so-called "Al": '}, {"text": ": x"}]
    assert client.post(NOTE_SIGN, json=good).status_code == 200


def test_a_byte_order_mark_is_borne(client: FlaskClient, good: Request) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(good).encode()
    assert client.post(NOTE_SIGN, data=body, content_type="application/json").status_code == 200


@pytest.mark.parametrize(
    ("charset", "codec", "status"),
    [
        ("ISO-8859-1", "latin-1", 200),
        ("windows-1252", "cp1252", 200),
        ("ISO-8859-1", "utf-8", 200),
        ("utf-8", "utf-8", 200),
        ("utf-8", "latin-1", 400),
        ("", "latin-1", 400),
        ("koi8-r", "latin-1", 400),
        ("utf-16", "utf-16", 400),
        ("", "utf-16-le", 400),
    ],
)
def test_a_body_that_is_not_utf_8_is_taken_in_the_charset_it_declares_or_refused_in_words(
    client: FlaskClient, good: Request, charset: str, codec: str, status: int
) -> None:
    good["prefetch"]["coverage"]["entry"][0]["resource"]["payor"] = [{"display": "Médicare Part B"}]
    body = json.dumps(good, ensure_ascii=False).encode(codec)
    kind = f"application/json; charset={charset}" if charset else "application/json"
    answer = client.post(NOTE_SIGN, data=body, content_type=kind)
    assert answer.status_code == status, answer.text
    assert status == 200 or "send JSON in UTF-8" in answer.get_json()["issue"][0]["diagnostics"]


def test_another_content_type_is_415(client: FlaskClient, good: Request) -> None:
    assert client.post(NOTE_SIGN, data=json.dumps(good), content_type="text/plain").status_code == 415
    packed = client.post(NOTE_SIGN, json=good, headers={"Content-Encoding": "gzip"})
    assert packed.status_code == 415
    as_it_is = client.post(NOTE_SIGN, json=good, headers={"Content-Encoding": "identity"})
    assert as_it_is.status_code == 200


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_that_cannot_be_answered_says_where(client: FlaskClient, good: Request, name: str) -> None:
    change, status, where = REFUSED[name]
    change(good)
    answer = client.post(NOTE_SIGN, json=good)
    check_refusal(answer, status)
    assert answer.get_json()["issue"][0]["expression"] == [where]


@pytest.mark.parametrize("name", GRANTED)
def test_what_is_no_token_is_refused(client: FlaskClient, good: Request, name: str) -> None:
    good |= {"fhirServer": "https://fhir.example/r4", "fhirAuthorization": GRANTED[name]}
    answer = client.post(NOTE_SIGN, json=good)
    check_refusal(answer, 400)
    assert answer.get_json()["issue"][0]["expression"] == ["fhirAuthorization"]


@pytest.mark.parametrize("name", BORNE)
def test_nonsense_in_a_chart_is_borne(client: FlaskClient, good: Request, name: str) -> None:
    BORNE[name](good)
    answer = client.post(NOTE_SIGN, json=good)
    assert answer.status_code == 200, answer.get_json()
    check_answer(answer.get_json())


def test_what_is_not_there_and_what_is_not_allowed(client: FlaskClient) -> None:
    assert client.post("/cds-services/no-such-service", json={}).status_code == 404
    assert client.get("/nowhere").get_json()["resourceType"] == "OperationOutcome"
    wrong = client.put(NOTE_SIGN, json={})
    assert wrong.status_code == 405
    assert "POST" in wrong.headers["Allow"]


def test_unknown_members_and_extensions_are_let_pass(client: FlaskClient, good: Request) -> None:
    good["extension"] = {"com.example.any": [1, {"x": None}]}
    good["context"]["com.example"] = 1
    good["hookVersion"] = "2.0"
    good["hookInstance"] = "d1577c69-dfbe-11ef-8a5e-0242ac120002"  # a version 1 UUID, as Epic sends
    assert len(client.post(NOTE_SIGN, json=good).get_json()["cards"]) == 1
