"""Every name in a table leads somewhere: to a family, a condition, a payer, a source, or a fact."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_type_hints

from cds_hooks.coding.case import ASKABLE, Case
from cds_hooks.coding.citation import Cited, Source
from cds_hooks.coding.families import Condition, Edition, Family, OpenQuestion, Prolonged, Refusal
from cds_hooks.coding.guidelines import Guidelines
from cds_hooks.coding.payers import Payer, PayerEdition, When
from fhir_mapping.facts import NO_RELATED_VISIT
from fhir_mapping.tables import Place, Row, Table

ASKED_OF_PLANS = frozenset({"payers", "payer_adoption", "place_of_service"})
"""The questions whose words stand in the payers' policies, not in the guidelines."""


@dataclass(frozen=True, slots=True)
class References:
    """What the names in a code table or a payer policy may lead to.

    Each check raises TableError, with file and line, for the first name that leads nowhere.
    """

    families: Mapping[str, Family]
    payers: Mapping[str, Payer]
    prolonged: Prolonged
    guidelines: Guidelines
    sources: Mapping[str, Source]

    def check_family(self, table: Table, family: Family) -> None:
        """The conditions that a code table names, and the sources and codes of its work RVUs."""
        _check_starts(table, family.editions)
        for day, edition in family.editions.items():
            if isinstance(edition, Edition):
                self._check_conditions(table, ("editions", day.isoformat()), edition.requires)
        codes = {
            rung.code
            for edition in family.editions.values()
            if isinstance(edition, Edition)
            for rung in (*edition.new, *edition.established, *edition.anyone)
        }
        for year, groups in family.work_rvus.items():
            for index, group in enumerate(groups):
                place = ("work_rvus", str(year), str(index))
                if group.source not in self.sources:
                    raise table.error((*place, "source"), f"the source {group.source} is not in sources.yaml")
                for code in group.codes.keys() - codes:
                    raise table.error((*place, "codes", code), f"{code} is not a code of {family.id}")

    def check_payer(self, table: Table, payer: Payer) -> None:
        """The policies, families, conditions and prolonged codes that a payer policy names."""
        _check_starts(table, payer.editions)
        for day, edition in payer.editions.items():
            if isinstance(edition, PayerEdition):
                self._check_policy(table, ("editions", day.isoformat()), edition)

    def check_guidelines(self, table: Table) -> None:
        """The rules, facts and values that conditions and refusals name, and the questions that are put in order."""
        rules, conditions = self.guidelines.rules, self.guidelines.conditions
        for place, row in rows(self.guidelines):
            if isinstance(row, Condition):
                _check_condition(table, place, row)
            if isinstance(row, Condition | Refusal) and row.rule is not None and row.rule not in rules:
                raise table.error((*place, "rule"), f"the rule {row.rule} is not among the rules")
        tables = (*self.families.values(), *self.payers.values())
        asked = {row.id for one in tables for _, row in rows(one) if isinstance(row, OpenQuestion)}
        asked |= (
            {condition.fact for condition in conditions.values()} | self.guidelines.questions.keys() | ASKED_OF_PLANS
        )
        for name in self.guidelines.asking_order:
            if name not in asked:
                raise table.error(("asking_order",), f"{name} is not a question")

    def _check_policy(self, table: Table, place: Place, edition: PayerEdition) -> None:
        for name in edition.either:
            if not self._of_known_adoption(name):
                raise table.error((*place, "either"), f"{name} is not a policy of known adoption")
        for index, route in enumerate(edition.routes):
            at = (*place, "routes", str(index))
            if route.family is not None:
                self._check_families(table, (*at, "family"), (route.family,))
            self._check_conditions(table, at, route.requires)
        for at, row in rows(edition, place):
            if isinstance(row, When):
                self._check_families(table, (*at, "family"), row.family)
        if edition.prolonged and edition.prolonged not in self.prolonged.tables:
            raise table.error((*place, "prolonged"), f"{edition.prolonged} is not a table of codes/prolonged.yaml")

    def _of_known_adoption(self, name: str) -> bool:
        payer = self.payers.get(name)
        return payer is not None and not any(
            isinstance(edition, PayerEdition) and edition.either for edition in payer.editions.values()
        )

    def _check_families(self, table: Table, place: Place, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in self.families:
                raise table.error(place, f"the family {name} is not in codes/")

    def _check_conditions(self, table: Table, place: Place, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in self.guidelines.conditions:
                raise table.error((*place, "requires"), f"the condition {name} is not in codes/guidelines.yaml")


def _check_starts(table: Table, editions: Mapping[Any, object]) -> None:
    if not any(edition not in (None, "expected") for edition in editions.values()):
        raise table.error(("editions",), "a table needs at least one edition")


def check_citations(table: Table, model: Row, sources: Mapping[str, Source]) -> None:
    """The sources that a table's rows cite; raises TableError."""
    for place, row in rows(model, ()):
        if isinstance(row, Cited):
            for index, name in enumerate(row.sources):
                if name not in sources:
                    raise table.error((*place, "sources", str(index)), f"the source {name} is not in sources.yaml")


def _check_condition(table: Table, place: Place, condition: Condition) -> None:
    fact = condition.fact
    if fact not in ASKABLE:
        raise table.error((*place, "fact"), f"{fact} is not a fact")
    bounds = (condition.at_least, condition.at_most, condition.more_than)
    bounded = bounds != (None, None, None)
    if not condition.values and not bounded:
        raise table.error(place, "a condition needs values or bounds")
    if bounded and (condition.values or _KINDS[fact] is not int):
        raise table.error(place, f"bounds are for a fact of minutes or days alone, and instead of values: {fact}")
    for value in condition.values:
        if not _is_of(fact, value):
            raise table.error((*place, "values"), f"{value} is not a value of {fact}")
    if list(condition.supposing) != [fact]:
        raise table.error((*place, "supposing"), f"what is supposed must be {fact}, and nothing else")
    supposed = condition.supposing[fact]
    if fact == "related_visit" and supposed is False:
        supposed = NO_RELATED_VISIT
    if not _is_of(fact, supposed) or not condition.holds(supposed):
        raise table.error((*place, "supposing", fact), f"the condition must hold for what is supposed: {supposed}")


_KINDS: Mapping[str, type] = {
    name: next(kind for kind in get_args(hint) if kind is not NoneType)
    for name, hint in get_type_hints(Case).items()
    if name in ASKABLE
}
"""What kind of value each fact has."""


def _is_of(fact: str, value: object) -> bool:
    kind = _KINDS[fact]
    return value in set(kind) if issubclass(kind, StrEnum) else type(value) is kind


def rows(value: object, place: Place = ()) -> Iterator[tuple[Place, Row]]:
    """Every row inside a table, with its place there."""
    if isinstance(value, Row):
        yield place, value
        for name in type(value).model_fields:
            yield from rows(getattr(value, name), (*place, name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from rows(item, (*place, str(key)))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from rows(item, (*place, str(index)))
