"""Gathers all that the chart says about one visit: the facts with their evidence, and what a draft claim needs."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial

from fhir_mapping.charges import charges
from fhir_mapping.chart import (
    Chart,
    ContradictedPatient,
    ContradictedVisit,
    MissingEncounter,
    WrongPatient,
    open_chart,
    sent_beside,
)
from fhir_mapping.coverage import coverages
from fhir_mapping.documentation import documentation
from fhir_mapping.encounter import service_date
from fhir_mapping.facilities import behavioral_health, facility_types, setting
from fhir_mapping.facts import EncounterFacts, Fact, Parties, PatientClass, RecordShows, Release
from fhir_mapping.modality import modality
from fhir_mapping.narrative import narrative
from fhir_mapping.note_rules import NoteRules
from fhir_mapping.patient_class import not_ours, patient_class
from fhir_mapping.people import people
from fhir_mapping.places import places
from fhir_mapping.practices import Practices
from fhir_mapping.prior_visits import patient_status
from fhir_mapping.readings import bounded
from fhir_mapping.record_shows import record_shows
from fhir_mapping.release import release
from fhir_mapping.resources import NOTHING, Json, check, name, quote, reference, text
from fhir_mapping.same_day import same_day_visit
from fhir_mapping.unreadable import NOTES, Fault, read_fenced, undecided_by
from fhir_mapping.vocabulary import Vocabulary

__all__ = ["ContradictedPatient", "ContradictedVisit", "Gathered", "MissingEncounter", "WrongPatient", "gather"]

_MOST_NOTES = 40  # a broken interface repeats itself; the first notes tell enough


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of a visit, who stands on its claim, and why it gets no card at all (`not_ours`), if so.

    `shows` is what the record holds for each MDM element where no level is documented; `release`, which FHIR it is
    written in; `ordered`, whether a draft order for an E/M code of this visit is among it; `faults`, what could not be
    read for a reason that nobody foresaw.

    `not_ours` is `None` for telehealth, in-person office and unknown visits.
    """

    facts: EncounterFacts
    parties: Parties
    not_ours: str | None
    shows: RecordShows
    release: Release
    ordered: bool
    faults: tuple[Fault, ...] = ()


def gather(  # noqa: PLR0913 - one chart, and all there is to read it by
    resources: Iterable[object],
    *,
    patient_id: str,
    encounter_id: str,
    user: str | None,
    vocabulary: Vocabulary,
    note_rules: NoteRules,
    complete_history: bool = False,
    fhir_version: str | None = None,
    signed: str | None = None,
    drafted: Collection[str] = (),
) -> Gathered:
    """Read the facts of one visit out of the values of a CDS Hooks prefetch, whatever their shape.

    Parameters: `resources` in any order, each a resource, a Bundle, nothing or garbage; `patient_id` and `encounter_id`
    of the hook's context; `user`, the reference of who signs; `vocabulary` to read codes by,
    `note_rules` to read notes by; `complete_history` if the site vouches that its searches hold every visit;
    `fhir_version` as the EHR names it, if it does; `signed`, the id of the DocumentReference that is being signed;
    `drafted`, the names (`Type/id`) of drafts, which stand for what is stored under the same name.
    A resource that cannot be read is left out and named, and what it may decide is unknown; where it is the visit
    itself, everything is.
    Raises MissingEncounter if the encounter is not among the resources, WrongPatient if it is another patient's, and of
    that ContradictedPatient if the encounter contradicts itself or the Patient on whose it is.
    """
    values = list(resources)
    read = partial(
        _read,
        patient_id=patient_id,
        user=user,
        note_rules=note_rules,
        complete_history=complete_history,
        fhir_version=fhir_version,
        signed=signed,
    )
    found, faults = read_fenced(
        read,
        lambda without: open_chart(values, patient_id, encounter_id, vocabulary, without, drafted),
        lambda: sorted(sent_beside(values, encounter_id), key=_is_note),
    )
    if found is None:
        visit = f"Encounter/{reference(encounter_id).id or encounter_id}"
        found = Gathered(
            EncounterFacts(notes=(f"{quote(visit)} could not be read; nothing was used",)),
            Parties(visit, _patient(patient_id), None, ()),
            None,
            RecordShows(),
            release(fhir_version, NOTHING),
            ordered=False,
        )
    return replace(found, faults=(*faults, *found.faults)) if faults else found


