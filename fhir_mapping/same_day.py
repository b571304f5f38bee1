"""Reads whether the clinician, or one who counts as the same, saw the patient twice that day, which is billed as one.

What the other visit lasted, and at what level, is left open: the card asks which of the two carries the code.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from fhir_mapping.chart import Chart
from fhir_mapping.encounter import period_of
from fhir_mapping.facts import Fact, How, Modality, SameDayVisit
from fhir_mapping.hints import UNCLEAR
from fhir_mapping.moments import Moment, moment_or_none
from fhir_mapping.other_visits import (
    VISITS,
    OtherVisit,
    began,
    is_contact_only,
    is_no_visit,
    is_visit_code,
    same_clinician,
    took_place,
    ways_met,
)
from fhir_mapping.patient_class import not_ours
from fhir_mapping.people import People
from fhir_mapping.practices import Practices
from fhir_mapping.resources import evidence, name

_APART = range(-2, 3)
"""Days that an encounter may move by when its day is told in the time zone of the visit."""


def same_day_visit(chart: Chart, who: People, practices: Practices) -> tuple[Fact[SameDayVisit], list[str]]:
    """Read the other visit of the day, and name the encounters of which it is not said that they were visits.

    Parameters: `who` rendered the visit; `practices`, those of the chart. An encounter is a visit where a code or a
    word of its type says so: EHRs keep refills and letters as encounters too.
    """
    if chart.when is None or not who.identities:
        return Fact(), []
    visits, notes = [], []
    for other in _that_day(chart, chart.when):
        if is_no_visit(chart, other.resource) or not same_clinician(chart, other.resource, practices):
            continue
        if is_visit_code(chart, other.resource.get("type")) or not VISITS.isdisjoint(ways_met(chart, other.resource)):
            visits.append(other)
        else:
            notes.append(f"{name(other.resource)} is of the same day and clinician; were it a visit, the two are one")
    if not visits:
        return Fact(), notes
    said = tuple(evidence(one.resource, one.path, one.day.isoformat(), How.DERIVED) for one in visits)
    return Fact(SameDayVisit(_mode(chart, visits)), said), notes


def _that_day(chart: Chart, visit: Moment) -> Iterator[OtherVisit]:
    """Find the encounters of the day that may have been visits of their own."""
    days = {(visit.day + timedelta(moved)).isoformat() for moved in _APART}
    for encounter in chart.of("Encounter"):
        if began(encounter)[:10] not in days:
            continue
        other = took_place(chart, encounter, visit)
        if other is None or other.day != visit.day or not_ours(encounter, chart.vocabulary):
            continue
        if not is_contact_only(chart, encounter) and not _is_the_visit(chart, other, visit):
            yield other


def _is_the_visit(chart: Chart, other: OtherVisit, visit: Moment) -> bool:
    """Whether an encounter is the visit written twice: part of it, or at the same time, when nobody sees two."""
    if chart.is_this_visit(other.resource.get("partOf"), other.resource):
        return True
    if chart.find(chart.encounter.get("partOf"), chart.encounter, "Encounter") is other.resource:
        return True
    start = moment_or_none(began(other.resource))
    ends = [moment_or_none(period_of(one)[1].get("end")) for one in (chart.encounter, other.resource)]
    begin, until = _span(visit, ends[0], visit if start is None else start)
    other_begin, over = _span(start, ends[1], visit)
    if begin is None or other_begin is None or until is None or over is None:
        return False
    return begin == other_begin or (other_begin < until and begin < over)


def _span(start: Moment | None, end: Moment | None, beside: Moment) -> tuple[datetime | None, datetime | None]:
    """When a visit began and ended; by the clocks as they are written where one of the two visits has no zone."""
    if start is None:
        return None, None
    if start.at and beside.at:
        return start.at, max(start.at, end.at) if end and end.at else start.at
    return start.clock, max(start.clock, end.clock) if start.clock and end and end.clock else start.clock


def _mode(chart: Chart, visits: list[OtherVisit]) -> Modality | None:
    """How they met, where all the other visits of the day say one thing."""
    met = frozenset().union(*(ways_met(chart, one.resource) for one in visits))
    modes = [mode for mode in Modality if mode in met]
    return modes[0] if len(modes) == 1 and UNCLEAR not in met else None
