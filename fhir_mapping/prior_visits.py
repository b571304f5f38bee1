"""Reads whether the patient is new or established by the three-year rule.

Established is proven by one earlier visit. New is never proven by absence alone, for EHRs answer with a part of the
chart. Only where a site vouches for its searches, and the search was not cut short, does none found mean new.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum
from heapq import heapify, heappop, heappush

from fhir_mapping.charges import is_bill
from fhir_mapping.chart import Chart
from fhir_mapping.facts import Fact, How, PatientStatus
from fhir_mapping.moments import LACKS_ZONE, Moment, moment_or_none
from fhir_mapping.other_visits import (
    OtherVisit,
    began,
    is_contact_only,
    is_no_visit,
    is_visit_code,
    same_clinician,
    took_place,
    undated,
)
from fhir_mapping.patient_class import classes
from fhir_mapping.people import People
from fhir_mapping.practices import Practices
from fhir_mapping.readings import unknown
from fhir_mapping.resources import Json, evidence, name, record, records, text
from fhir_mapping.searches import complete_search

_YEARS = 3
_APART = timedelta(days=2)
_EXACT, _OFF = timedelta(0), timedelta(days=1)
"""By how much a day may be off: a time without a zone may be of the day before or after in that of the visit."""
_BILLS = ("Claim", "ExplanationOfBenefit")


class _Earlier(Enum):
    """What an earlier encounter, bill or procedure proves."""

    VISIT = "visit"
    CONTACT = "contact"
    DOUBTFUL = "doubtful"
    STRANGERS = "strangers"


def patient_status(
    chart: Chart, who: People, practices: Practices, *, complete_history: bool = False
) -> Fact[PatientStatus]:
    """Read whether the clinician, or one of the same group and specialty, saw the patient in the past three years.

    Parameters: `who` rendered the visit; `practices`, those of the chart; `complete_history` if the site vouches that
    a search for encounters that was not cut short holds every visit of the group.
    """
    if chart.when is None:
        return Fact(why_unknown="the date of the visit is not known")
    if not who.identities:
        return Fact(why_unknown="who rendered the visit is not known")
    edge = _edge(chart.when.day)
    # A bill or a procedure that could not be read may tell of an earlier visit too.
    unread_bill = not chart.unreadable.isdisjoint({"Procedure", *_BILLS})
    contacts, doubtful = 0, chart.refused.get("Encounter", 0) + unread_bill
    judged: dict[int, _Earlier] = {}  # a bill tells of a visit in each of its lines
    for earlier in _newest_first(chart, chart.when):
        off = _OFF if earlier.lacks_zone else _EXACT
        if not edge - off <= earlier.day < chart.when.day:
            continue
        surely_within = earlier.day - off > edge
        match _judge_once(chart, earlier.resource, practices, judged):
            case _Earlier.STRANGERS:
                pass
            case _Earlier.VISIT if surely_within:
                return _established(chart, earlier)
            case _Earlier.CONTACT if surely_within:
                contacts += 1
            case _:
                doubtful += 1
    doubtful += sum(_judge_once(chart, one, practices, judged) is not _Earlier.STRANGERS for one in undated(chart))
    if complete_history and not contacts and not doubtful:
        said = complete_search(chart.searches, "Encounter", edge, chart.when.day)
        if said:
            return Fact(PatientStatus.NEW, (said,), notes=("the site vouches that its search for visits is complete",))
    supplied = sum(1 for encounter in chart.of("Encounter") if encounter is not chart.encounter)
    refused = _refused(chart)
    return unknown("", refused, reason=_why(supplied, contacts, doubtful, found=bool(refused)))


def _refused(chart: Chart) -> list[str]:
    """Name what may tell of an earlier visit and cannot be used: it was left out, or its day cannot be told."""
    left = [one for kind in ("Encounter", *_BILLS, "Procedure") for one in chart.left_out(kind)]
    others = [encounter for encounter in chart.of("Encounter") if encounter is not chart.encounter]
    undated = [one for one in others if moment_or_none(began(one)) is None]
    return [*left, *(f"{name(one)}: its day cannot be told" for one in undated)]


def _judge_once(chart: Chart, resource: Json, practices: Practices, judged: dict[int, _Earlier]) -> _Earlier:
    if id(resource) not in judged:
        judged[id(resource)] = _judge(chart, resource, practices)
    return judged[id(resource)]


def _judge(chart: Chart, resource: Json, practices: Practices) -> _Earlier:
    same = same_clinician(chart, resource, practices)
    if same is False:
        return _Earlier.STRANGERS
    if same is None or is_no_visit(chart, resource):
        return _Earlier.DOUBTFUL
    return _Earlier.CONTACT if is_contact_only(chart, resource) else _Earlier.VISIT


def _established(chart: Chart, earlier: OtherVisit) -> Fact[PatientStatus]:
    said = evidence(earlier.resource, earlier.path, earlier.day.isoformat(), How.DERIVED)
    virtual = any(word == "virtual" for word, _ in classes(earlier.resource, chart.vocabulary, "class"))
    notes = ["the earlier visit was virtual"] if virtual else []
    if earlier.lacks_zone:
        notes.append(f"the earlier visit {LACKS_ZONE}")
    return Fact(PatientStatus.ESTABLISHED, (said,), notes=tuple(notes))


def _why(supplied: int, contacts: int, doubtful: int, *, found: bool) -> str:
    none_is = {
        0: "no other encounter can be used" if found else "no other encounter was at hand",
        1: f"the one encounter at hand is no visit with this clinician in the {_YEARS} years before",
    }.get(
        supplied, f"no visit with this clinician in the {_YEARS} years before among the {supplied} encounters at hand"
    )
    why = f"{none_is}; absence does not prove new"
    if contacts:
        why += f" ({contacts} telephone or written contacts alone do not settle it)"
    if doubtful:
        why += f" ({doubtful} earlier encounters leave it open: what they were, with whom, or when is not said)"
    return why


def _edge(visit: date) -> date:
    """Find the last day that is too early.

    That is the very day three years before: the rule speaks of the past three years to the day, and the cautious
    reading neither counts the edge nor takes it for new.
    """
    try:
        return visit.replace(year=visit.year - _YEARS)
    except ValueError:  # from 29 February
        return visit.replace(year=visit.year - _YEARS, day=28)


def _newest_first(chart: Chart, visit: Moment) -> Iterator[OtherVisit]:
    """Read who was seen when, from the newest on and only as far as is asked: a long chart has hundreds of visits.

    Encounters wait in the order of their days as they are written, which clocks far apart move by two at most.
    """
    encounters = chart.of("Encounter")
    others = enumerate((*_bills(chart, visit), *_procedures(chart, visit)), start=len(encounters))
    read = [(-one.day.toordinal(), number, one) for number, one in others]
    heapify(read)
    waiting = [(began(encounter)[:10], number) for number, encounter in enumerate(encounters)]
    for written, number in sorted(waiting, reverse=True):
        while read and written < (read[0][2].day - _APART).isoformat():
            yield heappop(read)[2]
        if earlier := took_place(chart, encounters[number], visit):
            heappush(read, (-earlier.day.toordinal(), number, earlier))
    while read:
        yield heappop(read)[2]


def _bills(chart: Chart, visit: Moment) -> Iterator[OtherVisit]:
    """List billed E/M visits: other lines (a test read, a prescription) do not make a patient established."""
    for kind in _BILLS:
        for bill in chart.of(kind):
            sent = chart.vocabulary.term("status", "claim-status", text(bill.get("status"))) == "counted"
            for item in records(bill.get("item")) if sent and is_bill(chart, bill) else []:
                said = item.get("servicedDate") or record(item.get("servicedPeriod")).get("start")
                served = moment_or_none(said or record(bill.get("billablePeriod")).get("start"))
                if served and is_visit_code(chart, item.get("productOrService")):
                    yield OtherVisit(served.day_beside(visit), bill, f"{kind}.item.productOrService", served.lacks_zone)


def _procedures(chart: Chart, visit: Moment) -> Iterator[OtherVisit]:
    for procedure in chart.of("Procedure"):
        done = chart.vocabulary.term("status", "procedure-status", text(procedure.get("status"))) == "counted"
        said = procedure.get("performedDateTime") or record(procedure.get("performedPeriod")).get("start")
        said = said or procedure.get("occurrenceDateTime") or record(procedure.get("occurrencePeriod")).get("start")
        performed = moment_or_none(said)
        if done and performed and is_visit_code(chart, procedure.get("code")):
            yield OtherVisit(performed.day_beside(visit), procedure, "Procedure.code", performed.lacks_zone)
