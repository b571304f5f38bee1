"""The ladders on which a visit is read: one for each payer and each answer that an open question may get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cds_hooks.coding.decide import open_book, prolonged_code
from cds_hooks.coding.families import Family, Rung
from cds_hooks.coding.levels import by_mdm, by_time
from cds_hooks.coding.outcome import ProlongedUnits
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.reasoning import Desk
from cds_hooks.coding.select import UNKNOWN_PAYER
from cds_hooks.coding.visit import read_visit
from fhir_mapping.facts import EncounterFacts, MdmLevel, PatientStatus


@dataclass(frozen=True, slots=True)
class OpenLadder:
    """A family's codes for one patient, lowest first, and what is documented of the two ways up.

    `minutes` are those the family goes by; `longest` is the prolonged-service code with the minutes from which it is
    added to the top code, where the payer takes one; `supposing` names the answers under which this ladder holds.
    """

    payer: str
    family: Family
    status: PatientStatus | None
    rungs: tuple[Rung, ...]
    minutes: int | None
    mdm: MdmLevel | None
    longest: tuple[str, int] | None
    prolonged: ProlongedUnits | None
    supposing: Mapping[str, Any]

    @property
    def by_mdm(self) -> Rung | None:
        """The code that the documented MDM reaches."""
        return by_mdm(self.rungs, self.mdm)

    @property
    def by_time(self) -> Rung | None:
        """The code that the documented minutes reach."""
        return by_time(self.rungs, self.minutes)

    @property
    def reached(self) -> Rung | None:
        """The higher of the two."""
        found = [rung for rung in self.rungs if rung in (self.by_mdm, self.by_time)]
        return found[-1] if found else None


def open_ladders(facts: EncounterFacts, book: PolicyBook) -> tuple[OpenLadder, ...]:
    """The ladders of a visit, each once.

    There are none where its date is unknown, where it is no visit, or where neither minutes nor MDM lead to a code.
    """
    found: dict[object, OpenLadder] = {}
    for ladder in _ladders(facts, book):
        # Two payers may have one family's codes and other prolonged services above them.
        found.setdefault((ladder.family.id, ladder.rungs, ladder.longest, ladder.prolonged), ladder)
    return tuple(found.values())


def _ladders(facts: EncounterFacts, book: PolicyBook) -> Iterator[OpenLadder]:
    day = facts.service_date.value
    visit = read_visit(facts, book)
    if day is None or visit.refusal is not None:
        return
    desk = Desk(facts, book, day)
    for payer in (name if name in book.payers else UNKNOWN_PAYER for name in facts.payers.value or (UNKNOWN_PAYER,)):
        for rules in book.rules(payer, day):
            for branch in visit.branches:
                case = branch.case
                page = open_book(desk, case, rules, rules.route(case), payer)
                if page is None or page.family.measure == "none" or not page.ladder:
                    continue
                minutes = getattr(case, page.family.measure)
                prolonged = prolonged_code(desk, page)
                top = page.ladder[-1].code
                after = prolonged[1].after.get(top) if prolonged else None
                units = prolonged[1].units(top, minutes) if prolonged and minutes is not None else 0
                yield OpenLadder(
                    payer=payer,
                    family=page.family,
                    status=None if page.edition.anyone else case.patient_status,
                    rungs=page.ladder,
                    minutes=minutes,
                    mdm=case.mdm,
                    longest=(prolonged[0], after + prolonged[1].step) if prolonged and after is not None else None,
                    prolonged=ProlongedUnits(prolonged[0], units) if prolonged and units else None,
                    supposing={**branch.supposing, **rules.supposing},
                )
