"""Bodies that an attacker or a broken client sends: a clear 4xx that says what is wrong, never a 5xx."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

Request = dict[str, Any]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
SELECT = "/api/v1/select"
DOORS = (NOTE_SIGN, SELECT, "/api/v1/explain")

HOSTILE: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "not JSON": (b"hook=patient-view", 400),
    "cut off": (b'{"hook": "patient-vi', 400),
    "an array": (b"[]", 400),
    "null": (b"null", 400),
    "a number": (b"7", 400),
    "a string": (b'"{}"', 400),
    "NaN": (b'{"service_date": "2026-11-23", "total_minutes": NaN}', 400),
    "Infinity": (b'{"service_date": "2026-11-23", "total_minutes": Infinity}', 400),
    "a number too big for a float": (b'{"service_date": "2026-11-23", "total_minutes": 1e999}', 400),
    "a key twice": (b'{"service_date": "2026-11-23", "total_minutes": 10, "total_minutes": 40}', 400),
    "a key twice, once escaped": (b'{"service_date": "2026-11-23", "mdm": "low", "\\u006ddm": "high"}', 400),
    "a key twice, spaced": (b'{"service_date" : "2026-11-23", "mdm" : "low", "mdm"\n: "high"}', 400),
    "a key twice, deep inside": (b'{"prefetch": {"encounter": {"period": {"start": "a", "start": "b"}}}}', 400),
    "deep arrays": (b'{"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400),
    "very deep arrays": (b"[" * 100_000, 400),
    "deep objects": (b'{"a": ' * 400 + b"1" + b"}" * 400, 400),
    "65 levels": (b'{"a": ' * 65 + b"1" + b"}" * 65, 400),
    "a lone surrogate": (b'{"hook": "\\ud800"}', 400),
    "UTF-16": ('{"hook": "patient-view"}'.encode("utf-16"), 400),
    "not UTF-8": (b'{"hook": "\xff"}', 400),
    "a trailing comma": (b'{"hook": "patient-view",}', 400),
    "a comment": (b'{"hook": "patient-view"} // sign', 400),
    "ten megabytes": (b'{"a": "' + b"x" * 10_000_000 + b'"}', 413),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", HOSTILE, ids=list(HOSTILE))
def test_a_hostile_body_is_refused_in_words(client: FlaskClient, door: str, name: str) -> None:
    body, status = HOSTILE[name]
    answer = client.post(door, data=body, content_type="application/json")
    assert answer.status_code == status
    said = answer.get_json()
    assert said["resourceType"] == "OperationOutcome"
    assert said["issue"][0]["severity"] == "error"
    assert said["issue"][0]["diagnostics"]


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


def test_another_content_type_is_415(client: FlaskClient, good: Request) -> None:
    assert client.post(NOTE_SIGN, data=json.dumps(good), content_type="text/plain").status_code == 415
    packed = client.post(NOTE_SIGN, json=good, headers={"Content-Encoding": "gzip"})
    assert packed.status_code == 415


def without(*path: str) -> Callable[[Request], None]:
    def drop(body: Request) -> None:
        for name in path[:-1]:
            body = body[name]
        del body[path[-1]]

    return drop


def put(value: object, *path: str) -> Callable[[Request], None]:
    def change(body: Request) -> None:
        for name in path[:-1]:
            body = body[name]
        body[path[-1]] = value

    return change


REFUSED: dict[str, tuple[Callable[[Request], None], int, str]] = {
    "no hook": (without("hook"), 400, "hook"),
    "the hook of another service": (put("patient-view", "hook"), 400, "hook"),
    "a hook that is a number": (put(7, "hook"), 400, "hook"),
    "no hookInstance": (without("hookInstance"), 400, "hookInstance"),
    "a hookInstance that is no UUID": (put("1", "hookInstance"), 400, "hookInstance"),
    "a null hookInstance": (put(None, "hookInstance"), 400, "hookInstance"),
    "no context": (without("context"), 400, "context"),
    "a context that is a list": (put([], "context"), 400, "context"),
    "no patient": (without("context", "patientId"), 400, "context.patientId"),
    "no encounter": (without("context", "encounterId"), 400, "context.encounterId"),
    "a patient id that reaches into a URL": (put("p/../../x", "context", "patientId"), 400, "context.patientId"),
    "a prefetch that is a list": (put([], "prefetch"), 400, "prefetch"),
    "a token without a server": (put({"access_token": "t"}, "fhirAuthorization"), 400, "fhirServer"),
    "another patient's encounter": (
        put({"reference": "Patient/p-2"}, "prefetch", "encounter", "subject"),
        400,
        "prefetch",
    ),
    "no Encounter anywhere": (without("prefetch", "encounter"), 412, "prefetch"),
    "an Encounter that is null": (put(None, "prefetch", "encounter"), 412, "prefetch"),
    "an Encounter the EHR could not read": (
        put(
            {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]},
            "prefetch",
            "encounter",
        ),
        412,
        "prefetch",
    ),
}


@pytest.mark.parametrize("name", REFUSED, ids=list(REFUSED))
def test_a_request_that_cannot_be_answered_says_where(client: FlaskClient, good: Request, name: str) -> None:
    change, status, where = REFUSED[name]
    change(good)
    answer = client.post(NOTE_SIGN, json=good)
    assert answer.status_code == status
    assert answer.get_json()["issue"][0]["expression"] == [where]


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
