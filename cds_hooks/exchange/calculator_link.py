"""The link from a card to the calculator: the facts that the code rests on, and nothing of the patient."""

from __future__ import annotations

from cds_hooks.coding.policy import PolicyBook
from cds_hooks.exchange.facts_json import FactsRefused, read_facts
from cds_hooks.exchange.facts_out import facts_as_json
from cds_hooks.exchange.facts_query import write_query
from fhir_mapping.facts import EncounterFacts


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
    body = {name: fact["value"] for name, fact in facts_as_json(facts).items()}
    body["service_date"] = since.isoformat()
    body["payers"] = [payer for payer in body["payers"] or () if payer in book.selectable_payers()] or None
    del body["related_visit" if body["related_visit_days_ago"] is not False else "related_visit_days_ago"]
    try:
        read_facts(body, book)
    except FactsRefused:  # a chart may say what no form takes: more minutes than a day has, a code that is none
        return None
    return f"{address}/calculator?{write_query(body)}"
