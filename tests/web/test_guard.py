"""With authentication on, nobody gets in without a good token, and nobody learns why not."""

import base64
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA384
from flask.testing import FlaskClient

from cds_hooks.settings import Settings, UnsafeStartError
from tests.exchange.signers import (
    BASE,
    EC_KEY,
    ISSUER,
    KEYS,
    OTHER_EC_KEY,
    P256_KEY,
    RSA_KEY,
    SMALL_RSA_KEY,
    claims,
    key_set,
    public,
    signed,
)

PATH = "/cds-services/telehealth-em-note-sign"
Json = dict[str, Any]


@pytest.fixture
def ehr(app_with: Callable[..., FlaskClient], tmp_path: Path) -> FlaskClient:
    (tmp_path / "keys.json").write_bytes(key_set(*KEYS))
    trust = tmp_path / "trust.yaml"
    trust.write_text(f"issuers: {{'{ISSUER}': {{jwks_file: keys.json, tenants: ['', north]}}}}", encoding="utf-8")
    return app_with(
        auth="required", trust=str(trust), public_url=BASE, database_url=f"sqlite:///{tmp_path}/telecode.db"
    )


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def part(value: object) -> str:
    return base64url(json.dumps(value).encode())


def by_hand(header: object, said: object, signature: str = "AAAA") -> str:
    return f"{part(header)}.{part(said)}.{signature}"


def hmac_with_the_public_key() -> str:
    """The old trick: the public key, which everybody has, as the secret of an HMAC."""
    unsigned = f"{part({**GOOD_HEADER, 'alg': 'HS256'})}.{part(claims(PATH))}"
    secret = json.dumps(public(EC_KEY, "ec")).encode()
    return f"{unsigned}.{base64url(hmac.digest(secret, unsigned.encode(), 'sha256'))}"


def with_a_small_key() -> str:
    unsigned = f"{part({**GOOD_HEADER, 'alg': 'RS384', 'kid': 'small'})}.{part(claims(PATH))}"
    return f"{unsigned}.{base64url(SMALL_RSA_KEY.sign(unsigned.encode(), PKCS1v15(), SHA384()))}"


def tampered() -> str:
    head, _, tail = signed(claims(PATH)).split(".")
    return f"{head}.{part(claims(PATH, tenant='north'))}.{tail}"


