"""The keys of each EHR that may call: had from the place a site named, and fetched anew only when they must be."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import urlsplit

from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from cds_hooks.exchange.addresses import Addresses, AddressRules
from cds_hooks.exchange.issuers import Issuer
from cds_hooks.exchange.key_set import Exposed, KeySet, PublicKey, read_key_set
from cds_hooks.exchange.wire import Lines

TIME_OUT = 2.0
"""Seconds for a fetch of keys in all, and that a call waits for one, whatever their server does."""
COOL_DOWN = 10.0
"""Seconds between two fetches for one issuer, however many unknown keys are named meanwhile."""
STALE = 3600.0
"""Seconds after which keys are fetched anew, so that a key withdrawn by its owner is believed no longer."""
LARGEST = 256 * 1024
"""Bytes of a key set; real ones have a few thousand."""
_CHUNK = 1024  # bytes: so few that what is packed cannot grow far before it is measured
_LOG = logging.getLogger("telecode")


class KeyRing:
    """The keys of one issuer.

    Parameters: `issuer`, with the place of its keys; `exposed` keys, which are never taken; `clock` of seconds that
    only goes forward; `name` of the issuer, for the log.
    """

    def __init__(
        self, issuer: Issuer, exposed: Exposed, clock: Callable[[], float] = time.monotonic, name: str = ""
    ) -> None:
        self._issuer = issuer
        self._exposed = exposed
        self._clock = clock
        self._name = name
        self._keys = KeySet({})
        self._had: float | None = None
        self._tried: float | None = None
        self._fetching: Thread | None = None
        self._failed = False
        self._lock = Lock()

    @property
    def is_empty(self) -> bool:
        """Whether no key was ever had."""
        return not self._keys.keys

    @property
    def is_too_old(self) -> bool:
        """Whether the keys could not be fetched anew for so long that they vouch for nobody any more."""
        return self._had is not None and self._clock() - self._had > self._issuer.stale_keys

    def key(self, kid: str, algorithm: str) -> PublicKey | None:
        """The key called `kid`, if it is one to verify `algorithm` by; keys are fetched only if they must be."""
        found = self._keys.key(kid, algorithm)
        if found is None or self._is_stale():
            self._refresh(needed=found is None or self.is_too_old)
            found = self._keys.key(kid, algorithm)
        return found

    def _is_stale(self) -> bool:
        return self._had is None or self._clock() - self._had > STALE

    def _refresh(self, *, needed: bool) -> None:
        """Have the keys fetched, at most once in a cool-down, and wait for them no longer than the time-out.

        The fetch has a thread of its own, one for each issuer at most. Who began it waits for it, unless a known key
        will do and the last fetch failed. Others wait only if they `need` a key that is not known, and not for a server
        that failed the last time: so one that hangs costs one call its patience, and no other.
        """
        with self._lock:
            now = self._clock()
            busy = self._fetching is not None and self._fetching.is_alive()
            begins = not busy and (self._tried is None or now - self._tried >= COOL_DOWN)
            if begins:
                self._tried = now
                self._fetching = Thread(target=self._fetch, name="key fetch", daemon=True)
                self._fetching.start()
            fetching = self._fetching
            fresh = self._tried is not None and now - self._tried < TIME_OUT
            waits = fresh and (begins and needed if self._failed else begins or needed)
        if fetching is not None and waits:
            fetching.join(TIME_OUT)

    def _fetch(self) -> None:
        """Take the keys if they can be had; where they cannot, those already known stay good for a while."""
        try:
            file, url = self._issuer.jwks_file, self._issuer.jwks_url
            keys = read_key_set(Path(file).read_bytes() if file else _body(url or "", self._issuer.jwks_ca))
        except (OSError, ValueError, HTTPError) as failed:
            self._failed = True
            age = "none is known" if self._had is None else f"those known are {self._clock() - self._had:.0f} s old"
            _LOG.warning("the keys of %s could not be fetched (%s): %s", self._name, type(failed).__name__, age)
            return
        self._keys, self._had, self._failed = keys.without(self._exposed), self._clock(), False


def _body(url: str, authority: str | None) -> bytes:
    """What stands at `url`: no redirect, no proxy, no cookie, bounded in time and size.

    Parameters: `authority`, a file of the certificates that the server must be signed by; `None` for the public ones.
    Raises OSError, ValueError or urllib3's HTTPError.
    """
    lines = Lines(Addresses(AddressRules((), private=True)), 1, Path(authority) if authority else None).to(url)
    parts = urlsplit(url)
    try:
        with lines.urlopen(
            "GET",
            (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "telecode"},
            timeout=Timeout(total=TIME_OUT, connect=TIME_OUT, read=TIME_OUT),
            redirect=False,
            preload_content=False,
        ) as answer:
            if answer.status != HTTPStatus.OK:
                raise ValueError("no key set")
            body = bytearray()
            for chunk in answer.stream(_CHUNK):
                body += chunk
                if len(body) > LARGEST:
                    raise ValueError("the key set is too large")
            return bytes(body)
    finally:
        lines.close()
