"""With authentication on, nobody gets through any door but operations' without a good token of their own."""

from pathlib import Path
from typing import Any

import pytest
from flask import g
from flask.testing import FlaskClient

from cds_hooks.exchange.trust import Client
from tests.exchange.signers import BASE, EC_KEY, ISSUER, KeyServer, claims, key_set, public, signed
from tests.web.trusting import trusting_app

PATH = "/cds-services/telehealth-em-note-sign"
Json = dict[str, Any]


@pytest.fixture
def ehr(tmp_path: Path) -> FlaskClient:
    return trusting_app(tmp_path).test_client()


def call(client: FlaskClient, body: Json, authorization: str | None, path: str = PATH) -> Any:
    headers = {"X-Request-Id": "0" * 32} | ({} if authorization is None else {"Authorization": authorization})
    return client.post(path, json=body, headers=headers)


def test_a_good_token_opens_every_door_it_was_made_for(ehr: FlaskClient, good: Json) -> None:
    assert len(call(ehr, good, f"Bearer {signed(claims(PATH))}").get_json()["cards"]) == 1
    told = {"feedback": [{"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-20T20:30:00Z"}]}
    path = f"{PATH}/feedback"
    assert call(ehr, told, f"Bearer {signed(claims(path))}", path).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Bearer {signed(claims('/cds-services'))}"}])
def test_discovery_is_to_be_had_with_a_token_and_without(ehr: FlaskClient, headers: dict[str, str]) -> None:
    assert len(ehr.get("/cds-services", headers=headers).get_json()["services"]) == 3


@pytest.mark.parametrize(
    ("called", "made_for", "status"),
    [
        (f"{PATH}/", PATH, 200),
        (f"{PATH}/", f"{PATH}/", 200),
        (PATH, f"{PATH}/", 401),
        (f"{PATH}/", "/cds-services", 401),
    ],
)
def test_a_token_for_an_address_opens_it_with_a_slash_at_its_end_too(
    ehr: FlaskClient, good: Json, called: str, made_for: str, status: int
) -> None:
    assert call(ehr, good, f"Bearer {signed(claims(made_for))}", called).status_code == status


def test_a_token_used_twice_gets_the_bare_answer_too(ehr: FlaskClient, good: Json) -> None:
    token = f"Bearer {signed(claims(PATH))}"
    assert call(ehr, good, token).status_code == 200
    again = call(ehr, good, token)
    assert (again.status_code, again.data) == (401, call(ehr, good, None).data)


def test_of_two_instances_on_one_store_one_takes_a_token_and_the_other_refuses_it(
    ehr: FlaskClient, tmp_path: Path, good: Json
) -> None:
    other = trusting_app(tmp_path).test_client()
    token = f"Bearer {signed(claims(PATH))}"
    assert [call(client, good, token).status_code for client in (ehr, other, ehr, other)] == [200, 401, 401, 401]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/cds-services"),
        ("GET", "/cds-services/"),
        ("POST", PATH),
        ("GET", PATH),
        ("DELETE", PATH),
        ("POST", f"{PATH}/feedback"),
        ("POST", "/cds-services/none"),
        ("POST", "//cds-services//telehealth-em-note-sign"),
        ("POST", "/cds-services/%2e%2e/healthz"),
        ("POST", "/healthz"),
        ("GET", "/api/v1/select"),
        ("POST", "/api/v1/select"),
        ("POST", "/api/v1/explain"),
        ("GET", "/"),
        ("GET", "/static/any.css"),
        ("GET", "/none"),
    ],
)
def test_s3_a_call_that_is_not_believed_is_not_even_read_whatever_door_or_none_it_is_for(
    ehr: FlaskClient, method: str, path: str
) -> None:
    headers = {"Host": "localhost"}  # of //cds-services the test client would take a part for the host
    refused = ehr.open(path, method=method, data=b"{not json", headers=headers)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "Allow" not in refused.headers


def test_every_door_of_the_service_is_guarded_but_discovery_and_those_to_operations(ehr: FlaskClient) -> None:
    rules = ehr.application.url_map.iter_rules()
    is_open = {rule.rule for rule in rules if ehr.get(rule.rule.replace("<service_id>", "x")).status_code != 401}
    assert is_open == {"/cds-services", "/healthz", "/readyz", "/metrics", "/openapi.json"}


def test_a_preflight_needs_no_token_and_gets_no_answer_but_who_may_call(tmp_path: Path) -> None:
    client = trusting_app(tmp_path, cors_origins=("https://ehr.example",)).test_client()
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    listed = client.options(PATH, headers={"Origin": "https://ehr.example", **ask})
    assert (listed.status_code, listed.data) == (200, b"")
    assert listed.headers["Access-Control-Allow-Origin"] == "https://ehr.example"
    assert (
        "Access-Control-Allow-Origin"
        not in client.options(PATH, headers={"Origin": "https://evil.example", **ask}).headers
    )


