"""Whether the store can be used now, for those who ask every second: looked at each time, written now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from cds_hooks.store import patience
from cds_hooks.store.database import Database

WRITTEN = 1.0
"""Seconds for which a successful write proves that the store can be written, unless a request fails meanwhile."""


class Readiness:
    """Asks a database for everybody who wants to know: one thread at a time, and the others take its answer.

    Parameters: `database`; `now`, a clock of seconds that only goes forward.
    """

    def __init__(self, database: Database, now: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._now = now
        self._turn = Lock()
        self._rounds = 0
        self._fault: str | None = None
        self._written: float | None = None

    def fault(self) -> str | None:
        """What is wrong with the store now, in words for an operator, or `None` if it can be used."""
        seen = self._rounds
        if not self._turn.acquire(timeout=patience.LOOK):
            return "the store does not answer"
        try:
            if self._rounds == seen:
                self._fault = self._asked()
                self._rounds += 1
            return self._fault
        finally:
            self._turn.release()

    def _asked(self) -> str | None:
        proven = self._written is not None and self._now() - self._written < WRITTEN
        if proven and not self._database.failed.is_set():
            return self._database.fault(write=False)
        self._database.failed.clear()
        self._written = None
        fault = self._database.fault()
        if fault is None:
            self._written = self._now()
        return fault
