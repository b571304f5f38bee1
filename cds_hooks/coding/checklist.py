"""What an auditor will look for in the note and did not find: named, never invented."""

from typing import Any

from cds_hooks.coding.outcome import Kind, Note
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.visit import remark
from fhir_mapping.facts import EncounterFacts, Fact, Modality, ServiceKind

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
        missing.append(_missing("consent_documented", facts.consent_documented, book))
    if not facts.patient_location.known:
        missing.append(_missing("patient_location", facts.patient_location, book))
    if not facts.clinician_location.known:
        missing.append(_missing("clinician_location", facts.clinician_location, book))
    if facts.modality.value is Modality.AUDIO_ONLY and not facts.audio_only_reason.known:
        missing.append(_missing("audio_only_reason", facts.audio_only_reason, book))
    return tuple(missing)


def _missing(name: str, fact: Fact[Any], book: PolicyBook) -> Note:
    """The warning about one item: it says "not found in what was sent" only where all of that could be read."""
    return remark(book, name, read=remark(book, "read_in_part" if fact.refused else "read_all").text)
