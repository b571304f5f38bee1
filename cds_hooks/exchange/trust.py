"""Whether a call comes from an EHR that may call: its token is checked in full, and every failure looks the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from jwt.api_jws import get_algorithm_by_name
from jwt.exceptions import PyJWTError

from cds_hooks.exchange.issuers import Issuer
from cds_hooks.exchange.key_set import Exposed, PublicKey
from cds_hooks.exchange.keys import KeyRing
from cds_hooks.store.database import StoreUnavailableError

LONGEST_TOKEN = 8192
"""Characters; no real token is longer."""
LONGEST_WORD = 255
_LATEST = 253_402_300_799  # the last second of the year 9999: what lies beyond is no date


class Untrusted(Exception):
    """A call that is not believed. `reason` is a word for the log; the caller hears none."""

    def __init__(self, reason: str, issuer: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.issuer = issuer


class Unsure(Exception):
    """A call whose token is good as far as can be known now, which is not enough. `reason` is a word for the log."""

    def __init__(self, reason: str, issuer: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.issuer = issuer


class SeenTokens(Protocol):
    """Remembers which tokens were used, for all workers together."""

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Whether this is the first use of a token; one step. Raises StoreUnavailableError if that cannot be told."""


@dataclass(frozen=True, slots=True)
class Client:
    """An EHR whose token was believed: its issuer, tenant, and how the site wants it answered.

    `replayed` says that the token was used before, where a site only wants to know; `unchecked`, that nobody could tell
    whether it was, and the site is answered all the same.
    """

    issuer: str
    tenant: str
    profile: str
    fhir_bases: tuple[str, ...]
    replayed: bool = False
    unchecked: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    """A token as it came: what it says, and the bytes that its signature is of."""

    claims: Mapping[str, Any]
    header: Mapping[str, Any]
    said: bytes
    signature: bytes

    def is_signed(self, algorithm: str, key: PublicKey) -> bool:
        """Whether the owner of the key signed it."""
        judge = get_algorithm_by_name(algorithm)
        try:
            return judge.verify(self.said, judge.prepare_key(key), self.signature)
        except (PyJWTError, ValueError, TypeError):
            return False


@dataclass(frozen=True, slots=True)
class _Presented:
    """A token whose signature can be tried: whose it says it is, and the key to find out by."""

    token: _Token
    name: str
    issuer: Issuer
    algorithm: str
    key: PublicKey


