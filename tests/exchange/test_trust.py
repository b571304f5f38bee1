"""Who is believed: good tokens as real EHRs make them, every claim at its edge, and keys that come, go and hang."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from cds_hooks.exchange.issuers import Issuer, load_issuers
from cds_hooks.exchange.keys import COOL_DOWN, STALE
from cds_hooks.exchange.trust import Client, Trust, Untrusted
from fhir_mapping.tables import TableError
from tests.exchange.signers import (
    BASE,
    EC_KEY,
    ISSUER,
    KEYS,
    OTHER_EC_KEY,
    RSA_KEY,
    KeyServer,
    claims,
    key_set,
    public,
    signed,
)

PATH = "/cds-services/telehealth-em-note-sign"
NOW = 1_795_000_000


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Seen:
    """Remembers tokens in a set."""

    def __init__(self) -> None:
        self.used: set[tuple[str, str]] = set()

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        fresh = (issuer, jti) not in self.used
        self.used.add((issuer, jti))
        return fresh and expires.tzinfo is not None


@pytest.fixture
def keys_file(tmp_path: Any) -> str:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(*KEYS))
    return str(path)


@pytest.fixture
def trust(keys_file: str) -> Callable[..., Trust]:
    def make(*, now: Clock | None = None, seen: Seen | None = None, **members: Any) -> Trust:
        issuer = Issuer(**{"jwks_file": keys_file, **members})
        return Trust({ISSUER: issuer}, (BASE,), seen or Seen(), now=now or Clock(NOW))

    return make


def at(seconds: int = 0, **members: Any) -> dict[str, Any]:
    return claims(PATH, **({"iat": NOW + seconds, "exp": NOW + seconds + 300} | members))


def reason(trust: Trust, token: str) -> str:
    with pytest.raises(Untrusted) as refused:
        trust.check(f"Bearer {token}", PATH)
    return refused.value.reason


@pytest.mark.parametrize(
    "token",
    [
        signed(at()),
        signed(at(), RSA_KEY, "RS384", kid="rsa"),
        signed(at(), kid="a/b+c="),
        signed(at(aud=["https://elsewhere.example", BASE + PATH])),
        signed(at(aud="typed by hand at the site")),
        signed(at(nbf=NOW - 300, sub="telecode", extra={"deep": [1]})),
        signed(at(), typ="jwt"),
        signed(at(), jwk=public(OTHER_EC_KEY, "ec"), x5c=["AAAA"], x5u="https://evil.example"),
        signed(at(exp=NOW + 900)),
        signed(at(tenant="north")),
    ],
)
def test_tokens_as_real_ehrs_make_them_are_believed(trust: Callable[..., Trust], token: str) -> None:
    client = trust(audiences=("typed by hand at the site",)).check(f"Bearer {token}", PATH)
    assert client.issuer == ISSUER


def test_the_client_carries_what_its_profile_says(trust: Callable[..., Trust]) -> None:
    checked = trust(client="epic", fhir_bases=("https://ehr.example.org/fhir",), tenants=("north",))
    assert checked.check(f"bearer {signed(at(tenant='north'))}", PATH) == Client(
        ISSUER, "north", "epic", ("https://ehr.example.org/fhir",)
    )
    assert reason(checked, signed(at())) == "tenant"
    assert reason(checked, signed(at(tenant="south"))) == "tenant"


@pytest.mark.parametrize(
    ("said", "moment", "why"),
    [
        (at(), NOW + 300 + 59, None),
        (at(), NOW + 300 + 60, "expired"),
        (at(), NOW + 300 + 61, "expired"),
        (at(61), NOW, "from the future"),
        (at(60), NOW, None),
        (at(59), NOW, None),
        (at(nbf=NOW + 61), NOW, "not yet"),
        (at(nbf=NOW + 60), NOW, None),
        (at(exp=NOW + 3599), NOW, None),
        (at(exp=NOW + 3600), NOW, None),
        (at(exp=NOW + 3601), NOW, "lifetime"),
    ],
)
def test_every_time_is_judged_at_its_edge(
    trust: Callable[..., Trust], said: dict[str, Any], moment: int, why: str | None
) -> None:
    checked = trust(now=Clock(moment))
    if why is None:
        assert checked.check(f"Bearer {signed(said)}", PATH)
    else:
        assert reason(checked, signed(said)) == why


def test_a_token_is_good_once_and_is_used_up_only_by_a_good_signature(trust: Callable[..., Trust]) -> None:
    checked, said = trust(), at(jti="once")
    assert reason(checked, signed(said, OTHER_EC_KEY)) == "signature"
    assert checked.check(f"Bearer {signed(said)}", PATH)
    assert reason(checked, signed(said)) == "replayed"
    assert reason(checked, signed(at(jti="once", sub="another token with its id"))) == "replayed"


def test_a_site_may_only_want_to_know_of_replays_or_not_at_all(trust: Callable[..., Trust]) -> None:
    token = f"Bearer {signed(at(jti='again'))}"
    reported = trust(jti="report")
    assert [reported.check(token, PATH).replayed for _ in range(3)] == [False, True, True]
    seen = Seen()
    assert not trust(jti="off", seen=seen).check(token, PATH).replayed
    assert seen.used == set()


def test_algorithms_beyond_the_two_need_a_sites_word(trust: Callable[..., Trust]) -> None:
    token = signed(at(), RSA_KEY, "RS256", kid="rsa-any")
    assert reason(trust(), token) == "algorithm"


def test_a_key_that_is_new_is_fetched_once_and_the_old_ones_stay_good() -> None:
    server, clock = KeyServer(), Clock(0)
    server.body = key_set(public(EC_KEY, "ec"))
    with server.running() as url:
        checked = Trust({ISSUER: Issuer(jwks_url=url)}, (BASE,), Seen(), now=Clock(NOW), forward=clock)
        assert checked.check(f"Bearer {signed(at())}", PATH)
        assert checked.check(f"Bearer {signed(at())}", PATH)
        assert server.asked == 1
        server.body = key_set(public(EC_KEY, "ec"), public(OTHER_EC_KEY, "rotated"))
        clock.at = COOL_DOWN - 0.1
        assert reason(checked, signed(at(), OTHER_EC_KEY, kid="rotated")) == "key"
        assert server.asked == 1
        clock.at = COOL_DOWN
        assert checked.check(f"Bearer {signed(at(), OTHER_EC_KEY, kid='rotated')}", PATH)
        for number in range(20):
            assert reason(checked, signed(at(), kid=f"unknown-{number}")) == "key"
        assert server.asked == 2


@pytest.mark.parametrize("status", [500, 404, 302])
def test_keys_that_cannot_be_had_again_stay_good_and_redirects_are_not_followed(status: int) -> None:
    server, elsewhere, clock = KeyServer(), KeyServer(), Clock(0)
    with server.running() as url, elsewhere.running() as other:
        checked = Trust({ISSUER: Issuer(jwks_url=url)}, (BASE,), Seen(), now=Clock(NOW), forward=clock)
        assert checked.check(f"Bearer {signed(at())}", PATH)
        server.status, server.location, server.body = status, other, b"<html>"
        clock.at = STALE + 1
        assert checked.check(f"Bearer {signed(at())}", PATH)
        assert (server.asked, elsewhere.asked) == (2, 0)


def test_a_key_its_owner_withdrew_is_believed_no_longer_once_the_keys_are_stale() -> None:
    server, clock = KeyServer(), Clock(0)
    with server.running() as url:
        checked = Trust({ISSUER: Issuer(jwks_url=url)}, (BASE,), Seen(), now=Clock(NOW), forward=clock)
        assert checked.check(f"Bearer {signed(at())}", PATH)
        server.body = key_set(public(OTHER_EC_KEY, "next"))
        clock.at = STALE
        assert checked.check(f"Bearer {signed(at())}", PATH)
        clock.at = STALE + 1
        assert reason(checked, signed(at())) == "key"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys": 3}', b'{"keys": [3, {"kid": 4}]}', b" " * 300_000])
def test_a_key_set_that_is_none_gives_no_key(body: bytes) -> None:
    server = KeyServer()
    server.body = body
    with server.running() as url:
        checked = Trust({ISSUER: Issuer(jwks_url=url)}, (BASE,), Seen(), now=Clock(NOW))
        assert reason(checked, signed(at())) == "key"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("issuers: {'https://a.example': {}}", "either jwks_url or jwks_file"),
        ("issuers: {'https://a.example': {jwks_url: 'http://a.example/keys'}}", "must be https"),
        ("issuers: {'https://a.example': {jwks_url: 'https://u:p@a.example/keys'}}", "must be https"),
        ("issuers: {'https://a.example': {jwks_file: none.json}}", "no such file"),
        ("issuers: {'https://a.example': {jwks_url: 'https://a.example', algorithms: [HS256]}}", "algorithms"),
        ("issuers: {'https://a.example': {jwks_url: 'https://a.example', algorithms: [none]}}", "algorithms"),
        ("issuers: {'https://a.example': {jwks_url: 'https://a.example', jti: maybe}}", "jti"),
        ("issuers: {'https://a.example': {jwks_url: 'https://a.example', longest_life: 86401}}", "longest_life"),
    ],
)
def test_a_list_of_issuers_that_cannot_be_trusted_is_refused_with_its_line(
    tmp_path: Any, text: str, complaint: str
) -> None:
    path = tmp_path / "trust.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=complaint):
        load_issuers(path)
