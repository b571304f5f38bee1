"""The keys of each EHR that may call: had from the place a site named, and fetched anew only when they must be."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread

import requests

from cds_hooks.exchange.issuers import Issuer
from cds_hooks.exchange.key_set import Exposed, KeySet, PublicKey, read_key_set

TIME_OUT = 2.0
"""Seconds that a call waits for keys, whatever their server does."""
COOL_DOWN = 10.0
"""Seconds between two fetches for one issuer, however many unknown keys are named meanwhile."""
STALE = 3600.0
"""Seconds after which keys are fetched anew, so that a key withdrawn by its owner is believed no longer."""
LARGEST = 256 * 1024
"""Bytes of a key set; real ones have a few thousand."""


class KeyRing:
    """The keys of one issuer.

    Parameters: `issuer`, with the place of its keys; `exposed` keys, which are never taken; `clock` of seconds that
    only goes forward.
    """

    def __init__(self, issuer: Issuer, exposed: Exposed, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._exposed = exposed
        self._clock = clock
        self._keys = KeySet({})
        self._had: float | None = None
        self._tried: float | None = None
        self._fetching: Thread | None = None
        self._lock = Lock()

    def key(self, kid: str, algorithm: str) -> PublicKey | None:
        """The key called `kid`, if it is one to verify `algorithm` by; keys are fetched only if they must be."""
        found = self._keys.key(kid, algorithm)
        if found is None or self._is_stale():
            self._refresh()
            found = self._keys.key(kid, algorithm)
        return found

    def _is_stale(self) -> bool:
        return self._had is None or self._clock() - self._had > STALE

    def _refresh(self) -> None:
        """Have the keys fetched, at most once in a cool-down, and wait for them no longer than the time-out.

        A time-out of the connection alone would not do: a server that sends a byte now and then never lets it strike.
        So the fetch has a thread of its own, one for each issuer at most, and nobody waits for it longer.
        """
        with self._lock:
            now = self._clock()
            busy = self._fetching is not None and self._fetching.is_alive()
            if not busy and (self._tried is None or now - self._tried >= COOL_DOWN):
                self._tried = now
                self._fetching = Thread(target=self._fetch, name="key fetch", daemon=True)
                self._fetching.start()
            elif self._tried is not None and now - self._tried >= TIME_OUT:
                return
            fetching = self._fetching
        if fetching is not None:
            fetching.join(TIME_OUT)

    def _fetch(self) -> None:
        """Take the keys if they can be had; where they cannot, those already known stay good."""
        try:
            file, url = self._issuer.jwks_file, self._issuer.jwks_url
            keys = read_key_set(Path(file).read_bytes() if file else _body(url or ""))
        except (OSError, ValueError):  # requests' errors are OSErrors
            return
        self._keys, self._had = keys.without(self._exposed), self._clock()


def _body(url: str) -> bytes:
    """What stands at `url`: no redirect, no proxy, no cookie, bounded in time and size. Raises OSError."""
    until = time.monotonic() + TIME_OUT
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        with session.get(url, headers=headers, timeout=TIME_OUT, allow_redirects=False, stream=True) as answer:
            if answer.status_code != requests.codes.ok:
                raise requests.RequestException("no key set")
            body = bytearray()
            for chunk in answer.iter_content(64):  # so few that the clock is looked at often
                body += chunk
                if len(body) > LARGEST or time.monotonic() > until:
                    raise requests.RequestException("the key set is too large or too slow")
            return bytes(body)
