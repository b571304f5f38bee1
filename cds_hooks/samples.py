"""The sample visits: invented patients, each with the records of one visit as an EHR would send them at sign-off."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from fhir_mapping.tables import Row, Table, TableError

_AFTER = ("Practitioner", "Location", "Patient", "Coverage", "Appointment", "Encounter")
"""What other resources point at, in an order in which a strict FHIR server takes them; the rest comes after."""


@dataclass(frozen=True)
class Sample:
    """One visit: `name` at the shell, `title`, `about` what it shows, and `request`, a hook request without its id."""

    name: str
    title: str
    about: str
    request: Mapping[str, Any]

    def as_request(self) -> dict[str, Any]:
        """The hook request under a new id, the caller's own to change."""
        return {"hookInstance": str(uuid4()), **copy.deepcopy(dict(self.request))}


class _File(Row):
    title: str
    about: str
    hook: str
    context: dict[str, Any]
    prefetch: dict[str, Any]


def load_samples(folder: Path) -> tuple[Sample, ...]:
    """Read the sample visits in their order.

    Parameters: `folder` of the tables, in which they stand as `samples/NN-name.json`; one without samples has none.
    Raises TableError for a file that is no sample.
    """
    return tuple(_read(path, folder) for path in sorted((folder / "samples").glob("*.json")))


def resources(samples: Iterable[Sample]) -> Iterator[Mapping[str, Any]]:
    """Every resource of some samples once, as a FHIR server stores them: what others point at comes first."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for sample in samples:
        for value in sample.request["prefetch"].values():
            for resource in _held(value):
                found.setdefault((resource["resourceType"], resource["id"]), resource)
    yield from sorted(found.values(), key=_rank)


def _read(path: Path, folder: Path) -> Sample:
    name = str(path.relative_to(folder.parent))
    try:
        data = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as broken:
        raise TableError(name, broken.lineno, f"cannot be read: {broken.msg}") from None
    read = Table(name, data, {}).as_model(_File)
    request = {"hook": read.hook, "context": read.context, "prefetch": read.prefetch}
    return Sample(path.stem.partition("-")[2], read.title, read.about, request)


def _held(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if value["resourceType"] == "Bundle":
        yield from (entry["resource"] for entry in value.get("entry", ()))
    else:
        yield value


def _rank(resource: Mapping[str, Any]) -> int:
    kind = resource["resourceType"]
    return _AFTER.index(kind) if kind in _AFTER else len(_AFTER)
