"""How the facts and the answer read on a card: in the words of the trade."""

from typing import Any

from cds_hooks.coding.families import Rung
from cds_hooks.coding.outcome import Basis, Candidate
from cds_hooks.coding.policy import PolicyBook
from fhir_mapping.facts import NO_RELATED_VISIT, EncounterFacts, MdmElements, PatientStatus, SameDayVisit

FACT_LABELS = {
    "service_date": "Date of service",
    "patient_class": "Patient class",
    "modality": "Modality",
    "video_minutes": "Video minutes",
    "audio_minutes": "Audio minutes",
    "patient_status": "Patient",
    "total_minutes": "Total minutes",
    "discussion_minutes": "Minutes of medical discussion",
    "mdm": "MDM",
    "mdm_elements": "MDM elements",
    "payers": "Payer",
    "patient_location": "Patient location",
    "clinician_location": "Clinician location",
    "setting": "Setting",
    "behavioral_health": "Behavioral health",
    "clinician": "Clinician",
    "initiated_by": "Started by",
    "audio_only_reason": "Reason for audio only",
    "video_capable": "Clinician could use video",
    "service_kind": "Kind of service",
    "same_day_visit": "Other visit that day",
    "related_visit_days": "Days since a related visit",
    "leads_to_visit_within_24h": "Leads to a visit within 24 hours",
    "leads_to_visit_within_7d": "Leads to a visit within 7 days",
    "consent_documented": "Consent documented",
    "reported_code": "Code already chosen",
    "reported_modifiers": "Modifiers already chosen",
    "reported_place_of_service": "Place of service already chosen",
}
SUPPOSED = {
    "patient_class": "it was {}",
    "payers": "the payer goes by {}",
    "modality": "the visit was {}",
    "patient_status": "the patient is {}",
    "mdm": "MDM is {}",
    "total_minutes": "the total is {} minutes",
    "discussion_minutes": "discussion took {} minutes",
    "patient_location": "the patient was {}",
    "video_capable": "the clinician could have used video",
    "audio_only_reason": "the patient could not or would not use video",
    "initiated_by": "the {} asked for it",
    "related_visit": "there was no related visit",
    "leads_to_visit_within_24h": "it leads to no visit within 24 hours",
    "leads_to_visit_within_7d": "it leads to no visit within 7 days",
}
HYPHENATED = {"audio_video": "audio-video", "audio_only": "audio-only", "home": "at home", "not_home": "not at home"}
IN_PARTS = (MdmElements, SameDayVisit)
ALWAYS_SHOWN = ("service_date", "modality", "patient_status", "mdm", "total_minutes", "payers", "patient_location")


def said(value: Any) -> str:  # noqa: ANN401 - a fact of any kind
    """A value as a person would say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value == NO_RELATED_VISIT:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, IN_PARTS):
        parts = ((name, getattr(value, name)) for name in value.__slots__)
        return ", ".join(f"{name.replace('_', ' ')} {said(part)}" for name, part in parts if part is not None)
    return HYPHENATED.get(str(value), str(value).replace("_", " "))


def claim_line(candidate: Candidate) -> str:
    """Code, modifiers, prolonged units and place of service, as a coder writes them on one line."""
    line = "-".join((candidate.code, *candidate.modifiers))
    if candidate.prolonged:
        line += f" + {candidate.prolonged.code} x{candidate.prolonged.units}"
    return f"{line}, POS {candidate.place_of_service}" if candidate.place_of_service else line


def supposition(candidate: Candidate) -> str:
    """The answers under which a candidate would hold, or nothing: "if the patient is new"."""
    if not candidate.supposing:
        return ""
    parts = [
        SUPPOSED.get(name, f"{name.replace('_', ' ')} is {{}}").format(
            said(tuple(value) if isinstance(value, list) else value)
        )
        for name, value in candidate.supposing.items()
    ]
    return "if " + " and ".join(parts)


def minutes_counted(family: str, facts: EncounterFacts, book: PolicyBook) -> int | None:
    """The minutes that a family goes by: the total, or those of discussion."""
    measure = book.families[family].measure
    minutes: int | None = getattr(facts, measure).value if measure != "none" else None
    return minutes


def basis(candidate: Candidate, facts: EncounterFacts, book: PolicyBook) -> str:
    """`moderate by MDM`, `high by time, 70 min`."""
    if candidate.basis is Basis.MDM:
        return f"{candidate.level} by MDM"
    if candidate.basis is Basis.TIME:
        minutes = minutes_counted(candidate.family, facts, book)
        by = "by time" if minutes is None or facts.same_day_visit.known else f"by time, {minutes} min"
        return f"{candidate.level} {by}" if candidate.level else by
    return ""


def needs(rung: Rung, status: PatientStatus | None = None) -> str:
    """What a code asks for, its MDM level or its minutes, and for which patient if `status` is given."""
    ways = [f"{rung.mdm} MDM"] if rung.mdm else []
    ways += [f"{rung.least} minutes"] if rung.least is not None else []
    who = f" ({status} patient)" if status else ""
    return f"{rung.code} needs {' or '.join(ways)}{who}" if ways else f"{rung.code} has no level"


def confidence(sure: str) -> str:
    """How well a row of law is confirmed, in words."""
    return {"agreed": "sources agree", "single": "one source", "conflict": "sources disagree"}.get(
        sure, "not confirmed"
    )
