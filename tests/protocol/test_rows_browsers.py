"""Section A8: what browsers are told, and that nothing is kept from one call to the next."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

Json = dict[str, Any]
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"
EHR = "https://ehr.example"


@pytest.fixture
def open_to_ehr(app_with: Callable[..., FlaskClient]) -> FlaskClient:
    return app_with(cors_origins=EHR)


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [("/cds-services", "GET", "authorization"), (NOTE_SIGN, "POST", "authorization,content-type")],
)
def test_a8_a_preflight_carries_no_token_and_is_answered(
    open_to_ehr: FlaskClient, path: str, method: str, headers: str
) -> None:
    asks = {"Origin": EHR, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    answer = open_to_ehr.options(path, headers=asks)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == EHR
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].casefold()
    assert all(header in allowed for header in headers.split(","))


def test_a8_cookies_are_never_asked_for_and_no_origin_is_any(open_to_ehr: FlaskClient) -> None:
    for origin in (EHR, "https://evil.example", "null"):
        answer = open_to_ehr.options(NOTE_SIGN, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers.get("Access-Control-Allow-Origin") in {EHR, None}


def test_a8_a_foreign_origin_hears_nothing(open_to_ehr: FlaskClient, good: Json) -> None:
    answer = open_to_ehr.post(NOTE_SIGN, json=good, headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118 - no dict


def test_a8_a_card_rests_on_its_own_request_and_on_nothing_of_an_earlier_one(client: FlaskClient, good: Json) -> None:
    plain = client.post(NOTE_SIGN, json=copy.deepcopy(good)).get_json()["cards"][0]["summary"]
    other = copy.deepcopy(good)
    other["prefetch"]["observations"]["entry"][0]["resource"]["valueQuantity"]["value"] = 70
    assert client.post(NOTE_SIGN, json=other).get_json()["cards"][0]["summary"] != plain
    assert client.post(NOTE_SIGN, json=good).get_json()["cards"][0]["summary"] == plain


def test_a8_no_answer_may_be_stored(client: FlaskClient, good: Json) -> None:
    assert client.post(NOTE_SIGN, json=good).headers["Cache-Control"] == "no-store"