class Trust:
    """Checks client tokens (CDS Hooks 2.0, Trusting CDS Clients).

    Parameters: `issuers` that may call; `addresses`, the public addresses of this service; `seen` tokens; `exposed`
    keys, which are never believed; `now`, a clock of seconds since 1970; `forward`, one that only goes forward, for
    the keys.
    """

    def __init__(  # noqa: PLR0913 - two of them are clocks that tests set
        self,
        issuers: Mapping[str, Issuer],
        addresses: tuple[str, ...],
        seen: SeenTokens,
        *,
        exposed: Exposed = Exposed(),  # noqa: B008 - frozen
        now: Callable[[], float] = time.time,
        forward: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuers = issuers
        self._addresses = addresses
        self._seen = seen
        self._now = now
        self._rings = {name: KeyRing(issuer, exposed, forward, name) for name, issuer in issuers.items()}
        decoy = generate_private_key(SECP384R1())
        self._decoy = _unverified(jwt.encode({}, decoy, "ES384")), decoy.public_key()

    def check(self, authorization: str | None, path: str, *, unchecked: bool = False) -> Client:
        """Believe a call, or raise Untrusted; raise Unsure if all that could be checked is good, but not all could be.

        Parameters: the `Authorization` header; the `path` of the endpoint called, which the token must be made for: for
        one with a slash at its end it may be made for the path without it; with `unchecked` a call is believed too
        while the store cannot tell whether its token was used before.
        """
        try:
            shown = self._presented(authorization)
        except Untrusted:
            token, key = self._decoy
            token.is_signed("ES384", key)  # no answer is quicker because its reason was plain
            raise
        issuer, name, claims = shown.issuer, shown.name, shown.token.claims
        if not shown.token.is_signed(shown.algorithm, shown.key):
            raise Untrusted("signature", name)
        called = {address + form for address in self._addresses for form in (path, path.rstrip("/"))}
        if not _is_for(claims.get("aud"), {*issuer.audiences, *called}):
            raise Untrusted("audience", name)
        expires = self._in_time(claims, issuer, name)
        tenant = _word(claims.get("tenant", ""), "tenant", name, empty=True)
        if issuer.tenants and tenant not in issuer.tenants:
            raise Untrusted("tenant", name)
        jti = _word(claims.get("jti"), "jti", name)
        if self._rings[name].is_too_old:
            raise Unsure("keys too old", name)
        fresh = self._is_fresh(jti, expires, issuer, name)
        if fresh is None and issuer.jti == "enforce" and not unchecked:
            raise Unsure("replay unknown", name)
        return Client(name, tenant, issuer.client, issuer.fhir_bases, fresh is False, fresh is None)

    def _presented(self, authorization: str | None) -> _Presented:
        """The token of a call with the key to try it by. Raises Untrusted."""
        token = _unverified(_bearer(authorization))
        name = token.claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None or not isinstance(name, str):
            raise Untrusted("issuer")
        algorithm, kid = _header(token.header, issuer, name)
        key = self._rings[name].key(kid, algorithm)
        if key is None:
            raise Untrusted("no keys" if self._rings[name].is_empty else "key", name)
        return _Presented(token, name, issuer, algorithm, key)

    def _in_time(self, claims: Mapping[str, Any], issuer: Issuer, name: str) -> int:
        """When the token expires. Raises Untrusted if it is expired, not good yet, of the future or too long-lived."""
        expires, issued = (_second(claims.get(claim), claim, name) for claim in ("exp", "iat"))
        now = self._now()
        if now >= expires + issuer.leeway:
            raise Untrusted("expired", name)
        if issued > now + issuer.leeway:
            raise Untrusted("from the future", name)
        if expires - issued > issuer.longest_life:
            raise Untrusted("lifetime", name)
        if "nbf" in claims and _second(claims["nbf"], "nbf", name) > now + issuer.leeway:
            raise Untrusted("not yet", name)
        return expires

    def _is_fresh(self, jti: str, expires: int, issuer: Issuer, name: str) -> bool | None:
        """Whether the token is used for the first time, or `None` if the store cannot tell.

        Asked only once all else about the token is known to be good. Raises Untrusted if a used one is refused.
        """
        if issuer.jti == "off":
            return True
        until = datetime.fromtimestamp(expires + issuer.leeway, UTC)
        try:
            fresh = self._seen.first_use(name, jti, until)
        except StoreUnavailableError:
            return None
        if not fresh and issuer.jti == "enforce":
            raise Untrusted("replayed", name)
        return fresh


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.casefold() != "bearer" or not token or len(token) > LONGEST_TOKEN or not token.isascii() or " " in token:
        raise Untrusted("no token")
    return token


def _unverified(token: str) -> _Token:
    """A token read once, of which nothing is believed yet but the name to look up."""
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except (PyJWTError, ValueError, TypeError, RecursionError) as refused:
        raise Untrusted("malformed") from refused
    if not isinstance(whole["payload"], dict):
        raise Untrusted("malformed")
    return _Token(whole["payload"], whole["header"], token.rpartition(".")[0].encode(), whole["signature"])


def _header(header: Mapping[str, Any], issuer: Issuer, name: str) -> tuple[str, str]:
    """The algorithm and key id. Raises Untrusted for whatever would have us trust the token's own word for its key."""
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if algorithm not in issuer.algorithms or not isinstance(algorithm, str):
        raise Untrusted("algorithm", name)
    if not isinstance(kind, str) or kind.casefold() != "jwt" or "crit" in header:
        raise Untrusted("header", name)
    if "jku" in header and header["jku"] != issuer.jwks_url:
        raise Untrusted("jku", name)
    return algorithm, _word(kid, "kid", name)


def _is_for(audience: object, ours: set[str]) -> bool:
    named = [audience] if isinstance(audience, str) else audience
    return isinstance(named, list) and any(isinstance(one, str) and one in ours for one in named)


def _second(value: object, claim: str, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise Untrusted(claim, name)
    return int(value)


def _word(value: object, claim: str, name: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_WORD or not (value or empty) or not value.isprintable():
        raise Untrusted(claim, name)
    return value
