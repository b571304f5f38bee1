"""The service described for programs (OpenAPI 3.1), made from the models that check what comes in and goes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from cds_hooks import __version__
from cds_hooks.exchange import answers_json as said
from cds_hooks.exchange.context_ids import KINDS, described_id, described_user
from cds_hooks.exchange.discovery import Service
from cds_hooks.exchange.facts_json import FactsJson
from cds_hooks.exchange.feedback import FeedbackJson
from cds_hooks.exchange.hook import UUID
from cds_hooks.service import Telecode
from cds_hooks.web.guard import DISCOVERY, OPERATIONS

Json = dict[str, Any]
REFUSALS: Mapping[int, str] = {
    400: "The body does not fit, and `expression` says where",
    401: "The call is not authenticated",
    412: "The Encounter can be had neither from prefetch nor from the FHIR server",
    413: "The body is too large",
    415: "The body is not application/json",
    503: "Now it cannot be known or kept: send it again after the seconds of `Retry-After`",
}
ADDRESS = r"^[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9\[]"
REF = "#/components/schemas/{model}"
SIGNED = {"client": list[str]()}


@dataclass(frozen=True)
class _Door:
    """How one door is described: by the model of its answer, its body, and the refusals it has."""

    summary: str
    answer: type[BaseModel] | None
    body: type[BaseModel] | None = None
    refusals: tuple[int, ...] = ()


_BODY = (400, 413, 415)
DOORS: Mapping[str, _Door] = {
    "hooks.discovery": _Door("List the services", said.ServicesJson),
    "hooks.call": _Door("Answer a hook with cards", said.CardsJson, refusals=(*_BODY, 412)),
    "hooks.feedback": _Door("Hear what clinicians did with cards", said.HeardJson, refusals=(*_BODY, 503)),
    "api.select": _Door("Select the code for facts", said.OutcomeJson, FactsJson, _BODY),
    "api.explain": _Door("Explain the answer to a hook request", said.ExplanationJson, refusals=(*_BODY, 412)),
    "operations.healthz": _Door("Say whether the process lives", said.AliveJson),
    "operations.readyz": _Door("Say whether the service can answer", said.ReadyJson, refusals=(503,)),
    "operations.metrics": _Door("Tell the numbers, for Prometheus", None),
    "operations.openapi": _Door("Describe the service", None),
}
"""The doors by their names; each route of the application has one, but the pages, which are for people."""


def document(app: Flask, telecode: Telecode) -> Json:
    """Describe the routes that `app` has: in production without `/api`, with tokens where they are required."""
    models = [door.answer for door in DOORS.values() if door.answer] + [FactsJson, FeedbackJson, said.RefusalJson]
    _, made = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    schemas = made["$defs"]
    schemas["FactsJson"]["properties"]["payers"]["anyOf"][0]["items"] = {"enum": telecode.book.selectable_payers()}
    found: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "telecode",
            "version": __version__,
            "summary": "Suggests the E/M code of a telehealth visit when its note is signed, and shows its work.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {},
        "components": {"schemas": schemas | _incoming(telecode)},
    }
    signed = telecode.settings.auth == "required"
    if signed:
        found["components"]["securitySchemes"] = {
            "client": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT of the EHR, as CDS Hooks has it"}
        }
    for path, method, operation in _operations(app, telecode.offer.services, signed=signed):
        found["paths"].setdefault(path, {})[method] = operation
    return found


def _operations(app: Flask, services: Mapping[str, Service], *, signed: bool) -> Iterator[tuple[str, str, Json]]:
    for rule in app.url_map.iter_rules():
        door = DOORS.get(rule.endpoint)
        if door is None:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for service in services.values() if "service_id" in rule.arguments else (None,):
                path = rule.rule.replace("<service_id>", service.id) if service else rule.rule
                yield path, method.lower(), _operation(rule.endpoint, door, service, signed=signed)


def _operation(endpoint: str, door: _Door, service: Service | None, *, signed: bool) -> Json:
    guarded = signed and endpoint != DISCOVERY and not endpoint.startswith(f"{OPERATIONS}.")
    refusals = {*door.refusals, 401, 503} if guarded else {*door.refusals}
    found: Json = {
        "operationId": endpoint if service is None else f"{endpoint}.{service.id}",
        "summary": door.summary,
        "responses": {
            **_good(endpoint, door),
            **{str(code): _json(REFUSALS[code], said.RefusalJson.__name__) for code in sorted(refusals)},
        },
    }
    schema = _body(endpoint, door, service)
    if schema:
        content = {"application/json": {"schema": {"$ref": REF.format(model=schema)}}}
        found["requestBody"] = {"required": True, "content": content}
    if guarded:
        found["security"] = [SIGNED]
    return found


def _good(endpoint: str, door: _Door) -> Json:
    if door.answer:
        return {"200": _json("The answer", door.answer.__name__)}
    if endpoint == "operations.metrics":
        return {"200": {"description": "The numbers", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    return {"200": {"description": "This", "content": {"application/json": {"schema": {"type": "object"}}}}}


def _json(description: str, schema: str) -> Json:
    content = {"application/json": {"schema": {"$ref": REF.format(model=schema)}}}
    return {"description": description, "content": content}


def _body(endpoint: str, door: _Door, service: Service | None) -> str | None:
    if endpoint == "hooks.call" and service is not None:
        return f"HookRequest.{service.id}"
    named = {"hooks.feedback": "FeedbackRequest", "api.explain": "HookRequest"}
    return named.get(endpoint) or (door.body.__name__ if door.body else None)


def _incoming(telecode: Telecode) -> Json:
    """What comes in and depends on the settings or the tables, or is read leniently."""
    services = telecode.offer.services
    found = {f"HookRequest.{service.id}": _hook_request(service) for service in services.values()}
    found["HookRequest"] = {"anyOf": [{"$ref": REF.format(model=name)} for name in found]}
    events = {
        "type": "array",
        "items": {"$ref": REF.format(model=FeedbackJson.__name__)},
        "minItems": 1,
        "maxItems": 1000,
    }
    found["FeedbackRequest"] = {"type": "object", "required": ["feedback"], "properties": {"feedback": events}}
    return found


def _hook_request(service: Service) -> Json:
    """A hook request, as strictly as `read_hook` reads it: what EHRs add is let pass."""
    bundle = {"type": "object"}
    ids = {name: described_id(name, needed=name in service.needs) for name in KINDS}
    may_hold = {**ids, **dict.fromkeys(service.drafts, bundle), "userId": described_user()}
    return {
        "type": "object",
        "required": ["hook", "hookInstance", "context"],
        "properties": {
            "hook": {"enum": sorted(service.hooks)},
            "hookInstance": {"type": "string", "format": "uuid", "pattern": f"^{UUID.pattern}$"},
            "context": {
                "type": "object",
                "required": list(service.needs),
                "properties": {
                    name: shape if name in service.needs else {"anyOf": [shape, {"type": "null"}]}
                    for name, shape in may_hold.items()
                },
            },
            "prefetch": {"type": ["object", "null"]},
            "extension": {"description": "What an EHR adds: Epic tells its triggers apart by it. Never refused."},
            "fhirServer": {"type": ["string", "null"], "pattern": ADDRESS},
            "fhirAuthorization": {
                "type": ["object", "null"],
                "required": ["access_token"],
                "properties": {
                    "access_token": {"type": "string", "pattern": "^[ -~]+$"},
                    "token_type": {"type": "string", "pattern": "^[Bb][Ee][Aa][Rr][Ee][Rr]$"},
                },
            },
        },
        "if": {"required": ["fhirAuthorization"], "properties": {"fhirAuthorization": {"type": "object"}}},
        "then": {"required": ["fhirServer"], "properties": {"fhirServer": {"type": "string", "minLength": 1}}},
    }