def _read(  # noqa: PLR0913 - as above
    chart: Chart,
    *,
    patient_id: str,
    user: str | None,
    note_rules: NoteRules,
    complete_history: bool,
    fhir_version: str | None,
    signed: str | None,
) -> Gathered:
    documented, charged, who, paid = documentation(chart), charges(chart), people(chart, user), coverages(chart)
    story = narrative(chart, note_rules, who, signed)
    where, types = places(chart, charged.lines), facility_types(chart)
    practices = Practices(chart, who)
    other_visit, maybe = same_day_visit(chart, who, practices)
    notes = [*chart.notes, check(chart.encounter), *documented.notes, *who.notes, *paid.notes, *story.notes, *maybe]
    facts = EncounterFacts(
        service_date=service_date(chart.encounter),
        patient_class=patient_class(chart, charged.lines),
        modality=story.mode(modality(chart, who, charged.lines, documented, where, story.hints)),
        video_minutes=story.told("video_minutes", documented.video_minutes),
        audio_minutes=story.told("audio_minutes", documented.audio_minutes),
        patient_status=patient_status(chart, who, practices, complete_history=complete_history),
        total_minutes=story.told("total_minutes", documented.total_minutes),
        discussion_minutes=story.told("discussion_minutes", documented.discussion_minutes),
        mdm=story.told("mdm", documented.mdm),
        mdm_elements=story.elements(documented.mdm_elements),
        payers=paid.payers,
        patient_location=story.told("patient_location", where.patient_location),
        clinician_location=story.told("clinician_location", Fact()),
        setting=setting(chart, types),
        behavioral_health=behavioral_health(chart, who.described, types),
        clinician=who.clinician,
        audio_only_reason=story.told("audio_only_reason", documented.audio_only_reason),
        video_capable=story.told("video_capable", Fact()),
        consent_documented=story.told("consent_documented", Fact()),
        service_kind=charged.service_kind,
        same_day_visit=other_visit,
        reported_code=charged.reported_code,
        reported_modifiers=charged.reported_modifiers,
        reported_place_of_service=charged.reported_place_of_service,
        notes=_shortened(list(dict.fromkeys(filter(None, notes)))),
    )
    facts = bounded(replace(facts, **undecided_by(chart.unreadable)))
    parties = Parties(
        encounter=name(chart.encounter),
        patient=_patient(patient_id),
        practitioner=who.practitioner,
        coverages=paid.in_force,
    )
    undecided = facts.mdm.value is None and facts.mdm_elements.value is None
    shows = record_shows(chart) if undecided else RecordShows()
    written = release(fhir_version, chart.encounter)
    return Gathered(facts, parties, _not_ours(chart, facts), shows, written, charged.ordered, story.faults)


def _not_ours(chart: Chart, facts: EncounterFacts) -> str | None:
    stay = facts.patient_class.value
    said = not_ours(chart.encounter, chart.vocabulary)
    return (
        said
        if said or stay in {None, PatientClass.OUTPATIENT}
        else f"part of another encounter: {stay.replace('_', '-')}"
    )


def _patient(patient_id: str) -> str:
    return f"Patient/{reference(patient_id).id or patient_id}"


def _is_note(resource: Json) -> bool:
    """Notes are looked at last where it is searched for what cannot be read: they take by far the longest."""
    return text(resource.get("resourceType")) in NOTES


def _shortened(notes: list[str]) -> tuple[str, ...]:
    if len(notes) <= _MOST_NOTES:
        return tuple(notes)
    return (*notes[:_MOST_NOTES], f"and {len(notes) - _MOST_NOTES} more")
