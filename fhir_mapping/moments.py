"""Reads dates and times the way a bill needs them: the day as it was written, never moved to another time zone."""

import re
from datetime import date, datetime
from typing import NamedTuple

from fhir_mapping.resources import text

_FORM = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"  # the day, then the clock and the zone
    r"(?:[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:[.,][0-9]{1,6})?)?[0-9]* ?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_LEAP, _MIDNIGHT = ":60", "24:00"
_LAST_SECOND, _LAST_OF_DAY = ":59", ("23:59", ":59")
"""A leap second and the end of a day belong to the day they are written on; Python's clock has neither."""
_EARLIEST, _LATEST = 1900, 2200


LACKS_ZONE = "has a time without a time zone; the day is taken as written"


class NoMomentError(ValueError):
    """A date or time that cannot be evidence, and why."""


class Moment(NamedTuple):
    """A day in its own offset, with the time where one was written.

    `clock` is the time as written, without its zone; `at` is the moment itself, where the zone was written too.
    """

    day: date
    at: datetime | None = None
    clock: datetime | None = None

    @property
    def lacks_zone(self) -> bool:
        """Whether a time was written without its zone: the day is then taken as written."""
        return self.clock is not None and self.at is None

    def day_beside(self, other: "Moment") -> date:
        """The day of this moment as the clock stood at `other`: a server may have moved an evening into UTC."""
        return self.at.astimezone(other.at.tzinfo).date() if self.at and other.at else self.day

    def falls_on(self, other: "Moment") -> bool:
        """Tell whether this moment falls on the day of `other`, as the clock stood there."""
        return self.day_beside(other) == other.day

    def in_zone_of(self, other: "Moment") -> "Moment":
        """The same moment as the clock stood at `other`."""
        if self.at is None or other.at is None:
            return self
        moved = self.at.astimezone(other.at.tzinfo)
        return Moment(moved.date(), moved, moved.replace(tzinfo=None))

    @property
    def is_utc(self) -> bool:
        """Whether it was written in UTC, which may be a server's way and not that of the clock on the wall."""
        return self.at is not None and not self.at.utcoffset()


def read_moment(value: object) -> Moment:
    """Read a FHIR date, dateTime or instant, a time without a zone too.

    Raises NoMomentError, with the reason, for a month or year alone, or a day of no calendar.
    """
    form = _FORM.fullmatch(text(value))
    if not form:
        raise NoMomentError("is not a full date")
    written, hour, second, zone = form.groups()
    second = (second or ":00").replace(",", ".")
    if second.startswith(_LEAP):
        second = _LAST_SECOND
    if hour == _MIDNIGHT and not second.strip(":.0"):
        hour, second = _LAST_OF_DAY
    try:
        day = date.fromisoformat(written)
        clock = datetime.fromisoformat(f"{written}T{hour}{second}") if hour else None
        at = datetime.fromisoformat(f"{written}T{hour}{second}{zone.upper()}") if hour and zone else None
    except ValueError:
        raise NoMomentError("is not a date of the calendar") from None
    if not _EARLIEST <= day.year <= _LATEST:
        raise NoMomentError("lies outside any plausible year")
    return Moment(day, at, clock)


def moment_or_none(value: object) -> Moment | None:
    """Read it too, with `None` where the reason for a refusal does not matter."""
    try:
        return read_moment(value)
    except NoMomentError:
        return None
