"""Fills in what a service asks to be sent along: each template becomes one read or one search of the FHIR server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from cds_hooks.ehr.connection import Connection, NotReachedError, complaint

FHIR = "application/fhir+json"
_TOKEN = re.compile(r"\{\{\s*([A-Za-z.]+)\s*\}\}")
ID = r"(?!\.+$)[A-Za-z0-9._\-]{1,256}"
"""The shape of an id; one of dots alone would lead to the folder above."""
USER = rf"(Practitioner|PractitionerRole|Patient|RelatedPerson)/({ID})"
"""The shape of who may sign or look."""
_QUERY = re.compile(rf"(?P<path>[A-Z][A-Za-z]{{1,63}}(?:/{ID})?)(?:\?(?P<search>[^#\s]*))?")
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}


@dataclass(frozen=True)
class Prefetched:
    """What was found by its key; null is known to be absent. `left_out` says of what the server did not give, why."""

    values: Mapping[str, Any]
    left_out: tuple[str, ...]


def prefetch(templates: Mapping[str, str], context: Mapping[str, Any], server: Connection) -> Prefetched:
    """Fetch what the templates of a service ask for.

    Parameters: `templates` by their keys, as discovery lists them; the `context` of the hook; the FHIR `server`.
    A key whose context is incomplete is left out, as CDS Hooks wants it; so is one that the server does not give.
    """
    values: dict[str, Any] = {}
    left_out = []
    for key, template in templates.items():
        asked = _QUERY.fullmatch(query) if (query := resolved(template, context)) else None
        if asked is None:
            continue
        try:
            answer = server.ask("GET", asked["path"], query=parse_qsl(asked["search"] or ""), kind=FHIR)
        except NotReachedError as silent:
            left_out.append(f"{key}: {silent}")
            continue
        if answer.status == HTTPStatus.OK and isinstance(answer.body, dict):
            values[key] = answer.body
        elif answer.status in _GONE and asked["search"] is None:
            values[key] = None
        else:
            left_out.append(f"{key}: the FHIR server answers {complaint(answer)}")
    return Prefetched(values, tuple(left_out))


def resolved(template: str, context: Mapping[str, Any]) -> str | None:
    """The template with its tokens filled in from the context, or None if one of them is missing or no id."""
    found = {token: _value(token, context) for token in _TOKEN.findall(template)}
    if None in found.values():
        return None
    filled = _TOKEN.sub(lambda token: found[token[1]] or "", template)
    return None if "{{" in filled else filled


def _value(token: str, context: Mapping[str, Any]) -> str | None:
    user = re.fullmatch(USER, str(context.get("userId")))
    if token == "context.userId":  # noqa: S105 - a token of a template
        return user[0] if user else None
    if token.startswith("context."):
        value = context.get(token.removeprefix("context."))
        return value if isinstance(value, str) and re.fullmatch(ID, value) else None
    return user[2] if user and token == f"user{user[1]}Id" else None
