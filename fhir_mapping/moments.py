"""Reads dates and times the way a bill needs them: the day as it was written, never moved to another time zone."""

import re
from datetime import date, datetime
from typing import NamedTuple

from fhir_mapping.resources import text

_FORM = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"  # the day, then the clock and the zone
    r"(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)[0-9]* ?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_EARLIEST, _LATEST = 1900, 2200


class NoMomentError(ValueError):
    """A date or time that cannot be evidence, and why."""


class Moment(NamedTuple):
    """A day in its own offset, with the time where one was written."""

    day: date
    at: datetime | None = None

    def day_beside(self, other: "Moment") -> date:
        """The day of this moment as the clock stood at `other`: a server may have moved an evening into UTC."""
        return self.at.astimezone(other.at.tzinfo).date() if self.at and other.at else self.day

    def falls_on(self, other: "Moment") -> bool:
        """Tell whether this moment falls on the day of `other`, as the clock stood there."""
        return self.day_beside(other) == other.day


def read_moment(value: object) -> Moment:
    """Read a FHIR date, dateTime or instant.

    Raises NoMomentError, with the reason, for a time without a zone, a month or year alone, or a day of no calendar.
    """
    form = _FORM.fullmatch(text(value))
    if not form:
        raise NoMomentError("is not a full date")
    written, clock, zone = form.groups()
    if clock and not zone:
        raise NoMomentError("has a time without a time zone")
    try:
        at = datetime.fromisoformat(f"{written}T{clock}{zone}") if clock else None
        day = at.date() if at else date.fromisoformat(written)
    except ValueError:
        raise NoMomentError("is not a date of the calendar") from None
    if not _EARLIEST <= day.year <= _LATEST:
        raise NoMomentError("lies outside any plausible year")
    return Moment(day, at)


def moment_or_none(value: object) -> Moment | None:
    """Read it too, with `None` where the reason for a refusal does not matter."""
    try:
        return read_moment(value)
    except NoMomentError:
        return None
