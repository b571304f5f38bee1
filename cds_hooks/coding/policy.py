"""The law as this service holds it: code tables, payer policies and guidelines, ready to be asked for a day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from cds_hooks.coding.case import Case
from cds_hooks.coding.citation import Dated, Sources
from cds_hooks.coding.criteria import MdmTable, TimeTable
from cds_hooks.coding.families import Family, Prolonged, WorkRvu
from cds_hooks.coding.guidelines import Guidelines
from cds_hooks.coding.payers import ModifierRule, Payer, PayerEdition, Remark, Route

RowT = TypeVar("RowT", Route, ModifierRule, Remark)


class Terms(NamedTuple):
    """What a payer's rules say of one kind of contact and one family, with what is left to be asked of a case."""

    modifiers: tuple[ModifierRule, ...]
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class Rules:
    """One payer's rules in force on a day.

    `called` is the payer's name as a step begins with it. Where it is unknown whether the rules apply, `supposing` says
    under which answer and `question` asks; `edition` is then another policy's with the payer's `own` laid over it.
    """

    called: str
    edition: PayerEdition
    own: PayerEdition
    since: date
    verified_through: date
    supposing: Mapping[str, Any]
    question: str | None = None
    _routes: dict[str | None, tuple[Route, ...]] = field(default_factory=dict, repr=False, compare=False)
    _terms: dict[tuple[str | None, str], Terms] = field(default_factory=dict, repr=False, compare=False)

    def route(self, case: Case) -> Route | None:
        """The first route for a case, or `None` where this payer has none for it."""
        routes = self._routes.get(case.contact)
        if routes is None:
            routes = self._routes[case.contact] = _of(self.edition.routes, case.contact)
        for route in routes:
            if route.when.matches(case):
                return route
        return None

    def terms(self, contact: str | None, family: str) -> Terms:
        """The terms for a contact and a family."""
        known = self._terms.get((contact, family))
        if known is None:
            found = Terms(
                _of(self.edition.modifiers or (), contact, family), _of(self.edition.remarks, contact, family)
            )
            known = self._terms[contact, family] = found
        return known


def _of(rows: Iterable[RowT], contact: str | None, family: str | None = None) -> tuple[RowT, ...]:
    """The rows that may concern a contact, each with what is left to be asked."""
    left = ((row, row.when.of(contact, family)) for row in rows)
    return tuple(row.model_copy(update={"when": when}) for row, when in left if when is not None)


def _begun(name: str) -> str:
    return name[0].upper() + name[1:]


@dataclass(frozen=True)
class PolicyBook:
    """Every table, ready to be asked what holds on a day of service."""

    families: Mapping[str, Family]
    payers: Mapping[str, Payer]
    prolonged: Prolonged
    guidelines: Guidelines
    mdm: MdmTable
    time: TimeTable
    sources: Sources
    fingerprint: str
    _rules: dict[tuple[str | date | None, ...], tuple[Rules, ...]] = field(default_factory=dict, repr=False)

    def rules(self, payer_id: str, day: date) -> tuple[Rules, ...]:
        """The rules of a payer on `day`: one, several where adoption is unknown, none before its first edition."""
        payer = self.payers[payer_id]
        found = payer.at(day)
        if found is None:
            return ()
        start, edition = found
        # Editions are few and days are many: what was worked out for an edition serves all its days. A policy that
        # stands on others changes when any of them does.
        key = (payer_id, start, *(self.payers[name].start(day) for name in edition.either))
        known = self._rules.get(key)
        if known is None:
            known = self._rules[key] = tuple(self._work_out(payer, edition, start, day))
        return known

    def _work_out(self, payer: Payer, edition: PayerEdition, start: date, day: date) -> Iterator[Rules]:
        if not edition.either:
            yield Rules(_begun(payer.name), edition, edition, start, payer.verified_through, {})
        for other_id in edition.either:
            other = self.payers[other_id]
            found = other.at(day)
            if found is not None:
                since, base = found
                through = min(payer.verified_through, other.verified_through)
                yield Rules(
                    _begun(f"{payer.name}, if it goes by {other.name}"),
                    edition.over(base),
                    edition,
                    max(start, since),
                    through,
                    {"payers": [other_id]},
                    edition.either_question,
                )

    def unchanged_since(self, day: date) -> date | None:
        """The day since which everything in this book is as it is on `day`; `None` before the first edition."""
        index = bisect_right(self._turning_days, day)
        return self._turning_days[index - 1] if index else None

    @cached_property
    def _turning_days(self) -> tuple[date, ...]:
        """The days on which anything changes: an edition, a remark, a year of work RVUs, or what is verified."""
        dated: tuple[Dated[Any], ...] = (
            *self.families.values(),
            *self.payers.values(),
            *self.prolonged.tables.values(),
        )
        starts = {start for table in dated for start in table.starts}
        editions = (payer.editions[start] for payer in self.payers.values() for start in payer.starts)
        remarks = [remark for edition in editions if isinstance(edition, PayerEdition) for remark in edition.remarks]
        years = {date(year, 1, 1) for family in self.families.values() for year in family.work_rvus}
        ends = [table.verified_through for table in self.tables()] + [one.last for one in remarks if one.last]
        begins = {remark.first for remark in remarks if remark.first} | years
        after = {end + timedelta(days=1) for end in ends} | {date(max(years).year + 1, 1, 1)}
        first = min(starts)
        return tuple(sorted(found for found in starts | begins | after if found >= first))

    def selectable_payers(self) -> tuple[str, ...]:
        """The payer ids that facts may name."""
        return tuple(sorted(payer.id for payer in self.payers.values() if payer.selectable))

    def work_rvu(self, family: Family, code: str, day: date) -> WorkRvu | None:
        """The work RVU of `code` in the year of `day`, or `None` where no source prints it."""
        return self._work_rvus.get((family.id, code, day.year))

    @cached_property
    def _work_rvus(self) -> Mapping[tuple[str, str, int], WorkRvu]:
        """Every work RVU by family, code and year; of two groups that print one, the first counts."""
        return {
            (family.id, code, year): WorkRvu(value, year, self.sources[group.source], group.source, group.cms_data)
            for family in self.families.values()
            for year, groups in family.work_rvus.items()
            for group in reversed(groups)
            for code, value in group.codes.items()
        }

    def tables(self) -> tuple[Family | Payer | Prolonged | Guidelines | MdmTable | TimeTable, ...]:
        """Every table that was verified through some day."""
        singles = (self.prolonged, self.guidelines, self.mdm, self.time)
        return (*self.families.values(), *self.payers.values(), *singles)

    def expiring(self, today: date, days: int) -> tuple[str, ...]:
        """The tables whose verified-through date is past or at most `days` days away: a line for each date."""
        names: dict[date, list[str]] = {}
        for table in self.tables():
            if (table.verified_through - today).days <= days:
                names.setdefault(table.verified_through, []).append(table.id)
        return tuple(f"verified through {day.isoformat()} only: {', '.join(names[day])}" for day in sorted(names))
