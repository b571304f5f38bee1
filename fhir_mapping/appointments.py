"""Finds the appointment that a visit was booked as: the one it names, or the only one of its day that can be it."""

from datetime import datetime, timedelta

from fhir_mapping.chart import Chart
from fhir_mapping.encounter import period_of
from fhir_mapping.moments import LACKS_ZONE, moment_or_none
from fhir_mapping.people import People, participants
from fhir_mapping.resources import Json, name, records, reference
from fhir_mapping.roster import CLINICIANS, surely_another

_LATE = timedelta(hours=1)
"""How far a visit and its slot may lie apart: clinics run late, and some visits begin before their slot."""


def appointments(chart: Chart, who: People) -> tuple[list[Json], tuple[str, ...]]:
    """List the appointments the visit names, else the only one there is if it can be of this visit; and why not.

    Parameters: `who` rendered the visit.
    """
    linked = [
        chart.find(target, chart.encounter, "Appointment") for target in records(chart.encounter.get("appointment"))
    ]
    if linked:
        return [found for found in {id(one): one for one in linked}.values() if found], ()
    every = chart.of("Appointment")
    start = moment_or_none(every[0].get("start")) if len(every) == 1 else None
    if not start or not chart.when or not start.falls_on(chart.when):
        return [], ()
    only = every[0]
    if _is_of_another(chart, only, who):
        return [], (f"{name(only)} is of the same day, but with another clinician; not used",)
    if start.at and chart.when.at and _are_apart(chart.encounter, chart.when.at, only, start.at):
        return [], (f"{name(only)} is of the same day, but at another time; not used",)
    return [only], (f"{name(only)}.start {LACKS_ZONE}",) if start.lacks_zone else ()


def _is_of_another(chart: Chart, appointment: Json, who: People) -> bool:
    """Whether a clinician is booked who is surely none of the visit's."""
    present = [who.roster.identities(one.target, chart.encounter) for one in participants(chart, chart.encounter)]
    ours = who.identities.union(*present)
    actors = [entry.get("actor") for entry in records(appointment.get("participant"))]
    booked = [who.roster.identities(actor, appointment) for actor in actors if reference(actor).kind in CLINICIANS]
    return any(surely_another(ours, names) for names in booked)


def _are_apart(visit: Json, began: datetime, appointment: Json, booked: datetime) -> bool:
    ended, over = moment_or_none(period_of(visit)[1].get("end")), moment_or_none(appointment.get("end"))
    until = max(began, ended.at) if ended and ended.at else began
    end = max(booked, over.at) if over and over.at else booked
    return booked > until + _LATE or began > end + _LATE
