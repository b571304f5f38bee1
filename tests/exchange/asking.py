"""Requests that name a FHIR server, and what fetches for them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cds_hooks.exchange.bases import Servers
from cds_hooks.exchange.fetch import Fetcher
from cds_hooks.exchange.hook import Access, HookRequest
from fhir_mapping.tables import config_folder
from tests.fhir_server import TOKEN

PATIENCE = 10.0
"""Seconds that a test waits at most for what should come at once."""
ENCOUNTER = {"encounter": "Encounter/{{context.encounterId}}"}
COVERAGE = {"coverage": "Coverage?patient={{context.patientId}}&status=active"}


def request(server: str | None, **changes: Any) -> HookRequest:
    said: dict[str, Any] = {
        "hook": "patient-view",
        "instance": "5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11",
        "patient_id": "p1",
        "encounter_id": "e1",
        "user": None,
        "fhir_server": server,
        "access": Access(TOKEN),
        "prefetch": {},
        "trigger": None,
    }
    return HookRequest(**(said | changes))


@contextmanager
def fetcher(*bases: str, lookup: Callable[..., Any] | None = None, **said: Any) -> Iterator[Fetcher]:
    """A fetcher for a developer's machine; when it is done with, no thread of it may be left waiting."""
    servers = Servers(frozenset(bases), **({"development": True, "deadline": PATIENCE} | said))
    made = Fetcher(servers, config_folder(), **({"lookup": lookup} if lookup else {}))
    try:
        yield made
    finally:
        made.close()


def fill(made: Fetcher, asked: HookRequest, templates: dict[str, str], *whole: str) -> dict[str, Any]:
    errand = made.errand(asked)
    assert errand is not None
    return errand.fill(templates, frozenset(whole))


def code(value: Any) -> str:
    """The issue code of what could not be had."""
    assert value["resourceType"] == "OperationOutcome"
    found: str = value["issue"][0]["code"]
    return found
