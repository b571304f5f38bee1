"""What is taken out of a published key set, and what is left in it."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import ECAlgorithm

from cds_hooks.exchange.key_set import NamedKey, load_exposed, read_key_set
from fhir_mapping.tables import config_folder
from tests.exchange.signers import EC_KEY, KEYS, OTHER_EC_KEY, RSA_KEY, key_set, public

SANDBOX = {
    "kty": "EC",
    "crv": "P-384",
    "kid": "any name",
    "x": "dw_JGR8nB2I6XveNxUOl2qk699ZPLM2nYI5STSdiEl9avAkrm3CkfYMbrrjr8laB",
    "y": "Sm3mLE-n1zYNla_aiE3cb3nZsL51RbC7ysw3q8aJLxGm-hx79RPMYpITDjp7kgzy",
}


def test_each_key_verifies_the_algorithms_of_its_kind_and_no_other() -> None:
    keys = read_key_set(key_set(*KEYS))
    taken = {
        (kid, algorithm)
        for kid in ("ec", "rsa", "any", "a/b+c=", "for-encryption", "for-es256", "p256", "small", "no-point", "secret")
        for algorithm in ("ES384", "ES256", "RS384", "RS256", "PS384", "HS256", "none", "ES512", "EdDSA")
        if keys.key(kid, algorithm) is not None
    }
    assert taken == {
        ("ec", "ES384"),
        ("a/b+c=", "ES384"),
        ("p256", "ES256"),
        ("rsa", "RS384"),
        ("any", "RS384"),
        ("any", "RS256"),
        ("any", "PS384"),
    }


@pytest.mark.parametrize(("bits", "taken"), [(2047, False), (2048, True), (2049, True)])
def test_an_rsa_key_needs_2048_bits(bits: int, *, taken: bool) -> None:
    keys = read_key_set(key_set(public(rsa.generate_private_key(65537, bits), "rsa")))
    assert (keys.key("rsa", "RS384") is not None) is taken


def test_a_key_that_shows_its_private_half_is_nobodys_any_more() -> None:
    shown = {**ECAlgorithm.to_jwk(EC_KEY, as_dict=True), "kid": "shown"}
    assert read_key_set(key_set(shown)).key("shown", "ES384") is None


def test_two_keys_of_two_kinds_may_share_a_name() -> None:
    keys = read_key_set(key_set(public(EC_KEY, "2026"), public(RSA_KEY, "2026")))
    assert keys.key("2026", "ES384") == EC_KEY.public_key()
    assert keys.key("2026", "RS384") == RSA_KEY.public_key()


@pytest.mark.parametrize(
    "broken",
    [
        None,
        3,
        "key",
        [],
        {},
        {"kid": 4},
        {"kid": "k"},
        {"kid": "k", "kty": ["EC"]},
        {"kid": "k", "kty": "EC", "crv": {}},
    ],
)
def test_a_broken_key_costs_no_other_its_trust(broken: object) -> None:
    keys = read_key_set(key_set(broken, public(EC_KEY, "good")))
    assert keys.key("good", "ES384")


def test_the_sandboxs_keys_which_everybody_can_sign_with_are_known_for_it_under_any_name() -> None:
    exposed = load_exposed(config_folder())
    keys = read_key_set(key_set(SANDBOX, public(OTHER_EC_KEY, "own")))
    assert keys.key("any name", "ES384")
    assert keys.without(exposed).key("any name", "ES384") is None
    assert keys.without(exposed).key("own", "ES384")
    assert "https://sandbox.cds-hooks.org/.well-known/jwks.json" in exposed.addresses


def test_a_fingerprint_tells_a_key_from_another() -> None:
    one, other = (NamedKey("k", "P-384", None, key.public_key()).fingerprint for key in (EC_KEY, OTHER_EC_KEY))
    assert one != other
