"""The days that a visitor asks for, as an address carries them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime


def asked_day(query: Mapping[str, str], name: str) -> date | None:
    """The day under a name of the query string, or `None` where it is left blank.

    Raises ValueError, in words for the visitor, for what is no day of the calendar.
    """
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # ISO has other ways to write a day; a visitor is shown one
        raise ValueError(f"{text[:40]} is not a date as YYYY-MM-DD")
    return day


def today() -> date:
    """The day it is, where none is asked for; it never stands for a date of service that is unknown."""
    return datetime.now(UTC).date()
