"""Where a code stands in the tables: in which family, for which patients, and how high on the ladder."""

from dataclasses import dataclass
from datetime import date

from cds_hooks.coding.families import Rung
from cds_hooks.coding.policy import PolicyBook
from fhir_mapping.facts import PatientStatus


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a code stands in the tables: its family, the patients it is for, and how high on the ladder."""

    family: str
    status: PatientStatus
    height: int
    rung: Rung


def standings(book: PolicyBook, code: str, day: date) -> tuple[Standing, ...]:
    """Every place where `code` stands in the tables in force on `day`."""
    return tuple(
        Standing(family.id, status, height, rung)
        for family in book.families.values()
        if (edition := family.on(day)) is not None
        for status in PatientStatus
        for height, rung in enumerate(edition.ladder(status))
        if rung.code == code
    )


def listed(book: PolicyBook, code: str) -> bool:
    """Whether `code` stands in any edition of any table, on whatever day."""
    return any(standings(book, code, start) for family in book.families.values() for start in family.starts)
