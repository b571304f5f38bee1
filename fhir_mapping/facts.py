"""What the chart says about one visit: each fact with the evidence for it, and "unknown" where the chart is silent.

This is the one thing `fhir_mapping` publishes. It needs nothing but the standard library, so that the coding rules can
be read, tested and trusted without FHIR.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Modality(StrEnum):
    """How clinician and patient met."""

    AUDIO_VIDEO = "audio_video"
    AUDIO_ONLY = "audio_only"
    ASYNCHRONOUS = "asynchronous"
    IN_PERSON = "in_person"
    INTERRUPTED = "interrupted"  # began on video, went on by audio


class PatientClass(StrEnum):
    """Outpatient, or the kind of hospital care that the codes of telehealth visits are not for."""

    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"
    EMERGENCY = "emergency"
    OBSERVATION = "observation"
    SHORT_STAY = "short_stay"
    PRE_ADMISSION = "pre_admission"


class PatientStatus(StrEnum):
    """New or established by the three-year rule."""

    NEW = "new"
    ESTABLISHED = "established"


class MdmLevel(StrEnum):
    """Level of medical decision making, lowest first."""

    STRAIGHTFORWARD = "straightforward"
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """1 for straightforward up to 4 for high."""
        return _RANKS[self]


_RANKS = {level: number for number, level in enumerate(MdmLevel, start=1)}


class PatientLocation(StrEnum):
    """Where the patient was: it decides the place of service."""

    HOME = "home"
    NOT_HOME = "not_home"


class ClinicianLocation(StrEnum):
    """Where the clinician was."""

    OFFICE = "office"
    HOSPITAL = "hospital"
    HOME = "home"


class Setting(StrEnum):
    """The kind of practice that bills."""

    OFFICE = "office"
    HOSPITAL_OUTPATIENT = "hospital_outpatient"
    FQHC = "fqhc"
    RHC = "rhc"
    OTP = "otp"


class Clinician(StrEnum):
    """Who met the patient; only the first two report E/M visits."""

    PHYSICIAN = "physician"
    QHP = "qhp"
    CLINICAL_STAFF = "clinical_staff"
    THERAPIST = "therapist"
    PSYCHOLOGIST_OR_SOCIAL_WORKER = "psychologist_or_social_worker"


class Initiator(StrEnum):
    """Who asked for the contact."""

    PATIENT = "patient"
    CAREGIVER = "caregiver"
    CLINICIAN = "clinician"


class AudioOnlyReason(StrEnum):
    """Why there was no video."""

    PATIENT_DECLINED = "patient_declined"
    PATIENT_UNABLE = "patient_unable"
    CLINICIAN_SIDE = "clinician_side"


class ServiceKind(StrEnum):
    """What the contact was for."""

    VISIT = "visit"
    BRIEF_CHECK_IN = "brief_check_in"
    RESULTS_ONLY = "results_only"
    CARE_MANAGEMENT = "care_management"


class How(StrEnum):
    """How a piece of evidence was read."""

    STRUCTURED = "structured"
    NOTE = "note"
    DERIVED = "derived"


class Release(StrEnum):
    """The release of FHIR that an EHR writes, as far as it decides how a claim or an order is written."""

    R4 = "R4"
    R5 = "R5"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a thing was read, so that the card can quote it.

    `resource` is a reference ("Encounter/e1"), `path` a FHIR path or a span of a note, `said` the words found there.
    """

    resource: str
    path: str
    said: str
    how: How = How.STRUCTURED


@dataclass(frozen=True, slots=True)
class Rival(Generic[T_co]):
    """One of two or more values that contradict each other."""

    value: T_co
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Fact(Generic[T_co]):
    """A value with its evidence, or `None` with the reason why it is unknown.

    `conflict` holds the rival values when the chart contradicts itself; the value is then `None`, for neither is used.
    `notes` are remarks a reader should see beside the value ("preliminary", "period is the appointment slot").
    `refused` is what was found and cannot be used, each with the reason; `why_unknown` tells of it where no value is.
    """

    value: T_co | None = None
    evidence: tuple[Evidence, ...] = ()
    conflict: tuple[Rival[T_co], ...] = ()
    why_unknown: str | None = None
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class MdmElements:
    """The three elements of medical decision making, each with the level it reaches, or `None`."""

    problems: MdmLevel | None = None
    data: MdmLevel | None = None
    risk: MdmLevel | None = None


@dataclass(frozen=True, slots=True)
class SameDayVisit:
    """Another E/M visit on the same date by the same clinician, or by one of the same group and specialty.

    `overlap_minutes` of its minutes are minutes of this visit too.
    """

    modality: Modality | None = None
    total_minutes: int | None = None
    mdm: MdmLevel | None = None
    overlap_minutes: int | None = None


NO_RELATED_VISIT = 1_000_000
"""`related_visit_days` when there was no related visit at all: farther back than any rule looks."""


@dataclass(frozen=True, slots=True)
class EncounterFacts:
    """Everything the coding rules may know about one visit. Minutes are whole minutes, the date is the visit's own."""

    service_date: Fact[date] = Fact()
    patient_class: Fact[PatientClass] = Fact()
    """Unknown without evidence where nothing says it; unknown with evidence where what says it cannot be relied on."""
    modality: Fact[Modality] = Fact()
    video_minutes: Fact[int] = Fact()
    audio_minutes: Fact[int] = Fact()
    patient_status: Fact[PatientStatus] = Fact()
    total_minutes: Fact[int] = Fact()
    discussion_minutes: Fact[int] = Fact()
    mdm: Fact[MdmLevel] = Fact()
    mdm_elements: Fact[MdmElements] = Fact()
    payers: Fact[tuple[str, ...]] = Fact()
    patient_location: Fact[PatientLocation] = Fact()
    clinician_location: Fact[ClinicianLocation] = Fact()
    setting: Fact[Setting] = Fact()
    behavioral_health: Fact[bool] = Fact()
    clinician: Fact[Clinician] = Fact()
    initiated_by: Fact[Initiator] = Fact()
    audio_only_reason: Fact[AudioOnlyReason] = Fact()
    video_capable: Fact[bool] = Fact()
    service_kind: Fact[ServiceKind] = Fact()
    same_day_visit: Fact[SameDayVisit] = Fact()
    related_visit_days: Fact[int] = Fact()
    leads_to_visit_within_24h: Fact[bool] = Fact()
    leads_to_visit_within_7d: Fact[bool] = Fact()
    consent_documented: Fact[bool] = Fact()
    reported_code: Fact[str] = Fact()
    reported_modifiers: Fact[tuple[str, ...]] = Fact()
    reported_place_of_service: Fact[str] = Fact()
    notes: tuple[str, ...] = field(default=())
    """What could not be read, in words: a resource refused, a value that makes no sense."""


@dataclass(frozen=True, slots=True)
class RecordShows:
    """What the record shows for each element of MDM, in lines of text: problems, data, and drugs for the risk."""

    problems: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parties:
    """Who stands on a claim for the visit, as FHIR references.

    `practitioner` rendered it. `coverages` are pairs of payer id (or "unknown") and reference, primary first.
    """

    encounter: str
    patient: str | None = None
    practitioner: str | None = None
    coverages: tuple[tuple[str, str], ...] = ()
