"""What the service offers to an EHR: its services, and what it would like to be sent along."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_hooks.coding.citation import Items
from fhir_mapping.tables import Row, read_table


class _Service(Row):
    id: str
    hook: str
    title: str
    description: str
    usage_requirements: str
    needs: Items[str]


class _Services(Row):
    services: Items[_Service]
    prefetch: dict[str, str]
    required: str


@dataclass(frozen=True)
class Service:
    """One CDS service: its id, the hook names it answers to, and what its context must hold."""

    id: str
    hook: str
    hooks: frozenset[str]
    needs: tuple[str, ...]
    listing: Mapping[str, Any]


@dataclass(frozen=True)
class Offer:
    """All services by id, the prefetch templates they share, and the one key they cannot do without."""

    services: Mapping[str, Service]
    prefetch: Mapping[str, str]
    required: str

    def listing(self) -> dict[str, Any]:
        """The body of `GET /cds-services` (CDS Hooks 2.0, Discovery)."""
        return {"services": [dict(service.listing) for service in self.services.values()]}


def load_offer(folder: Path, *, base: str, hook_name: str, aliases: tuple[str, ...]) -> Offer:
    """Read `services.yaml`.

    Parameters: `base` of telecode's own code systems; `hook_name` and `aliases` of the note-sign hook.
    Raises TableError with file and line.
    """
    table = read_table(folder / "services.yaml", root=folder).as_model(_Services)
    prefetch = {key: template.replace("{base}", base) for key, template in table.prefetch.items()}
    services = {}
    for row in table.services:
        own = row.hook == "note-sign"
        hook = hook_name if own else row.hook
        listing = {
            "hook": hook,
            "title": row.title,
            "description": row.description,
            "id": row.id,
            "prefetch": prefetch,
            "usageRequirements": row.usage_requirements,
        }
        services[row.id] = Service(row.id, hook, frozenset((hook, *(aliases if own else ()))), row.needs, listing)
    return Offer(services, prefetch, table.required)
