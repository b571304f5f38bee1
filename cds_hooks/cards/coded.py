"""How codes, references and amounts are written in FHIR, the same in a claim, a charge and an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mapping.facts import Parties, Release

Json = dict[str, Any]
Systems = Mapping[str, str]
"""The addresses of code systems, by our names for them."""


@dataclass(frozen=True, slots=True)
class Visit:
    """The visit that a draft is about: who stands on it, its `day` as an ISO date, and how FHIR is written."""

    parties: Parties
    day: str
    systems: Systems
    release: Release


def coded(system: str, code: str) -> Json:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}]}


def billing_system(code: str, systems: Systems) -> str:
    """The code system of a billing code or modifier: HCPCS level II begins with a letter, CPT with a digit."""
    return systems["hcpcs"] if code[0].isalpha() else systems["cpt"]


def billed(code: str, systems: Systems) -> Json:
    """A billing code or modifier as a CodeableConcept."""
    return coded(billing_system(code, systems), code)


def referred(reference: str | None, otherwise: str) -> Json:
    """A Reference; what is not known is named as missing, and not invented."""
    return {"reference": reference} if reference else {"display": otherwise}
