"""Opens a visit as an EHR does at sign-off: the Encounter says whose it is and who saw the patient."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from cds_hooks.ehr.connection import Connection, NotReachedError, complaint
from cds_hooks.ehr.prefetch import FHIR

_DENIED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_USERS = ("Practitioner", "PractitionerRole")


class NoSuchVisitError(ValueError):
    """A visit that cannot be opened as it was named; the words say what to name otherwise."""


def context_of(server: Connection, encounter_id: str, patient_id: str | None, user: str | None) -> dict[str, str]:
    """The context of a hook about one visit: patientId, encounterId and userId.

    Parameters: the FHIR `server` and the id of the Encounter there; `patient_id` and `user` where the caller names them
    and the Encounter need not.
    Raises NotReachedError if the server gives no access, NoSuchVisitError for an Encounter that is not there, or that
    names no patient or no clinician.
    """
    answer = server.ask("GET", f"Encounter/{encounter_id}", kind=FHIR)
    if answer.status in _DENIED:
        raise NotReachedError(
            f"the FHIR server answers {complaint(answer)}: give a token that may read the chart (--token-file)"
        )
    encounter = answer.body if isinstance(answer.body, dict) else {}
    if encounter.get("resourceType") == "OperationOutcome" or answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise NoSuchVisitError(f"Encounter/{encounter_id} is not on the FHIR server ({complaint(answer)})")
    if answer.status != HTTPStatus.OK or encounter.get("resourceType") != "Encounter":
        raise NotReachedError(f"no FHIR server answers at {server.base} ({answer.status}): check --fhir")
    patient = patient_id or _id(encounter.get("subject"), ("Patient",))
    if not patient:
        raise NoSuchVisitError("the Encounter does not say whose it is: name the patient with --patient")
    seen_by = user or _clinician(encounter)
    if not seen_by:
        raise NoSuchVisitError("the Encounter does not say who saw the patient: name the clinician with --user")
    return {"userId": seen_by, "patientId": patient, "encounterId": encounter_id}


def _clinician(encounter: dict[str, Any]) -> str | None:
    taking_part = encounter.get("participant")
    for one in taking_part if isinstance(taking_part, list) else ():
        said = (one.get("individual") or one.get("actor")) if isinstance(one, dict) else None
        for kind in _USERS:
            if found := _id(said, (kind,)):
                return f"{kind}/{found}"
    return None


def _id(target: object, kinds: tuple[str, ...]) -> str | None:
    """The id at the end of a reference, relative or absolute, to a resource of one of these kinds."""
    said = target.get("reference") if isinstance(target, dict) else None
    parts = said.split("/") if isinstance(said, str) else []
    return parts[-1] if parts[-2:-1] and parts[-2] in kinds else None
