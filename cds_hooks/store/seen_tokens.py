"""Remembers which client tokens were used, so that none is accepted a second time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock

from sqlalchemy import delete, select, tuple_

from cds_hooks.store import patience
from cds_hooks.store.database import Database, StoreUnavailableError
from cds_hooks.store.moments import StoredTime
from cds_hooks.store.tables import TOKENS

BATCH = 1000
"""Rows dropped in one transaction: so few that nobody waits for it."""
KEPT = timedelta(days=1, minutes=10)
"""How long a used token is kept after it has expired: longer than any may live."""
WATCHED = 3600.0
"""Seconds for which the time is watched before tokens are dropped by it."""
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass
class SeenTokens:
    """Which client tokens were used already, shared by all workers and machines of one database.

    Parameters: `seconds` to wait for the database; `stored`, the unit to which times are rounded; `now`, the time of
    day; `forward`, a clock that only goes forward.
    """

    database: Database
    seconds: float = patience.TOKEN
    stored: StoredTime = StoredTime.HOUR
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    forward: Callable[[], float] = time.monotonic
    _lock: Lock = field(default_factory=Lock, repr=False)
    _since: float | None = None
    _earliest: datetime = _LAST
    _before: datetime | None = None

    def first_use(self, issuer: str, jti: str, expires: datetime) -> bool:
        """Whether this is the first use of a token: one step, so that of many who ask at once one hears yes.

        Parameters: `jti` of the token, kept as a digest; `expires`, from when on it would be refused anyway.
        Raises StoreUnavailableError: whether the token was used before is then not known.
        """
        with self.database.writing(self.seconds) as connection:
            row = {"issuer": issuer[:255], "digest": sha256(jti.encode("utf-8", "surrogatepass")).hexdigest()}
            fresh = self.database.insert_new(connection, TOKENS, {**row, "expires": self.stored.up(expires)})
        with suppress(StoreUnavailableError):  # what is not dropped now is dropped another time
            self._sweep(min(self.now(), expires))
        return fresh

    def _sweep(self, moment: datetime) -> None:
        """Drop tokens that have expired for good, some at a time.

        A clock may be set forward and back, and a token that was dropped meanwhile would be believed once more. So a
        token is dropped only a day after the earliest time that was seen within a whole hour, which is measured by the
        clock that only goes forward; and to that the tokens' own times belong, which are by the clocks of the EHRs.
        """
        with self._lock:
            passed = self.forward()
            if self._since is None:
                self._since = passed
            self._earliest = min(self._earliest, moment)
            if passed - self._since >= WATCHED:
                self._before = self._earliest - KEPT
                self._since, self._earliest = passed, moment
            before = self._before
        if before is None:
            return
        old = select(TOKENS.c.issuer, TOKENS.c.digest).where(TOKENS.c.expires < before).order_by(TOKENS.c.expires)
        some = old.limit(BATCH).with_for_update(skip_locked=True)
        with self.database.writing(patience.CARD) as connection:
            dropped = connection.execute(delete(TOKENS).where(tuple_(TOKENS.c.issuer, TOKENS.c.digest).in_(some)))
        if dropped.rowcount < BATCH:
            self._before = None
