"""One visit in plain values, as the payer's rules ask for it: what is unknown is `None` and stays so."""

from typing import NamedTuple

from fhir_mapping.facts import (
    AudioOnlyReason,
    Clinician,
    ClinicianLocation,
    EncounterFacts,
    Initiator,
    MdmLevel,
    PatientLocation,
    PatientStatus,
    Setting,
)


class Case(NamedTuple):
    """The facts that a code can depend on.

    `contact` is the modality that counts, or `brief_check_in`; `related_visit` the days since a related visit;
    `own_minutes` those of this visit alone where `total_minutes` holds another visit's of that day too.
    """

    contact: str | None = None
    patient_status: PatientStatus | None = None
    total_minutes: int | None = None
    own_minutes: int | None = None
    discussion_minutes: int | None = None
    mdm: MdmLevel | None = None
    patient_location: PatientLocation | None = None
    clinician_location: ClinicianLocation | None = None
    setting: Setting | None = None
    behavioral_health: bool | None = None
    clinician: Clinician | None = None
    initiated_by: Initiator | None = None
    audio_only_reason: AudioOnlyReason | None = None
    video_capable: bool | None = None
    related_visit: int | None = None
    leads_to_visit_within_24h: bool | None = None
    leads_to_visit_within_7d: bool | None = None


ASKABLE = frozenset(Case._fields) - {"contact", "own_minutes"}
"""The facts that a condition may ask for."""


def case_of(  # noqa: PLR0913 - what the record may leave open or contradict is given apart
    facts: EncounterFacts,
    *,
    contact: str,
    patient_status: PatientStatus | None,
    total_minutes: int | None,
    own_minutes: int | None,
    discussion_minutes: int | None,
    mdm: MdmLevel | None,
) -> Case:
    """The values of the facts without their evidence; those that had to be resolved first are given by name."""
    return Case(
        contact=contact,
        patient_status=patient_status,
        total_minutes=total_minutes,
        own_minutes=own_minutes,
        discussion_minutes=discussion_minutes,
        mdm=mdm,
        patient_location=facts.patient_location.value,
        clinician_location=facts.clinician_location.value,
        setting=facts.setting.value,
        behavioral_health=facts.behavioral_health.value,
        clinician=facts.clinician.value,
        initiated_by=facts.initiated_by.value,
        audio_only_reason=facts.audio_only_reason.value,
        video_capable=facts.video_capable.value,
        related_visit=facts.related_visit_days.value,
        leads_to_visit_within_24h=facts.leads_to_visit_within_24h.value,
        leads_to_visit_within_7d=facts.leads_to_visit_within_7d.value,
    )
