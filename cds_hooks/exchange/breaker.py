"""Leaves a FHIR server alone that has stopped answering, so that no visit waits for it; then tries it once again."""

import time
from collections.abc import Callable
from threading import Lock

LIMIT = 3
"""Requests in a row that waited in vain, after which a server is left alone."""
PAUSE = 5.0
"""Seconds for which it is left alone."""


class Breaker:
    """What is known of one server: whether it answers.

    Parameters: `clock` of seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._in_vain = 0
        self._until = 0.0
        self._trying = False

    def admits(self) -> bool:
        """Whether a request may call now. After the pause one request may, and the others wait for how it fares."""
        with self._lock:
            if self._in_vain < LIMIT:
                return True
            if self._trying or self._clock() < self._until:
                return False
            self._trying = True
            return True

    def heard(self, *, in_vain: bool) -> bool:
        """Note how a request fared: `in_vain` if none of its calls was answered in time.

        Tells whether the server is left alone from now on.
        """
        with self._lock:
            trial, self._trying = self._trying, False
            self._in_vain = self._in_vain + 1 if in_vain else 0
            opens = in_vain and (self._in_vain == LIMIT or (trial and self._in_vain > LIMIT))
            if opens:
                self._until = self._clock() + PAUSE
            return opens
