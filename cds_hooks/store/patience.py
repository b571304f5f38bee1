"""How long a call may wait for the database: what a clinician waits for, less than what must not be lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

CARD = 0.25
"""Seconds to remember a card, which goes out remembered or not."""
TOKEN = 2.0
"""Seconds to look whether a token was used before; until that is known nothing is answered."""
LOOK = 1.0
"""Seconds for the database to show that it answers at all."""
FEEDBACK = 5.0
"""Seconds to keep feedback, which is refused where it cannot be kept."""
MIGRATION = 60.0
"""Seconds to wait for another instance that is bringing the tables up to date."""
_INSTANT = 0.001
_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def at_most(seconds: float | None) -> Iterator[None]:
    """Within the block the database is waited for no longer than so many seconds; `None` for as long as it takes.

    A block within another one has no more time than that.
    """
    outer, own = _until.get(), None if seconds is None else time.monotonic() + seconds
    before = _until.set(min((until for until in (outer, own) if until is not None), default=None))
    try:
        yield
    finally:
        _until.reset(before)


def left() -> float | None:
    """Seconds left to wait, a little more than none when they are over; `None` where there is no bound."""
    until = _until.get()
    return None if until is None else max(_INSTANT, until - time.monotonic())


def is_over() -> bool:
    """Whether nothing is left to wait."""
    until = _until.get()
    return until is not None and time.monotonic() >= until
