"""The visits tab: sample visits to send to the service, and a card's detail drawn safely for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from cds_hooks.exchange.discovery import Service
from cds_hooks.samples import Sample


@dataclass(frozen=True, slots=True)
class Picked:
    """The visit picked: what it is called, the request as it stands in the editor, and the service it goes to.

    `name` is that of a sample; a visit from a FHIR server has none.
    """

    title: str
    about: str
    service: Service
    text: str
    name: str = ""


def pick(samples: Sequence[Sample], services: Mapping[str, Service], name: str) -> Picked | None:
    """The sample of that name, the first where none is named; nothing where there is no such sample.

    It goes to the service that answers to its hook; where a site calls the hook otherwise, to the first one offered.
    """
    sample = next((one for one in samples if name in ("", one.name)), None)
    if sample is None:
        return None
    return _picked(sample.as_request(), services, sample.title, sample.about, sample.name)


def pick_elsewhere(request: dict[str, Any], services: Mapping[str, Service]) -> Picked:
    """The visit of a request that was made of what a FHIR server holds."""
    title = f"Encounter {request['context']['encounterId']}"
    about = f"Read from {request['fhirServer']} as an EHR would send it along. Each reading is of that moment."
    return _picked(request, services, title, about)


def _picked(request: dict[str, Any], services: Mapping[str, Service], title: str, about: str, name: str = "") -> Picked:
    service = next((one for one in services.values() if request["hook"] in one.hooks), next(iter(services.values())))
    if request["hook"] not in service.hooks:
        request["hook"] = service.hook
    return Picked(title, about, service, orjson.dumps(request, option=orjson.OPT_INDENT_2).decode(), name)
