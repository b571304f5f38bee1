"""The link from a card to the calculator: the facts that the code rests on, and nothing of the patient."""

from __future__ import annotations

from pydantic import ValidationError

from cds_hooks.coding.policy import PolicyBook
from cds_hooks.exchange.facts_json import FactsJson
from cds_hooks.exchange.facts_out import plain
from cds_hooks.exchange.facts_query import write_query
from fhir_mapping.facts import NO_RELATED_VISIT, EncounterFacts

TOLD = tuple(name for name in EncounterFacts.__slots__ if name != "notes")


def calculator_link(facts: EncounterFacts, book: PolicyBook, address: str) -> str | None:
    """The calculator's address with the facts of a visit, or `None` where they cannot be told there.

    Parameters: `facts`, of which only the values are told, as the API names them; `address`, the public one of the
    service. Instead of the date of service stands the day since which the rules of that date hold: it selects the
    same code and dates nobody.
    """
    day = facts.service_date.value
    since = book.unchanged_since(day) if day else None
    if since is None:
        return None
    body = {name: plain(value) for name in TOLD if (value := getattr(facts, name).value) is not None}
    body["service_date"] = since.isoformat()
    named = body.get("payers", ())
    body["payers"] = [name for name in named if name in book.payers and book.payers[name].selectable] or None
    days = body.pop("related_visit_days", None)
    if days == NO_RELATED_VISIT:
        body["related_visit"] = False
    elif days is not None:
        body["related_visit_days_ago"] = days
    try:
        FactsJson.model_validate(body)
    except ValidationError:  # a chart may say what no form takes: more minutes than a day has, a code that is none
        return None
    return f"{address}/calculator?{write_query(body)}"
