"""Loads the law from `config/` at start-up, and refuses whatever a careful coder would not sign."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from cds_hooks.coding.citation import Source, Sources
from cds_hooks.coding.criteria import MdmTable, TimeTable
from cds_hooks.coding.families import Family, Prolonged
from cds_hooks.coding.guidelines import Guidelines, check_names
from cds_hooks.coding.payers import Payer
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.coding.references import References, check_citations
from fhir_mapping.tables import Row, Table, read_table

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
    guideline_table = _single(folder, "guidelines")
    guidelines = _checked(guideline_table, Guidelines, sources)
    check_names(guideline_table, guidelines)
    prolonged = _checked(_single(folder, "prolonged"), Prolonged, sources)
    mdm = _checked(_single(folder, "mdm"), MdmTable, sources)
    time = _checked(_single(folder, "time"), TimeTable, sources)
    singles = {guidelines.id, prolonged.id, mdm.id, time.id}
    paths = [path for path in sorted((folder / "codes").glob("*.yaml")) if path.stem not in singles]
    families = _read_all(folder, paths, Family, sources)
    payers = _read_all(folder, sorted((folder / "payers").glob("*.yaml")), Payer, sources)
    all_families = {name: family for name, (_, family) in families.items()}
    all_payers = {name: payer for name, (_, payer) in payers.items()}
    references = References(all_families, all_payers, prolonged, guidelines, sources)
    references.check_guidelines(guideline_table)
    for table, family in families.values():
        references.check_family(table, family)
    for table, payer in payers.values():
        references.check_payer(table, payer)
    return PolicyBook(
        families=all_families,
        payers=all_payers,
        prolonged=prolonged,
        guidelines=guidelines,
        mdm=mdm,
        time=time,
        sources=Sources(sources),
        fingerprint=fingerprint(folder),
    )


def _single(folder: Path, name: str) -> Table:
    return read_table(folder / "codes" / f"{name}.yaml", root=folder)


def _checked(table: Table, model: type[ModelT], sources: Mapping[str, Source]) -> ModelT:
    found = table.as_model(model)
    check_citations(table, found, sources)
    return found


def _read_all(
    folder: Path, paths: list[Path], model: type[KindT], sources: Mapping[str, Source]
) -> dict[str, tuple[Table, KindT]]:
    found: dict[str, tuple[Table, KindT]] = {}
    for path in paths:
        table = read_table(path, root=folder)
        row = _checked(table, model, sources)
        if row.id in found:
            raise table.error(("id",), f"the id {row.id} is taken by another table")
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