GOOD_HEADER = {"alg": "ES384", "kid": "ec", "typ": "JWT"}
BAD: dict[str, Callable[[], str | None]] = {
    "no header at all": lambda: None,
    "an empty header": lambda: "",
    "the scheme alone": lambda: "Bearer",
    "the scheme and a blank": lambda: "Bearer ",
    "another scheme": lambda: "Basic dXNlcjpwYXNz",
    "no scheme": lambda: signed(claims(PATH)),
    "two tokens": lambda: f"Bearer {signed(claims(PATH))} {signed(claims(PATH))}",
    "a word": lambda: "Bearer token",
    "three dots": lambda: "Bearer ...",
    "letters of no alphabet": lambda: "Bearer \xe9\xe9\xe9",
    "a token of a megabyte": lambda: "Bearer " + "a" * 9000,
    "no algorithm": lambda: "Bearer " + by_hand({"alg": "none", "kid": "ec", "typ": "JWT"}, claims(PATH), ""),
    "no algorithm, in capitals": lambda: "Bearer " + by_hand({**GOOD_HEADER, "alg": "NONE"}, claims(PATH)),
    "no signature": lambda: "Bearer " + by_hand(GOOD_HEADER, claims(PATH), ""),
    "a made-up signature": lambda: "Bearer " + by_hand(GOOD_HEADER, claims(PATH)),
    "an HMAC with the public key": lambda: f"Bearer {hmac_with_the_public_key()}",
    "an HMAC key in the key set": lambda: (
        "Bearer " + jwt.encode(claims(PATH), b"secret" * 8, "HS384", headers={"kid": "secret", "typ": "JWT"})
    ),
    "an algorithm nobody allowed": lambda: f"Bearer {signed(claims(PATH), P256_KEY, 'ES256', kid='p256')}",
    "a key of another curve": lambda: "Bearer " + by_hand({**GOOD_HEADER, "kid": "p256"}, claims(PATH)),
    "a key too small": lambda: f"Bearer {with_a_small_key()}",
    "a key for encryption": lambda: f"Bearer {signed(claims(PATH), kid='for-encryption')}",
    "a key for another algorithm": lambda: f"Bearer {signed(claims(PATH), kid='for-es256')}",
    "a key that is no point": lambda: f"Bearer {signed(claims(PATH), kid='no-point')}",
    "a key of another kind": lambda: f"Bearer {signed(claims(PATH), RSA_KEY, 'RS384', kid='ec')}",
    "an unknown key": lambda: f"Bearer {signed(claims(PATH), kid='nobody')}",
    "no key id": lambda: f"Bearer {signed(claims(PATH), kid=None)}",
    "a key id that is no text": lambda: "Bearer " + by_hand({**GOOD_HEADER, "kid": 7}, claims(PATH)),
    "the wrong key": lambda: f"Bearer {signed(claims(PATH), OTHER_EC_KEY)}",
    "another type": lambda: f"Bearer {signed(claims(PATH), typ='at+jwt')}",
    "no type": lambda: "Bearer " + by_hand({"alg": "ES384", "kid": "ec"}, claims(PATH)),
    "its own key beside it": lambda: (
        f"Bearer {signed(claims(PATH), OTHER_EC_KEY, kid='mine', jwk=public(OTHER_EC_KEY, 'mine'))}"
    ),
    "a key address of its own": lambda: f"Bearer {signed(claims(PATH), jku='https://evil.example/jwks.json')}",
    "a critical header": lambda: f"Bearer {signed(claims(PATH), crit=['exp'])}",
    "no issuer": lambda: f"Bearer {signed(claims(PATH, iss=None))}",
    "an issuer nobody listed": lambda: f"Bearer {signed(claims(PATH, iss='https://evil.example'))}",
    "an issuer with a slash more": lambda: f"Bearer {signed(claims(PATH, iss=ISSUER + '/'))}",
    "no audience": lambda: f"Bearer {signed(claims(PATH, aud=None))}",
    "the audience of discovery": lambda: f"Bearer {signed(claims('/cds-services'))}",
    "the audience of another service": lambda: f"Bearer {signed(claims('/cds-services/telehealth-em-patient-view'))}",
    "the audience of feedback": lambda: f"Bearer {signed(claims(PATH + '/feedback'))}",
    "the audience of the host header": lambda: f"Bearer {signed(claims(PATH, aud='http://localhost' + PATH))}",
    "an audience with a slash more": lambda: f"Bearer {signed(claims(PATH + '/'))}",
    "an audience that is a number": lambda: "Bearer " + signed(claims(PATH, aud=[7])),
    "no expiry": lambda: f"Bearer {signed(claims(PATH, exp=None))}",
    "an expiry in words": lambda: "Bearer " + by_hand(GOOD_HEADER, claims(PATH, exp="tomorrow")),
    "expired": lambda: f"Bearer {signed(claims(PATH, iat=1, exp=300))}",
    "no time of issue": lambda: f"Bearer {signed(claims(PATH, iat=None))}",
    "issued far in the future": lambda: f"Bearer {signed(claims(PATH, iat=9_000_000_000, exp=9_000_000_300))}",
    "good for a day": lambda: f"Bearer {signed(claims(PATH, exp=claims(PATH)['iat'] + 86_400))}",
    "good for ever": lambda: f"Bearer {signed(claims(PATH, exp=10**30))}",
    "not good yet": lambda: f"Bearer {signed(claims(PATH, nbf=claims(PATH)['iat'] + 3600))}",
    "no id": lambda: f"Bearer {signed(claims(PATH, jti=None))}",
    "an empty id": lambda: f"Bearer {signed(claims(PATH, jti=''))}",
    "an id of a kilobyte": lambda: f"Bearer {signed(claims(PATH, jti='j' * 1024))}",
    "a tenant nobody listed": lambda: f"Bearer {signed(claims(PATH, tenant='south'))}",
    "a tenant that is no text": lambda: f"Bearer {signed(claims(PATH, tenant={'id': 'north'}))}",
    "changed on the way": lambda: f"Bearer {tampered()}",
    "claims that are a list": lambda: "Bearer " + by_hand(GOOD_HEADER, [claims(PATH)]),
}


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


def test_there_are_bad_tokens_enough() -> None:
    assert len(BAD) >= 30


@pytest.mark.parametrize("name", BAD)
def test_every_bad_token_gets_the_one_bare_answer(ehr: FlaskClient, good: Json, name: str) -> None:
    first = call(ehr, good, None)
    answer = call(ehr, good, BAD[name]())
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (answer.data, list(answer.headers)) == (first.data, list(first.headers))
    assert answer.get_json()["issue"][0]["code"] == "login"


