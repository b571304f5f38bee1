"""A hook request as an EHR sends it, checked only where the service relies on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_hooks.exchange.context_ids import read_id, read_user
from cds_hooks.exchange.discovery import Service
from cds_hooks.exchange.drafts import of_visit
from cds_hooks.exchange.refused import HookRefused
from fhir_mapping.sent import opened_prefetch, resources_in

__all__ = ["Access", "HookRefused", "HookRequest", "read_hook"]

URL = re.compile(r"https?://[a-z0-9\[]", re.IGNORECASE | re.ASCII)
TRIGGER = re.compile(r"com\.epic\.cdshooks\.request\.bpa-trigger-action")
"""Epic sends every trigger as patient-view and tells them apart by this extension."""
FHIR_VERSION = re.compile(r"([a-z0-9.\-]+\.)?fhir-?version", re.IGNORECASE)
"""Epic's `com.epic.cdshooks.request.fhir-version`, and the plain name."""
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
UUID_WANTED = (
    "is required: a UUID as 32 hexadecimal digits in groups of 8-4-4-4-12 with dashes, without braces and urn:uuid:, "
    "such as 5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11"
)


@dataclass(frozen=True)
class Access:
    """The EHR's own token for its FHIR server; it is never shown."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class HookRequest:
    """What the service needs of a CDS Hooks request.

    `prefetch` holds what was sent along, by its key, and the drafts in the context by their names there. `document_id`
    is the stored note that is signed; `drafted`, the names (`Type/id`) of the drafts; `fhir_version`, the release of
    FHIR as the EHR names it; `service`, the id of the service that was called.
    """

    hook: str
    instance: str
    patient_id: str
    encounter_id: str | None
    user: str | None
    fhir_server: str | None
    access: Access | None
    prefetch: Mapping[str, Any]
    trigger: str | None
    service: str = ""
    document_id: str | None = None
    fhir_version: str | None = None
    drafted: frozenset[str] = frozenset()


def read_hook(body: Mapping[str, Any], service: Service | None, services: Mapping[str, Service]) -> HookRequest:
    """Check a request body for `service`, or, if that is None, for whichever of `services` its hook belongs to.

    Raises HookRefused for what CDS Hooks 2.0 requires and the request lacks; unknown members are let pass.
    """
    hook = body.get("hook")
    if not isinstance(hook, str) or not hook:
        raise HookRefused("hook", "is required: the name of the hook")
    if service is None:
        service = next((known for known in services.values() if hook in known.hooks), None)
    if service is None or hook not in service.hooks:
        expected = service.hook if service else ", ".join(known.hook for known in services.values())
        raise HookRefused("hook", f"this service answers to {expected}")
    instance = body.get("hookInstance")
    if not isinstance(instance, str) or not UUID.fullmatch(instance):
        raise HookRefused("hookInstance", UUID_WANTED)
    context = body.get("context")
    if not isinstance(context, dict):
        raise HookRefused("context", "is required: an object")
    server = body.get("fhirServer")
    named = server if isinstance(server, str) else None
    patient_id, encounter_id, document_id = (
        read_id(context, name, named, needed=name in service.needs)
        for name in ("patientId", "encounterId", "documentReferenceId")
    )
    user = read_user(context, named)
    drafts = dict(_drafts(context, service, encounter_id))
    prefetch = body.get("prefetch")
    if prefetch is not None and not isinstance(prefetch, dict):
        raise HookRefused("prefetch", "must be an object")
    if server is not None and not (isinstance(server, str) and URL.match(server)):
        raise HookRefused("fhirServer", "must be a URL")
    return HookRequest(
        hook=hook,
        instance=instance,
        patient_id=patient_id or "",
        encounter_id=encounter_id,
        user=user,
        fhir_server=server,
        access=_access(body, server),
        # Drafts first: of a resource that came twice the first is read, and the draft is what is signed.
        prefetch=drafts | opened_prefetch({key: value for key, value in (prefetch or {}).items() if key not in drafts}),
        trigger=_said(body, TRIGGER),
        service=service.id,
        document_id=document_id,
        fhir_version=_said(body, FHIR_VERSION),
        drafted=frozenset(
            f"{one.get('resourceType')}/{one.get('id')}" for draft in drafts.values() for one in resources_in(draft)
        ),
    )


def _access(body: Mapping[str, Any], server: str | None) -> Access | None:
    granted = body.get("fhirAuthorization")
    if granted is None:
        return None
    if not server:
        raise HookRefused("fhirServer", "is required with fhirAuthorization")
    if isinstance(granted, dict) and str(granted.get("token_type", "Bearer")).casefold() != "bearer":
        raise HookRefused("fhirAuthorization", "must be a Bearer token")
    token = granted.get("access_token") if isinstance(granted, dict) else None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise HookRefused("fhirAuthorization", "needs an access_token")
    return Access(token)


def _drafts(
    context: Mapping[str, Any], service: Service, encounter_id: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in service.drafts:
        value = context.get(name)
        if value is None and name not in service.needs:
            continue
        if not isinstance(value, dict):
            raise HookRefused(f"context.{name}", "must be a Bundle" if value is not None else "is required")
        yield name, value if encounter_id is None else of_visit(value, encounter_id)


def _said(body: Mapping[str, Any], name: re.Pattern[str]) -> str | None:
    """What the request says in the extension of that name."""
    extension = body.get("extension")
    said = extension.items() if isinstance(extension, dict) else ()
    return next((value for key, value in said if name.fullmatch(key) and isinstance(value, str)), None)
