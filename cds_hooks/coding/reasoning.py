"""What is written down on the way to a code: each step with the rule, the evidence and the source."""

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from cds_hooks.coding.billing import Modifiers, OptionalModifiers
from cds_hooks.coding.case import Case
from cds_hooks.coding.citation import Cited, Sure
from cds_hooks.coding.families import Condition, Edition, Family, ProlongedEdition, Rung, WorkRvu
from cds_hooks.coding.levels import Reached, below
from cds_hooks.coding.outcome import Basis, Step
from cds_hooks.coding.payers import Route
from cds_hooks.coding.policy import PolicyBook, Rules
from cds_hooks.coding.visit import step
from fhir_mapping.facts import NO_RELATED_VISIT, EncounterFacts, Evidence


class Desk(NamedTuple):
    """What lies on the coder's desk: the facts with their evidence, the law, the day of service, the site's habit."""

    facts: EncounterFacts
    book: PolicyBook
    day: date
    optional_modifiers: OptionalModifiers = OptionalModifiers.POLICY

    def evidence(self, name: str) -> tuple[Evidence, ...]:
        """The evidence for the fact called `name`."""
        name = "related_visit_days" if name == "related_visit" else name
        return getattr(self.facts, name).evidence  # type: ignore[no-any-return]  # every field but notes is a Fact


class Page(NamedTuple):
    """Where the book lies open: the payer's rules and route, the family's edition, and the ladder for this patient."""

    payer: str
    rules: Rules
    route: Route
    family: Family
    edition: Edition
    since: date
    ladder: tuple[Rung, ...]
    verified_through: date
    """The last day for which every table that was opened for it is verified."""


@dataclass(slots=True)
class Reasoning:
    """The steps taken so far on one page."""

    desk: Desk
    page: Page
    steps: list[Step] = field(default_factory=list)

    def payer(self, case: Case) -> None:
        """Which family the payer takes, and what it declines."""
        page = self.page
        says = f"{page.rules.called}: {page.family.title}."
        self._payer_says("payer_policy", page.rules.own, says, self.desk.facts.payers.evidence)
        for contact, declined in page.rules.edition.declines.items():
            if contact == case.contact and not page.rules.supposing:
                self._payer_says("payer_declines", page.rules.edition, declined)

    def condition(self, condition: Condition, case: Case, *, met: bool) -> None:
        """A condition that is met, or is not."""
        verdict = "the condition is met" if met else "the condition is not met"
        says = f"{_said(condition.fact, getattr(case, condition.fact))}: {verdict}."
        self.steps.append(step(self.desk.book, condition.rule, says, *self.desk.evidence(condition.fact)))

    def below(self, minutes: int, least: int) -> None:
        """Minutes that reach no code."""
        evidence = self.desk.evidence(self.page.family.measure)
        self._table_says("level_by_time", f"{minutes} minutes reach no code: the lowest needs {least}.", evidence)

    def prolonged(self, reach: Reached, minutes: int, edition: ProlongedEdition, since: date) -> None:
        """How many full steps the minutes go beyond the base code."""
        units = reach.prolonged
        if units is None:
            return
        base = edition.after[reach.rung.code]
        steps = f"{units.units} full {edition.step}-minute step{'s' if units.units > 1 else ''}"
        says = f"{minutes} minutes are {steps} beyond {base}: "
        says += f"{units.code} x {units.units}."
        evidence = self.desk.evidence("total_minutes")
        self.steps.append(Step("prolonged", says, edition.sources, edition.sure, since, evidence))

    def claim_line(self, case: Case, place: str | None, appended: Modifiers) -> None:
        """The place of service and the modifiers."""
        if place is not None:
            where = _said("patient_location", case.patient_location) if case.patient_location else "Any place"
            if case.patient_location and not self.desk.facts.patient_location.known:
                where = f"Supposing {where.lower()}"
            says = f"{where}: place of service {place}."
            evidence = self.desk.evidence("patient_location")
            own = self.page.rules.own
            row = own if own.place_of_service else self.page.rules.edition
            self._payer_says("place_of_service", row, says, evidence)
        for rule in appended.rules:
            use = "is appended" if rule.modifier in appended.required else "may be appended"
            self._payer_says("modifier", rule, f"Modifier {rule.modifier} {use}.")

    def level(self, found: tuple[Reached, ...]) -> None:
        """What MDM and time each support, which is higher, and the next lower code."""
        for reach in found:
            rung = reach.rung
            if reach.basis is Basis.MDM:
                evidence = self.desk.evidence("mdm") or self.desk.evidence("mdm_elements")
                self._table_says("level_by_mdm", f"{str(rung.mdm).capitalize()} MDM supports {rung.code}.", evidence)
            elif reach.basis is Basis.TIME:
                evidence = self.desk.evidence(self.page.family.measure)
                self._table_says("level_by_time", f"{rung.code} is reached from {rung.least} minutes.", evidence)
            else:
                self._table_says("single_code", f"{rung.code} has no levels.")
        if len(found) > 1:
            says = f"{found[0].rung.code} is higher than {found[1].rung.code}."
            self.steps.append(step(self.desk.book, "higher_of_mdm_and_time", says))
        lower = below(self.page.ladder, found[0].rung)
        if lower is not None:
            self._table_says("next_lower", f"The next lower code is {lower.code}.")

    def work_rvu(self, rvu: WorkRvu) -> None:
        """The work RVU and how far it can be trusted."""
        sure = Sure.AGREED if rvu.cms_data else Sure.SINGLE
        self.steps.append(Step("work_rvu", rvu.says(), (rvu.source_id,), sure, self.page.since))

    def _payer_says(self, rule: str, row: Cited, says: str, evidence: tuple[Evidence, ...] = ()) -> None:
        self.steps.append(Step(rule, says, row.sources, row.sure, self.page.rules.since, evidence))

    def _table_says(self, rule: str, says: str, evidence: tuple[Evidence, ...] = ()) -> None:
        row = self.page.edition
        self.steps.append(Step(rule, says, row.sources, row.sure, self.page.since, evidence))


def _said(name: str, value: object) -> str:
    if value == NO_RELATED_VISIT:
        return "No related visit"
    words = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
    return f"{name.replace('_', ' ').capitalize()} {str(words).replace('_', ' ')}"
