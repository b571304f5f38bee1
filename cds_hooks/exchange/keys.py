"""The public keys of the EHRs that may call: from the place a site named, and fetched anew only when they must be."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import orjson
import requests
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from cds_hooks.exchange.issuers import Issuer

TIME_OUT = 2.0
"""Seconds for one fetch of keys, all told."""
COOL_DOWN = 10.0
"""Seconds between two fetches for one issuer, however many unknown keys are named meanwhile."""
STALE = 3600.0
"""Seconds after which keys are fetched anew, so that a key withdrawn by its owner is believed no longer."""
LARGEST = 256 * 1024
SMALLEST_RSA = 2048
CURVES = {"ES256": "P-256", "ES384": "P-384"}


class KeyRing:
    """The keys of one issuer.

    Parameters: `issuer`, with the place of its keys; `clock` of seconds that only go forward.
    """

    def __init__(self, issuer: Issuer, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._clock = clock
        self._keys: Mapping[str, Mapping[str, Any]] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._lock = Lock()

    def key(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key called `kid`, if it is one for signing with `algorithm`; keys are fetched only if they must be."""
        if kid not in self._keys or self._is_stale():
            self._refresh(kid)
        found = self._keys.get(kid)
        return usable(found, algorithm) if found is not None else None

    def _is_stale(self) -> bool:
        return self._fetched is None or self._clock() - self._fetched > STALE

    def _refresh(self, kid: str) -> None:
        with self._lock:
            if kid in self._keys and not self._is_stale():
                return  # another request has fetched them while this one waited
            now = self._clock()
            if self._tried is not None and now - self._tried < COOL_DOWN:
                return
            self._tried = now
            keys = read_keys(self._issuer)
            if keys is not None:  # where they cannot be had the keys already known stay good
                self._keys, self._fetched = keys, now


def read_keys(issuer: Issuer) -> Mapping[str, Mapping[str, Any]] | None:
    """The key set of an issuer by key id, or `None` where it cannot be had."""
    try:
        raw = Path(issuer.jwks_file).read_bytes() if issuer.jwks_file else _fetch(issuer.jwks_url or "")
        listed = orjson.loads(raw)["keys"]
        return {key["kid"]: key for key in listed if isinstance(key, dict) and isinstance(key.get("kid"), str)}
    except (OSError, ValueError, KeyError, TypeError, requests.RequestException):
        return None


def usable(key: Mapping[str, Any], algorithm: str) -> PyJWK | None:
    """A key of a key set as one to verify `algorithm` by, or `None`: wrong kind, curve, use, or too small."""
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return None
    kind = "EC" if algorithm in CURVES else "RSA"
    if key.get("kty") != kind or key.get("crv") != CURVES.get(algorithm):
        return None
    try:
        found = PyJWK(dict(key), algorithm)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    return found if kind == "EC" or found.key.key_size >= SMALLEST_RSA else None


def _fetch(url: str) -> bytes:
    """Fetch a key set: no redirect, no proxy, bounded in time and size."""
    until = time.monotonic() + TIME_OUT
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, timeout=TIME_OUT, allow_redirects=False, stream=True) as answer:
            if answer.status_code != requests.codes.ok:
                raise requests.RequestException("no key set")
            body = bytearray()
            for chunk in answer.iter_content(16_384):
                body += chunk
                if len(body) > LARGEST or time.monotonic() > until:
                    raise requests.RequestException("the key set is too large or too slow")
            return bytes(body)
