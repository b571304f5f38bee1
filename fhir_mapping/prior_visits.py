"""Reads whether the patient is established: seen by the same clinician within three years. It never says "new".

Absence proves nothing: EHRs answer with a part of the chart, and visits to others of the same group and specialty,
which count as well, are not in it.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from fhir_mapping.charges import is_bill
from fhir_mapping.chart import Chart
from fhir_mapping.encounter import classes
from fhir_mapping.facts import Fact, How, Modality, PatientStatus
from fhir_mapping.moments import moment_or_none
from fhir_mapping.people import identities, participants
from fhir_mapping.resources import Json, codings, concepts, evidence, record, records, text

_YEARS = 3
_CONTACTS = {Modality.ASYNCHRONOUS, Modality.AUDIO_ONLY}


class _Earlier(NamedTuple):
    day: date
    resource: Json
    path: str


def patient_status(chart: Chart, rendered: frozenset[str]) -> Fact[PatientStatus]:
    """Read whether the clinician, by all the names in `rendered`, saw the patient within the past three years."""
    if chart.when is None:
        return Fact(why_unknown="the date of the visit is not known")
    if not rendered:
        return Fact(why_unknown="who rendered the visit is not known")
    supplied = sum(1 for encounter in chart.of("Encounter") if encounter is not chart.encounter)
    window = _edge(chart.when.day), chart.when.day
    found = [*_encounters(chart, *window), *_claims(chart, *window)]
    contacts = 0
    for earlier in sorted(found, key=lambda one: one.day, reverse=True):
        if rendered.isdisjoint(_clinicians(chart, earlier.resource)):
            continue
        if _is_contact_only(chart, earlier.resource):
            contacts += 1
            continue
        said = evidence(earlier.resource, earlier.path, earlier.day.isoformat(), How.DERIVED)
        virtual = any(word == "virtual" for word, _ in classes(earlier.resource, chart.vocabulary, "class"))
        return Fact(PatientStatus.ESTABLISHED, (said,), notes=("the earlier visit was virtual",) if virtual else ())
    why = f"no earlier visit with this clinician among the {supplied} encounters at hand; absence does not prove new"
    if contacts:
        why += f" ({contacts} telephone or written contacts alone do not settle it)"
    return Fact(why_unknown=why)


def _edge(visit: date) -> date:
    """Find the last day that is too early.

    That is the very day three years before: the rule speaks of the past three years to the day, and the cautious
    reading does not count the edge.
    """
    try:
        return visit.replace(year=visit.year - _YEARS)
    except ValueError:  # from 29 February
        return visit.replace(year=visit.year - _YEARS, day=28)


def _encounters(chart: Chart, edge: date, visit: date) -> Iterator[_Earlier]:
    for encounter in chart.of("Encounter"):
        element = "actualPeriod" if "actualPeriod" in encounter else "period"
        start = moment_or_none(record(encounter.get(element)).get("start"))
        took_place = chart.vocabulary.term("status", "encounter-status", text(encounter.get("status"))) == "counted"
        if took_place and start and edge < start.day < visit and encounter is not chart.encounter:
            yield _Earlier(start.day, encounter, f"Encounter.{element}.start")


def _claims(chart: Chart, edge: date, visit: date) -> Iterator[_Earlier]:
    """List billed E/M visits: other lines (a test read, a prescription) do not make a patient established."""
    for claim in chart.of("Claim"):
        sent = chart.vocabulary.term("status", "claim-status", text(claim.get("status"))) == "counted"
        for item in records(claim.get("item")) if sent and is_bill(chart, claim) else []:
            kinds = {chart.vocabulary.word("reported", c.system, c.code) for c in codings(item.get("productOrService"))}
            said = item.get("servicedDate") or record(item.get("servicedPeriod")).get("start")
            served = moment_or_none(said or record(claim.get("billablePeriod")).get("start"))
            if "visit" in kinds and served and edge < served.day < visit:
                yield _Earlier(served.day, claim, "Claim.item.productOrService")


def _clinicians(chart: Chart, resource: Json) -> Iterator[str]:
    """Name everyone who took part; a part that is not understood (a referrer, a scheduler) does not count."""
    for participant in participants(chart, resource):
        if participant.parts or not participant.typed:
            yield from identities(chart, participant.target, resource)
    team = [member.get("provider") for member in records(resource.get("careTeam"))]
    if resource.get("resourceType") == "Claim":
        for target in (*team, resource.get("provider")):
            yield from identities(chart, target, resource)


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
