"""Loads the law from `config/` at start-up, and refuses whatever a careful coder would not sign."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from cds_hooks.coding.case import ASKABLE
from cds_hooks.coding.citation import Cited, Source, Sources
from cds_hooks.coding.criteria import MdmTable, TimeTable
from cds_hooks.coding.families import Condition, Edition, Family, Prolonged
from cds_hooks.coding.payers import Payer, PayerEdition
from cds_hooks.coding.policy import Guidelines, PolicyBook
from fhir_mapping.tables import Place, Row, Table, read_table

ModelT = TypeVar("ModelT", bound=Row)
KindT = TypeVar("KindT", Family, Payer)


class _Sources(Row):
    sources: dict[str, Source]


def load_book(folder: Path) -> PolicyBook:
    """Read every table under `folder` (the config folder) into one policy book.

    Raises TableError, with file and line, for the first thing that cannot be trusted: a duplicate key, an unquoted
    code, an edition without a source, minutes that do not rise, a name that leads nowhere.
    """
    sources = read_table(folder / "sources.yaml", root=folder).as_model(_Sources).sources
    guidelines = _read_one(folder, "guidelines", Guidelines, sources)
    prolonged = _read_one(folder, "prolonged", Prolonged, sources)
    mdm = _read_one(folder, "mdm", MdmTable, sources)
    time = _read_one(folder, "time", TimeTable, sources)
    singles = {guidelines.id, prolonged.id, mdm.id, time.id}
    paths = [path for path in sorted((folder / "codes").glob("*.yaml")) if path.stem not in singles]
    families = _read_all(folder, paths, Family, sources)
    payers = _read_all(folder, sorted((folder / "payers").glob("*.yaml")), Payer, sources)
    for table, family in families.values():
        _check_family(table, family, sources, guidelines)
    for table, payer in payers.values():
        _check_payer(table, payer, families, payers, prolonged, guidelines)
    return PolicyBook(
        families={name: family for name, (_, family) in families.items()},
        payers={name: payer for name, (_, payer) in payers.items()},
        prolonged=prolonged,
        guidelines=guidelines,
        mdm=mdm,
        time=time,
        sources=Sources(sources),
        fingerprint=fingerprint(folder),
    )


def _read_one(folder: Path, name: str, model: type[ModelT], sources: Mapping[str, Source]) -> ModelT:
    table = read_table(folder / "codes" / f"{name}.yaml", root=folder)
    found = table.as_model(model)
    _check_citations(table, found, sources)
    return found


def _read_all(
    folder: Path, paths: list[Path], model: type[KindT], sources: Mapping[str, Source]
) -> dict[str, tuple[Table, KindT]]:
    found: dict[str, tuple[Table, KindT]] = {}
    for path in paths:
        table = read_table(path, root=folder)
        row = table.as_model(model)
        if row.id in found:
            raise table.error(("id",), f"the id {row.id} is taken by another table")
        _check_citations(table, row, sources)
        found[row.id] = table, row
    return found


def fingerprint(folder: Path) -> str:
    """`sha256:` and the hash of every table that decides a code, so that an answer names the law it was given under."""
    digest = hashlib.sha256()
    for path in [
        folder / "sources.yaml",
        *sorted((folder / "codes").glob("*.yaml")),
        *sorted((folder / "payers").glob("*.yaml")),
    ]:
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(path.read_bytes())
        digest.update(b"\0")
    return f"sha256:{digest.hexdigest()}"


def _check_family(table: Table, family: Family, sources: Mapping[str, Source], guidelines: Guidelines) -> None:
    _check_starts(table, family.editions)
    for day, edition in family.editions.items():
        if isinstance(edition, Edition):
            _check_conditions(table, ("editions", day.isoformat()), edition.requires, guidelines)
    codes = {
        rung.code
        for edition in family.editions.values()
        if isinstance(edition, Edition)
        for rung in (*edition.new, *edition.established, *edition.anyone)
    }
    for year, groups in family.work_rvus.items():
        for index, group in enumerate(groups):
            place = ("work_rvus", str(year), str(index))
            if group.source not in sources:
                raise table.error((*place, "source"), f"the source {group.source} is not in sources.yaml")
            for code in group.codes.keys() - codes:
                raise table.error((*place, "codes", code), f"{code} is not a code of {family.id}")


def _check_payer(  # noqa: PLR0913 - a payer policy leans on every other table
    table: Table,
    payer: Payer,
    families: Mapping[str, tuple[Table, Family]],
    payers: Mapping[str, tuple[Table, Payer]],
    prolonged: Prolonged,
    guidelines: Guidelines,
) -> None:
    _check_starts(table, payer.editions)
    for day, edition in payer.editions.items():
        if not isinstance(edition, PayerEdition):
            continue
        place = ("editions", day.isoformat())
        for name in edition.either:
            if name not in payers or any(
                isinstance(e, PayerEdition) and e.either for e in payers[name][1].editions.values()
            ):
                raise table.error((*place, "either"), f"{name} is not a policy of known adoption")
        for index, route in enumerate(edition.routes):
            at = (*place, "routes", str(index))
            if route.family is not None and route.family not in families:
                raise table.error((*at, "family"), f"the family {route.family} is not in codes/")
            _check_conditions(table, at, route.requires, guidelines)
        if edition.prolonged and edition.prolonged not in prolonged.tables:
            raise table.error((*place, "prolonged"), f"{edition.prolonged} is not a table of codes/prolonged.yaml")


def _check_conditions(table: Table, place: Place, names: tuple[str, ...], guidelines: Guidelines) -> None:
    for name in names:
        if name not in guidelines.conditions:
            raise table.error((*place, "requires"), f"the condition {name} is not in codes/guidelines.yaml")


def _check_starts(table: Table, editions: Mapping[Any, object]) -> None:
    if not any(edition not in (None, "expected") for edition in editions.values()):
        raise table.error(("editions",), "a table needs at least one edition")


def _check_citations(table: Table, model: Row, sources: Mapping[str, Source]) -> None:
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
