"""What an auditor will look for in the note and did not find: named, never invented."""

from cds_hooks.coding.outcome import Kind, Note
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.visit import remark
from fhir_mapping.facts import EncounterFacts, Modality, ServiceKind

TELEHEALTH = frozenset({Modality.AUDIO_VIDEO, Modality.AUDIO_ONLY, Modality.INTERRUPTED})


def missing_documentation(facts: EncounterFacts, book: PolicyBook, kind: Kind) -> tuple[Note, ...]:
    """The items of the telehealth note checklist that the record does not show.

    Source: note checklist of the OIG telehealth audits and the published payer checklists.
    """
    check_in = facts.service_kind.value is ServiceKind.BRIEF_CHECK_IN
    if kind is Kind.NOT_REPORTABLE or check_in or facts.modality.value not in TELEHEALTH:
        return ()
    missing = []
    if facts.consent_documented.value is not True:
        missing.append(remark(book, "consent_documented"))
    if not facts.patient_location.known:
        missing.append(remark(book, "patient_location"))
    if not facts.clinician_location.known:
        missing.append(remark(book, "clinician_location"))
    if facts.modality.value is Modality.AUDIO_ONLY and not facts.audio_only_reason.known:
        missing.append(remark(book, "audio_only_reason"))
    return tuple(missing)
