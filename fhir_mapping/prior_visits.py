"""Reads whether the patient is new or established by the three-year rule.

Established is proven by one earlier visit. New is never proven by absence alone, for EHRs answer with a part of the
chart. Only where a site vouches for its searches, and the search was not cut short, does none found mean new.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache, partial
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from fhir_mapping.charges import is_bill
from fhir_mapping.chart import Chart
from fhir_mapping.encounter import classes
from fhir_mapping.facts import Fact, How, Modality, PatientStatus
from fhir_mapping.moments import Moment, moment_or_none
from fhir_mapping.people import People, identities, participants
from fhir_mapping.practices import Practice, practice, same_practice
from fhir_mapping.resources import Json, concepts, evidence, record, records, text
from fhir_mapping.searches import complete_search

_YEARS = 3
_APART = timedelta(days=2)
_CONTACTS = {Modality.ASYNCHRONOUS, Modality.AUDIO_ONLY}
_BILLS = ("Claim", "ExplanationOfBenefit")


class _Earlier(NamedTuple):
    day: date
    resource: Json
    path: str


def patient_status(chart: Chart, who: People, *, complete_history: bool = False) -> Fact[PatientStatus]:
    """Read whether the clinician, or one of the same group and specialty, saw the patient in the past three years.

    Parameters: `who` rendered the visit; `complete_history` if the site vouches that a search for encounters that was
    not cut short holds every visit of the group.
    """
    if chart.when is None:
        return Fact(why_unknown="the date of the visit is not known")
    if not who.identities:
        return Fact(why_unknown="who rendered the visit is not known")
    edge = _edge(chart.when.day)
    own = cache(partial(practice, chart, who.target, chart.encounter))  # asked for where the names alone do not tell
    contacts, doubtful = 0, []
    for earlier in _newest_first(chart, chart.when):
        if not edge <= earlier.day < chart.when.day:
            continue
        same = _same_clinician(chart, earlier.resource, who, own)
        if same is False:
            continue
        if same is None or earlier.day == edge:
            doubtful.append(earlier)
        elif _is_contact_only(chart, earlier.resource):
            contacts += 1
        else:
            return _established(chart, earlier)
    if complete_history and not contacts and not doubtful:
        said = complete_search(chart.searches, "Encounter", edge, chart.when.day)
        if said:
            return Fact(PatientStatus.NEW, (said,), notes=("the site vouches that its search for visits is complete",))
    supplied = sum(1 for encounter in chart.of("Encounter") if encounter is not chart.encounter)
    return Fact(why_unknown=_why(supplied, contacts, len(doubtful)))


def _established(chart: Chart, earlier: _Earlier) -> Fact[PatientStatus]:
    said = evidence(earlier.resource, earlier.path, earlier.day.isoformat(), How.DERIVED)
    virtual = any(word == "virtual" for word, _ in classes(earlier.resource, chart.vocabulary, "class"))
    return Fact(PatientStatus.ESTABLISHED, (said,), notes=("the earlier visit was virtual",) if virtual else ())


def _why(supplied: int, contacts: int, doubtful: int) -> str:
    why = f"no earlier visit with this clinician among the {supplied} encounters at hand; absence does not prove new"
    if contacts:
        why += f" ({contacts} telephone or written contacts alone do not settle it)"
    if doubtful:
        why += f" ({doubtful} earlier visits of which group and specialty, or the day, leave it open)"
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


def _same_clinician(chart: Chart, resource: Json, who: People, own: Callable[[], Practice]) -> bool | None:
    """Whether who took part is the clinician of the visit, or counts as the same; `None` if that cannot be told."""
    answers: list[bool | None] = []
    for target in _clinicians(chart, resource):
        theirs = identities(chart, target, resource)
        if not who.identities.isdisjoint(theirs):
            return True
        answers.append(same_practice(chart, own(), practice(chart, target, resource)))
    if any(answers):
        return True
    return None if None in answers or not answers else False


def _newest_first(chart: Chart, visit: Moment) -> Iterator[_Earlier]:
    """Read who was seen when, from the newest on and only as far as is asked: a long chart has hundreds of visits.

    Encounters wait in the order of their days as they are written, which clocks far apart move by two at most.
    """
    encounters = chart.of("Encounter")
    others = enumerate((*_bills(chart, visit), *_procedures(chart, visit)), start=len(encounters))
    read = [(-one.day.toordinal(), number, one) for number, one in others]
    heapify(read)
    waiting = [(text(_began(encounter))[:10], number) for number, encounter in enumerate(encounters)]
    for written, number in sorted(waiting, reverse=True):
        while read and written < (read[0][2].day - _APART).isoformat():
            yield heappop(read)[2]
        if earlier := _took_place(chart, encounters[number], visit):
            heappush(read, (-earlier.day.toordinal(), number, earlier))
    while read:
        yield heappop(read)[2]


def _element(encounter: Json) -> str:
    return "actualPeriod" if "actualPeriod" in encounter else "period"


def _began(encounter: Json) -> object:
    return record(encounter.get(_element(encounter))).get("start")


def _took_place(chart: Chart, encounter: Json, visit: Moment) -> _Earlier | None:
    """Read an encounter other than the visit, if it is said when it was, and that it was not cancelled."""
    start = moment_or_none(_began(encounter))
    counted = chart.vocabulary.term("status", "encounter-status", text(encounter.get("status"))) == "counted"
    if not counted or start is None or encounter is chart.encounter:
        return None
    return _Earlier(start.day_beside(visit), encounter, f"Encounter.{_element(encounter)}.start")


def _bills(chart: Chart, visit: Moment) -> Iterator[_Earlier]:
    """List billed E/M visits: other lines (a test read, a prescription) do not make a patient established."""
    for kind in _BILLS:
        for bill in chart.of(kind):
            sent = chart.vocabulary.term("status", "claim-status", text(bill.get("status"))) == "counted"
            for item in records(bill.get("item")) if sent and is_bill(chart, bill) else []:
                said = item.get("servicedDate") or record(item.get("servicedPeriod")).get("start")
                served = moment_or_none(said or record(bill.get("billablePeriod")).get("start"))
                if served and _is_visit(chart, item.get("productOrService")):
                    yield _Earlier(served.day_beside(visit), bill, f"{kind}.item.productOrService")


def _procedures(chart: Chart, visit: Moment) -> Iterator[_Earlier]:
    for procedure in chart.of("Procedure"):
        done = chart.vocabulary.term("status", "procedure-status", text(procedure.get("status"))) == "counted"
        said = procedure.get("performedDateTime") or record(procedure.get("performedPeriod")).get("start")
        said = said or procedure.get("occurrenceDateTime") or record(procedure.get("occurrencePeriod")).get("start")
        performed = moment_or_none(said)
        if done and performed and _is_visit(chart, procedure.get("code")):
            yield _Earlier(performed.day_beside(visit), procedure, "Procedure.code")


def _is_visit(chart: Chart, code: object) -> bool:
    return any(word == "visit" for word, _ in chart.vocabulary.words("reported", code))


def _clinicians(chart: Chart, resource: Json) -> Iterator[object]:
    """List everyone who took part; a part that is not understood (a referrer, a scheduler) does not count."""
    match resource.get("resourceType"):
        case "Encounter":
            for participant in participants(chart, resource):
                if participant.parts or not participant.typed:
                    yield participant.target
        case "Procedure":
            yield from (performer.get("actor") for performer in records(resource.get("performer")))
        case _:
            yield from (member.get("provider") for member in records(resource.get("careTeam")))
            yield from records(resource.get("provider"))


def _is_contact_only(chart: Chart, resource: Json) -> bool:
    """Recognise telephone and written contacts, which nobody billed as a visit: no source settles if they count."""
    met: set[str] = set()
    for concept in concepts(resource.get("type")):
        coded = [c for c in concept.codings if chart.vocabulary.word("modality", c.system, c.code)]
        if any(chart.vocabulary.word("reported", c.system, c.code) == "visit" for c in concept.codings):
            return False
        met |= {chart.vocabulary.word("modality", c.system, c.code) or "" for c in coded}
        if not coded:
            met |= chart.vocabulary.phrases("modality", concept.text)
    return bool(met) and met <= _CONTACTS
