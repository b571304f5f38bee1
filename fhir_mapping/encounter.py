"""Reads when the visit was: its date as written, and how long its slot was."""

from collections.abc import Iterator
from datetime import date

from fhir_mapping.facts import Fact
from fhir_mapping.moments import LACKS_ZONE, Moment, NoMomentError, moment_or_none, read_moment
from fhir_mapping.resources import Json, evidence, record, records, text

_MOST = 50  # entries of a list of the visit that are asked for its time zone
_LATE = 12  # hours of UTC; until then it is still the day before somewhere


def period_of(encounter: Json) -> tuple[str, Json]:
    """Find the period of an encounter, and its path: R5 calls it `actualPeriod`."""
    element = "actualPeriod" if "actualPeriod" in encounter else "period"
    return f"Encounter.{element}", record(encounter.get(element))


def _start(encounter: Json) -> tuple[Moment, tuple[str, ...]]:
    """Read when the visit began, as the clock stood there, and what is to be remarked of it.

    Raises NoMomentError if that is not said, or if the visit ended on a day before it began.
    """
    path, period = period_of(encounter)
    if not period.get("start"):
        raise NoMomentError(f"{path}.start is not said")
    try:
        start = read_moment(period.get("start"))
    except NoMomentError as refused:
        raise NoMomentError(f"{path}.start {refused}") from None
    notes: list[str] = []
    if start.lacks_zone:
        notes.append(f"{path}.start {LACKS_ZONE}")
    local = _local_start(encounter, start)
    if local is not None:
        if local.day != start.day:
            notes.append(f"{path}.start is written in UTC; by the other times of the visit its day was {local.day}")
        start = local
    elif start.is_utc and start.at is not None and start.at.hour < _LATE:
        notes.append("written in UTC: where the clock stood behind it, the visit may be of the day before")
    if period.get("end"):
        notes += _end_notes(path, start, period.get("end"))
    return start, tuple(notes)


def _end_notes(path: str, start: Moment, written: object) -> Iterator[str]:
    """Hold the end against the start: one that is a little early is a slip of two clocks, and costs no date."""
    try:
        end = read_moment(written)
    except NoMomentError as refused:
        yield f"{path}.end {refused}: not used"
        return
    last = end.day_beside(start)
    if last < start.day:
        raise NoMomentError(f"{path} ends before it starts")
    if end.lacks_zone and not start.lacks_zone:
        yield f"{path}.end has a time without a time zone: not used"
    elif ends_early(start, end):
        yield f"{path} ends before it starts, on the same day: its end is not used"
    if last != start.day:
        yield f"{path} ends on another day, {last}"


def ends_early(start: Moment, end: Moment) -> bool:
    """Whether an end lies before its start, as far as their times can be compared."""
    if start.at and end.at:
        return end.at < start.at
    return bool(start.lacks_zone and end.lacks_zone and start.clock and end.clock and end.clock < start.clock)


def _local_start(encounter: Json, start: Moment) -> Moment | None:
    """The start as the clock stood there, where it is in UTC and other times of the visit tell the zone."""
    if not start.is_utc:
        return None
    seen = [moment for said in _times(encounter) if (moment := moment_or_none(said)) and moment.at]
    found = [start.in_zone_of(one) for one in seen if not one.is_utc]
    return found[0] if found and len({one.day for one in found}) == 1 else None


def _times(encounter: Json) -> Iterator[object]:
    """The times of a visit besides its start, those of its own period first."""
    yield period_of(encounter)[1].get("end")
    for element in ("participant", "location", "statusHistory", "classHistory"):
        for entry in records(encounter.get(element))[:_MOST]:
            period = record(entry.get("period"))
            yield from (period.get("start"), period.get("end"))


def visit_moment(encounter: Json) -> Moment | None:
    """Read when the visit began, if that can be told."""
    try:
        return _start(encounter)[0]
    except NoMomentError:
        return None


def service_date(encounter: Json) -> Fact[date]:
    """Read the date of service: the day the visit began, as the clock stood there."""
    path, period = period_of(encounter)
    try:
        start, notes = _start(encounter)
    except NoMomentError as refused:
        return Fact(why_unknown=str(refused))
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
    return f"{path} spans {minutes} minutes: visit or slot time, not used" if minutes > 0 else None
