"""The code already chosen, held against the record: supported, too high, or the wrong form for the payer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from cds_hooks.coding.outcome import Candidate, Kind, Note
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.visit import remark
from fhir_mapping.facts import EncounterFacts, PatientStatus


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a code stands in the tables: its family, the patients it is for, and how high on the ladder."""

    family: str
    status: PatientStatus
    height: int


def standings(book: PolicyBook, code: str, day: date) -> tuple[Standing, ...]:
    """Every place where `code` stands in the tables in force on `day`."""
    return tuple(
        Standing(family.id, status, height)
        for family in book.families.values()
        if (edition := family.on(day)) is not None
        for status in PatientStatus
        for height, rung in enumerate(edition.ladder(status))
        if rung.code == code
    )


def check_reported(
    facts: EncounterFacts, book: PolicyBook, candidates: Sequence[Candidate], kind: Kind
) -> Iterator[Note]:
    """What to say of the code, modifiers and place of service that are already on the encounter."""
    code, day = facts.reported_code.value, facts.service_date.value
    if code is None or day is None:
        return
    if kind is Kind.NOT_REPORTABLE:
        yield remark(book, "reported_code_not_reportable", code=code)
        return
    if not candidates:
        return
    supported = next((c for c in candidates if c.recommended), None)
    verdict = _verdict(book, code, day, candidates)
    if verdict == "reported_code_supported" and supported is None:
        return  # the code is one that an open answer would give: nothing can be said yet
    best = supported or candidates[0]
    yield remark(book, verdict, code=code, supported=best.code)
    if supported is not None:
        yield from _modifiers(facts, book, supported)


def _verdict(book: PolicyBook, code: str, day: date, candidates: Sequence[Candidate]) -> str:
    places = standings(book, code, day)
    same = [
        (place, supported)
        for candidate in candidates
        for place in places
        for supported in standings(book, candidate.code, day)
        if (place.family, place.status) == (supported.family, supported.status) and place.family == candidate.family
    ]
    if not same:
        return "reported_code_wrong_form"
    if any(place.height <= supported.height for place, supported in same):
        return "reported_code_supported"
    return "reported_code_too_high"


def _modifiers(facts: EncounterFacts, book: PolicyBook, supported: Candidate) -> Iterator[Note]:
    reported = facts.reported_modifiers.value
    if reported is not None:
        telehealth = set(book.guidelines.telehealth_modifiers)
        wrong = [m for m in reported if m in telehealth and m not in supported.modifiers + supported.optional_modifiers]
        missing = [m for m in supported.modifiers if m not in reported]
        if wrong or missing:
            words = [f"{m} does not belong" for m in wrong] + [f"{m} is missing" for m in missing]
            yield remark(book, "reported_modifier_wrong", modifiers=", ".join(words), code=supported.code)
    place = facts.reported_place_of_service.value
    if place is not None and supported.place_of_service not in (None, place):
        yield remark(book, "reported_place_of_service_wrong", reported=place, supported=supported.place_of_service)
