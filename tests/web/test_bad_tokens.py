"""Every way of being nobody we know gets one and the same answer; why it was refused stands in the log alone."""

import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.exchange.signers import (
    BASE,
    EC_KEY,
    GOOD_HEADER,
    ISSUER,
    OTHER_EC_KEY,
    P256_KEY,
    RSA_KEY,
    SMALL_RSA_KEY,
    base64url,
    by_hand,
    claims,
    part,
    public,
    signed,
)
from tests.web.trusting import trusting_app

PATH = "/cds-services/telehealth-em-note-sign"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def ehr(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return trusting_app(tmp_path_factory.mktemp("trust")).test_client()


def unsigned(signature: str = "", **header: Any) -> str:
    return f"{part({**GOOD_HEADER, **header})}.{part(said())}.{signature}"


def said(**members: Any) -> dict[str, Any]:
    return claims(PATH, **members)


def hmac_with_the_public_key() -> str:
    """The old trick: the public key, which everybody has, as the secret of an HMAC."""
    plain = f"{part({**GOOD_HEADER, 'alg': 'HS256'})}.{part(said())}"
    secret = json.dumps(public(EC_KEY, "ec")).encode()
    return f"{plain}.{base64url(hmac.digest(secret, plain.encode(), 'sha256'))}"


def changed_on_the_way() -> str:
    head, _, tail = signed(said()).split(".")
    return f"{head}.{part(said(tenant='north'))}.{tail}"


def nested(depth: int) -> str:
    inside = base64url(b"[" * depth + b"]" * depth)
    return f"{part(GOOD_HEADER)}.{inside}.AAAA"


NOW = claims(PATH)["iat"]
BAD: dict[str, tuple[str, Callable[[], str | None]]] = {
    "no header at all": ("no token", lambda: None),
    "an empty header": ("no token", lambda: ""),
    "the scheme alone": ("no token", lambda: "Bearer"),
    "the scheme and a blank": ("no token", lambda: "Bearer "),
    "another scheme": ("no token", lambda: "Basic dXNlcjpwYXNz"),
    "a good token under another scheme": ("no token", lambda: f"DPoP {signed(said())}"),
    "no scheme": ("no token", lambda: signed(said())),
    "two tokens": ("no token", lambda: f"Bearer {signed(said())} {signed(said())}"),
    "two headers in one": ("no token", lambda: f"Bearer {signed(said())}, Bearer {signed(said())}"),
    "letters of no alphabet": ("no token", lambda: "Bearer \xe9\xe9\xe9"),
    "a token longer than any": ("no token", lambda: f"Bearer {signed(said(extra='x' * 8192))}"),
    "a word": ("malformed", lambda: "Bearer token"),
    "three dots": ("malformed", lambda: "Bearer ..."),
    "a dot too many": ("malformed", lambda: f"Bearer {signed(said())}."),
    "claims that are a list": ("malformed", lambda: f"Bearer {by_hand([said()])}"),
    "claims that are a word": ("malformed", lambda: f"Bearer {by_hand('claims')}"),
    "a header that is a list": ("malformed", lambda: f"Bearer {by_hand(said(), header=[GOOD_HEADER])}"),
    "claims nested without end": ("malformed", lambda: f"Bearer {nested(2900)}"),
    "a payload left out of the encoding": ("malformed", lambda: f"Bearer {by_hand(said(), b64=False, crit=['b64'])}"),
    "no issuer": ("issuer", lambda: f"Bearer {signed(said(iss=None))}"),
    "an issuer nobody listed": ("issuer", lambda: f"Bearer {signed(said(iss='https://evil.example'))}"),
    "an issuer with a slash more": ("issuer", lambda: f"Bearer {signed(said(iss=ISSUER + '/'))}"),
    "an issuer in capitals": ("issuer", lambda: f"Bearer {signed(said(iss=ISSUER.upper()))}"),
    "issuers in a list": ("issuer", lambda: f"Bearer {by_hand(said(iss=[ISSUER]))}"),
    "no algorithm": ("algorithm", lambda: f"Bearer {unsigned(alg='none')}"),
    "no algorithm, in capitals": ("algorithm", lambda: f"Bearer {unsigned(alg='NONE')}"),
    "no algorithm, with a signature": ("algorithm", lambda: f"Bearer {by_hand(said(), alg='none')}"),
    "an algorithm in small letters": ("algorithm", lambda: f"Bearer {by_hand(said(), alg='es384')}"),
    "algorithms in a list": ("algorithm", lambda: f"Bearer {by_hand(said(), alg=['ES384'])}"),
    "an HMAC with the public key": ("algorithm", lambda: f"Bearer {hmac_with_the_public_key()}"),
    "an HMAC key in the key set": (
        "algorithm",
        lambda: f"Bearer {jwt.encode(said(), b'secret' * 8, 'HS384', headers={'kid': 'secret'})}",
    ),
    "an algorithm nobody allowed": ("algorithm", lambda: f"Bearer {signed(said(), P256_KEY, 'ES256', kid='p256')}"),
    "another RSA padding than allowed": ("algorithm", lambda: f"Bearer {signed(said(), RSA_KEY, 'PS384', kid='rsa')}"),
    "another type": ("header", lambda: f"Bearer {signed(said(), typ='at+jwt')}"),
    "no type": ("header", lambda: f"Bearer {by_hand(said(), typ=None)}"),
    "a type that is no text": ("header", lambda: f"Bearer {by_hand(said(), typ=7)}"),
    "a critical header": ("malformed", lambda: f"Bearer {by_hand(said(), crit=['exp'])}"),
    "an empty list of critical headers": ("malformed", lambda: f"Bearer {by_hand(said(), crit=[])}"),
    "a critical header that the library knows": ("header", lambda: f"Bearer {by_hand(said(), b64=True, crit=['b64'])}"),
    "a key address of its own": ("jku", lambda: f"Bearer {signed(said(), jku='https://evil.example/jwks.json')}"),
    "no key id": ("kid", lambda: f"Bearer {signed(said(), kid=None)}"),
    "an empty key id": ("kid", lambda: f"Bearer {signed(said(), kid='')}"),
    "a key id of a kilobyte": ("kid", lambda: f"Bearer {signed(said(), kid='k' * 1024)}"),
    "a key id that is a path": ("key", lambda: f"Bearer {signed(said(), kid='../keys.json')}"),
    "a key of another curve": ("key", lambda: f"Bearer {by_hand(said(), P256_KEY, kid='p256')}"),
    "a key too small": ("key", lambda: f"Bearer {by_hand(said(), SMALL_RSA_KEY, alg='RS384', kid='small')}"),
    "a key for encryption": ("key", lambda: f"Bearer {signed(said(), kid='for-encryption')}"),
    "a key for another algorithm": ("key", lambda: f"Bearer {signed(said(), kid='for-es256')}"),
    "a key that is no point": ("key", lambda: f"Bearer {signed(said(), kid='no-point')}"),
    "a key of another kind": ("key", lambda: f"Bearer {signed(said(), RSA_KEY, 'RS384', kid='ec')}"),
    "an unknown key": ("key", lambda: f"Bearer {signed(said(), kid='nobody')}"),
    "its own key beside it": (
        "key",
        lambda: f"Bearer {signed(said(), OTHER_EC_KEY, kid='mine', jwk=public(OTHER_EC_KEY, 'mine'))}",
    ),
    "its own key under a known name": (
        "signature",
        lambda: f"Bearer {signed(said(), OTHER_EC_KEY, jwk=public(OTHER_EC_KEY, 'ec'), x5u='https://evil.example')}",
    ),
    "the wrong key": ("signature", lambda: f"Bearer {signed(said(), OTHER_EC_KEY)}"),
    "no signature": ("signature", lambda: f"Bearer {unsigned()}"),
    "a made-up signature": ("signature", lambda: f"Bearer {unsigned('AAAA')}"),
    "a signature of zeros": ("signature", lambda: f"Bearer {unsigned(base64url(bytes(96)))}"),
    "changed on the way": ("signature", lambda: f"Bearer {changed_on_the_way()}"),
    "no audience": ("audience", lambda: f"Bearer {signed(said(aud=None))}"),
    "an empty list of audiences": ("audience", lambda: f"Bearer {signed(said(aud=[]))}"),
    "the audience of discovery": ("audience", lambda: f"Bearer {signed(claims('/cds-services'))}"),
    "the audience of another service": (
        "audience",
        lambda: f"Bearer {signed(claims('/cds-services/telehealth-em-patient-view'))}",
    ),
    "the audience of feedback": ("audience", lambda: f"Bearer {signed(claims(PATH + '/feedback'))}"),
    "the audience of the host header": ("audience", lambda: f"Bearer {signed(said(aud='http://localhost' + PATH))}"),
    "the audience in clear text": (
        "audience",
        lambda: f"Bearer {signed(said(aud=BASE.replace('https', 'http') + PATH))}",
    ),
    "the path alone": ("audience", lambda: f"Bearer {signed(said(aud=PATH))}"),
    "an audience with a slash more": ("audience", lambda: f"Bearer {signed(claims(PATH + '/'))}"),
    "an audience that is a number": ("audience", lambda: f"Bearer {by_hand(said(aud=[7]))}"),
    "no expiry": ("exp", lambda: f"Bearer {signed(said(exp=None))}"),
    "an expiry in words": ("exp", lambda: f"Bearer {by_hand(said(exp='tomorrow'))}"),
    "an expiry that is a yes": ("exp", lambda: f"Bearer {by_hand(said(exp=True))}"),
    "good for ever": ("exp", lambda: f"Bearer {by_hand(said(exp=10**30))}"),
    "an expiry that is no number": ("exp", lambda: f"Bearer {by_hand(said(exp=float('nan')))}"),
    "no time of issue": ("iat", lambda: f"Bearer {signed(said(iat=None))}"),
    "expired": ("expired", lambda: f"Bearer {signed(said(iat=1, exp=300))}"),
    "issued far in the future": (
        "from the future",
        lambda: f"Bearer {signed(said(iat=9_000_000_000, exp=9_000_000_300))}",
    ),
    "good for a day": ("lifetime", lambda: f"Bearer {signed(said(exp=NOW + 86_400))}"),
    "not good yet": ("not yet", lambda: f"Bearer {signed(said(nbf=NOW + 3600))}"),
    "a start in words": ("nbf", lambda: f"Bearer {by_hand(said(nbf='tomorrow'))}"),
    "a tenant nobody listed": ("tenant", lambda: f"Bearer {signed(said(tenant='south'))}"),
    "a tenant that is no text": ("tenant", lambda: f"Bearer {signed(said(tenant={'id': 'north'}))}"),
    "a tenant with a line break": ("tenant", lambda: f"Bearer {signed(said(tenant='north' + chr(10)))}"),
    "a tenant that is half a letter": ("tenant", lambda: f"Bearer {by_hand(said(tenant=chr(0xD800)))}"),
    "no id": ("jti", lambda: f"Bearer {signed(said(jti=None))}"),
    "an empty id": ("jti", lambda: f"Bearer {signed(said(jti=''))}"),
    "an id that is a number": ("jti", lambda: f"Bearer {by_hand(said(jti=7))}"),
    "an id of a kilobyte": ("jti", lambda: f"Bearer {signed(said(jti='j' * 1024))}"),
    "an id with a nothing in it": ("jti", lambda: f"Bearer {signed(said(jti='j' + chr(0)))}"),
}


def call(client: FlaskClient, body: Json, authorization: str | None) -> Any:
    headers = {"X-Request-Id": "0" * 32} | ({} if authorization is None else {"Authorization": authorization})
    return client.post(PATH, json=body, headers=headers)


def test_there_are_bad_tokens_enough_and_the_good_one_that_they_are_made_from_is_good(
    ehr: FlaskClient, good: Json
) -> None:
    assert len(BAD) >= 30
    assert call(ehr, good, f"Bearer {by_hand(said(tenant='north'))}").status_code == 200


@pytest.mark.parametrize("name", BAD)
def test_every_bad_token_gets_the_one_bare_answer(
    ehr: FlaskClient, good: Json, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    why, make = BAD[name]
    first = call(ehr, good, None)
    caplog.clear()
    caplog.set_level("INFO")
    answer = call(ehr, good, make())
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (answer.status, answer.data, list(answer.headers)) == (first.status, first.data, list(first.headers))
    assert answer.get_json() == {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "login"}],
    }
    whose = "unknown issuer" if why in ("no token", "malformed", "issuer") else ISSUER
    told = [record.getMessage() for record in caplog.records if record.name == "telecode"]
    assert told == [f"a call was refused: {why} ({whose})"]
    (line,) = [record.__dict__["line"] for record in caplog.records if record.name == "telecode.requests"]
    assert (line["status"], line["error"]) == (401, "login")


@pytest.mark.parametrize("name", BAD)
def test_every_refusal_does_about_the_same_work(
    ehr: FlaskClient, good: Json, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bool] = []

    def counted(verify: Callable[..., bool]) -> Callable[..., bool]:
        def count(*given: Any) -> bool:
            tried.append(True)
            return verify(*given)

        return count

    for algorithm in (ECAlgorithm, RSAAlgorithm):
        monkeypatch.setattr(algorithm, "verify", counted(algorithm.verify))
    call(ehr, good, BAD[name][1]())
    assert tried == [True]
