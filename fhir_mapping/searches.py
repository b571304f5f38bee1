"""Tells whether what an EHR answered to a search is all there is: only then may something not found count as absent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qsl

from fhir_mapping.facts import Evidence, How
from fhir_mapping.moments import moment_or_none
from fhir_mapping.resources import Json, quote, record, records, text
from fhir_mapping.sent import resources_in

_HARMLESS = {"patient", "subject", "_count", "_sort", "_format", "_total", "_include", "_revinclude", "_summary"}
_FROM, _TO = {"ge", "gt"}, {"le", "lt"}
_BESIDE = {"include", "outcome"}
_NESTED = 3


@dataclass(frozen=True, slots=True)
class Search:
    """One searchset: the type it searched, the parameters that narrowed it, and whether it came whole."""

    kind: str
    narrowed: tuple[tuple[str, str], ...]
    whole: bool
    matches: int

    def covers(self, first: date, last: date) -> bool:
        """Whether the search came whole and left out nothing between two days."""
        return self.whole and all(_harmless(name, value, first, last) for name, value in self.narrowed)


def searches(resources: Iterable[object]) -> tuple[Search, ...]:
    """List the searchsets among the values of a prefetch."""
    found: list[Search] = []
    for value in resources:
        _list_searches(record(value), 0, found)
    return tuple(found)


def is_empty(value: object) -> bool:
    """Whether what an EHR sent for a key holds no record at all: nothing, a complaint, or a search that found none."""
    match record(value).get("resourceType"):
        case "Bundle":
            return not records(record(value).get("entry"))
        case _:
            return not any(resources_in(value))


def complete_search(known: Iterable[Search], kind: str, first: date, last: date) -> Evidence | None:
    """Evidence that a search for `kind` came whole over the days `first` to `last`, if one did."""
    found = next((search for search in known if search.kind == kind and search.covers(first, last)), None)
    if found is None:
        return None
    said = f"{found.matches} found since {first.isoformat()}, none of this practice"
    return Evidence(f"a search for {quote(kind)}", "Bundle", said, How.DERIVED)


def _list_searches(resource: Json, depth: int, found: list[Search]) -> None:
    if resource.get("resourceType") != "Bundle" or depth > _NESTED:
        return
    matches, kinds, failed = 0, set(), False
    for entry in records(resource.get("entry")):
        inner = record(entry.get("resource"))
        kind = inner.get("resourceType")
        if kind == "Bundle":
            _list_searches(inner, depth + 1, found)
        failed = failed or kind == "OperationOutcome"
        if text(record(entry.get("search")).get("mode")) not in _BESIDE:
            matches += 1
            kinds.add(text(kind))
    links = {text(link.get("relation")): text(link.get("url")) for link in records(resource.get("link"))}
    path, _, query = links.get("self", "").partition("?")
    searched = path.rstrip("/").rpartition("/")[2] or (kinds.pop() if len(kinds) == 1 else "")
    total = resource.get("total")
    whole = "next" not in links and not failed and not (isinstance(total, int) and total > matches)
    found.append(Search(searched, tuple(parse_qsl(query)), whole, matches))


def _harmless(name: str, value: str, first: date, last: date) -> bool:
    if name in _HARMLESS:
        return True
    bound = moment_or_none(value[2:])
    if name != "date" or bound is None:
        return False
    return (value[:2] in _FROM and bound.day <= first) or (value[:2] in _TO and bound.day >= last)