LIES = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Prefix": "/evil",
    "X-Original-URL": "/cds-services",
    "Forwarded": "host=evil.example;proto=http",
}


@pytest.mark.parametrize("header", LIES)
def test_no_header_about_the_host_moves_the_audience(tmp_path: Path, good: Json, header: str) -> None:
    ehr = trusting_app(tmp_path, environment="production").test_client()  # in development another Host is refused
    lie = {header: LIES[header]}
    token = f"Bearer {signed(claims(PATH))}"
    assert ehr.post(PATH, json=good, headers={"Authorization": token, **lie}).status_code == 200
    for aud in (
        f"https://evil.example{PATH}",
        f"http://evil.example{PATH}",
        f"{BASE}/evil{PATH}",
        f"{BASE}/cds-services",
    ):
        token = f"Bearer {signed(claims(PATH, aud=aud))}"
        assert ehr.post(PATH, json=good, headers={"Authorization": token, **lie}).status_code == 401


def test_who_calls_is_known_to_what_answers(ehr: FlaskClient, good: Json) -> None:
    with ehr.application.app_context():
        headers = {"Authorization": f"Bearer {signed(claims(PATH, tenant='north'))}"}
        with ehr.application.test_request_context(PATH, method="POST", json=good, headers=headers):
            ehr.application.preprocess_request()
            assert g.client == Client(ISSUER, "north", "", ())


def test_a_second_use_that_a_site_only_wants_to_know_of_is_answered_and_logged(
    tmp_path: Path, good: Json, caplog: pytest.LogCaptureFixture
) -> None:
    client = trusting_app(tmp_path, members="jwks_file: keys.json, jti: report").test_client()
    token = f"Bearer {signed(claims(PATH))}"
    assert call(client, good, token).status_code == 200
    assert "used again" not in caplog.text
    assert call(client, good, token).status_code == 200
    assert f"a token was used again ({ISSUER})" in caplog.text


def test_keys_are_fetched_from_the_ehr_itself(tmp_path: Path, good: Json) -> None:
    server = KeyServer()
    server.body = key_set(public(EC_KEY, "fetched"))
    with server.running() as url:
        client = trusting_app(tmp_path, members=f"jwks_url: '{url}'").test_client()
        assert call(client, good, f"Bearer {signed(claims(PATH), kid='fetched', jku=url)}").status_code == 200
        assert call(client, good, f"Bearer {signed(claims(PATH), kid='ec')}").status_code == 401
    assert server.asked == 1


def test_where_the_store_cannot_say_whether_a_token_was_used_nobody_gets_in(ehr: FlaskClient, good: Json) -> None:
    with ehr.application.extensions["ledger"].database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE seen_token")
    assert call(ehr, good, f"Bearer {signed(claims(PATH))}").status_code == 503
    assert call(ehr, good, None).status_code == 401


def test_s8_nothing_of_a_token_reaches_the_log(ehr: FlaskClient, good: Json, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    canary = {"sub": "CANARY", "jti": "CANARY", "extra": {"CANARY": "CANARY"}}
    tokens = [
        signed(claims(PATH, **canary), kid="ec", x5u="CANARY"),
        signed(claims(PATH, **canary), kid="CANARY"),
        signed(claims(PATH, **canary), typ="CANARY"),
        signed(claims(PATH, **canary), jku="https://canary.example"),
        signed(claims(PATH, **canary, iss="https://canary.example")),
        signed(claims(PATH, **canary, aud="https://canary.example")),
        signed(claims(PATH, **canary, tenant="CANARY")),
        "CANARY.CANARY.CANARY",
    ]
    for token in tokens:
        call(ehr, good, f"Bearer {token}")
    assert caplog.text.count("a call was refused") == len(tokens) - 1
    for secret in ("CANARY", "canary.example", *tokens):
        assert secret not in caplog.text


def test_f5_feedback_is_kept_for_the_ehr_that_signed_it(ehr: FlaskClient, good: Json) -> None:
    (card,) = call(ehr, good, f"Bearer {signed(claims(PATH, tenant='north'))}").get_json()["cards"]
    path = f"{PATH}/feedback"
    told = {"feedback": [{"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-20T20:30:00Z"}]}
    for tenant in ("", "north"):
        assert call(ehr, told, f"Bearer {signed(claims(path, tenant=tenant))}", path).status_code == 200
    with ehr.application.extensions["ledger"].database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT tenant, known FROM feedback ORDER BY tenant").all()
    assert [tuple(row) for row in rows] == [("", 0), ("north", 1)]
