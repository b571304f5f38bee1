"""Tells which release of FHIR an EHR writes, so that what it is offered is written in the same."""

import re

from fhir_mapping.facts import Release
from fhir_mapping.resources import Json

_NAMED = re.compile(r"(?:R?(?P<major>[45])B?|(?P<number>[45])\.\d+(?:\.\d+)?(?:-[A-Za-z0-9.]+)?)", re.IGNORECASE)
_ONLY_IN_R5 = ("actualPeriod", "plannedStartDate", "plannedEndDate", "virtualService", "admission")


def release(named: str | None, encounter: Json) -> Release:
    """The release by its name (`R4`, `4.0.1`, `R5`, `5.0.0`), else by the shape of the Encounter; R4 where none tells.

    A name of a release older than R4, or newer than R5, is another release than those written here.
    """
    if named and named.strip():
        found = _NAMED.fullmatch(named.strip())
        return Release(f"R{found['major'] or found['number']}") if found else Release.OTHER
    listed = isinstance(encounter.get("class"), list)
    return Release.R5 if listed or any(name in encounter for name in _ONLY_IN_R5) else Release.R4
