"""Reads when the visit was: its date as written, and how long its slot was."""

from datetime import date, timedelta

from fhir_mapping.facts import Fact
from fhir_mapping.moments import Moment, NoMomentError, moment_or_none, read_moment
from fhir_mapping.resources import Json, evidence, record, text

_LATE = 12  # hours of UTC; until then it is still the day before somewhere


def period_of(encounter: Json) -> tuple[str, Json]:
    """Find the period of an encounter, and its path: R5 calls it `actualPeriod`."""
    element = "actualPeriod" if "actualPeriod" in encounter else "period"
    return f"Encounter.{element}", record(encounter.get(element))


def _start(encounter: Json) -> Moment:
    """Read when the visit began. Raises NoMomentError if that is not said, or if it ended before it began."""
    path, period = period_of(encounter)
    if not period.get("start"):
        raise NoMomentError(f"{path}.start is not said")
    try:
        start = read_moment(period.get("start"))
    except NoMomentError as refused:
        raise NoMomentError(f"{path}.start {refused}") from None
    end = moment_or_none(period.get("end"))
    if end and (end.at < start.at if end.at and start.at else end.day < start.day):
        raise NoMomentError(f"{path} ends before it starts")
    return start


def visit_moment(encounter: Json) -> Moment | None:
    """Read when the visit began, if that can be told."""
    try:
        return _start(encounter)
    except NoMomentError:
        return None


def service_date(encounter: Json) -> Fact[date]:
    """Read the date of service: the day the visit began, in the offset it was written in."""
    path, period = period_of(encounter)
    try:
        start = _start(encounter)
    except NoMomentError as refused:
        return Fact(why_unknown=str(refused))
    notes: tuple[str, ...] = ()
    if start.at is not None and start.at.utcoffset() == timedelta(0) and start.at.hour < _LATE:
        notes = ("written in UTC: where the clock stood behind it, the visit may be of the day before",)
    try:
        if period.get("end") and (last := read_moment(period.get("end")).day) != start.day:
            notes = (*notes, f"{path} ends on another day, {last}")
    except NoMomentError as refused:
        notes = (*notes, f"{path}.end {refused}: not used")
    return Fact(start.day, (evidence(encounter, f"{path}.start", text(period.get("start"))),), notes=notes)


def slot_note(encounter: Json, start: Moment | None) -> str | None:
    """Word the cross-check for the minutes: how long the visit or its slot was, which is never time spent by law.

    Parameters: `start`, when the visit began, if that can be told.
    """
    path, period = period_of(encounter)
    end = moment_or_none(period.get("end"))
    if start is None or end is None or start.at is None or end.at is None:
        return None
    minutes = int((end.at - start.at).total_seconds()) // 60
    return f"{path} spans {minutes} minutes: visit or slot time, not used" if minutes else None
