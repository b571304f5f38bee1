"""What an EHR takes of a card: some want a claim to accept, some an order of their own list, some text alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cds_hooks.coding.citation import Items
from fhir_mapping.tables import Code, QuotedCode, Row, Source, read_table

GENERIC = "generic"
"""The profile that a site's own starts from, if it names no other."""


class PreferenceList(Row):
    """An EHR's own list of what can be ordered: its code system, and the key of each billing code in it."""

    system: str
    keys: dict[Code, QuotedCode]


class ClientProfile(Row):
    """What one kind of EHR takes.

    `action_resource` is what a suggestion creates, `preference_list` the only codes by which it can be ordered, and
    `one_action` whether a suggestion may do no more than one thing. `suggestions` are `all`, those `with_actions`, or
    `none`. `triggers` are the trigger actions for which patient-view is answered, or `None` for
    any. `latest_visit`
    answers patient-view without an encounter for the patient's latest telehealth visit. `prefetch_aliases` lead from
    an EHR's own keys to ours. `longest_token_life` is in seconds, `longest_detail` in characters.
    """

    sources: Annotated[list[Source], Field(min_length=1)]
    action_resource: Literal["claim", "chargeitem", "servicerequest", "none"]
    preference_list: PreferenceList | None
    one_action: bool
    suggestions: Literal["all", "with_actions", "none"]
    selection_behavior: Literal["at-most-one", "any"]
    recommend: bool
    links: bool
    override_reasons: Literal["coded", "none"]
    extension: bool
    triggers: Items[QuotedCode] | None
    latest_visit: bool
    prefetch_aliases: dict[str, str]
    longest_token_life: Annotated[int, Field(ge=60, le=86_400)]
    longest_detail: Annotated[int, Field(ge=400)] | None

    @model_validator(mode="after")
    def _can_hold_a_prolonged_service(self) -> ClientProfile:
        if self.one_action and self.selection_behavior != "any" and self.action_resource not in {"claim", "none"}:
            raise PydanticCustomError(
                "one_action", "with one action a suggestion, a prolonged service needs a suggestion beside the visit's"
            )
        return self

    @model_validator(mode="after")
    def _orders_from_its_list(self) -> ClientProfile:
        if self.preference_list is not None and self.action_resource != "servicerequest":
            raise PydanticCustomError("preference_list", "only a servicerequest is ordered from a preference list")
        return self

    def own_keys(self, prefetch: Mapping[str, Any]) -> dict[str, Any]:
        """A prefetch under our keys; what was sent under ours stays."""
        renamed = {self.prefetch_aliases.get(key, key): value for key, value in prefetch.items()}
        return renamed | {key: value for key, value in prefetch.items() if key not in self.prefetch_aliases}


class _Profiles(Row):
    clients: dict[str, ClientProfile]


def load_profiles(folder: Path, *, site: Path | None = None) -> dict[str, ClientProfile]:
    """Read the profiles of `clients/`, then those of `site`, one file whose members go before ours.

    Raises TableError, with file and line.
    """
    own = {path.stem: read_table(path, root=folder) for path in sorted((folder / "clients").glob("*.yaml"))}
    found = {name: table.as_model(ClientProfile) for name, table in own.items()}
    if site is None:
        return found
    table = read_table(site)
    said = table.data.get("clients") if isinstance(table.data, dict) else None
    if not isinstance(said, dict) or not all(isinstance(change, dict) for change in said.values()):
        raise table.error(("clients",), "a file of client profiles holds a mapping `clients`, of names to members")
    whole = {}
    for name, change in said.items():
        like = str(change.get("like", name if name in own else GENERIC))
        if like not in own:
            raise table.error(
                ("clients", name, "like"), f"there is no client profile {like}; known are {', '.join(own)}"
            )
        whole[name] = {**own[like].data, **{key: value for key, value in change.items() if key != "like"}}
    return found | replace(table, data={"clients": whole}).as_model(_Profiles).clients
