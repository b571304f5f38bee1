"""Reads a visit from a FHIR server, as an EHR would send it along, so that a person can try the service on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

from cds_hooks.exchange.answers import failure_code
from cds_hooks.exchange.context_ids import is_user
from cds_hooks.exchange.hook import HookRequest
from cds_hooks.service import Telecode
from fhir_mapping.resources import PLAIN_ID, record, records, reference


class VisitNotRead(LookupError):
    """A visit that could not be had: `why`, and the `status` that says so."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.why = why
        self.status = status


def read_visit(telecode: Telecode, base: str, encounter_id: str) -> dict[str, Any]:
    """The hook request about a visit on a FHIR server, with what the prefetch templates ask for.

    All of it is read under the deadline of one hook.

    Only a base of TELECODE_FHIR_ALLOW is called, and no token is sent: that is for a developer's open server.
    Raises VisitNotRead, in words for the person who asked.
    """
    if not PLAIN_ID.fullmatch(encounter_id) or not encounter_id.strip("."):
        raise VisitNotRead("The id of an Encounter is letters, digits, dots, dashes and underscores.")
    service = next(iter(telecode.offer.services.values()))
    asked = HookRequest(service.hook, str(uuid4()), "", encounter_id, None, base, None, {}, None, service.id)
    errand = telecode.fetcher.errand(asked)
    if errand is None:
        raise VisitNotRead("This FHIR server may not be called: TELECODE_FHIR_ALLOW does not list it.")
    name = f"Encounter/{encounter_id}"
    visit = errand.read([name])[name]
    if failure_code(visit) is not None:
        _, notes = telecode.reads.set_apart({telecode.offer.required: visit})
        why = notes[0][0].upper() + notes[0][1:]
        raise VisitNotRead(f"{why}. Does the FHIR server run, and is this the id of an Encounter on it?", 502)
    patient_id = reference(record(visit).get("subject")).id
    if not PLAIN_ID.fullmatch(patient_id):
        raise VisitNotRead("The Encounter names no patient.", 502)
    # Who looks is required, and where no clinician is named it is nobody who signs.
    user = _user(visit) or f"Patient/{patient_id}"
    asked = replace(asked, patient_id=patient_id, user=user, prefetch={telecode.offer.required: visit})
    prefetch = {**asked.prefetch, **errand.about(asked).fill(telecode.offer.prefetch, telecode.reads.whole)}
    context = {"patientId": patient_id, "encounterId": encounter_id, "userId": user}
    whole = {"hookInstance": asked.instance, "hook": service.hook, "fhirServer": base}
    return whole | {"context": context, "prefetch": prefetch}


def _user(visit: object) -> str | None:
    """The first clinician among the participants; R5 calls an individual an actor."""
    said = (one.get("individual") or one.get("actor") for one in records(record(visit).get("participant")))
    named = (f"{ref.kind}/{ref.id}" for ref in map(reference, said) if ref.kind.startswith("Practitioner"))
    return next((name for name in named if is_user(name)), None)
