"""Whether FHIR takes a draft before it is offered: fhir.resources is the judge, and asked once for each shape."""

from __future__ import annotations

import re
from functools import lru_cache

import orjson
from fhir.resources import chargeitem, claim, servicerequest
from fhir.resources.R4B import chargeitem as r4_chargeitem
from fhir.resources.R4B import claim as r4_claim
from fhir.resources.R4B import servicerequest as r4_servicerequest
from pydantic import BaseModel

from cds_hooks.cards.coded import Json, Visit
from fhir_mapping.facts import Release

FAULTS = (ValueError, KeyError, TypeError)
"""What fhir.resources raises for a resource it refuses."""
MODELS: dict[tuple[Release, str], type[BaseModel]] = {
    (Release.R4, "Claim"): r4_claim.Claim,
    (Release.R4, "ChargeItem"): r4_chargeitem.ChargeItem,
    (Release.R4, "ServiceRequest"): r4_servicerequest.ServiceRequest,
    (Release.R5, "Claim"): claim.Claim,
    (Release.R5, "ChargeItem"): chargeitem.ChargeItem,
    (Release.R5, "ServiceRequest"): servicerequest.ServiceRequest,
}
REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9.\-]{1,64}")
"""A reference as FHIR wants it: one is as good as another."""
STAND_IN = '"Basic/1"'
SHAPES = 256
"""So many drafts are known by their shape; of one day a site has as many as it has codes, modifiers and places."""


def is_valid(resource: Json, visit: Visit) -> bool:
    """Whether FHIR takes a draft.

    fhir.resources is asked once for each shape of draft, which is all of it but whom it is about: nothing of a patient
    is kept. Where a reference is not as FHIR wants it, the draft itself is judged each time.
    """
    parties = visit.parties
    named = [parties.encounter, parties.patient, parties.practitioner, *(name for _, name in parties.coverages)]
    written = orjson.dumps(resource).decode()
    if not all(REFERENCE.fullmatch(name) for name in named if name):
        return judged(visit.release, resource["resourceType"], written)
    for name in filter(None, named):
        written = written.replace(f'"{name}"', STAND_IN)
    return known(visit.release, resource["resourceType"], written)


def judged(release: Release, kind: str, written: str) -> bool:
    """Whether FHIR takes a resource as it is written in JSON."""
    try:
        MODELS[release, kind].model_validate(orjson.loads(written))
    except FAULTS:
        return False
    return True


@lru_cache(SHAPES)
def known(release: Release, kind: str, shape: str) -> bool:
    """Whether FHIR takes a draft of that shape, from memory where it was asked before."""
    return judged(release, kind, shape)
