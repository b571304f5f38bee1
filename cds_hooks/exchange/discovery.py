"""What the service offers to an EHR: its services, and what it would like to be sent along."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from cds_hooks.coding.citation import Items
from fhir_mapping.tables import QuotedCode, Row, read_table


class _Service(Row):
    id: str
    hook: str
    hook_version: str
    title: str
    description: str
    usage_requirements: str
    needs: Items[str]
    drafts: Items[str] = ()
    prefetch: dict[str, str] = Field(default={})
    optional: bool = False


class _Services(Row):
    cds_hooks: QuotedCode
    services: Items[_Service]
    prefetch: dict[str, str]
    required: str


@dataclass(frozen=True)
class Service:
    """One CDS service: its id, the hook names it answers to, what its context must hold, and which drafts it may."""

    id: str
    hook: str
    hooks: frozenset[str]
    needs: tuple[str, ...]
    drafts: tuple[str, ...]
    listing: Mapping[str, Any]


@dataclass(frozen=True)
class Offer:
    """All services by id, the prefetch templates of all of them, and the one key they cannot do without."""

    services: Mapping[str, Service]
    prefetch: Mapping[str, str]
    required: str

    @property
    def reads(self) -> Mapping[str, str]:
        """The templates that read one resource by its id; the others search."""
        return {key: template for key, template in self.prefetch.items() if "?" not in template}

    def listing(self) -> dict[str, Any]:
        """The body of `GET /cds-services` (CDS Hooks 2.0, Discovery)."""
        return {"services": [dict(service.listing) for service in self.services.values()]}


def load_offer(  # noqa: PLR0913 - each is a setting of the site
    folder: Path,
    *,
    base: str,
    hook_name: str,
    aliases: tuple[str, ...],
    optional: frozenset[str] = frozenset(),
    version: Literal["2.0", "3.0"] = "2.0",
) -> Offer:
    """Read `services.yaml`.

    Parameters: `base` of telecode's own code systems; `hook_name` and `aliases` of the note-sign hook; the hooks whose
    `optional` services are on; `version` of CDS Hooks to list for: 3.0 names versions, which 2.0 does not know.
    Raises TableError with file and line.
    """
    table = read_table(folder / "services.yaml", root=folder).as_model(_Services)
    shared = {key: template.replace("{base}", base) for key, template in table.prefetch.items()}
    prefetch = dict(shared)
    services = {}
    for row in table.services:
        if row.optional and row.hook not in optional:
            continue
        own = row.hook == "note-sign"
        hook = hook_name if own else row.hook
        listing = {
            "hook": hook,
            "title": row.title,
            "description": row.description,
            "id": row.id,
            "prefetch": shared | row.prefetch,
            "usageRequirements": row.usage_requirements,
        }
        if version == "3.0":
            listing |= {"version": table.cds_hooks, "hookVersion": row.hook_version}
        prefetch |= row.prefetch
        hooks = frozenset((hook, *(aliases if own else ())))
        services[row.id] = Service(row.id, hook, hooks, row.needs, row.drafts, listing)
    return Offer(services, prefetch, table.required)
