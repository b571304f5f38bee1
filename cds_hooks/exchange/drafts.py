"""The drafts that an EHR sends in a hook's context: whatever of them names no visit is of the visit that is signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
VISIT_ELEMENTS = {
    "ChargeItem": ("context", "encounter"),
    "Composition": ("encounter",),
    "ServiceRequest": ("encounter",),
}
"""Where a draft names its visit; ChargeItem by another name in R5."""


def of_visit(bundle: Mapping[str, Any], encounter_id: str) -> Json:
    """The Bundle of drafts, each with its visit.

    Parameters: `encounter_id`, of the context. Anything of odd shape is left as it is, for the readers to pass over.
    """
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        return dict(bundle)
    return {**bundle, "entry": [_entry(entry, {"reference": f"Encounter/{encounter_id}"}) for entry in entries]}


def _entry(entry: object, visit: Json) -> object:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(resource, dict):
        return entry
    return {**entry, "resource": _with_visit(resource, visit)}


def _with_visit(draft: Json, visit: Json) -> Json:
    kind = draft.get("resourceType")
    if kind == "DocumentReference":
        context = draft.get("context") or {}
        if not isinstance(context, dict) or context.get("encounter"):  # in R5 the context itself is the visits
            return draft
        return {**draft, "context": {**context, "encounter": [visit]}}
    elements = VISIT_ELEMENTS.get(kind) if isinstance(kind, str) else None
    if elements is None or any(draft.get(element) for element in elements):
        return draft
    return {**draft, elements[0]: visit}