def test_a_token_used_twice_gets_the_bare_answer_too(ehr: FlaskClient, good: Json) -> None:
    token = f"Bearer {signed(claims(PATH))}"
    assert call(ehr, good, token).status_code == 200
    again = call(ehr, good, token)
    assert (again.status_code, again.data) == (401, call(ehr, good, None).data)


def test_a_call_that_is_not_believed_is_not_even_read(ehr: FlaskClient) -> None:
    for path in (PATH, "/cds-services/none", f"{PATH}/feedback", "/api/v1/select", "/api/v1/explain"):
        assert ehr.post(path, data=b"{not json").status_code == 401


def test_health_and_preflight_need_no_token(ehr: FlaskClient) -> None:
    assert ehr.get("/healthz").status_code == 200
    assert ehr.get("/readyz").status_code == 200
    assert ehr.options(PATH, headers={"Origin": "https://ehr.example"}).status_code == 200


def test_the_host_header_moves_nothing(ehr: FlaskClient, good: Json) -> None:
    token = f"Bearer {signed(claims(PATH))}"
    headers = {"Authorization": token, "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert ehr.post(PATH, json=good, headers=headers).status_code == 200


def test_where_the_store_cannot_say_whether_a_token_was_used_nobody_gets_in(ehr: FlaskClient, good: Json) -> None:
    with ehr.application.extensions["ledger"].database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE seen_token")
    answer = call(ehr, good, f"Bearer {signed(claims(PATH))}")
    assert (answer.status_code, answer.data) == (401, call(ehr, good, None).data)


def test_nothing_of_a_token_reaches_the_log(ehr: FlaskClient, good: Json, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = signed(claims(PATH, iss="https://canary.example", jti="CANARY-JTI"))
    call(ehr, good, f"Bearer {token}")
    assert "a call was refused: issuer (unknown issuer)" in caplog.text
    for secret in (token, "CANARY", "canary.example"):
        assert secret not in caplog.text


def test_feedback_is_kept_for_the_ehr_that_signed_it(ehr: FlaskClient, good: Json) -> None:
    (card,) = call(ehr, good, f"Bearer {signed(claims(PATH, tenant='north'))}").get_json()["cards"]
    path = f"{PATH}/feedback"
    told = {"feedback": [{"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-20T20:30:00Z"}]}
    for tenant in ("", "north"):
        assert call(ehr, told, f"Bearer {signed(claims(path, tenant=tenant))}", path).status_code == 200
    with ehr.application.extensions["ledger"].database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT tenant, known FROM feedback ORDER BY tenant").all()
    assert [tuple(row) for row in rows] == [("", 0), ("north", 1)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"host": "0.0.0.0"},  # noqa: S104 - what must be refused
        {"host": "127.0.0.1", "public_url": "http://telecode.example.org"},
        {"host": "127.0.0.1", "fhir_allow": "http://fhir.example.org/r4"},
        {"auth": "required"},
        {"auth": "required", "public_url": BASE},
        {"auth": "required", "trust": "trust.yaml"},
    ],
)
def test_production_refuses_to_start_unsafely(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    monkeypatch.setenv("TELECODE_ENVIRONMENT", "production")
    for name, value in settings.items():
        monkeypatch.setenv(f"TELECODE_{name.upper()}", value)
    with pytest.raises(UnsafeStartError):
        Settings().check_start()


@pytest.mark.parametrize(
    ("settings", "development"),
    [
        ({"environment": "production", "host": "127.0.0.1"}, False),
        ({"environment": "production", "auth": "required", "trust": "t.yaml", "public_url": BASE}, False),
        ({"environment": "development", "host": "0.0.0.0"}, True),  # noqa: S104 - a developer's choice
        ({"host": "127.0.0.1"}, True),
        ({"host": "localhost"}, True),
    ],
)
def test_what_is_safe_starts(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], *, development: bool) -> None:
    monkeypatch.delenv("TELECODE_ENVIRONMENT")
    for name, value in settings.items():
        monkeypatch.setenv(f"TELECODE_{name.upper()}", value)
    found = Settings()
    found.check_start()
    assert found.development is development


def test_in_production_the_developers_doors_are_shut_unless_they_are_turned_on(
    app_with: Callable[..., FlaskClient],
) -> None:
    facts = {"service_date": "2026-11-23"}
    shut = app_with(environment="production", host="127.0.0.1")
    assert shut.post("/api/v1/select", json=facts).status_code == 404
    opened = app_with(environment="production", host="127.0.0.1", api="true")
    assert opened.post("/api/v1/select", json=facts).status_code == 200
