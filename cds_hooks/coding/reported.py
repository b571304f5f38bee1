"""The code already chosen, held against the record: supported, too high, or the wrong form for the primary payer."""

from collections.abc import Iterator, Sequence
from datetime import date

from cds_hooks.coding.outcome import Candidate, Kind, Note
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.standing import standings
from cds_hooks.coding.visit import remark
from fhir_mapping.facts import EncounterFacts

OPEN_PLACE = frozenset({"patient_location", "place_of_service", "same_day_family"})


def check_reported(
    facts: EncounterFacts, book: PolicyBook, candidates: Sequence[Candidate], kind: Kind, asked: Sequence[Note]
) -> Iterator[Note]:
    """What to say of the code, modifiers and place of service that are already on the encounter.

    Parameters: the `candidates` and `kind` of the answer; `asked`, its open questions. The primary payer's
    rules judge, for the claim goes there first.
    """
    code, day, payers = facts.reported_code.value, facts.service_date.value, facts.payers.value
    if code is None or day is None:
        return
    if kind is Kind.NOT_REPORTABLE:
        yield remark(book, "reported_code_not_reportable", code=code)
        return
    primary = [c for c in candidates if payers is None or c.payer in (payers[0], candidates[0].payer)]
    if not primary:
        return
    supported = next((c for c in primary if c.recommended), None)
    name, best = _verdict(book, code, day, primary)
    if name != "reported_code_supported" or supported is not None:
        yield remark(book, name, code=code, supported=best)
    if supported is not None:
        yield from _modifiers(facts, book, supported)
        yield from _place(facts, book, supported, asked)


def _verdict(book: PolicyBook, code: str, day: date, candidates: Sequence[Candidate]) -> tuple[str, str]:
    """What to say, and the code that the record supports instead."""
    first = candidates[0]
    if any(c.prolonged and c.prolonged.code == code for c in candidates):
        return "reported_code_supported", code
    if code in {table.code for table in book.prolonged.tables.values()}:
        return "reported_code_wrong_form", first.prolonged.code if first.prolonged else first.code
    same = [
        (place.height - supported.height, candidate.code)
        for candidate in candidates
        for place in standings(book, code, day)
        # A code that no MDM level and no minutes reach is no lower level of a visit that has them.
        if place.rung.mdm or place.rung.least is not None or code == candidate.code
        for supported in standings(book, candidate.code, day)
        if (place.family, place.status) == (supported.family, supported.status) and place.family == candidate.family
    ]
    if not same:
        return "reported_code_wrong_form", first.code
    above, best = min(same)
    return ("reported_code_too_high" if above > 0 else "reported_code_supported"), best


def _modifiers(facts: EncounterFacts, book: PolicyBook, supported: Candidate) -> Iterator[Note]:
    reported = facts.reported_modifiers.value
    if reported is None:
        return
    telehealth = set(book.guidelines.telehealth_modifiers)
    wrong = [m for m in reported if m in telehealth and m not in supported.modifiers + supported.optional_modifiers]
    missing = [m for m in supported.modifiers if m not in reported]
    if wrong or missing:
        words = [f"{m} does not belong" for m in wrong] + [f"{m} is missing" for m in missing]
        yield remark(book, "reported_modifier_wrong", modifiers=", ".join(words), code=supported.code)


def _place(facts: EncounterFacts, book: PolicyBook, supported: Candidate, asked: Sequence[Note]) -> Iterator[Note]:
    place = facts.reported_place_of_service.value
    if place is None or place == supported.place_of_service:
        return
    if supported.place_of_service is not None:
        yield remark(book, "reported_place_of_service_wrong", reported=place, supported=supported.place_of_service)
    elif place in book.guidelines.telehealth_places and OPEN_PLACE.isdisjoint(note.id for note in asked):
        yield remark(book, "reported_place_not_telehealth", reported=place, code=supported.code)
