"""Who is believed: good tokens as real EHRs make them, every claim at its edge, and each token once."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cds_hooks.exchange.issuers import Issuer
from cds_hooks.exchange.key_set import Exposed, NamedKey
from cds_hooks.exchange.keys import COOL_DOWN, STALE
from cds_hooks.exchange.trust import Client, Trust, Unsure, Untrusted
from cds_hooks.store.database import StoreUnavailableError
from tests.exchange.signers import (
    BASE,
    EC_KEY,
    ISSUER,
    KEYS,
    OTHER_EC_KEY,
    P256_KEY,
    RSA_KEY,
    Clock,
    KeyServer,
    by_hand,
    claims,
    key_set,
    public,
    signed,
)

PATH = "/cds-services/telehealth-em-note-sign"
NOW = 1_795_000_000


class Seen:
    """Remembers tokens in a set."""

    def __init__(self) -> None:
        self.used: set[tuple[str, str]] = set()
        self.until: datetime | None = None

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        fresh = (issuer, jti) not in self.used
        self.used.add((issuer, jti))
        self.until = expires
        return fresh


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
def test_s5_tokens_as_real_ehrs_make_them_are_believed(trust: Callable[..., Trust], token: str) -> None:
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
def test_s9_every_time_is_judged_at_its_edge(
    trust: Callable[..., Trust], said: dict[str, Any], moment: int, why: str | None
) -> None:
    checked = trust(now=Clock(moment))
    if why is None:
        assert checked.check(f"Bearer {signed(said)}", PATH)
    else:
        assert reason(checked, signed(said)) == why


def test_s8_a_token_is_good_once_and_is_used_up_only_by_a_good_signature(trust: Callable[..., Trust]) -> None:
    checked, said = trust(), at(jti="once")
    assert reason(checked, signed(said, OTHER_EC_KEY)) == "signature"
    assert checked.check(f"Bearer {signed(said)}", PATH)
    assert reason(checked, signed(said)) == "replayed"
    assert reason(checked, signed(at(jti="once", sub="another token with its id"))) == "replayed"


def test_a_used_token_is_remembered_until_it_would_be_refused_as_expired(trust: Callable[..., Trust]) -> None:
    seen, clock = Seen(), Clock(NOW)
    checked = trust(seen=seen, now=clock)
    assert checked.check(f"Bearer {signed(at())}", PATH)
    assert seen.until is not None
    clock.at = seen.until.timestamp()
    assert reason(checked, signed(at())) == "expired"
    clock.at -= 1
    assert checked.check(f"Bearer {signed(at())}", PATH)


def test_a_site_may_only_want_to_know_of_replays_or_not_at_all(trust: Callable[..., Trust]) -> None:
    token = f"Bearer {signed(at(jti='again'))}"
    reported = trust(jti="report")
    assert [reported.check(token, PATH).replayed for _ in range(3)] == [False, True, True]
    seen = Seen()
    assert not trust(jti="off", seen=seen).check(token, PATH).replayed
    assert seen.used == set()


@pytest.mark.parametrize(
    ("algorithm", "key", "kid"), [("ES256", P256_KEY, "p256"), ("RS256", RSA_KEY, "any"), ("PS384", RSA_KEY, "any")]
)
def test_algorithms_beyond_the_two_need_a_sites_word(
    trust: Callable[..., Trust], algorithm: str, key: Any, kid: str
) -> None:
    token = signed(at(), key, algorithm, kid=kid)
    assert reason(trust(), token) == "algorithm"
    assert trust(algorithms=(algorithm,)).check(f"Bearer {token}", PATH)
    assert reason(trust(algorithms=(algorithm,)), signed(at())) == "algorithm"


@pytest.mark.parametrize("algorithms", [("HS256",), ("none",), ()])
def test_s6_a_secret_or_nothing_is_no_algorithm_whatever_a_site_configures(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        Issuer.model_validate({"jwks_file": "keys.json", "algorithms": algorithms})


def test_s4_a_token_may_name_the_key_address_that_the_site_wrote_down_and_no_other(trust: Callable[..., Trust]) -> None:
    theirs = "https://ehr.example.org/.well-known/jwks.json"
    checked = trust(jwks_url=theirs)
    assert checked.check(f"Bearer {signed(at(), jku=theirs)}", PATH)
    assert checked.check(f"Bearer {signed(at())}", PATH)
    for other in (theirs + "/", theirs.upper(), "https://evil.example/jwks.json", "", [theirs]):
        assert reason(checked, by_hand(at(), jku=other)) == "jku"
    assert reason(trust(), signed(at(), jku=theirs)) == "jku"


def test_s7_an_issuers_key_vouches_for_no_other_issuer(
    trust: Callable[..., Trust], keys_file: str, tmp_path: Path
) -> None:
    other_file = tmp_path / "other.json"
    other_file.write_bytes(key_set(public(OTHER_EC_KEY, "ec")))
    issuers = {ISSUER: Issuer(jwks_file=keys_file), "https://other.example": Issuer(jwks_file=str(other_file))}
    checked = Trust(issuers, (BASE,), Seen(), now=Clock(NOW))
    assert reason(checked, signed(at(iss="https://other.example"))) == "signature"
    assert checked.check(f"Bearer {signed(at(iss='https://other.example', jti='same'), OTHER_EC_KEY)}", PATH)
    assert checked.check(f"Bearer {signed(at(jti='same'))}", PATH)
    assert trust().check(f"Bearer {signed(at())}", PATH).issuer == ISSUER


def test_each_public_address_of_ours_is_one_to_be_called_by(keys_file: str) -> None:
    ours = ("https://a.example", "https://b.example/em")
    checked = Trust({ISSUER: Issuer(jwks_file=keys_file)}, ours, Seen(), now=Clock(NOW))
    for address in ours:
        assert checked.check(f"Bearer {signed(at(aud=address + PATH))}", PATH)
        assert reason(checked, signed(at(aud=address))) == "audience"
        assert reason(checked, signed(at(aud=address + "/cds-services"))) == "audience"


def test_keys_that_everybody_can_sign_with_are_believed_of_nobody(keys_file: str) -> None:
    exposed = Exposed(frozenset({NamedKey("ec", "P-384", None, EC_KEY.public_key()).fingerprint}))
    checked = Trust({ISSUER: Issuer(jwks_file=keys_file)}, (BASE,), Seen(), exposed=exposed, now=Clock(NOW))
    assert reason(checked, signed(at())) == "key"
    assert checked.check(f"Bearer {signed(at(), RSA_KEY, 'RS384', kid='rsa')}", PATH)


class Down:
    """Remembers nothing, and says so."""

    def first_use(self, *_: object) -> bool:
        raise StoreUnavailableError("OperationalError")


def test_a_good_token_is_put_off_where_nobody_can_tell_whether_it_was_used_and_a_bad_one_is_refused(
    keys_file: str,
) -> None:
    checked = Trust({ISSUER: Issuer(jwks_file=keys_file)}, (BASE,), Down(), now=Clock(NOW))
    with pytest.raises(Unsure, match="replay unknown") as unsure:
        checked.check(f"Bearer {signed(at())}", PATH)
    assert unsure.value.issuer == ISSUER
    assert checked.check(f"Bearer {signed(at())}", PATH, unchecked=True).unchecked
    for unchecked in (False, True):
        with pytest.raises(Untrusted, match="signature"):
            checked.check(f"Bearer {signed(at(), OTHER_EC_KEY)}", PATH, unchecked=unchecked)


@pytest.mark.parametrize(("jti", "unchecked"), [("report", True), ("off", False)])
def test_where_a_second_use_is_not_refused_nobody_is_put_off(keys_file: str, jti: str, *, unchecked: bool) -> None:
    issuer = Issuer.model_validate({"jwks_file": keys_file, "jti": jti})
    client = Trust({ISSUER: issuer}, (BASE,), Down(), now=Clock(NOW)).check(f"Bearer {signed(at())}", PATH)
    assert (client.replayed, client.unchecked) == (False, unchecked)


def test_keys_that_are_too_old_put_off_whom_they_vouch_for_and_use_up_no_token() -> None:
    server, passed, seen = KeyServer(), Clock(0), Seen()
    with server.running() as url:
        issuers = {ISSUER: Issuer(jwks_url=url, stale_keys=7200)}
        checked = Trust(issuers, (BASE,), seen, now=Clock(NOW), forward=passed)
        assert checked.check(f"Bearer {signed(at())}", PATH)
        server.status = 503
        passed.at = 7200
        assert checked.check(f"Bearer {signed(at())}", PATH)
        passed.at = 7201
        said = at(jti="once")
        with pytest.raises(Unsure, match="keys too old"):
            checked.check(f"Bearer {signed(said)}", PATH)
        for bad, why in (
            (signed(at(), OTHER_EC_KEY), "signature"),
            (signed(at(), kid="unknown"), "key"),
            (signed(at(-3600)), "expired"),
            (signed(at(aud="https://elsewhere.example")), "audience"),
        ):
            assert reason(checked, bad) == why
        server.status = 200
        passed.at += COOL_DOWN
        assert checked.check(f"Bearer {signed(said)}", PATH)
        assert passed.at > STALE


def test_where_no_keys_were_ever_had_everybody_is_refused_and_the_reason_is_told() -> None:
    server = KeyServer()
    server.status = 503
    with server.running() as url:
        checked = Trust({ISSUER: Issuer(jwks_url=url)}, (BASE,), Seen(), now=Clock(NOW), forward=Clock(0))
        assert reason(checked, signed(at())) == "no keys"
        assert reason(checked, signed(at(), OTHER_EC_KEY)) == "no keys"
