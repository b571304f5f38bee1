"""The ids in a hook's context: who signs, the patient, the visit, the note; as bare ids, or as references to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cds_hooks.exchange.refused import HookRefused
from fhir_mapping.resources import PLAIN_ID

KINDS = {"patientId": "Patient", "encounterId": "Encounter", "documentReferenceId": "DocumentReference"}
USERS = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson")
_BLANK = r" \t\r\n"
UUID_URN = "urn:uuid:"
ID = rf"(?=[.]*[A-Za-z0-9_\-]){PLAIN_ID.pattern}"
"""An id; one of dots alone would lead to the folder above."""
_VERSION = r"(?:/_history/[A-Za-z0-9._\-]{1,64})?"
_REFERENCE = re.compile(rf"(?:(?P<base>https?://[^\s?#]+)/)?(?P<kind>[A-Z][A-Za-z]{{1,63}})/(?P<id>{ID}){_VERSION}")


def read_id(context: Mapping[str, Any], name: str, server: str | None, *, needed: bool) -> str | None:
    """The id of a resource in the context, or `None` where it is absent, null or blank and not `needed`.

    Parameters: `name` in the context, one of KINDS; `server`, the request's `fhirServer`.
    A reference to a resource of that type is taken for its id. Raises HookRefused for what names no such id.
    """
    kind = KINDS[name]
    said = _text(context, name, f"the id of the {kind}")
    if not said:
        if needed:
            raise HookRefused(f"context.{name}", f"is required: the id of the {kind}")
        return None
    bare = said.removeprefix(UUID_URN)
    if PLAIN_ID.fullmatch(bare):
        return bare
    named = _reference(name, said, server)
    if named is None:
        shape = "letters, digits, dashes, dots and underscores"
        raise HookRefused(f"context.{name}", f"must be a plain id of {shape}: the id of the {kind}, without an address")
    if named["kind"] != kind:
        raise HookRefused(
            f"context.{name}", f"must be the id of a resource of type {kind}, and is that of another type"
        )
    return named["id"]


def read_user(context: Mapping[str, Any], server: str | None) -> str:
    """Who signs or looks, as Practitioner/123. Raises HookRefused for what names nobody in that way.

    Parameters: `server`, the request's `fhirServer`.
    """
    wanted = f"{{ResourceType}}/{{id}}, of the type {', '.join(USERS[:-1])} or {USERS[-1]}, such as Practitioner/123"
    said = _text(context, "userId", wanted)
    if not said:
        raise HookRefused("context.userId", f"is required: {wanted}")
    named = _reference("userId", said, server)
    if named is None or named["kind"] not in USERS:
        raise HookRefused("context.userId", f"must be {wanted}")
    return f"{named['kind']}/{named['id']}"


def described_id(name: str, *, needed: bool) -> dict[str, Any]:
    """The JSON Schema of an id in the context. Absolute references are taken too, where they lead to `fhirServer`."""
    said = rf"({UUID_URN})?{PLAIN_ID.pattern}|{KINDS[name]}/{ID}{_VERSION}"
    return {"type": "string", "pattern": rf"^[{_BLANK}]*({said}){'' if needed else '?'}[{_BLANK}]*$"}


def described_user() -> dict[str, Any]:
    """The JSON Schema of who signs or looks."""
    pattern = rf"^[{_BLANK}]*({'|'.join(USERS)})/{ID}{_VERSION}[{_BLANK}]*$"
    return {"type": "string", "pattern": pattern, "description": "Who signs or looks, such as Practitioner/123."}


def is_user(reference: str) -> bool:
    """Whether a relative reference can name a user."""
    named = _REFERENCE.fullmatch(reference)
    return named is not None and named["base"] is None and named["kind"] in USERS


def _text(context: Mapping[str, Any], name: str, wanted: str) -> str:
    value = context.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise HookRefused(f"context.{name}", f"must be a string: {wanted}")
    return value.strip(" \t\r\n")


def _reference(name: str, said: str, server: str | None) -> re.Match[str] | None:
    """The parts of a reference. Raises HookRefused for one that leads to another server than the request names."""
    named = _REFERENCE.fullmatch(said)
    if named and named["base"] and server and named["base"].casefold() != server.rstrip("/").casefold():
        raise HookRefused(f"context.{name}", "leads to another server than fhirServer: send the id as it is there")
    return named
