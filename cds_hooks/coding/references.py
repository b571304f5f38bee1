"""Every name in a table leads somewhere: to a family, a condition, a payer, a source, or a fact."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cds_hooks.coding.case import ASKABLE
from cds_hooks.coding.citation import Cited, Source
from cds_hooks.coding.families import Condition, Edition, Family, Prolonged
from cds_hooks.coding.payers import Payer, PayerEdition, When
from cds_hooks.coding.policy import Guidelines
from fhir_mapping.tables import Place, Row, Table


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
    """The sources that a table's rows cite, and the facts that its conditions ask for; raises TableError."""
    for place, row in rows(model, ()):
        if isinstance(row, Cited):
            for index, name in enumerate(row.sources):
                if name not in sources:
                    raise table.error((*place, "sources", str(index)), f"the source {name} is not in sources.yaml")
        if isinstance(row, Condition):
            _check_condition(table, place, row)


def _check_condition(table: Table, place: Place, condition: Condition) -> None:
    if condition.fact not in ASKABLE:
        raise table.error((*place, "fact"), f"{condition.fact} is not a fact")
    bounds = (condition.at_least, condition.at_most, condition.more_than)
    if not condition.values and bounds == (None, None, None):
        raise table.error(place, "a condition needs values or bounds")


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
