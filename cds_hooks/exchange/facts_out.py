"""The facts of a visit as JSON: each with its value, its evidence, and what contradicts it."""

from typing import Any

from fhir_mapping.facts import NO_RELATED_VISIT, EncounterFacts, Evidence, Fact, MdmElements, SameDayVisit


def facts_as_json(facts: EncounterFacts) -> dict[str, Any]:
    """Every fact under its name in the API, in the shape that `explain` answers with."""
    found = {name: _fact(getattr(facts, name)) for name in EncounterFacts.__slots__ if name != "notes"}
    related = found.pop("related_visit_days")
    days = related["value"]
    none = days == NO_RELATED_VISIT
    found["related_visit"] = {**related, "value": None if days is None else not none}
    found["related_visit_days_ago"] = {**related, "value": False if none else days}
    return found


def _fact(fact: Fact[Any]) -> dict[str, Any]:
    return {
        "value": plain(fact.value),
        "evidence": [_evidence(piece) for piece in fact.evidence],
        "conflict": [{"value": plain(r.value), "evidence": _evidence(r.evidence)} for r in fact.conflict],
        "why_unknown": fact.why_unknown,
        "notes": list(fact.notes),
    }


def _evidence(piece: Evidence) -> dict[str, str]:
    return {"resource": piece.resource, "path": piece.path, "said": piece.said, "how": piece.how}


def plain(value: Any) -> Any:  # noqa: ANN401 - a fact of any kind
    """A fact's value as JSON writes it."""
    if isinstance(value, MdmElements | SameDayVisit):
        return {name: getattr(value, name) for name in value.__slots__}
    return list(value) if isinstance(value, tuple) else value
