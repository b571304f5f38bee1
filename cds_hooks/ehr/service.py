"""A CDS service as an EHR sees it: the list of what it offers, and one call that is answered with cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from cds_hooks.ehr.connection import Connection, NotReachedError, complaint


class NotOfferedError(ValueError):
    """A service or hook that is not in the list; the words name those that are."""


class CallRefusedError(Exception):
    """The service will not answer this request; the words are its own."""


@dataclass(frozen=True)
class Offered:
    """One service of the list: its id, its hook, and the templates of what it wants sent along."""

    id: str
    hook: str
    prefetch: Mapping[str, str]


def offered(service: Connection) -> tuple[Offered, ...]:
    """What the service lists at /cds-services. Raises NotReachedError if there is no such list."""
    answer = service.ask("GET", "cds-services")
    listed = answer.body.get("services") if isinstance(answer.body, dict) else None
    if answer.status != HTTPStatus.OK or not isinstance(listed, list):
        raise NotReachedError(f"no CDS service answers at {service.base} ({answer.status}): check --service")
    return tuple(
        Offered(str(one["id"]), str(one["hook"]), _templates(one.get("prefetch")))
        for one in listed
        if isinstance(one, dict) and one.get("id") and one.get("hook")
    )


def chosen(services: tuple[Offered, ...], service_id: str | None, hook: str | None) -> Offered:
    """The service of that id, else the first for that hook, else the first. Raises NotOfferedError."""
    fitting = [one for one in services if service_id in {None, one.id} and (service_id or hook in {None, one.hook})]
    if not fitting:
        known = "; ".join(f"{one.id} ({one.hook})" for one in services) or "none"
        raise NotOfferedError(f"{service_id or hook} is not offered there. Offered: {known}")
    return fitting[0]


def called(service: Connection, one: Offered, request: Mapping[str, Any]) -> dict[str, Any]:
    """Send a hook request to one of the services. Returns its response; raises CallRefusedError if there is none."""
    answer = service.ask("POST", f"cds-services/{one.id}", body=request)
    if answer.status == HTTPStatus.OK and isinstance(answer.body, dict) and isinstance(answer.body.get("cards"), list):
        return answer.body
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise CallRefusedError("401: it answers only EHRs of its trust list; call one with authentication off")
    raise CallRefusedError(complaint(answer))


def _templates(said: object) -> dict[str, str]:
    known = said.items() if isinstance(said, dict) else ()
    return {key: template for key, template in known if isinstance(template, str)}
