"""The law as this service holds it: code tables, payer policies and guidelines, ready to be asked for a day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

from cds_hooks.coding.citation import Cited, Dated, Items, Sources
from cds_hooks.coding.criteria import MdmTable, TimeTable
from cds_hooks.coding.families import Condition, Family, Prolonged, Refusal, WorkRvu
from cds_hooks.coding.payers import Payer, PayerEdition
from fhir_mapping.tables import Code, Day, Row


class Guideline(Cited):
    """A rule of coding that is the same for every table."""

    since: Day
    says: str


class Guidelines(Row):
    """All guidelines, by the name their steps cite."""

    id: Literal["guidelines"]
    verified_through: Day
    rules: dict[str, Guideline]
    refusals: dict[str, Refusal]
    conditions: dict[str, Condition]
    questions: dict[str, str]
    asking_order: Items[str]
    remarks: dict[str, str]
    telehealth_modifiers: Items[Code]
    telehealth_places: Items[Code]


@dataclass(frozen=True)
class Rules:
    """One payer's rules in force on a day.

    Where it is unknown whether they apply, `supposing` says under which answer and `question` asks; `edition` is then
    another policy's with the payer's `own` laid over it.
    """

    edition: PayerEdition
    own: PayerEdition
    since: date
    verified_through: date
    supposing: Mapping[str, Any]
    question: str | None = None


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
        start, edition = payer.start(day), payer.on(day)
        if start is None or edition is None:
            return ()
        # Editions are few and days are many: what was worked out for an edition serves all its days. A policy that
        # stands on others changes when any of them does.
        key = (payer_id, start, *(self.payers[name].start(day) for name in edition.either))
        known = self._rules.get(key)
        if known is None:
            known = self._rules[key] = tuple(self._work_out(payer, edition, start, day))
        return known

    def _work_out(self, payer: Payer, edition: PayerEdition, start: date, day: date) -> Iterator[Rules]:
        if not edition.either:
            yield Rules(edition, edition, start, payer.verified_through, {})
        for other_id in edition.either:
            other = self.payers[other_id]
            base, since = other.on(day), other.start(day)
            if base is not None and since is not None:
                through = min(payer.verified_through, other.verified_through)
                yield Rules(
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
        for group in family.work_rvus.get(day.year, ()):
            if code in group.codes:
                return WorkRvu(group.codes[code], day.year, self.sources[group.source], group.source, group.cms_data)
        return None

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
